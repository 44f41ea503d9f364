//! What plans promise, on small worlds by hand and on random ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Attempts, Candidate, Ended, Health, Outcome, Plan, PlanRequest, QueueRule, Skip, Why, plan,
};
use crate::catalog::fixtures::{self, Build};
use crate::catalog::{ApiKey, CredentialState, Model, Resolved, Target};
use modelgate_domain::{Busyness, Strategy as ModelStrategy, TargetId};

pub(super) const NOW: i64 = 1_000_000;

pub(super) fn ask<'a>(resolved: &'a Resolved, key: &'a ApiKey, seed: u64) -> PlanRequest<'a> {
    PlanRequest {
        resolved,
        key,
        kind: "chat",
        only: None,
        now_ms: NOW,
        seed,
        turn: 0,
        conversation: None,
        busyness: Busyness::Normal,
    }
}

pub(super) fn shape(plan: &Plan) -> Vec<(i64, i64, &'static str)> {
    plan.attempts
        .iter()
        .map(|c| (c.target.id.0, c.credential.id.0, c.reason))
        .collect()
}

pub(super) fn report(health: &Health, tried: &Candidate, outcome: Outcome) {
    let ended = Ended {
        outcome,
        begun_ms: NOW,
        now_ms: NOW,
        detail: "",
    };
    health.report(tried, &ended);
}

pub(super) fn reasons(plan: &Plan) -> Vec<(i64, &'static str)> {
    plan.skipped
        .iter()
        .map(|s| (s.target.id.0, s.why.code()))
        .collect()
}

/// A model with a target (row = its place from 1) for each `(priority, weight)`, each at a provider
/// of its own (same row) that has two credentials of weight 100 and 0.
fn model_of(targets: &[(i32, u32)]) -> Model {
    let targets = targets.iter().zip(1..).map(|((priority, weight), id)| {
        let mut provider = fixtures::provider(id, &format!("p{id}"));
        let mut never = fixtures::credential(id * 10 + 1);
        never.weight = 0;
        provider.credentials.push(Arc::new(never));
        let mut target = fixtures::target(id, &Arc::new(provider), *priority);
        target.weight = *weight;
        Arc::new(target)
    });
    fixtures::model(1, "m", targets.collect())
}

fn resolved(model: Model) -> Resolved {
    Resolved {
        model: Arc::new(model),
        pinned: None,
    }
}

#[test]
fn priority_goes_before_weight_and_each_attempt_says_why() {
    let catalog = Build::new()
        .provider(1, "a")
        .provider(2, "b")
        .model(1, "m", &[2, 1])
        .model(2, "single", &[1])
        .done();
    let health = Health::new();
    let key = Build::key();
    let plan_of = |name: &str| {
        let resolved = catalog.resolve(name).unwrap();
        shape(&plan(&health, &ask(&resolved, &key, 7)))
    };
    assert_eq!(
        plan_of("m"),
        [(102, 20, "priority"), (101, 10, "next_target")]
    );
    assert_eq!(plan_of("a/m"), [(101, 10, "pinned")]);
    assert_eq!(plan_of("single"), [(201, 10, "only")]);
}

#[test]
fn everything_left_out_is_told_with_its_reason() {
    let mut model = model_of(&[(1, 100), (1, 0), (1, 100), (1, 100), (1, 100)]);
    let change = |model: &mut Model, place: usize, by: &dyn Fn(&mut Target)| {
        let mut target = fixtures::target(0, &Arc::clone(&model.targets[place].provider), 1);
        target.id = model.targets[place].id;
        by(&mut target);
        model.targets[place] = Arc::new(target);
    };
    change(&mut model, 2, &|target| target.enabled = false);
    change(&mut model, 3, &|target| {
        let mut provider = fixtures::provider(4, "p4");
        provider.enabled = false;
        target.provider = Arc::new(provider);
    });
    change(&mut model, 4, &|target| {
        let mut provider = fixtures::provider(5, "p5");
        provider.credentials.clear();
        target.provider = Arc::new(provider);
    });
    let resolved = resolved(model);
    let health = Health::new();
    let made = plan(&health, &ask(&resolved, &Build::key(), 1));
    assert_eq!(shape(&made), [(1, 10, "only")]);
    assert_eq!(
        reasons(&made),
        [
            (2, "weight_zero"),
            (3, "target_disabled"),
            (4, "provider_disabled"),
            (5, "no_credential"),
            (1, "weight_zero"),
        ]
    );
    let key = Build::key_only(&[], &[9]);
    let barred = plan(&health, &ask(&resolved, &key, 1));
    assert!(barred.skipped.iter().all(|s| s.why == Skip::NotAllowed));
    assert_eq!(barred.why_empty(), Why::NotConfigured);
    let wrong = PlanRequest {
        kind: "embedding",
        ..ask(&resolved, &key, 1)
    };
    let wrong = plan(&health, &wrong);
    assert!(wrong.attempts.is_empty());
    assert_eq!(wrong.why_empty(), Why::KindMismatch);
}

