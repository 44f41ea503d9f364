//! Attempts as a call meets them: places, trials, waiting, and the last resort.

use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::{ApiKeyId, ProviderKeyId};

use super::{Attempts, Candidate, Health, InFlight, NoPlace, Outcome, Plan, QueueRule};
use crate::catalog::fixtures;

const QUEUE: QueueRule = QueueRule {
    deadline: Duration::from_millis(300),
    bound: 10,
};

/// Targets 1.. at providers of their own, each with one credential (10, 20, ..) of so many places.
fn candidates(places: &[u32]) -> Vec<Candidate> {
    let made = places.iter().zip(1..).map(|(places, id)| {
        let mut provider = fixtures::provider(id, &format!("p{id}"));
        let mut credential = fixtures::credential(id * 10);
        credential.max_concurrency = Some(*places);
        provider.credentials = vec![Arc::new(credential)];
        let provider = Arc::new(provider);
        Candidate {
            target: Arc::new(fixtures::target(id, &provider, 1)),
            credential: Arc::clone(&provider.credentials[0]),
            reason: "",
        }
    });
    made.collect()
}

/// As if a plan had found them all well and free.
fn attempts(of: &[Candidate]) -> Attempts {
    Attempts::of(Plan {
        attempts: of.to_vec(),
        well: of.len(),
        ..Plan::default()
    })
}

async fn next(
    attempts: &mut Attempts,
    health: &Health,
    queue: QueueRule,
) -> Result<Option<(i64, InFlight)>, NoPlace> {
    let next = attempts.next(health, ApiKeyId(1), queue, || 0).await?;
    Ok(next.map(|(candidate, place)| (candidate.target.id.0, place)))
}

#[tokio::test]
async fn what_is_free_comes_first_and_what_is_busy_is_waited_for() {
    let (health, all) = (Health::new(), candidates(&[1, 1]));
    let mut mine = attempts(&all);
    let (_, held) = next(&mut attempts(&all[..1]), &health, QUEUE)
        .await
        .unwrap()
        .unwrap();
    let (at, failed) = next(&mut mine, &health, QUEUE).await.unwrap().unwrap();
    assert_eq!((at, mine.waited), (2, None));
    drop(failed);
    let soon = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(held);
    };
    let (got, ()) = tokio::join!(next(&mut mine, &health, QUEUE), soon);
    assert_eq!(got.unwrap().unwrap().0, 1);
    let waited = mine.waited.unwrap();
    assert_eq!(waited.position, 0);
    assert!(waited.time >= Duration::from_millis(45), "{waited:?}");
    assert!(next(&mut mine, &health, QUEUE).await.unwrap().is_none());
}

#[tokio::test]
async fn each_way_not_to_get_a_place_has_its_name() {
    let (health, all) = (Health::new(), candidates(&[1]));
    let _held = next(&mut attempts(&all), &health, QUEUE)
        .await
        .unwrap()
        .unwrap();
    let off = QueueRule {
        deadline: Duration::ZERO,
        ..QUEUE
    };
    let refused = |queue| {
        let (health, mut mine) = (health.clone(), attempts(&all));
        async move { next(&mut mine, &health, queue).await.unwrap_err() }
    };
    assert_eq!(refused(off).await, NoPlace::Busy);
    assert_eq!(refused(QUEUE).await, NoPlace::QueueTimeout);
    let _waits = health
        .places
        .join(ApiKeyId(1), &[&all[0].credential], 1)
        .unwrap();
    assert_eq!(
        refused(QueueRule { bound: 1, ..QUEUE }).await,
        NoPlace::QueueFull
    );
    assert_eq!(health.waiting(ProviderKeyId(10)), 1, "nobody left behind");
}

#[tokio::test]
async fn one_trial_at_a_time_and_the_others_go_elsewhere() {
    let (health, all) = (Health::new(), candidates(&[9, 9]));
    let report = |mut place: InFlight, outcome, now| place.report(outcome, "", now);
    let (_, first) = next(&mut attempts(&all), &health, QUEUE)
        .await
        .unwrap()
        .unwrap();
    report(first, Outcome::Unreachable, 0);
    let at = |now| {
        let (health, mut mine) = (health.clone(), attempts(&all));
        async move {
            let got = mine.next(&health, ApiKeyId(1), QUEUE, || now).await;
            got.unwrap()
                .map(|(c, place)| (c.target.id.0, place))
                .unwrap()
        }
    };
    let (trial, trying) = at(1_000).await;
    let (other, _place) = at(1_001).await;
    assert_eq!((trial, other), (1, 2));
    drop(trying);
    let (trial, trying) = at(1_002).await;
    assert_eq!(trial, 1, "the one before went without a word");
    report(trying, Outcome::Served, 1_003);
    let (one, _first) = at(1_004).await;
    let (two, _second) = at(1_004).await;
    assert_eq!((one, two), (1, 1), "it is well again");
}
