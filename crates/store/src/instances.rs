//! Which instances live, and which number each of them puts into its request ids.

use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use modelgate_domain::ids::LEASES;

use crate::conn::db;
use crate::schema::instances;
use crate::{Conn, StoreError};

/// An instance without a heartbeat for so long is dead: its number may be given away.
pub const LEASE_MS: i64 = 60_000;

/// An instance without a heartbeat for so long does not count where a limit is divided: on PostgreSQL each shows every two
/// seconds that it lives.
pub const PRESENT_MS: i64 = 10_000;

/// A number that this instance holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// 0 to 511, unlike that of any living instance.
    pub number: u16,
    /// The last sign of life of whoever held it before, epoch milliseconds: no request id may be older.
    pub floor_ms: i64,
}

/// A row of `instances`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = instances)]
pub struct Instance {
    /// Its number.
    pub lease: i64,
    /// The name of its journal.
    pub instance: String,
    /// The version it runs.
    pub version: String,
    /// The configuration it serves.
    pub generation: i64,
    /// When it started, epoch milliseconds.
    pub started_ms: i64,
    /// When it last showed that it lives, epoch milliseconds.
    pub heartbeat_ms: i64,
    /// How it finds Redis: `up`, `down`, or nothing where it is to use none.
    pub redis: String,
}

impl Instance {
    fn lives(&self, now_ms: i64) -> bool {
        self.generation != ENDED && self.heartbeat_ms >= now_ms.saturating_sub(LEASE_MS)
    }
}

/// Gives `instance` a number of its own: one that was never used, else the one unused for longest.
pub async fn lease(
    c: &mut Conn,
    instance: &str,
    version: &str,
    now_ms: i64,
) -> Result<Lease, StoreError> {
    serialize(c).await?;
    let rows = list(c).await?;
    let unused = (0..i64::from(LEASES)).find(|n| rows.iter().all(|row| row.lease != *n));
    let dead = || {
        rows.iter()
            .filter(|row| !row.lives(now_ms))
            .min_by_key(|row| row.heartbeat_ms)
            .map(|row| row.lease)
    };
    let Some(number) = unused.or_else(dead) else {
        return Err(StoreError::Query(format!(
            "all {LEASES} instance numbers are in use"
        )));
    };
    let floor_ms = rows
        .iter()
        .find(|row| row.lease == number)
        .map_or(0, |row| row.heartbeat_ms);
    db!(c, |c| diesel::insert_into(instances::table)
        .values((
            instances::lease.eq(number),
            instances::instance.eq(instance),
            instances::version.eq(version),
            instances::generation.eq(0_i64),
            instances::started_ms.eq(now_ms),
            instances::heartbeat_ms.eq(now_ms),
        ))
        .on_conflict(instances::lease)
        .do_update()
        .set((
            instances::instance.eq(excluded(instances::instance)),
            instances::version.eq(excluded(instances::version)),
            instances::generation.eq(excluded(instances::generation)),
            instances::started_ms.eq(excluded(instances::started_ms)),
            instances::heartbeat_ms.eq(excluded(instances::heartbeat_ms)),
        ))
        .execute(c)
        .await)?;
    Ok(Lease {
        number: u16::try_from(number).unwrap_or(0),
        floor_ms,
    })
}

