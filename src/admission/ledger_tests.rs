//! Claims are granted together or not at all, and money is never spent twice.

use std::sync::Mutex;

use chrono_tz::UTC;
use modelgate_domain::{ApiKeyId, LimitScope, ModelId, Period, RequestId};
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_800_000_000_000;

fn times(now_ms: i64) -> Times {
    Times {
        now_ms,
        started_ms: now_ms,
    }
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

fn budget(amount: i64) -> Limit {
    Limit {
        currency: Currency::parse("USD").unwrap(),
        period: Some(Period::Day),
        ..limit(LimitScope::ApiKey, LimitKind::Budget, amount)
    }
}

fn claim(limit: &Limit, need: i64) -> Claim<'_> {
    Claim {
        limit,
        amount: limit.amount,
        need,
        least: need,
    }
}

fn usd(nanos: i64, currency: &Currency) -> Close<'_> {
    Close {
        now_ms: NOW,
        cost: Some((nanos, currency)),
        ..Close::default()
    }
}

#[test]
fn a_refusal_by_one_limit_burns_none_of_the_others() {
    let ledger = Ledger::new(UTC, Sharing::new(None));
    let rpm = limit(LimitScope::Model, LimitKind::Rpm, 10);
    let places = limit(LimitScope::User, LimitKind::Concurrency, 1);
    let money = budget(100);
    let all = || vec![claim(&money, 30), claim(&rpm, 1), claim(&places, 1)];
    let mut first = ledger.take(&mut all(), times(NOW)).unwrap();
    let denied = ledger.take(&mut all(), times(NOW)).unwrap_err();
    assert_eq!(
        (denied.limit.kind, denied.used),
        (LimitKind::Concurrency, 1)
    );
    assert_eq!(denied.rates.requests.unwrap().remaining, 9);
    let used = |limit| ledger.used(limit, NOW);
    assert_eq!((used(&rpm), used(&places), used(&money)), (1, 1, 30));
    first.close(&usd(12, &money.currency));
    assert_eq!((used(&rpm), used(&places), used(&money)), (1, 0, 12));
    let undone = Close {
        undone: true,
        ..Close::default()
    };
    ledger.take(&mut all(), times(NOW)).unwrap().close(&undone);
    assert_eq!((used(&rpm), used(&places), used(&money)), (1, 0, 12));
    drop(ledger.take(&mut all(), times(NOW)).unwrap());
    assert_eq!((used(&rpm), used(&places), used(&money)), (2, 0, 12));
}

#[test]
fn tokens_are_held_back_by_estimate_and_counted_by_usage() {
    let ledger = Ledger::new(UTC, Sharing::new(None));
    let tpm = limit(LimitScope::ApiKey, LimitKind::Tpm, 1_000);
    let ends = |tokens, later| Close {
        now_ms: NOW + later,
        tokens,
        ..Close::default()
    };
    let mut call = ledger
        .take(&mut vec![claim(&tpm, 600)], times(NOW))
        .unwrap();
    assert_eq!(call.rates.tokens.unwrap().remaining, 400);
    let denied = ledger
        .take(&mut vec![claim(&tpm, 500)], times(NOW + 2_000))
        .unwrap_err();
    assert_eq!(denied.wait_ms, Some(59_000));
    call.close(&ends(100, 2_000));
    assert_eq!(ledger.used(&tpm, NOW + 2_000), 100);
    let mut call = ledger
        .take(&mut vec![claim(&tpm, 500)], times(NOW + 2_000))
        .unwrap();
    call.close(&ends(950, 30_000));
    assert_eq!(
        ledger.used(&tpm, NOW + 30_000),
        1_050,
        "what was used counts, also above the limit"
    );
    assert_eq!(
        ledger.used(&tpm, NOW + 63_000),
        450,
        "the rest counts from when it was known"
    );
}

#[test]
fn meters_outlive_a_configuration_and_a_changed_amount_holds_at_once() {
    let ledger = Ledger::new(UTC, Sharing::new(None));
    let mut rpm = limit(LimitScope::ApiKey, LimitKind::Rpm, 2);
    ledger.adopt(&[&rpm].into_iter(), NOW);
    for _ in 0..2 {
        drop(ledger.take(&mut vec![claim(&rpm, 1)], times(NOW)).unwrap());
    }
    assert!(ledger.take(&mut vec![claim(&rpm, 1)], times(NOW)).is_err());
    rpm.amount = 3;
    ledger.adopt(&[&rpm].into_iter(), NOW);
    drop(ledger.take(&mut vec![claim(&rpm, 1)], times(NOW)).unwrap());
    assert!(ledger.take(&mut vec![claim(&rpm, 1)], times(NOW)).is_err());
    ledger.adopt(&[].into_iter(), NOW);
    assert_eq!(
        ledger.used(&rpm, NOW),
        3,
        "taking a limit away and putting it back opens nothing"
    );
    ledger.adopt(&[].into_iter(), NOW + 61_000);
    assert!(ledger.cells.load().is_empty());
}

