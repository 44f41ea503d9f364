//! Holds the buckets of durations against the rows that they count, and those of days against those of quarters of an
//! hour, and repairs them.
//!
//! Shortest and longest durations cannot be added to, as other sums can: what differs is written anew, while no record
//! can reach the database.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use modelgate_domain::histogram;

use super::reconcile::{Drift, ids_of};
use crate::budgets::LOCK;
use crate::conn::db;
use crate::{Conn, StoreError};

const KEY: &str = "api_key_id, model_id, provider_id, measure, bucket";

/// Where buckets are kept, and what they have to agree with.
#[derive(Clone, Copy, Debug)]
pub enum Durations {
    /// Those of quarters of an hour, with the rows that ended: for an hour or so at a time.
    Quarters {
        /// From then on, epoch milliseconds.
        from_ms: i64,
        /// Until then, epoch milliseconds.
        to_ms: i64,
    },
    /// Those of a day, with its quarters of an hour.
    Day {
        /// When it began, epoch milliseconds.
        day_ms: i64,
        /// When it ended, epoch milliseconds.
        to_ms: i64,
    },
}

/// A bucket as it is and as it should be; a count of 0 is none at all.
#[derive(QueryableByName)]
struct Compared {
    #[diesel(sql_type = BigInt)]
    period_ms: i64,
    #[diesel(sql_type = BigInt)]
    api_key_id: i64,
    #[diesel(sql_type = BigInt)]
    model_id: i64,
    #[diesel(sql_type = BigInt)]
    provider_id: i64,
    #[diesel(sql_type = Text)]
    measure: String,
    #[diesel(sql_type = BigInt)]
    bucket: i64,
    #[diesel(sql_type = BigInt)]
    kept: i64,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    min_ms: i64,
    #[diesel(sql_type = BigInt)]
    max_ms: i64,
}

impl Durations {
    /// How far buckets are from what they count. Call it through [`crate::Db::read_snapshot`].
    pub async fn drift(self, c: &mut Conn) -> Result<Drift, StoreError> {
        Ok(drift(&self.wrong(c).await?))
    }

    /// Makes them what they should be; returns how far they were from it. Call it through [`crate::Db::write`].
    pub async fn repair(self, c: &mut Conn) -> Result<Drift, StoreError> {
        // Everything that adds to buckets holds this lock until its end.
        c.advisory_lock(LOCK).await?;
        let wrong = self.wrong(c).await?;
        for compared in &wrong {
            self.write(c, compared).await?;
        }
        Ok(drift(&wrong))
    }

    async fn wrong(self, c: &mut Conn) -> Result<Vec<Compared>, StoreError> {
        let (table, period) = self.table();
        let (from, to) = self.span();
        let truth = self.truth();
        let query = format!(
            "select period_ms, {KEY}, cast(sum(kept) as bigint) as kept, cast(sum(truly) as bigint) as count, \
             cast(coalesce(min(min_ms), 0) as bigint) as min_ms, cast(coalesce(max(max_ms), 0) as bigint) as max_ms \
             from (select period_ms, {KEY}, 0 as kept, truly, min_ms, max_ms, \
             cast(null as bigint) as kept_min, cast(null as bigint) as kept_max from ({truth}) as t \
             union all select {period}, {KEY}, count, 0, cast(null as bigint), cast(null as bigint), min_ms, max_ms \
             from {table} where {period} >= {from} and {period} < {to}) as b \
             group by period_ms, {KEY} \
             having sum(kept) <> sum(truly) or min(min_ms) <> min(kept_min) or max(max_ms) <> max(kept_max) \
             order by period_ms, {KEY}"
        );
        Ok(db!(c, |c| diesel::sql_query(query).load(c).await)?)
    }

    /// What should be kept: as [`super::rollups`] counts it.
    fn truth(self) -> String {
        match self {
            Self::Quarters { from_ms, to_ms } => {
                let ids = ids_of(from_ms, to_ms);
                let of = |measure: &str, ms: &str, only: &str| {
                    format!(
                        "select started_ms - started_ms % 900000 as period_ms, api_key_id, model_id, provider_id, \
                         '{measure}' as measure, {ms} as ms from request_logs_all \
                         where {ids} and started_ms >= {from_ms} and started_ms < {to_ms} \
                         and {only} and {ms} is not null"
                    )
                };
                format!(
                    "select period_ms, api_key_id, model_id, provider_id, measure, {} as bucket, count(*) as truly, \
                     min(ms) as min_ms, max(ms) as max_ms from ({} union all {}) as d group by 1, 2, 3, 4, 5, 6",
                    bucket_of("ms"),
                    of("latency", "latency_ms", "status = 'success'"),
                    of("ttft", "ttft_ms", "status <> 'pending'"),
                )
            }
            Self::Day { day_ms, to_ms } => format!(
                "select cast({day_ms} as bigint) as period_ms, {KEY}, sum(count) as truly, min(min_ms) as min_ms, \
                 max(max_ms) as max_ms from latency_quarter_hour \
                 where quarter_ms >= {day_ms} and quarter_ms < {to_ms} group by {KEY}"
            ),
        }
    }

    fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Quarters { .. } => ("latency_quarter_hour", "quarter_ms"),
            Self::Day { .. } => ("latency_daily", "day_ms"),
        }
    }

    /// What is kept of it lies in between.
    fn span(self) -> (i64, i64) {
        match self {
            Self::Quarters { from_ms, to_ms } => (from_ms, to_ms),
            Self::Day { day_ms, .. } => (day_ms, day_ms.saturating_add(1)),
        }
    }

    async fn write(self, c: &mut Conn, compared: &Compared) -> Result<(), StoreError> {
        let (table, period) = self.table();
        let Compared {
            period_ms,
            api_key_id,
            model_id,
            provider_id,
            measure,
            bucket,
            count,
            min_ms,
            max_ms,
            ..
        } = compared;
        // `measure` is one of two words of the program wherever it is written; a third one is somebody's by hand.
        let measure = measure.replace('\'', "''");
        let gone = format!(
            "delete from {table} where {period} = {period_ms} and api_key_id = {api_key_id} \
             and model_id = {model_id} and provider_id = {provider_id} and measure = '{measure}' and bucket = {bucket}"
        );
        db!(c, |c| diesel::sql_query(gone).execute(c).await)?;
        if *count > 0 {
            let new = format!(
                "insert into {table} ({period}, {KEY}, count, min_ms, max_ms) values ({period_ms}, {api_key_id}, \
                 {model_id}, {provider_id}, '{measure}', {bucket}, {count}, {min_ms}, {max_ms})"
            );
            db!(c, |c| diesel::sql_query(new).execute(c).await)?;
        }
        Ok(())
    }
}

fn drift(wrong: &[Compared]) -> Drift {
    let mut drift = Drift::default();
    for compared in wrong {
        drift.sums += 1;
        drift.durations += (compared.count - compared.kept).abs();
    }
    drift
}

/// [`histogram::bucket`] in SQL.
fn bucket_of(ms: &str) -> String {
    let cases = histogram::octaves().map(|octave| {
        let (below_ms, offset, shift) = (octave.below_ms, octave.offset, octave.shift);
        format!("when {ms} < {below_ms} then {offset} + ({ms} >> {shift})")
    });
    let cases: Vec<String> = cases.collect();
    let (cases, last) = (cases.join(" "), histogram::bucket(i64::MAX));
    format!("cast(case when {ms} < 0 then 0 {cases} else {last} end as bigint)")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use modelgate_domain::{
        ApiKeyId, FaultOwner, ModelId, ProviderId, RequestId, RequestRecord, Status,
    };

    use super::*;
    use crate::drain::{Batch, Entry, apply};
    use crate::testing::each_engine;

    const DAY_MS: i64 = 86_400_000;
    /// Midnight in UTC.
    const START_MS: i64 = 20_700 * DAY_MS;
    const QUARTERS: Durations = Durations::Quarters {
        from_ms: START_MS,
        to_ms: START_MS + DAY_MS,
    };
    const DAY: Durations = Durations::Day {
        day_ms: START_MS,
        to_ms: START_MS + DAY_MS,
    };

    fn ended(n: i64, latency_ms: i64, status: Status) -> Entry {
        let started_ms = START_MS + n * 600_000;
        let record = RequestRecord {
            id: RequestId::lower_bound(started_ms),
            api_key_id: ApiKeyId(1 + n % 2),
            model_id: ModelId(1),
            provider_id: ProviderId(1),
            status,
            fault_owner: FaultOwner::None,
            started_ms,
            latency_ms: Some(latency_ms),
            ttft_ms: (n % 3 == 0).then_some(latency_ms / 2),
            ..RequestRecord::default()
        };
        Entry::Ended(Arc::new(record), Vec::new())
    }

    async fn fill(c: &mut Conn) -> Result<(), StoreError> {
        let durations = [0, 1, 15, 16, 17, 31, 32, 4_000, 4_001, 900_000, 1 << 40];
        let all = (0..).zip(durations);
        let mut entries: Vec<Entry> = all.map(|(n, ms)| ended(n, ms, Status::Success)).collect();
        entries.push(ended(12, 5_000, Status::Error));
        let batch = Batch {
            instance: "a".into(),
            entries,
            ..Batch::default()
        };
        apply(c, &batch, chrono_tz::UTC).await?;
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_counted_is_right_and_what_is_spoilt_is_found_and_repaired() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    fill(c).await?;
                    for part in [QUARTERS, DAY] {
                        assert_eq!(part.drift(c).await?, Drift::default());
                    }
                    for spoil in [
                        "update latency_quarter_hour set count = count + 4 where bucket = 15 and measure = 'latency'",
                        "delete from latency_quarter_hour where max_ms = 900000",
                        "update latency_quarter_hour set min_ms = 1 where min_ms = 4000",
                        "insert into latency_quarter_hour values \
                         (1788480000000, 9, 9, 9, 'latency', 3, 2, 3, 3)",
                    ] {
                        db!(c, |c| diesel::sql_query(spoil).execute(c).await)?;
                    }
                    let found = QUARTERS.drift(c).await?;
                    let (sums, durations) = (found.sums, found.durations);
                    assert_eq!((sums, durations), (4, 4 + 1 + 2));
                    assert_eq!(QUARTERS.repair(c).await?, found);
                    assert_eq!(QUARTERS.drift(c).await?, Drift::default());
                    assert_eq!(DAY.drift(c).await?, Drift::default(), "as before it was spoilt");
                    let spoil = "update latency_daily set max_ms = max_ms + 1, count = 7 where bucket = 0";
                    db!(c, |c| diesel::sql_query(spoil).execute(c).await)?;
                    assert!(DAY.drift(c).await?.durations > 0);
                    DAY.repair(c).await?;
                    assert_eq!(DAY.drift(c).await?, Drift::default());
                    assert_eq!(DAY.repair(c).await?, Drift::default());
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