/// Shows that `instance` lives, which configuration it serves, and how it finds Redis. False where its number was given away.
pub async fn heartbeat(
    c: &mut Conn,
    instance: &str,
    (generation, redis): (i64, &'static str),
    now_ms: i64,
) -> Result<bool, StoreError> {
    let updated = db!(c, |c| diesel::update(
        instances::table.filter(instances::instance.eq(instance))
    )
    .set((
        instances::generation.eq(generation),
        instances::heartbeat_ms.eq(now_ms),
        instances::redis.eq(redis),
    ))
    .execute(c)
    .await)?;
    Ok(updated == 1)
}

/// The instance ended in good order: its row stays as the floor of its number, but no longer counts as alive.
pub async fn release(c: &mut Conn, instance: &str) -> Result<(), StoreError> {
    db!(c, |c| diesel::update(
        instances::table.filter(instances::instance.eq(instance))
    )
    .set(instances::generation.eq(ENDED))
    .execute(c)
    .await)?;
    Ok(())
}

/// The `generation` of an instance that ended.
const ENDED: i64 = -1;

/// Every instance that is alive at `now_ms`.
pub async fn living(c: &mut Conn, now_ms: i64) -> Result<Vec<Instance>, StoreError> {
    let rows = list(c).await?;
    Ok(rows.into_iter().filter(|row| row.lives(now_ms)).collect())
}

/// Those of them that showed within [`PRESENT_MS`] that they live.
pub async fn present(c: &mut Conn, now_ms: i64) -> Result<Vec<Instance>, StoreError> {
    let mut rows = living(c, now_ms).await?;
    rows.retain(|row| row.heartbeat_ms >= now_ms.saturating_sub(PRESENT_MS));
    Ok(rows)
}

/// Every row, dead instances included, by number.
pub(crate) async fn list(c: &mut Conn) -> Result<Vec<Instance>, StoreError> {
    Ok(db!(c, |c| instances::table
        .order(instances::lease)
        .select(Instance::as_select())
        .load(c)
        .await)?)
}

/// On PostgreSQL, lets no two instances choose at once; SQLite's write transactions never overlap.
async fn serialize(c: &mut Conn) -> Result<(), StoreError> {
    if let crate::conn::Inner::Pg(c) = &mut c.0 {
        diesel::sql_query("lock table instances in exclusive mode")
            .execute(&mut **c)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;
    use crate::{Db, StoreError};

    async fn take(db: &Db, name: &'static str, now_ms: i64) -> Lease {
        db.write(move |c| Box::pin(async move { lease(c, name, "1.0", now_ms).await }))
            .await
            .unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn living_instances_never_share_a_number() {
        each_engine(async |db| {
            let (a, b) = tokio::join!(take(&db, "a", 5_000), take(&db, "b", 5_000));
            assert_ne!(a.number, b.number);
            let found = db
                .read(|c| Box::pin(async move { living(c, 6_000).await }))
                .await
                .unwrap();
            assert_eq!(found.len(), 2);
            let shown = db.write(|c| {
                Box::pin(async move {
                    heartbeat(c, "b", (1, "up"), 5_000 + PRESENT_MS).await?;
                    present(c, 5_001 + PRESENT_MS).await
                })
            });
            let [only] = &shown.await.unwrap()[..] else {
                panic!("silent instances do not count");
            };
            assert_eq!((only.instance.as_str(), only.redis.as_str()), ("b", "up"));
            db.write(|c| Box::pin(async move { release(c, "a").await }))
                .await
                .unwrap();
            let found = db
                .read(|c| Box::pin(async move { living(c, 6_000).await }))
                .await
                .unwrap();
            assert_eq!(found.len(), 1);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_number_unused_for_longest_is_given_again_with_a_floor() {
        each_engine(async |db| {
            let all = db
                .write(|c| {
                    Box::pin(async move {
                        for n in 0..i64::from(LEASES) {
                            lease(c, &format!("i{n}"), "1", 1_000 + n).await?;
                        }
                        lease(c, "late", "1", 2_000 + LEASE_MS).await
                    })
                })
                .await
                .unwrap();
            assert_eq!((all.number, all.floor_ms), (0, 1_000));
            let refused: Result<Lease, StoreError> = db
                .write(|c| Box::pin(async move { lease(c, "early", "1", 1_001).await }))
                .await;
            assert!(refused.is_err());
            let lost = db
                .write(|c| Box::pin(async move { heartbeat(c, "i0", (1, ""), 3_000).await }))
                .await;
            assert!(!lost.unwrap());
        })
        .await;
    }
}
