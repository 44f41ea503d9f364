//! How long trouble lasts, whom it concerns, how it ends, and who hears of it.

use std::sync::Arc;

use super::{Candidate, Ended, Event, Events, Health, Outcome, State, Subject};
use crate::catalog::{Catalog, CredentialState, fixtures};
use modelgate_domain::{ProviderId, ProviderKeyId, Secret, StateBy};

/// Two credentials (10, 11) at two targets (1, 2) of one provider, and one elsewhere.
fn candidates() -> Vec<Candidate> {
    let mut provider = fixtures::provider(1, "p1");
    provider.credentials = vec![
        Arc::new(fixtures::credential(10)),
        Arc::new(fixtures::credential(11)),
    ];
    let here = Arc::new(provider);
    let elsewhere = Arc::new(fixtures::provider(2, "p2"));
    let at = |id, provider, credential: usize| Candidate {
        target: Arc::new(fixtures::target(id, provider, 1)),
        credential: Arc::clone(&provider.credentials[credential]),
        reason: "",
    };
    vec![
        at(1, &here, 0),
        at(1, &here, 1),
        at(2, &here, 0),
        at(2, &here, 1),
        at(3, &elsewhere, 0),
    ]
}

fn report(health: &Health, tried: &Candidate, outcome: Outcome, now_ms: i64) {
    let ended = Ended {
        outcome,
        begun_ms: now_ms,
        now_ms,
        detail: "",
    };
    health.report(tried, &ended);
}

fn limited(ms: i64) -> Outcome {
    Outcome::RateLimited {
        retry_after_ms: Some(ms),
    }
}

fn resting(health: &Health, now_ms: i64) -> Vec<bool> {
    candidates()
        .iter()
        .map(|c| health.resting(c, now_ms).is_some())
        .collect()
}

#[test]
fn trouble_concerns_what_it_says_something_about() {
    let first = &candidates()[0];
    let wait = None;
    for (outcome, concerned) in [
        (Outcome::Served, [false; 5]),
        (Outcome::Answered, [false; 5]),
        (
            Outcome::RateLimited {
                retry_after_ms: wait,
            },
            [true, false, false, false, false],
        ),
        (
            Outcome::Unavailable {
                retry_after_ms: wait,
            },
            [true, false, false, false, false],
        ),
        (
            Outcome::Overloaded {
                retry_after_ms: Some(9),
            },
            [true, false, false, false, false],
        ),
        (Outcome::Forbidden, [true, false, false, false, false]),
        (
            Outcome::AccountLimited {
                retry_after_ms: wait,
            },
            [true, false, true, false, false],
        ),
        (
            Outcome::Exhausted {
                retry_after_ms: wait,
            },
            [true, false, true, false, false],
        ),
        (Outcome::Rejected, [true, false, true, false, false]),
        (Outcome::Unreachable, [true, true, true, true, false]),
    ] {
        let health = Health::new();
        report(&health, first, outcome, 0);
        assert_eq!(resting(&health, 1), concerned, "{outcome:?}");
        report(&health, first, Outcome::Served, 2);
        assert_eq!(resting(&health, 3), [false; 5], "{outcome:?}");
    }
}

#[test]
fn what_a_vendor_asks_for_is_kept_to_the_millisecond_and_bounded() {
    let first = &candidates()[0];
    let health = Health::new();
    report(&health, first, limited(2_500), 1_000);
    assert_eq!(health.resting(first, 3_499).unwrap().until_ms, 3_500);
    assert!(health.resting(first, 3_500).is_none());
    report(&health, first, limited(i64::MAX), 4_000);
    assert_eq!(
        health.resting(first, 4_001).unwrap().until_ms,
        4_000 + 86_400_000
    );
    health.forget(ProviderId(1), &[ProviderKeyId(10)], 4_002);
    report(&health, first, limited(-5), 5_000);
    assert!(health.resting(first, 5_000).is_none());
}

#[test]
fn without_a_hint_rests_double_up_to_a_bound_and_a_served_call_ends_the_row() {
    let first = &candidates()[0];
    let health = Health::new();
    let mut now = 0;
    let mut rests = Vec::new();
    for _ in 0..9 {
        report(&health, first, Outcome::Unreachable, now);
        let until = health.resting(first, now).unwrap().until_ms;
        rests.push(until - now);
        now = until;
    }
    assert_eq!(
        rests,
        [
            1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000
        ]
    );
    report(&health, first, Outcome::Served, now);
    report(&health, first, Outcome::Unreachable, now);
    assert_eq!(health.resting(first, now).unwrap().until_ms - now, 1_000);
}

#[test]
fn one_broken_model_leaves_the_others_alone_and_several_bench_the_vendor() {
    let all = candidates();
    let health = Health::new();
    for ms in 0..100 {
        report(&health, &all[0], Outcome::Failed, ms);
    }
    assert_eq!(resting(&health, 100), [true, false, false, false, false]);
    for ms in 100..103 {
        report(&health, &all[2], Outcome::Failed, ms);
    }
    assert_eq!(
        resting(&health, 103),
        [true, false, true, false, false],
        "the credential fails at every target"
    );
    for ms in 103..106 {
        report(&health, &all[1], Outcome::Failed, ms);
    }
    assert_eq!(resting(&health, 106), [true, true, true, true, false]);
}

