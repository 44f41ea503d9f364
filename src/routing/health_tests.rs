//! How long trouble lasts, whom it concerns, and how it ends.

use std::sync::Arc;

use super::{Candidate, Health, Outcome};
use crate::catalog::{Catalog, fixtures};
use modelgate_domain::{ProviderId, ProviderKeyId, Secret};

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

fn resting(health: &Health, now_ms: i64) -> Vec<bool> {
    candidates()
        .iter()
        .map(|c| health.resting(c, now_ms).is_some())
        .collect()
}

#[test]
fn trouble_concerns_what_it_says_something_about() {
    let first = &candidates()[0];
    for (outcome, concerned) in [
        (Outcome::Served, [false; 5]),
        (
            Outcome::RateLimited {
                retry_after_ms: None,
            },
            [true, false, false, false, false],
        ),
        (Outcome::Forbidden, [true, false, false, false, false]),
        (Outcome::Rejected, [true, false, true, false, false]),
        (Outcome::Unreachable, [true, true, true, true, false]),
    ] {
        let health = Health::new();
        health.report(first, outcome, 0);
        assert_eq!(resting(&health, 1), concerned, "{outcome:?}");
        health.report(first, Outcome::Served, 2);
        assert_eq!(resting(&health, 3), [false; 5], "{outcome:?}");
    }
}

#[test]
fn retry_after_is_kept_to_the_millisecond_and_bounded() {
    let first = &candidates()[0];
    let health = Health::new();
    let limited = |ms| Outcome::RateLimited {
        retry_after_ms: Some(ms),
    };
    health.report(first, limited(2_500), 1_000);
    assert_eq!(health.resting(first, 3_499).unwrap().until_ms, 3_500);
    assert!(health.resting(first, 3_500).is_none());
    health.report(first, limited(i64::MAX), 4_000);
    assert_eq!(
        health.resting(first, 4_001).unwrap().until_ms,
        4_000 + 3_600_000
    );
    health.forget(ProviderId(1), &[ProviderKeyId(10)]);
    health.report(first, limited(-5), 5_000);
    assert!(health.resting(first, 5_000).is_none());
}

#[test]
fn without_a_hint_rests_double_up_to_a_bound_and_a_served_call_ends_the_row() {
    let first = &candidates()[0];
    let health = Health::new();
    let mut now = 0;
    let mut rests = Vec::new();
    for _ in 0..9 {
        health.report(first, Outcome::Unreachable, now);
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
    health.report(first, Outcome::Served, now);
    health.report(first, Outcome::Unreachable, now);
    assert_eq!(health.resting(first, now).unwrap().until_ms - now, 1_000);
}

#[test]
fn many_calls_failing_at_once_are_one_trouble() {
    let first = &candidates()[0];
    let health = Health::new();
    for ms in 0..50 {
        health.report(first, Outcome::Unreachable, ms);
    }
    let until = health.resting(first, 50).unwrap().until_ms;
    assert!(until <= 49 + 1_000, "{until}");
}

#[test]
fn a_single_failure_is_noise_and_three_in_a_row_are_trouble() {
    let first = &candidates()[0];
    let health = Health::new();
    for round in 0..10 {
        health.report(first, Outcome::Failed, round);
        health.report(first, Outcome::Failed, round);
        assert!(health.resting(first, round).is_none());
        health.report(first, Outcome::Served, round);
    }
    for ms in 100..103 {
        health.report(first, Outcome::Failed, ms);
    }
    let rest = health.resting(first, 103).unwrap();
    assert_eq!((rest.reason, rest.until_ms), ("failing", 1_102));
}

#[test]
fn a_page_sees_the_trouble_of_a_credential_and_an_operator_can_end_it() {
    let all = candidates();
    let health = Health::new();
    health.report(&all[2], Outcome::Rejected, 0);
    let shown = |id| health.credential_resting(ProviderId(1), ProviderKeyId(id), 1);
    assert_eq!(shown(10).unwrap().reason, "rejected");
    assert_eq!(shown(11), None);
    health.report(&all[1], Outcome::Unreachable, 0);
    assert_eq!(shown(11).unwrap().reason, "unreachable");
    health.forget(ProviderId(1), &[ProviderKeyId(10), ProviderKeyId(11)]);
    assert_eq!((shown(10), shown(11)), (None, None));
}

#[test]
fn places_are_never_given_twice_across_threads() {
    let mut credential = fixtures::credential(10);
    credential.max_concurrency = Some(5);
    let (credential, health) = (Arc::new(credential), Health::new());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (credential, health) = (Arc::clone(&credential), health.clone());
            std::thread::spawn(move || {
                for _ in 0..2_000 {
                    let place = health.acquire(&credential);
                    assert!(health.in_flight(credential.id) <= 5);
                    drop(place);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(health.in_flight(credential.id), 0);
}

#[test]
fn what_an_operator_changes_is_forgotten_and_nothing_else() {
    let world = |base_url: &str, secret: &str| {
        let mut catalog = Catalog::default();
        let mut provider = fixtures::provider(1, "p1");
        provider.base_url = base_url.into();
        let mut first = fixtures::credential(10);
        first.secret = Secret::new(secret);
        provider.credentials = vec![Arc::new(first), Arc::new(fixtures::credential(11))];
        catalog.providers.insert(provider.id, Arc::new(provider));
        catalog
    };
    let all = candidates();
    let before = world("http://a", "one");
    let after = |new: &Catalog| {
        let health = Health::new();
        health.report(&all[0], Outcome::Rejected, 0);
        health.report(&all[1], Outcome::Rejected, 0);
        health.report(&all[4], Outcome::Rejected, 0);
        health.adopt(&before, new);
        [0, 1, 4].map(|place: usize| health.resting(&all[place], 1).is_some())
    };
    assert_eq!(after(&world("http://a", "one")), [true, true, true]);
    assert_eq!(after(&world("http://a", "two")), [false, true, true]);
    assert_eq!(after(&world("http://b", "one")), [false, false, true]);
    assert_eq!(after(&Catalog::default()), [false, false, true]);
}
