//! What a call is asked, what it holds, and what it gives back.

use chrono_tz::UTC;
use futures_util::FutureExt as _;
use modelgate_domain::{LimitMode, LimitScope, Period};

use super::*;
use crate::admission::{Figure, KeyLive};
use crate::catalog::fixtures::Build;

const NOW: i64 = 1_800_000_000_000;

fn ask<'a>(key: &'a ApiKey, resolved: &'a Resolved, prompt: i64) -> Ask<'a> {
    Ask {
        key,
        resolved,
        stream: false,
        weight: Weight {
            prompt,
            max_output: None,
            choices: 1,
        },
        address: None,
        started_ms: NOW,
        now_ms: NOW,
    }
}

/// Without other instances nothing is waited for.
fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("nobody is asked")
}

fn admit(admission: &Admission, ask: &Ask<'_>) -> Result<Permit, Box<Refusal>> {
    now(admission.admit(ask))
}

fn limit(scope: LimitScope, kind: LimitKind, amount: i64) -> Limit {
    Limit {
        scope,
        scope_id: 1,
        model_id: ModelId::NONE,
        kind,
        amount,
        currency: Currency::unpriced(),
        period: None,
        mode: LimitMode::Enforce,
    }
}

fn catalog() -> Catalog {
    Build::new()
        .provider(1, "acme")
        .model(1, "gpt-x", &[1])
        .model(2, "gpt-y", &[1])
        .done()
}

#[test]
fn a_permit_counts_until_it_is_dropped_and_a_refusal_never_counts() {
    let catalog = catalog();
    let resolved = catalog.resolve("gpt-x").unwrap();
    let key = Build::key();
    let admission = Admission::new(UTC);
    let plain = admit(&admission, &ask(&key, &resolved, 1)).unwrap();
    let streaming = Ask {
        stream: true,
        ..ask(&key, &resolved, 1)
    };
    let stream = admit(&admission, &streaming).unwrap();
    let live = KeyLive {
        active_requests: 2,
        active_streams: 1,
    };
    assert_eq!(admission.live().by_key, [(ApiKeyId(1), live)]);
    assert_eq!(admission.live().active_streams, 1);
    let barred = Build::key_only(&[], &[]);
    let refused = admit(&admission, &ask(&barred, &resolved, 1));
    assert_eq!(refused.unwrap_err().code, "model_not_allowed");
    assert_eq!(admission.live().active_requests, 2);
    drop(stream);
    assert_eq!(admission.live().active_streams, 0);
    drop(plain);
    assert_eq!(admission.live(), LiveCounters::default());
}

#[test]
fn limits_of_key_account_and_model_all_count_and_those_of_other_models_do_not() {
    let catalog = catalog();
    let (x, y) = (
        catalog.resolve("gpt-x").unwrap(),
        catalog.resolve("gpt-y").unwrap(),
    );
    let mut key = Build::key();
    let mut pair = limit(LimitScope::ApiKey, LimitKind::Rpm, 1);
    pair.model_id = x.model.id;
    key.limits = vec![pair.clone()];
    key.user_limits = vec![limit(LimitScope::User, LimitKind::Rpm, 2)].into();
    let admission = Admission::new(UTC);
    let admit = |resolved| {
        let admitted = admit(&admission, &ask(&key, resolved, 1));
        admitted.map(|permit| permit.rates().requests.unwrap().remaining)
    };
    assert_eq!(admit(&x).unwrap(), 0);
    let refused = admit(&x).unwrap_err();
    assert_eq!(
        (refused.scope, refused.rule, refused.status),
        ("api_key", "rpm", 429)
    );
    assert_eq!(
        (&refused.limit, &refused.used),
        (&Some(Figure::Count(1)), &Some(Figure::Count(1)))
    );
    assert!(refused.message.contains("1 requests a minute"));
    assert_eq!(refused.retry_after_s, Some(60));
    assert_eq!(admit(&y).unwrap(), 0);
    assert_eq!(admit(&y).unwrap_err().scope, "user");
}

#[test]
fn another_model_adds_its_own_limits_and_counts_nothing_twice() {
    let mut catalog = catalog();
    let mut y = limit(LimitScope::Model, LimitKind::Concurrency, 1);
    y.scope_id = 2;
    let changed = catalog.models.get_mut("gpt-y").unwrap();
    Arc::get_mut(changed).unwrap().limits = vec![y.clone()];
    let (x, resolved) = (
        catalog.resolve("gpt-x").unwrap(),
        catalog.resolve("gpt-y").unwrap(),
    );
    let mut key = Build::key();
    let rpm = limit(LimitScope::ApiKey, LimitKind::Rpm, 5);
    key.limits = vec![rpm.clone()];
    let admission = Admission::new(UTC);
    let mut first = admit(&admission, &ask(&key, &x, 1)).unwrap();
    now(admission.admit_as_well(&mut first, &ask(&key, &resolved, 1))).unwrap();
    assert_eq!(
        (
            admission.shared.ledger.used(&rpm, NOW),
            admission.shared.ledger.used(&y, NOW)
        ),
        (1, 1)
    );
    let mut second = admit(&admission, &ask(&key, &x, 1)).unwrap();
    let refused = now(admission.admit_as_well(&mut second, &ask(&key, &resolved, 1))).unwrap_err();
    assert_eq!((refused.scope, refused.rule), ("model", "concurrency"));
    drop(first);
    assert_eq!(
        (
            admission.shared.ledger.used(&rpm, NOW),
            admission.shared.ledger.used(&y, NOW)
        ),
        (2, 0)
    );
}

