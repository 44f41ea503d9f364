//! Places and those who wait for them, across tasks and threads.

use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::ApiKeyId;

use super::{Full, Places, Ticket};
use crate::catalog::{Credential, fixtures};

fn credential(id: i64, limit: u32) -> Credential {
    let mut credential = fixtures::credential(id);
    credential.max_concurrency = Some(limit);
    credential
}

fn join(places: &Places, key: i64, at: &[&Credential]) -> Ticket {
    places.join(ApiKeyId(key), at, 10).unwrap()
}

async fn at_once(ticket: &mut Ticket) -> Option<super::Place> {
    let granted = tokio::time::timeout(Duration::from_millis(20), ticket.granted()).await;
    granted.ok().and_then(Result::ok)
}

#[test]
fn places_are_never_given_twice_across_threads() {
    let (places, credential) = (Places::default(), Arc::new(credential(10, 5)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (places, credential) = (places.clone(), Arc::clone(&credential));
            std::thread::spawn(move || {
                for _ in 0..2_000 {
                    let place = places.take(&credential);
                    assert!(places.busy(credential.id) <= 5);
                    drop(place);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(places.busy(credential.id), 0);
}

#[tokio::test]
async fn a_place_given_back_goes_to_the_next_in_line_and_not_to_a_newcomer() {
    let (places, one) = (Places::default(), credential(10, 1));
    let first = places.take(&one).unwrap();
    let mut waiting = join(&places, 1, &[&one]);
    assert!(at_once(&mut waiting).await.is_none());
    assert!(!places.has_room(&one));
    drop(first);
    assert!(places.take(&one).is_none(), "it is somebody's already");
    let place = at_once(&mut waiting).await.unwrap();
    assert_eq!((places.busy(one.id), places.waiting(one.id)), (1, 0));
    drop(place);
    assert!(places.take(&one).is_some());
}

#[tokio::test]
async fn one_that_leaves_the_line_leaves_nothing_behind() {
    let (places, one, two) = (Places::default(), credential(10, 1), credential(11, 1));
    let (held, other) = (places.take(&one).unwrap(), places.take(&two).unwrap());
    let gone = join(&places, 1, &[&one, &two]);
    let mut waiting = join(&places, 2, &[&one]);
    assert_eq!((places.waiting(one.id), places.waiting(two.id)), (2, 1));
    drop(gone);
    assert_eq!((places.waiting(one.id), places.waiting(two.id)), (1, 0));
    drop(other);
    assert!(places.take(&two).is_some());
    // granted, and then dropped without a look at it
    let late = join(&places, 3, &[&one]);
    drop(held);
    assert_eq!(places.waiting(one.id), 1);
    drop(at_once(&mut waiting).await.unwrap());
    drop(late);
    assert_eq!((places.busy(one.id), places.waiting(one.id)), (0, 0));
}

#[tokio::test]
async fn a_higher_limit_serves_those_who_wait_at_once() {
    let (places, one) = (Places::default(), credential(10, 1));
    let _held = places.take(&one).unwrap();
    let mut tickets = [join(&places, 1, &[&one]), join(&places, 1, &[&one])];
    places.resize(one.id, Some(2));
    let _second = at_once(&mut tickets[0]).await.unwrap();
    assert!(at_once(&mut tickets[1]).await.is_none());
    places.resize(one.id, None);
    assert!(at_once(&mut tickets[1]).await.is_some());
}

#[tokio::test]
async fn a_full_line_says_so_also_to_one_that_has_to_make_room() {
    let (places, one) = (Places::default(), credential(10, 1));
    let _held = places.take(&one).unwrap();
    let mut first = places.join(ApiKeyId(1), &[&one], 2).unwrap();
    let mut newest = places.join(ApiKeyId(1), &[&one], 2).unwrap();
    assert_eq!(places.join(ApiKeyId(1), &[&one], 2).unwrap_err(), Full);
    let _other = places.join(ApiKeyId(2), &[&one], 2).unwrap();
    assert_eq!(newest.granted().await.unwrap_err(), Full);
    assert!(at_once(&mut first).await.is_none(), "it still waits");
    assert_eq!(places.waiting(one.id), 2);
}

/// Many calls of two keys for few places, on several threads: all are served, and never too many at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_is_served_and_no_place_is_lost() {
    let (places, one, two) = (Places::default(), credential(10, 2), credential(11, 1));
    let (one, two) = (Arc::new(one), Arc::new(two));
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..400_i64 {
        let (places, one, two) = (places.clone(), Arc::clone(&one), Arc::clone(&two));
        calls.spawn(async move {
            let place = match places.take(&one) {
                Some(place) => place,
                None => {
                    let key = ApiKeyId(call % 2);
                    let mut ticket = places.join(key, &[&one, &two], 1_000).unwrap();
                    ticket.granted().await.unwrap()
                }
            };
            assert!(places.busy(one.id) <= 2 && places.busy(two.id) <= 1);
            tokio::task::yield_now().await;
            drop(place);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    assert_eq!((places.busy(one.id), places.busy(two.id)), (0, 0));
    assert_eq!((places.waiting(one.id), places.waiting(two.id)), (0, 0));
}
