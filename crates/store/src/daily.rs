//! Sums of days for databases that were filled before sums of days were kept.

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::range::{day_of, next_day_of};

use crate::budgets::LOCK;
use crate::conn::db;
use crate::schema::{usage_daily, usage_quarter_hour};
use crate::{Conn, StoreError};

const USAGE: &str = "success, error, timeout, cancelled, rate_limited, error_caller, error_policy, error_gateway, \
                     error_upstream, prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, \
                     reasoning_tokens, cost_nanos, latency_sum_ms, ttft_sum_ms, ttft_count";

/// Where there are quarters of an hour and no days, adds the days of `zone` up; returns how many. Call it through
/// [`crate::Db::write`].
pub async fn fill(c: &mut Conn, zone: Tz) -> Result<usize, StoreError> {
    c.advisory_lock(LOCK).await?;
    let known: Option<i64> = db!(c, |c| usage_daily::table
        .select(diesel::dsl::max(usage_daily::day_ms))
        .first(c)
        .await)?;
    let (first, last): (Option<i64>, Option<i64>) = db!(c, |c| usage_quarter_hour::table
        .select((
            diesel::dsl::min(usage_quarter_hour::quarter_ms),
            diesel::dsl::max(usage_quarter_hour::quarter_ms),
        ))
        .first(c)
        .await)?;
    let (None, Some(mut from), Some(last)) = (known, first, last) else {
        return Ok(0);
    };
    let mut days = 0;
    from = day_of(from, zone);
    while from <= last {
        let to = next_day_of(from, zone);
        if to <= from {
            break;
        }
        for statement in statements(from, to) {
            db!(c, |c| diesel::sql_query(&statement).execute(c).await)?;
        }
        days += 1;
        from = to;
    }
    Ok(days)
}

/// Adds one day up. Nothing but numbers of our own goes into the text.
fn statements(from: i64, to: i64) -> [String; 2] {
    let sums: Vec<String> = USAGE
        .split(", ")
        .map(|column| format!("cast(sum({column}) as bigint)"))
        .collect();
    let sums = sums.join(", ");
    let key = "api_key_id, model_id, provider_id, provider_key_id, currency";
    let usage = format!(
        "insert into usage_daily (day_ms, {key}, {USAGE}) select {from}, {key}, {sums} from usage_quarter_hour \
         where quarter_ms >= {from} and quarter_ms < {to} group by {key}"
    );
    let key = "api_key_id, model_id, provider_id, measure, bucket";
    let latency = format!(
        "insert into latency_daily (day_ms, {key}, count, min_ms, max_ms) select {from}, {key}, \
         cast(sum(count) as bigint), min(min_ms), max(max_ms) from latency_quarter_hour \
         where quarter_ms >= {from} and quarter_ms < {to} group by {key}"
    );
    [usage, latency]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use modelgate_domain::{ApiKeyId, ModelId, RequestId, RequestRecord, Status};

    use super::*;
    use crate::drain::{self, Batch, Entry};
    use crate::schema::latency_daily;
    use crate::testing::each_engine;
    use crate::usage::UsageFilter;
    use crate::{latency, usage};

    const DAY_MS: i64 = 86_400_000;
    const FIRST: i64 = 20_777 * DAY_MS;

    fn entry(n: i64) -> Entry {
        let started_ms = FIRST + n * DAY_MS / 4;
        Entry::Ended(
            Arc::new(RequestRecord {
                id: RequestId(RequestId::lower_bound(started_ms).0 + n),
                api_key_id: ApiKeyId(n % 2 + 1),
                model_id: ModelId(1),
                status: Status::Success,
                repeats: 1,
                started_ms,
                latency_ms: Some(100 + n),
                ..RequestRecord::default()
            }),
            Vec::new(),
        )
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn days_are_made_where_there_are_only_quarters() {
        each_engine(async |db| {
            let zone = chrono_tz::Asia::Kathmandu;
            let filter = UsageFilter::between(FIRST - DAY_MS, FIRST + 4 * DAY_MS, zone);
            let batch = Batch {
                entries: (0..8).map(entry).collect(),
                ..Batch::default()
            };
            db.write(move |c| {
                Box::pin(async move {
                    drain::apply(c, &batch, zone).await?;
                    let (cube, spreads) = (
                        usage::cube(c, &filter).await?,
                        latency::spreads(c, &filter).await?,
                    );
                    assert_eq!(cube.totals().requests(), 8);
                    assert_eq!(fill(c, zone).await?, 0, "days that are there stay");
                    db!(c, |c| diesel::delete(usage_daily::table).execute(c).await)?;
                    db!(c, |c| diesel::delete(latency_daily::table).execute(c).await)?;
                    assert!(usage::totals(c, &filter).await?.requests() < 8);
                    assert_eq!(fill(c, zone).await?, 2);
                    assert_eq!(usage::cube(c, &filter).await?, cube);
                    assert_eq!(latency::spreads(c, &filter).await?, spreads);
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