#[test]
fn a_stored_state_bars_a_credential_until_its_time_has_passed() {
    let state = |state, until| {
        let mut provider = fixtures::provider(1, "p1");
        let mut credential = fixtures::credential(10);
        credential.state = state;
        credential.state_until_ms = until;
        provider.credentials = vec![Arc::new(credential)];
        let target = Arc::new(fixtures::target(1, &Arc::new(provider), 1));
        let resolved = resolved(fixtures::model(1, "m", vec![target]));
        let made = plan(&Health::new(), &ask(&resolved, &Build::key(), 1));
        match made.skipped.first() {
            None => Ok(made.attempts.len()),
            Some(skipped) => Err((skipped.why.code(), made.why_empty())),
        }
    };
    let later = Some(NOW + 1);
    let until = |until_ms| Why::Resting { until_ms };
    assert_eq!(state(CredentialState::Active, None), Ok(1));
    assert_eq!(state(CredentialState::Cooldown, Some(NOW)), Ok(1));
    assert_eq!(
        state(CredentialState::Cooldown, later),
        Err(("credential_cooling", until(later)))
    );
    assert_eq!(
        state(CredentialState::Exhausted, None),
        Err(("credential_exhausted", until(None)))
    );
    assert_eq!(
        state(CredentialState::Rejected, None),
        Err(("credential_rejected", Why::NotConfigured))
    );
    assert_eq!(state(CredentialState::Rejected, Some(NOW)), Ok(1));
    assert_eq!(
        state(CredentialState::Disabled, Some(NOW)),
        Err(("credential_disabled", Why::NotConfigured))
    );
}

#[tokio::test]
async fn max_concurrency_bars_a_credential_until_a_place_is_free() {
    let mut provider = fixtures::provider(1, "p1");
    let mut credential = fixtures::credential(10);
    credential.max_concurrency = Some(2);
    provider.credentials = vec![Arc::new(credential)];
    let target = Arc::new(fixtures::target(1, &Arc::new(provider), 1));
    let resolved = resolved(fixtures::model(1, "m", vec![target]));
    let health = Health::new();
    let key = Build::key();
    let queue = QueueRule {
        deadline: std::time::Duration::ZERO,
        bound: 1,
    };
    let taken = || async {
        let mut attempts = Attempts::of(plan(&health, &ask(&resolved, &key, 1)));
        let next = attempts.next(&health, key.id, queue, || NOW).await;
        next.unwrap().unwrap().1
    };
    let first = taken().await;
    let second = taken().await;
    let busy = plan(&health, &ask(&resolved, &key, 1));
    assert_eq!(reasons(&busy), [(1, "at_max_concurrency")]);
    assert_eq!((busy.why_empty(), busy.busy.len()), (Why::Busy, 1));
    drop(first);
    assert_eq!(plan(&health, &ask(&resolved, &key, 1)).attempts.len(), 1);
    drop(second);
    assert_eq!(health.in_flight_at(TargetId(1)), 0);
}

#[test]
fn what_the_vendor_will_not_serve_is_not_tried() {
    let resolved = resolved(model_of(&[(1, 100), (2, 100)]));
    let (health, key) = (Health::new(), Build::key());
    let well = plan(&health, &ask(&resolved, &key, 1));
    report(&health, &well.attempts[0], Outcome::Rejected);
    let quota = Outcome::Exhausted {
        retry_after_ms: Some(7_000),
    };
    report(&health, &well.attempts[1], quota);
    let none = plan(&health, &ask(&resolved, &key, 1));
    assert!(none.attempts.is_empty());
    let out: Vec<_> = reasons(&none)
        .into_iter()
        .filter(|(_, why)| *why != "weight_zero")
        .collect();
    assert_eq!(
        out,
        [(1, "credential_rejected"), (2, "credential_exhausted")]
    );
    let until_ms = Some(NOW + 1_000);
    assert_eq!(none.why_empty(), Why::Resting { until_ms });
    let later = PlanRequest {
        now_ms: NOW + 7_000,
        ..ask(&resolved, &key, 1)
    };
    assert_eq!(plan(&health, &later).attempts.len(), 2, "one may try");
}

#[test]
fn a_target_with_a_bound_is_left_out_while_the_gateway_is_busier() {
    let mut model = model_of(&[(1, 100)]);
    let mut target = fixtures::target(1, &Arc::clone(&model.targets[0].provider), 1);
    target.busyness_at_most = Some(Busyness::Idle);
    model.targets[0] = Arc::new(target);
    let resolved = resolved(model);
    let mut key = Build::key();
    let at = |key: &ApiKey, busyness| {
        let request = PlanRequest {
            busyness,
            ..ask(&resolved, key, 1)
        };
        let made = plan(&Health::new(), &request);
        (made.attempts.len(), made.why_empty())
    };
    assert_eq!(at(&key, Busyness::Quiet).0, 1);
    assert_eq!(at(&key, Busyness::Idle).0, 1);
    assert_eq!(at(&key, Busyness::Normal), (0, Why::TooBusy));
    key.bypass_busyness = true;
    assert_eq!(at(&key, Busyness::ExtremelyBusy).0, 1);
}

