//! The scripts against a real server: what two instances ask and post, and what each is told.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use modelgate_domain::{LimitKind, Secret};

use super::limits::{Limits, verdict};
use super::link::Link;
use super::testing::TestRedis;
use crate::admission::{Asked, Posting, Verdict};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// One gateway with two instances.
struct Two {
    link: Link,
    a: Limits,
    b: Limits,
    _server: TestRedis,
}

async fn two() -> Option<Two> {
    let server = TestRedis::start()?;
    let link = Link::new(&Secret::new(server.url.clone())).unwrap();
    assert!(link.connect().await);
    link.found();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let space = format!("{{test:{}:{number}}}", std::process::id());
    let limits = |name: &str| Limits::new(space.clone(), name.to_owned(), "1".to_owned());
    Some(Two {
        a: limits("a"),
        b: limits("b"),
        link,
        _server: server,
    })
}

impl Two {
    async fn ask(&self, who: &Limits, asked: &[Asked]) -> Verdict {
        let answer: Option<Vec<i64>> = self.link.run(&who.take(asked)).await;
        verdict(&answer.expect("an answer")).expect("a verdict")
    }

    async fn post(&self, who: &Limits, posting: Posting) {
        let done: Option<i64> = self.link.run(&who.post(&[posting])).await;
        assert_eq!(done, Some(1));
    }
}

fn rpm(own: i64, amount: i64, version: u64) -> Asked {
    Asked {
        posting: Posting {
            name: "rpm:0:1:0:0:".to_owned(),
            leased: own,
            ends_in_ms: 61_000,
            eases_in_ms: 61_000,
            version,
            ..Posting::default()
        },
        kind: LimitKind::Rpm,
        amount,
        enforced: true,
        need: 1,
        least: 1,
    }
}

fn budget(leased: i64, lasting: i64, base: i64, version: u64) -> Posting {
    Posting {
        name: "budget:0:1:0:1:USD:0".to_owned(),
        leased,
        lasting,
        base,
        ends_in_ms: 200,
        eases_in_ms: 0,
        version,
    }
}

fn money(posting: Posting, amount: i64, need: i64, least: i64) -> Asked {
    Asked {
        posting,
        kind: LimitKind::Budget,
        amount,
        enforced: true,
        need,
        least,
    }
}

#[tokio::test]
async fn what_one_uses_is_missing_at_the_other_and_a_refusal_counts_nothing() {
    let Some(two) = two().await else { return };
    for own in 0..3 {
        assert!(
            two.ask(&two.a, &[rpm(own, 5, 1 + own.unsigned_abs())])
                .await
                .granted
        );
    }
    for own in 0..2 {
        let other = two
            .ask(&two.b, &[rpm(own, 5, 1 + own.unsigned_abs())])
            .await;
        assert!(other.granted);
        assert_eq!(other.limits[0].others, 3);
    }
    let mut tokens = rpm(0, 100, 9);
    tokens.posting.name = "tpm:0:1:0:0:".to_owned();
    tokens.need = 40;
    let refused = two.ask(&two.b, &[tokens.clone(), rpm(2, 5, 9)]).await;
    assert!(!refused.granted);
    assert_eq!(refused.limits[1].granted, None);
    assert!((1..=61_000).contains(&refused.limits[1].eases_in_ms));
    let at_a = two.ask(&two.a, &[tokens]).await;
    assert_eq!(at_a.limits[0].others, 0, "all or none");
    let mut observed = rpm(2, 5, 10);
    observed.enforced = false;
    let passed = two.ask(&two.b, &[observed]).await;
    assert_eq!((passed.granted, passed.limits[0].granted), (true, None));
}

#[tokio::test]
async fn of_two_figures_the_newer_one_holds_and_a_new_process_begins_anew() {
    let Some(two) = two().await else { return };
    let seen = async |amount| two.ask(&two.b, &[rpm(0, amount, 1)]).await.limits[0].others;
    let post = |leased, version| Posting {
        leased,
        ..rpm(0, 0, version).posting
    };
    two.post(&two.a, post(7, 5)).await;
    two.post(&two.a, post(3, 4)).await;
    assert_eq!(seen(0).await, 7, "one that came late");
    two.post(&two.a, post(2, 6)).await;
    assert_eq!(seen(0).await, 2);
    let again = Limits::new(two.a.space.clone(), "a".to_owned(), "2".to_owned());
    two.post(&again, post(1, 1)).await;
    assert_eq!(seen(0).await, 1);
    two.post(&again, post(0, 2)).await;
    assert_eq!(seen(0).await, 0);
}

#[tokio::test]
async fn a_dead_instance_gives_back_what_it_held_and_what_it_spent_stays_spent() {
    let Some(two) = two().await else { return };
    two.post(&two.a, budget(50, 30, 0, 1)).await;
    let whole = || money(budget(0, 0, 0, 1), 100, 60, 60);
    let refused = two.ask(&two.b, &[whole()]).await;
    assert_eq!((refused.granted, refused.limits[0].others), (false, 80));
    tokio::time::sleep(Duration::from_millis(250)).await;
    let granted = two.ask(&two.b, &[whole()]).await;
    assert_eq!((granted.granted, granted.limits[0].others), (true, 30));
}

#[tokio::test]
async fn what_the_database_says_is_known_to_all_and_a_guess_makes_do_with_what_is_left() {
    let Some(two) = two().await else { return };
    two.post(&two.a, budget(0, 0, 70, 1)).await;
    let late = money(budget(0, 0, 40, 1), 100, 60, 10);
    let granted = two.ask(&two.b, &[late]).await;
    assert_eq!(
        (granted.limits[0].base, granted.limits[0].granted),
        (70, Some(30))
    );
    let more = money(budget(30, 0, 40, 2), 100, 10, 10);
    assert!(!two.ask(&two.b, &[more]).await.granted);
    let free = money(budget(30, 0, 40, 3), 100, 0, 0);
    assert!(
        two.ask(&two.b, &[free]).await.granted,
        "what costs nothing passes"
    );
}

#[tokio::test]
async fn who_is_away_is_noticed_in_time_and_nobody_waits_again() {
    let Some(server) = TestRedis::own() else {
        return;
    };
    let link = Link::new(&Secret::new(server.url.clone())).unwrap();
    let limits = Limits::new("{test:away}".to_owned(), "a".to_owned(), "1".to_owned());
    assert!(link.connect().await);
    link.found();
    server.pause();
    let begun = std::time::Instant::now();
    let asked = [rpm(0, 5, 1)];
    let question = limits.take(&asked);
    assert_eq!(link.run::<Vec<i64>>(&question).await, None);
    assert!(
        begun.elapsed() < Duration::from_millis(150),
        "{:?}",
        begun.elapsed()
    );
    assert!(!link.is_up());
    let begun = std::time::Instant::now();
    assert_eq!(link.run::<Vec<i64>>(&question).await, None);
    assert!(begun.elapsed() < Duration::from_millis(5));
}