#[test]
fn a_limit_that_observes_notes_what_it_would_have_refused() {
    let ledger = Ledger::new(UTC, Sharing::new(None));
    let mut rpm = limit(LimitScope::ApiKey, LimitKind::Rpm, 1);
    rpm.mode = LimitMode::Observe;
    let first = ledger.take(&mut vec![claim(&rpm, 1)], times(NOW)).unwrap();
    assert!(first.observed.is_empty() && first.rates.requests.is_none());
    let second = ledger.take(&mut vec![claim(&rpm, 1)], times(NOW)).unwrap();
    assert_eq!(second.observed.len(), 1);
    assert_eq!(second.observed[0].used, 1);
    assert_eq!(ledger.used(&rpm, NOW), 2);
}

#[test]
fn a_guess_is_content_with_what_is_left_and_lets_nobody_else_in() {
    let ledger = Ledger::new(UTC, Sharing::new(None));
    let money = budget(100);
    let guess = Claim {
        need: 500,
        least: 10,
        limit: &money,
        amount: money.amount,
    };
    let mut first = ledger.take(&mut vec![guess], times(NOW)).unwrap();
    assert_eq!(ledger.used(&money, NOW), 100);
    assert!(ledger.take(&mut vec![guess], times(NOW)).is_err());
    first.close(&usd(95, &money.currency));
    let denied = ledger.take(&mut vec![guess], times(NOW)).unwrap_err();
    assert_eq!(denied.used, 95, "too little is left for the prompt alone");
    let free = ledger.take(&mut vec![claim(&money, 0)], times(NOW));
    assert!(free.is_ok(), "what costs nothing passes");
}

#[derive(Clone, Debug)]
enum Step {
    Begin { reserve: i64, cost: i64 },
    End(usize),
    Drain,
    Poll,
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_i64..60, 0_i64..90).prop_map(|(reserve, cost)| Step::Begin { reserve, cost }),
        3 => (0_usize..50).prop_map(Step::End),
        1 => Just(Step::Drain),
        1 => Just(Step::Poll),
    ]
}

proptest! {
    /// Calls begin and end in any order, their records reach the database in between, and the database's sums come
    /// back early or late: what is spent never passes the budget by more than calls cost beyond what was held back
    /// for them, and nothing that was spent is ever forgotten.
    #[test]
    fn no_order_of_events_overspends_a_budget(
        amount in 1_i64..400,
        steps in prop::collection::vec(a_step(), 1..200),
    ) {
        let (ledger, money) = (Ledger::new(UTC, Sharing::new(None)), budget(amount));
        ledger.adopt(&[&money].into_iter(), NOW);
        let mut running: Vec<(Receipt, i64, i64)> = Vec::new();
        let (mut journal, mut stored) = (Vec::new(), 0);
        let (mut settled, mut overshoot) = (0, 0);
        let sum = |spent_nanos| BudgetSum {
            scope: money.scope,
            scope_id: 1,
            model_id: ModelId::NONE,
            currency: money.currency.clone(),
            period: Period::Day,
            start_ms: Period::Day.bounds(UTC, NOW).start_ms,
            spent_nanos,
        };
        for step in steps {
            match step {
                Step::Begin { reserve, cost } => {
                    if let Ok(receipt) = ledger.take(&mut vec![claim(&money, reserve)], times(NOW)) {
                        running.push((receipt, reserve, if reserve == 0 { 0 } else { cost }));
                    }
                }
                Step::End(at) if !running.is_empty() => {
                    let (mut receipt, reserve, cost) = running.swap_remove(at % running.len());
                    receipt.close(&usd(cost, &money.currency));
                    journal.push(cost);
                    settled += cost;
                    overshoot += (cost - reserve).max(0);
                }
                Step::End(_) => {}
                Step::Drain => {
                    let costs: Vec<i64> = std::mem::take(&mut journal);
                    stored += costs.iter().sum::<i64>();
                    ledger.learn(&[sum(stored)]);
                    for cost in costs {
                        ledger.drained(&RequestRecord {
                            id: RequestId(1),
                            api_key_id: ApiKeyId(1),
                            started_ms: NOW,
                            cost_nanos: Some(cost),
                            currency: money.currency.clone(),
                            ..RequestRecord::default()
                        });
                    }
                }
                Step::Poll => ledger.learn(&[sum(stored)]),
            }
            let held: i64 = running.iter().map(|(_, reserve, _)| reserve).sum();
            prop_assert_eq!(ledger.used(&money, NOW), settled + held);
            prop_assert!(settled <= amount + overshoot, "{settled} of {amount} + {overshoot}");
        }
    }
}

#[test]
fn threads_at_once_do_not_overspend_either() {
    let (ledger, money) = (Ledger::new(UTC, Sharing::new(None)), budget(10_000));
    let spent = Mutex::new((0, 0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (ledger, money, spent) = (&ledger, &money, &spent);
            scope.spawn(move || {
                for n in 0..500 {
                    let (reserve, cost) = (10 + (n * 7 + thread) % 20, (n * 13 + thread) % 40);
                    let Ok(mut call) = ledger.take(&mut vec![claim(money, reserve)], times(NOW))
                    else {
                        continue;
                    };
                    std::thread::yield_now();
                    call.close(&usd(cost, &money.currency));
                    let mut spent = spent.lock().unwrap();
                    spent.0 += cost;
                    spent.1 += (cost - reserve).max(0);
                }
            });
        }
    });
    let (settled, overshoot) = *spent.lock().unwrap();
    assert!(settled <= 10_000 + overshoot, "{settled} and {overshoot}");
    assert!(
        settled > 9_900,
        "the budget was there to be spent: {settled}"
    );
    assert_eq!(ledger.used(&money, NOW), settled);
}