#[test]
fn a_provider_that_answers_at_all_can_be_reached() {
    let all = candidates();
    let health = Health::new();
    report(&health, &all[0], Outcome::Unreachable, 0);
    report(&health, &all[1], limited(50), 10);
    assert_eq!(resting(&health, 20), [false, true, false, false, false]);
}

#[test]
fn a_page_sees_the_trouble_of_a_credential_and_an_operator_can_end_it() {
    let all = candidates();
    let health = Health::new();
    report(&health, &all[2], Outcome::Rejected, 0);
    let shown = |id| health.credential_resting(ProviderId(1), ProviderKeyId(id), 1);
    assert_eq!(shown(10).unwrap().reason.code(), "rejected");
    assert_eq!(shown(11), None);
    report(&health, &all[1], Outcome::Unreachable, 0);
    assert_eq!(shown(11).unwrap().reason.code(), "unreachable");
    assert_eq!(health.troubles(ProviderId(1), 1).len(), 2);
    health.forget(ProviderId(1), &[ProviderKeyId(10), ProviderKeyId(11)], 2);
    assert_eq!((shown(10), shown(11)), (None, None));
}

fn heard(events: &mut Events) -> Vec<(State, State, &'static str)> {
    let all = std::iter::from_fn(|| events.try_recv().ok());
    all.map(
        |Event {
             from, to, reason, ..
         }| (from, to, reason),
    )
    .collect()
}

#[test]
fn every_change_of_state_is_told_once() {
    let all = candidates();
    let (health, mut events) = Health::told();
    for ms in 0..50 {
        report(&health, &all[0], Outcome::Failed, ms);
    }
    let rests = (State::Well, State::Resting, "failing");
    assert_eq!(heard(&mut events), [rests]);
    report(&health, &all[0], Outcome::Failed, 2_000);
    assert_eq!(heard(&mut events), [], "it only goes on");
    report(&health, &all[0], Outcome::Served, 9_000);
    let served = (State::Resting, State::Well, "served");
    assert_eq!(heard(&mut events), [served]);
    report(&health, &all[0], Outcome::Rejected, 9_001);
    let rejected = (State::Well, State::Rejected, "rejected");
    assert_eq!(heard(&mut events), [rejected]);
    let subject = Subject {
        provider: ProviderId(1),
        credential: Some(ProviderKeyId(10)),
        target: None,
    };
    let until = |now| health.resting(&all[0], now).unwrap().until_ms - now;
    assert_eq!(until(9_001), 1_000);
    assert!(health.recovered(subject, 10_001));
    assert_eq!(
        heard(&mut events),
        [(State::Rejected, State::Well, "probe")]
    );
    assert_eq!(resting(&health, 10_002), [false; 5]);
    report(&health, &all[0], Outcome::Rejected, 10_003);
    assert_eq!(until(10_003), 30_000, "the probe may have been wrong");
    assert_eq!(heard(&mut events), [rejected]);
    health.still_rejected(subject, 40_003, "");
    assert_eq!(until(40_003), 60_000);
    assert_eq!(
        heard(&mut events),
        [(State::Rejected, State::Rejected, "rejected")],
        "whoever probes has to know"
    );
    health.forget(ProviderId(1), &[ProviderKeyId(10)], 50_000);
    assert_eq!(
        heard(&mut events),
        [(State::Rejected, State::Well, "operator")]
    );
}

#[test]
fn what_an_operator_changes_is_forgotten_and_nothing_else() {
    let world = |base_url: &str, secret: &str, state_by| {
        let mut catalog = Catalog::default();
        let mut provider = fixtures::provider(1, "p1");
        provider.base_url = base_url.into();
        let mut first = fixtures::credential(10);
        first.secret = Secret::new(secret);
        if let Some(by) = state_by {
            first.state = CredentialState::Rejected;
            first.state_by = by;
        }
        provider.credentials = vec![Arc::new(first), Arc::new(fixtures::credential(11))];
        catalog.providers.insert(provider.id, Arc::new(provider));
        catalog
    };
    let all = candidates();
    let before = world("http://a", "one", None);
    let after = |new: &Catalog| {
        let health = Health::new();
        report(&health, &all[0], Outcome::Rejected, 0);
        report(&health, &all[1], Outcome::Rejected, 0);
        report(&health, &all[4], Outcome::Rejected, 0);
        health.adopt(&before, new, 1);
        [0, 1, 4].map(|place: usize| health.resting(&all[place], 1).is_some())
    };
    assert_eq!(after(&world("http://a", "one", None)), [true, true, true]);
    assert_eq!(after(&world("http://a", "two", None)), [false, true, true]);
    assert_eq!(after(&world("http://b", "one", None)), [false, false, true]);
    let by = |by| after(&world("http://a", "one", Some(by)));
    assert_eq!(by(StateBy::Admin), [false, true, true]);
    assert_eq!(by(StateBy::System), [true, true, true], "our own doing");
    assert_eq!(after(&Catalog::default()), [false, false, true]);
}