#[test]
fn the_models_strategy_orders_targets_of_the_same_priority() {
    let (health, key) = (Health::new(), Build::key());
    let model = |strategy, affinity| {
        let mut model = model_of(&[(1, 100), (1, 100), (2, 100)]);
        (model.strategy, model.affinity) = (strategy, affinity);
        resolved(model)
    };
    let first = |resolved: &Resolved, turn, conversation| {
        let request = PlanRequest {
            turn,
            conversation,
            ..ask(resolved, &key, turn)
        };
        let made = plan(&health, &request);
        assert_eq!(made.attempts[2].target.id.0, 3);
        (made.attempts[0].target.id.0, made.attempts[0].reason)
    };
    let turns = model(ModelStrategy::RoundRobin, false);
    let got: Vec<_> = (0..4).map(|turn| first(&turns, turn, None)).collect();
    assert_eq!(got, [(1, "turn"), (2, "turn"), (1, "turn"), (2, "turn")]);
    assert_eq!(health.turn(turns.model.id, true), 0);
    assert_eq!(
        (
            health.turn(turns.model.id, false),
            health.turn(turns.model.id, true)
        ),
        (1, 1)
    );
    let kept = model(ModelStrategy::LeastBusy, true);
    let (home, why) = first(&kept, 1, Some(42));
    assert_eq!(why, "affinity");
    assert!((0..20).all(|turn| first(&kept, turn, Some(42)).0 == home));
    let well = plan(&health, &ask(&kept, &key, 1));
    let there = well
        .attempts
        .iter()
        .find(|c| c.target.id.0 == home)
        .unwrap();
    report(&health, there, Outcome::Unreachable);
    let request = PlanRequest {
        conversation: Some(42),
        ..ask(&kept, &key, 1)
    };
    let away = plan(&health, &request);
    assert_ne!(
        away.attempts[0].target.id.0, home,
        "affinity yields to health"
    );
    assert_eq!(away.attempts[2].target.id.0, home);
}

#[test]
fn what_rests_comes_last_and_the_first_to_recover_before_the_others() {
    let resolved = resolved(model_of(&[(1, 100), (2, 100), (3, 100)]));
    let health = Health::new();
    let key = Build::key();
    let now = plan(&health, &ask(&resolved, &key, 1));
    let limited = |seconds: i64| Outcome::RateLimited {
        retry_after_ms: Some(seconds * 1_000),
    };
    report(&health, &now.attempts[0], limited(9));
    report(&health, &now.attempts[1], limited(4));
    let later = plan(&health, &ask(&resolved, &key, 1));
    assert_eq!(
        shape(&later),
        [
            (3, 30, "priority"),
            (2, 20, "last_resort"),
            (1, 10, "last_resort")
        ]
    );
    let recovered = PlanRequest {
        now_ms: NOW + 9_000,
        ..ask(&resolved, &key, 1)
    };
    assert_eq!(shape(&plan(&health, &recovered)), shape(&now));
}

#[test]
fn weights_are_respected_over_many_seeds() {
    let resolved = resolved(model_of(&[(1, 70), (1, 20), (1, 10), (2, 100)]));
    let (health, key) = (Health::new(), Build::key());
    let mut first: BTreeMap<i64, u32> = BTreeMap::new();
    let mut second_after_1: BTreeMap<i64, u32> = BTreeMap::new();
    for seed in 0..20_000 {
        let made = plan(&health, &ask(&resolved, &key, seed));
        let ids: Vec<i64> = made.attempts.iter().map(|c| c.target.id.0).collect();
        assert_eq!((ids.len(), ids[3]), (4, 4));
        *first.entry(ids[0]).or_default() += 1;
        if ids[0] == 1 {
            *second_after_1.entry(ids[1]).or_default() += 1;
        }
    }
    let near = |got: u32, of: u32, share: f64| {
        let got = f64::from(got) / f64::from(of);
        assert!((got - share).abs() < 0.015, "{got} is not about {share}");
    };
    near(first[&1], 20_000, 0.7);
    near(first[&2], 20_000, 0.2);
    near(first[&3], 20_000, 0.1);
    near(second_after_1[&2], first[&1], 2.0 / 3.0);
}

#[test]
fn credentials_of_one_target_share_by_weight_too() {
    let mut provider = fixtures::provider(1, "p1");
    let mut spare = fixtures::credential(11);
    spare.weight = 25;
    let mut main = fixtures::credential(10);
    main.weight = 75;
    provider.credentials = vec![Arc::new(main), Arc::new(spare)];
    let target = Arc::new(fixtures::target(1, &Arc::new(provider), 1));
    let resolved = resolved(fixtures::model(1, "m", vec![target]));
    let (health, key) = (Health::new(), Build::key());
    let spare_first = (0..10_000)
        .filter(|seed| {
            let made = plan(&health, &ask(&resolved, &key, *seed));
            assert_eq!(made.attempts[1].reason, "next_credential");
            made.attempts[0].credential.id.0 == 11
        })
        .count();
    assert!((2_300..2_700).contains(&spare_first), "{spare_first}");
}
