//! Requests that nobody ends any more.

use std::sync::Arc;

use modelgate_domain::{RequestId, RequestRecord};

use super::tests::{START_MS, apply, batch, ended, record, sum, totals};
use super::*;
use crate::instances;
use crate::testing::each_engine;

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_an_instance_that_never_returned_are_ended() {
    each_engine(async |db| {
        let id = |lease: i64, n: i64| RequestId((n << 21) | (lease << 12));
        let pending = |lease, n, started_ms| {
            Entry::Started(Arc::new(RequestRecord {
                id: id(lease, n),
                started_ms,
                ..record(n)
            }))
        };
        let now = START_MS + 3 * ORPHAN_MS;
        let leases = db
            .write(move |c| {
                Box::pin(async move {
                    let dead = instances::lease(c, "dead", "1", START_MS).await?;
                    let live = instances::lease(c, "live", "1", START_MS).await?;
                    assert!(instances::heartbeat(c, "live", (1, ""), now).await?);
                    Ok::<_, StoreError>((i64::from(dead.number), i64::from(live.number)))
                })
            })
            .await
            .unwrap();
        let entries = vec![
            pending(leases.0, 1, START_MS + 1),
            pending(leases.1, 2, START_MS + 1),
            pending(leases.1, 3, START_MS - 1),
            pending(77, 4, START_MS + 1),
            pending(77, 5, now - 1),
        ];
        apply(&db, batch(16, 20, entries)).await;
        let expire = || {
            let db = db.clone();
            async move {
                db.write(move |c| Box::pin(async move { expire(c, now, chrono_tz::UTC).await }))
                    .await
                    .unwrap()
            }
        };
        assert_eq!(expire().await, 3);
        assert_eq!(expire().await, 0);
        let found = totals(&db).await;
        let dead: Vec<i64> = found
            .rows
            .iter()
            .filter(|r| r.1 == "error")
            .map(|r| r.0 >> 21)
            .collect();
        assert_eq!(dead, [1, 3, 4]);
        assert_eq!(sum(&found.minute, 8), 3, "error_gateway");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_instance_ends_what_it_lost_and_nothing_else() {
    each_engine(async |db| {
        let now = START_MS + 3 * ORPHAN_MS;
        let id = |lease: i64, n: i64| RequestId((n << 21) | (lease << 12));
        let lease = db
            .write(move |c| {
                Box::pin(async move { instances::lease(c, "mine", "1", START_MS).await })
            })
            .await
            .unwrap();
        let mine = i64::from(lease.number);
        let pending = |lease, n, started_ms| {
            Entry::Started(Arc::new(RequestRecord {
                id: id(lease, n),
                started_ms,
                ..record(n)
            }))
        };
        let entries = vec![
            pending(mine, 1, START_MS + 1),
            pending(mine, 2, START_MS + 2),
            // of an earlier holder of the number, of another instance, too young
            pending(mine, 3, START_MS - 1),
            pending(77, 4, START_MS + 1),
            pending(mine, 5, now - 1),
        ];
        apply(&db, batch(16, 20, entries)).await;
        let held = |name: &'static str| {
            let before_ms = now - ORPHAN_MS;
            db.read(move |c| Box::pin(async move { held(c, name, before_ms).await }))
        };
        assert_eq!(held("mine").await.unwrap(), [id(mine, 1), id(mine, 2)]);
        assert_eq!(held("stranger").await.unwrap(), []);
        // The second comes to its end by itself before it is ended as lost: that stands.
        let late = RequestRecord {
            id: id(mine, 2),
            ..ended(2)
        };
        let late = Entry::Ended(Arc::new(late), Vec::new());
        apply(&db, batch(20, 30, vec![late.clone()])).await;
        let end = || {
            let lost = vec![id(mine, 1), id(mine, 2), id(mine, 9)];
            db.write(move |c| {
                Box::pin(async move { end_lost(c, &lost, now, chrono_tz::UTC).await })
            })
        };
        assert_eq!(end().await.unwrap(), 1);
        assert_eq!(end().await.unwrap(), 0);
        // Its own end, should it turn up after all, comes too late.
        let after = RequestRecord {
            id: id(mine, 1),
            ..ended(1)
        };
        let after = Entry::Ended(Arc::new(after), Vec::new());
        apply(&db, batch(30, 40, vec![after])).await;
        let found = totals(&db).await;
        let status = |n: i64| {
            let row = found.rows.iter().find(|r| r.0 >> 21 == n);
            row.map(|r| r.1.as_str())
        };
        let of = [1, 2, 3, 4, 5].map(status);
        let as_told = ["timeout", "success", "pending", "pending", "pending"];
        assert_eq!(of, as_told.map(Some));
        assert_eq!((sum(&found.minute, 4), sum(&found.minute, 6)), (1, 1));
    })
    .await;
}
