//! The doors: transactions, snapshots, callers who leave, databases that are away.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use modelgate_domain::Secret;
use modelgate_store::{Db, Engine, StoreError, changes, settings};
use serde_json::json;

use crate::support::{each_engine, each_url, execute, open, read, time, write};

fn change(reason: &str) -> changes::Change {
    changes::Change {
        at: time(0),
        actor: "ann".to_owned(),
        actor_address: "10.0.0.1".to_owned(),
        action: "setting.update".to_owned(),
        object: "setting x".to_owned(),
        before: None,
        after: Some(json!({ "x": 1 })),
        reason: reason.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_leaves_nothing() {
    each_engine(async |db| {
        let outcome: Result<(), StoreError> = db
            .write(|c| {
                Box::pin(async move {
                    settings::set(c, "a", &json!(1), time(0)).await?;
                    Err(StoreError::Corrupt("on purpose".to_owned()))
                })
            })
            .await;
        assert!(matches!(outcome, Err(StoreError::Corrupt(_))));
        assert_eq!(read!(db, |c| settings::find(c, "a")), None);
        write!(db, |c| settings::set(c, "a", &json!(2), time(0))).unwrap();
        assert_eq!(read!(db, |c| settings::find(c, "a")), Some(json!(2)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_does_not_undo_a_write() {
    each_engine(async |db| {
        let slow = db.write(|c| {
            Box::pin(async move {
                settings::set(c, "a", &json!(1), time(0)).await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
                settings::set(c, "b", &json!(1), time(0)).await
            })
        });
        let left = tokio::time::timeout(Duration::from_millis(50), slow).await;
        assert!(left.is_err(), "the caller must have left before the end");
        let give_up = Instant::now() + Duration::from_secs(10);
        while read!(db, |c| settings::find(c, "b")).is_none() {
            assert!(Instant::now() < give_up, "the write was lost");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        write!(db, |c| settings::set(c, "c", &json!(1), time(0))).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_write_is_an_error_and_the_next_write_works() {
    each_engine(async |db| {
        let outcome: Result<(), StoreError> = db
            .write(|c| {
                Box::pin(async move {
                    settings::set(c, "a", &json!(1), time(0)).await?;
                    panic!("on purpose")
                })
            })
            .await;
        assert!(matches!(outcome, Err(StoreError::Task(_))));
        write!(db, |c| settings::set(c, "b", &json!(1), time(0))).unwrap();
        assert_eq!(read!(db, |c| settings::find(c, "a")), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_sees_one_moment() {
    each_engine(async |db| {
        write!(db, |c| changes::record(c, &change("first"))).unwrap();
        let writer = db.clone();
        let seen: (i64, i64) = db
            .read_snapshot(move |c| {
                Box::pin(async move {
                    let before = changes::generation(c).await?;
                    write!(writer, |c| changes::record(c, &change("second")))?;
                    Ok::<_, StoreError>((before, changes::generation(c).await?))
                })
            })
            .await
            .unwrap();
        assert_eq!(seen, (1, 1));
        assert_eq!(read!(db, |c| changes::generation(c)), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_cannot_write_on_sqlite() {
    each_engine(async |db| {
        if db.engine() == Engine::Sqlite {
            let outcome = db
                .read(|c| Box::pin(async move { settings::set(c, "a", &json!(1), time(0)).await }))
                .await;
            assert!(outcome.is_err());
        }
        let outcome = db
            .read_snapshot(|c| {
                Box::pin(async move { settings::set(c, "a", &json!(1), time(0)).await })
            })
            .await;
        assert!(outcome.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_get_consecutive_generations() {
    each_engine(async |db| {
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let db = db.clone();
            writers
                .spawn(async move { write!(db, |c| changes::record(c, &change("many"))).unwrap() });
        }
        let mut numbers = writers.join_all().await;
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=20).collect::<Vec<i64>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_an_error_within_seconds() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    // Bound but never accepting: the connection stands and nothing ever answers.
    let silent = format!("postgres://u:canary@127.0.0.1:{port}/db");
    let begin = Instant::now();
    let error = open(&silent).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(15));
    assert!(!format!("{error} {error:?}").contains("canary"));
    drop(closed);
    let error = open(&silent).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_is_used_again() {
    each_url(async |url| {
        let db = open(&url).await.unwrap();
        db.migrate().await.unwrap();
        if db.engine() == Engine::Sqlite {
            return;
        }
        for n in 0..5 {
            let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid()";
            execute(&url, kill).await;
            let first = write!(db, |c| settings::set(c, "a", &json!(n), time(0)));
            let lost = matches!(first, Err(StoreError::Unavailable(_)));
            assert!(first.is_ok() || lost, "{first:?}");
            let give_up = Instant::now() + Duration::from_secs(5);
            while let Err(error) = write!(db, |c| settings::set(c, "a", &json!(n), time(0))) {
                assert!(Instant::now() < give_up, "{error}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_urls_are_refused() {
    for bad in ["mysql://u:canary@h/db", "canary", "sqlite::memory:", ""] {
        let error = open(bad).await.err().unwrap();
        assert!(matches!(error, StoreError::InvalidUrl(_)), "{error}");
        assert!(!error.to_string().contains("canary"));
    }
    let error = open("sqlite:/proc/nowhere/m.db").await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn a_single_thread_runtime_is_refused() {
    let handle = tokio::runtime::Handle::current();
    let outcome = Db::open(&Secret::new("sqlite:unused.db"), handle).await;
    assert!(matches!(outcome.err(), Some(StoreError::Task(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_files_are_for_their_owner_only() {
    each_url(async |url| {
        let Some(path) = url.strip_prefix("sqlite:") else {
            return;
        };
        let db = open(&url).await.unwrap();
        db.migrate().await.unwrap();
        let mode = |path: &str| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path), 0o600);
        assert_eq!(mode(&format!("{path}-wal")), 0o600);
        assert_eq!(mode(path.rsplit_once('/').unwrap().0), 0o700);
    })
    .await;
}