#[test]
fn an_estimate_learns_from_answers_and_never_locks_a_key_out_for_good() {
    let catalog = catalog();
    let resolved = catalog.resolve("gpt-x").unwrap();
    let mut key = Build::key();
    let tpm = limit(LimitScope::ApiKey, LimitKind::Tpm, 500);
    key.limits = vec![tpm.clone()];
    let admission = Admission::new(UTC);
    let used = |usage: &Usage| {
        let mut permit = admit(&admission, &ask(&key, &resolved, 10)).unwrap();
        let held = admission.shared.ledger.used(&tpm, NOW);
        permit.settle(&Used {
            usage,
            cost: None,
            called: true,
            whole: true,
            now_ms: NOW,
        });
        held
    };
    assert_eq!(
        used(&Usage::from_openai(10, 0, 12, 0)),
        500,
        "unknown: all there is"
    );
    assert_eq!(used(&Usage::from_openai(10, 0, 12, 0)), 22 + 22, "learnt");
    assert_eq!(admission.shared.ledger.used(&tpm, NOW), 44);
    let huge = admit(&admission, &ask(&key, &resolved, 501)).unwrap_err();
    assert_eq!((huge.rule, huge.retry_after_s), ("tpm", None));
}

fn price(currency: &str, output: i64) -> Price {
    Price {
        id: modelgate_domain::PriceId(1),
        currency: Currency::parse(currency).unwrap(),
        input: 1_000_000_000,
        cached_input: None,
        cache_write: None,
        output,
        reasoning: None,
        per_request_nanos: 0,
        effective_from_ms: 0,
    }
}

#[test]
fn a_budget_holds_back_the_dearest_price_of_its_own_currency() {
    let mut catalog = catalog();
    let model = Arc::get_mut(catalog.models.get_mut("gpt-x").unwrap()).unwrap();
    model.prices = vec![price("USD", 2_000_000_000)];
    let (x, y) = (
        catalog.resolve("gpt-x").unwrap(),
        catalog.resolve("gpt-y").unwrap(),
    );
    let money = |currency: &str| Limit {
        currency: Currency::parse(currency).unwrap(),
        period: Some(Period::Day),
        ..limit(LimitScope::ApiKey, LimitKind::Budget, 5_000_000)
    };
    let mut key = Build::key();
    key.limits = vec![money("USD"), money("CNY")];
    let admission = Admission::new(UTC);
    let permit = admit(&admission, &ask(&key, &x, 100)).unwrap();
    let held = 100 * 1_000 + 1_024 * 2_000;
    assert_eq!(admission.shared.ledger.used(&money("USD"), NOW), held);
    assert_eq!(admission.shared.ledger.used(&money("CNY"), NOW), 0);
    drop(permit);
    assert_eq!(admission.shared.ledger.used(&money("USD"), NOW), 0);
    assert!(admit(&admission, &ask(&key, &y, 100)).is_ok());
    admission.set_policy(Policy {
        refuse_unpriced: true,
        ..Policy::default()
    });
    assert!(admit(&admission, &ask(&key, &x, 100)).is_ok());
    let refused = admit(&admission, &ask(&key, &y, 100)).unwrap_err();
    assert_eq!((refused.status, refused.code), (402, "model_unpriced"));
    assert!(
        admit(&admission, &ask(&Build::key(), &y, 100)).is_ok(),
        "no budget, no question"
    );
}

#[test]
fn a_dearer_model_that_takes_over_holds_back_the_difference_and_is_paid_once() {
    let mut catalog = catalog();
    for (name, output) in [("gpt-x", 1_000_000_000), ("gpt-y", 3_000_000_000)] {
        let model = Arc::get_mut(catalog.models.get_mut(name).unwrap()).unwrap();
        model.prices = vec![price("USD", output)];
    }
    let (x, y) = (
        catalog.resolve("gpt-x").unwrap(),
        catalog.resolve("gpt-y").unwrap(),
    );
    let mut key = Build::key();
    let money = Limit {
        currency: Currency::parse("USD").unwrap(),
        period: Some(Period::Day),
        ..limit(LimitScope::ApiKey, LimitKind::Budget, 10_000_000)
    };
    let of_asked = Limit {
        model_id: x.model.id,
        ..money.clone()
    };
    key.limits = vec![money.clone(), of_asked.clone()];
    let admission = Admission::new(UTC);
    let mut permit = admit(&admission, &ask(&key, &x, 0)).unwrap();
    assert_eq!(admission.shared.ledger.used(&money, NOW), 1_024 * 1_000);
    let takes_over = now(admission.admit_as_well(&mut permit, &ask(&key, &y, 0)));
    assert!(takes_over.is_ok());
    assert_eq!(admission.shared.ledger.used(&money, NOW), 1_024 * 3_000);
    permit.settle(&Used {
        usage: &Usage::default(),
        cost: Some((500, &money.currency)),
        called: true,
        whole: true,
        now_ms: NOW,
    });
    assert_eq!(admission.shared.ledger.used(&money, NOW), 500);
    assert_eq!(
        admission.shared.ledger.used(&of_asked, NOW),
        0,
        "another model served"
    );
}
