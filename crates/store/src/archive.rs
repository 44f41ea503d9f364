//! Moves old rows of the request log, with their attempts, to its history.
//!
//! On PostgreSQL the history is partitioned by the month of the time in the id, and is deleted by whole months.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::RunQueryDsl;
use modelgate_domain::RequestId;
use modelgate_domain::ids::REQUEST_EPOCH_MS;

use crate::conn::db;
use crate::schema::request_logs_history;
use crate::{Conn, StoreError};

/// The tables of the history, each with the column that holds the request.
const HISTORY: [(&str, &str); 2] = [
    ("request_logs_history", "id"),
    ("request_attempts_history", "request_id"),
];

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct There {
    #[diesel(sql_type = Bool)]
    there: bool,
}

#[derive(QueryableByName)]
struct Partition {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Moves the oldest rows that started before `before_ms` and have ended, `limit` at most; returns how many. Call it
/// through [`crate::Db::write`]: a row is never in both tables, and never in neither.
pub async fn batch(c: &mut Conn, before_ms: i64, limit: u32) -> Result<usize, StoreError> {
    let before = RequestId::lower_bound(before_ms).0;
    // Held until they have moved: a row must not change between its copy and its end.
    let hold = if c.is_postgres() { "for update" } else { "" };
    let find = format!(
        "select id from request_logs where id < {before} and status <> 'pending' order by id limit {limit} {hold}"
    );
    let rows: Vec<Id> = db!(c, |c| diesel::sql_query(find).load(c).await)?;
    let (Some(first), Some(last)) = (rows.as_slice().first(), rows.as_slice().last()) else {
        return Ok(0);
    };
    if c.is_postgres() {
        make_partitions(c, time_of(first.id), time_of(last.id)).await?;
    }
    let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    let ids = ids.join(",");
    for (history, id) in HISTORY {
        let hot = history.trim_end_matches("_history");
        for statement in [
            format!("insert into {history} select * from {hot} where {id} in ({ids})"),
            format!("delete from {hot} where {id} in ({ids})"),
        ] {
            db!(c, |c| diesel::sql_query(statement).execute(c).await)?;
        }
    }
    Ok(rows.len())
}

/// Deletes history of requests that started before `before_ms`, `limit` requests at most, on PostgreSQL by whole
/// months; returns how many rows, or months. Call it through [`crate::Db::write`].
pub async fn expire(c: &mut Conn, before_ms: i64, limit: u32) -> Result<usize, StoreError> {
    if c.is_postgres() {
        return drop_partitions(c, before_ms).await;
    }
    let before = RequestId::lower_bound(before_ms).0;
    let find = format!(
        "select id from request_logs_history where id < {before} order by id limit {limit}"
    );
    let rows: Vec<Id> = db!(c, |c| diesel::sql_query(find).load(c).await)?;
    let Some(last) = rows.as_slice().last() else {
        return Ok(0);
    };
    for (history, id) in HISTORY {
        let delete = format!("delete from {history} where {id} <= {}", last.id);
        db!(c, |c| diesel::sql_query(delete).execute(c).await)?;
    }
    Ok(rows.len())
}

/// The newest request in the history, where there is one.
pub async fn newest(c: &mut Conn) -> Result<Option<RequestId>, StoreError> {
    use request_logs_history as t;
    let newest: Option<i64> = db!(c, |c| t::table
        .select(diesel::dsl::max(t::id))
        .first(c)
        .await)?;
    Ok(newest.map(RequestId))
}

/// The oldest request in the history, where there is one.
pub(crate) async fn oldest(c: &mut Conn) -> Result<Option<RequestId>, StoreError> {
    use request_logs_history as t;
    let oldest: Option<i64> = db!(c, |c| t::table
        .select(diesel::dsl::min(t::id))
        .first(c)
        .await)?;
    Ok(oldest.map(RequestId))
}

/// The `seq` of the row that arrived last, 0 for an empty history.
pub(crate) async fn last_seq(c: &mut Conn) -> Result<i64, StoreError> {
    use request_logs_history as t;
    let last: Option<i64> = db!(c, |c| t::table
        .select(diesel::dsl::max(t::seq))
        .first(c)
        .await)?;
    Ok(last.unwrap_or(0))
}

/// When a request started, by its id.
fn time_of(id: i64) -> DateTime<Utc> {
    let ms = (id >> 21).saturating_add(REQUEST_EPOCH_MS);
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// The first id of a month.
fn first_id(month: NaiveDate) -> i64 {
    let at = month.and_time(chrono::NaiveTime::MIN).and_utc();
    RequestId::lower_bound(at.timestamp_millis()).0
}

fn month_of(time: DateTime<Utc>) -> Option<NaiveDate> {
    time.date_naive().with_day(1)
}

/// Makes the partitions that history from request `first` to `last` goes into. For PostgreSQL only.
pub(crate) async fn make_partitions_of(
    c: &mut Conn,
    first: i64,
    last: i64,
) -> Result<(), StoreError> {
    make_partitions(c, time_of(first), time_of(last)).await
}

async fn make_partitions(
    c: &mut Conn,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut month = month_of(first);
    let last = month_of(last);
    while let Some(from) = month.filter(|month| Some(*month) <= last) {
        let Some(to) = from.checked_add_months(Months::new(1)) else {
            break;
        };
        for (history, _) in HISTORY {
            let name = format!("{history}_{}", from.format("%Y%m"));
            // Making one locks readers out for a moment, so it is not even tried where it is there.
            let find = format!("select to_regclass('{name}') is not null as there");
            let found: There = db!(c, |c| diesel::sql_query(find).get_result(c).await)?;
            if !found.there {
                let make = format!(
                    "create table {name} partition of {history} for values from ({}) to ({})",
                    first_id(from),
                    first_id(to)
                );
                db!(c, |c| diesel::sql_query(make).execute(c).await)?;
            }
        }
        month = Some(to);
    }
    Ok(())
}

async fn drop_partitions(c: &mut Conn, before_ms: i64) -> Result<usize, StoreError> {
    let before = DateTime::from_timestamp_millis(before_ms).unwrap_or_default();
    let Some(kept) = month_of(before) else {
        return Ok(0);
    };
    let mut dropped = 0;
    for (history, _) in HISTORY {
        let find = format!(
            "select c.relname::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid \
             where i.inhparent = '{history}'::regclass order by 1"
        );
        let found: Vec<Partition> = db!(c, |c| diesel::sql_query(find).load(c).await)?;
        let first_kept = format!("{history}_{}", kept.format("%Y%m"));
        for partition in found.iter().filter(|found| found.name < first_kept) {
            let drop = format!("drop table {}", partition.name);
            db!(c, |c| diesel::sql_query(drop).execute(c).await)?;
            dropped += usize::from(history == HISTORY[0].0);
        }
    }
    Ok(dropped)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use modelgate_domain::{ApiKeyId, AttemptRecord, RequestRecord, Status};

    use super::*;
    use crate::Db;
    use crate::drain::reconcile;
    use crate::drain::{self, Batch, Entry};
    use crate::request_logs::{self, LogFilter, States};
    use crate::schema::request_attempts_history;
    use crate::testing::each_engine;

    const DAY_MS: i64 = 86_400_000;
    /// 2026-11-20.
    const NOW: i64 = 20_777 * DAY_MS;

    fn started(days_ago: i64, n: i64, status: Status) -> RequestRecord {
        let started_ms = NOW - days_ago * DAY_MS;
        RequestRecord {
            id: RequestId(RequestId::lower_bound(started_ms).0 + n),
            api_key_id: ApiKeyId(n + 1),
            status,
            repeats: 1,
            started_ms,
            cost_nanos: (status == Status::Success).then_some(1_000 + n),
            ..RequestRecord::default()
        }
    }

    async fn fill(db: &Db) {
        let mut entries = Vec::new();
        for days_ago in [0, 10, 40, 41, 95] {
            for n in 0..3 {
                let status = if n == 0 {
                    Status::Error
                } else {
                    Status::Success
                };
                let record = Arc::new(started(days_ago, n, status));
                let attempts = (1..=n).map(|number| AttemptRecord {
                    number,
                    ..AttemptRecord::default()
                });
                entries.push(Entry::Ended(record, attempts.collect()));
            }
            entries.push(Entry::Started(Arc::new(started(
                days_ago,
                9,
                Status::Pending,
            ))));
        }
        let batch = Batch {
            entries,
            ..Batch::default()
        };
        db.write(move |c| {
            Box::pin(async move { drain::apply(c, &batch, chrono_tz::Tz::UTC).await })
        })
        .await
        .unwrap();
    }

    async fn count(c: &mut Conn) -> Result<(i64, i64), StoreError> {
        let rows = db!(c, |c| request_logs_history::table
            .count()
            .get_result(c)
            .await)?;
        let attempts = db!(c, |c| request_attempts_history::table
            .count()
            .get_result(c)
            .await)?;
        Ok((rows, attempts))
    }

    async fn all(c: &mut Conn) -> Result<(i64, i64), StoreError> {
        use crate::schema::{request_attempts_all, request_logs_all};
        Ok(db!(c, |c| (
            request_logs_all::table.count().get_result(c).await?,
            request_attempts_all::table.count().get_result(c).await?,
        )))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_move_once_and_are_forgotten_in_time() {
        each_engine(async |db| {
            fill(&db).await;
            db.write(|c| {
                Box::pin(async move {
                    let before = all(c).await?;
                    assert_eq!(before, (20, 15));
                    let cut = NOW - 30 * DAY_MS;
                    let mut moved = Vec::new();
                    while let n @ 1.. = batch(c, cut, 4).await? {
                        moved.push(n);
                        assert_eq!(all(c).await?, before, "no row in both, none in neither");
                    }
                    assert_eq!(moved, [4, 4, 1], "what has not ended stays");
                    assert_eq!(count(c).await?, (9, 9));
                    assert!(newest(c).await?.unwrap() < RequestId::lower_bound(cut));
                    let gone = expire(c, NOW - 60 * DAY_MS, 100).await?;
                    assert!(gone > 0);
                    // Whole months on PostgreSQL: what is 60 days old is of September, the rest of August.
                    assert_eq!(expire(c, NOW - 60 * DAY_MS, 100).await?, 0);
                    assert_eq!(count(c).await?, (6, 6));
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_are_numbered_on_after_all_have_moved() {
        each_engine(async |db| {
            fill(&db).await;
            let last = db.write(|c| {
                Box::pin(async move {
                    db!(c, |c| diesel::sql_query(
                        "update request_logs set status = 'error'"
                    )
                    .execute(c)
                    .await)?;
                    while batch(c, NOW + DAY_MS, 500).await? > 0 {}
                    last_seq(c).await
                })
            });
            let last = last.await.unwrap();
            assert_eq!(last, 20, "every row has moved");
            let entries = vec![Entry::Started(Arc::new(started(0, 20, Status::Pending)))];
            let more = Batch {
                entries,
                ..Batch::default()
            };
            db.write(move |c| {
                Box::pin(async move { drain::apply(c, &more, chrono_tz::Tz::UTC).await })
            })
            .await
            .unwrap();
            db.read(|c| {
                Box::pin(async move {
                    use crate::schema::request_logs as t;
                    let seqs: Vec<i64> = db!(c, |c| t::table.select(t::seq).load(c).await)?;
                    assert_eq!(seqs, [21]);
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn lists_and_details_read_on_in_the_history() {
        each_engine(async |db| {
            fill(&db).await;
            db.write(|c| {
                Box::pin(async move {
                    let all = |limit, before| LogFilter {
                        before,
                        limit,
                        ..LogFilter::default()
                    };
                    let whole = request_logs::list(c, &all(100, None)).await?.rows;
                    assert_eq!(whole.len(), 20);
                    while batch(c, NOW - 30 * DAY_MS, 500).await? > 0 {}
                    let after = request_logs::list(c, &all(100, None)).await?;
                    assert_eq!(after.rows, whole, "as before they moved");
                    let mut paged = Vec::new();
                    let mut before = None;
                    loop {
                        let page = request_logs::list(c, &all(3, before)).await?;
                        before = page.rows.last().map(|row| row.record.id);
                        paged.extend(page.rows);
                        if !page.more {
                            break;
                        }
                    }
                    assert_eq!(paged, whole, "page by page");
                    let failed = LogFilter {
                        states: States::Failed,
                        to_ms: Some(NOW - 20 * DAY_MS),
                        ..LogFilter::default()
                    };
                    assert_eq!(request_logs::list(c, &failed).await?.rows.len(), 3);
                    let old = started(40, 2, Status::Success);
                    let (row, attempts) = request_logs::find(c, old.id).await?.unwrap();
                    assert_eq!((row.record.id, attempts.len()), (old.id, 2));
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_history_has_the_columns_of_the_log() {
        each_engine(async |db| {
            db.read(|c| {
                Box::pin(async move {
                    for (history, _) in HISTORY {
                        let hot = history.trim_end_matches("_history");
                        let of = |table: &str| {
                            if c.is_postgres() {
                                format!(
                                    "select column_name::text as name from information_schema.columns \
                                     where table_name = '{table}' order by ordinal_position"
                                )
                            } else {
                                format!("select name from pragma_table_info('{table}') order by cid")
                            }
                        };
                        let queries = [of(hot), of(history), of(&format!("{hot}_all"))];
                        let mut names = Vec::new();
                        for query in queries {
                            let found: Vec<Partition> =
                                db!(c, |c| diesel::sql_query(query).load(c).await)?;
                            names.push(found.into_iter().map(|p| p.name).collect::<Vec<_>>());
                        }
                        assert!(names[0].len() > 5);
                        assert_eq!(names[0], names[1], "{history}");
                        assert_eq!(names[0], names[2], "{hot}_all");
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sums_are_held_against_rows_wherever_they_are_and_repaired() {
        each_engine(async |db| {
            fill(&db).await;
            db.write(|c| {
                Box::pin(async move {
                    batch(c, NOW, 500).await?;
                    let day = (NOW - 40 * DAY_MS, NOW - 39 * DAY_MS);
                    let right = reconcile::quarters(c, day.0, day.1).await?;
                    assert_eq!(right.drift(), reconcile::Drift::default());
                    let right = reconcile::day(c, day.0, day.1).await?;
                    assert_eq!(right.drift(), reconcile::Drift::default());
                    for spoil in [
                        "update usage_quarter_hour set success = success + 2 where cost_nanos > 1001",
                        "delete from usage_quarter_hour where cost_nanos = 1001",
                        "update usage_daily set cost_nanos = 1 where cost_nanos > 0",
                    ] {
                        db!(c, |c| diesel::sql_query(spoil).execute(c).await)?;
                    }
                    let missing = reconcile::quarters(c, day.0, day.1).await?;
                    let drift = missing.drift();
                    assert_eq!((drift.sums, drift.requests, drift.cost_nanos), (2, 3, 1_001));
                    reconcile::repair_quarters(c, missing).await?;
                    let again = reconcile::quarters(c, day.0, day.1).await?;
                    assert_eq!(again.drift(), reconcile::Drift::default());
                    let missing = reconcile::day(c, day.0, day.1).await?;
                    assert_eq!(missing.drift().cost_nanos, 1_000 + 1_001);
                    reconcile::repair_days(c, missing).await?;
                    let again = reconcile::day(c, day.0, day.1).await?;
                    assert_eq!(again.drift(), reconcile::Drift::default());
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
