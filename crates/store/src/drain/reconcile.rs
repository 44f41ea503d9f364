//! Holds sums against the rows that they count, and repairs them.
//!
//! What is missing is read at one moment and then added, so that what arrives meanwhile, which adds to rows and sums
//! alike, does no harm.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use modelgate_domain::RequestId;

use super::rollups::{Sums, UsageKey, write_days, write_quarters};
use crate::conn::db;
use crate::{Conn, StoreError};

/// An id may be so much older or younger than the start of its request.
const SKEW_MS: i64 = 3_600_000;
const KEY: &str = "api_key_id, model_id, provider_id, provider_key_id";
const SUMS: [&str; 18] = [
    "success",
    "error",
    "timeout",
    "cancelled",
    "rate_limited",
    "error_caller",
    "error_policy",
    "error_gateway",
    "error_upstream",
    "prompt_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cost_nanos",
    "latency_sum_ms",
    "ttft_sum_ms",
    "ttft_count",
];

/// How far sums are from what they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Sums that were wrong.
    pub sums: i64,
    /// Requests that were missing or too many.
    pub requests: i64,
    /// Tokens, likewise.
    pub tokens: i64,
    /// Money in nano-units of whatever currency, likewise.
    pub cost_nanos: i64,
    /// Durations that were in the wrong bucket or in none.
    pub durations: i64,
}

impl Drift {
    /// Adds another.
    pub fn join(&mut self, other: Self) {
        self.sums += other.sums;
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.cost_nanos += other.cost_nanos;
        self.durations += other.durations;
    }

    fn of(missing: &BTreeMap<UsageKey, Sums>) -> Self {
        let mut drift = Self::default();
        for sums in missing.values() {
            drift.sums += 1;
            for n in [
                sums.success,
                sums.error,
                sums.timeout,
                sums.cancelled,
                sums.rate_limited,
            ] {
                drift.requests += n.abs();
            }
            for n in [
                sums.prompt_tokens,
                sums.cached_tokens,
                sums.cache_write_tokens,
                sums.completion_tokens,
                sums.reasoning_tokens,
            ] {
                drift.tokens += n.abs();
            }
            drift.cost_nanos += sums.cost_nanos.abs();
        }
        drift
    }
}

/// What sums lack; more than there should be is less than nothing.
#[derive(Clone, Debug, Default)]
pub struct Missing(BTreeMap<UsageKey, Sums>);

impl Missing {
    /// How much that is.
    pub fn drift(&self) -> Drift {
        Drift::of(&self.0)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    period_ms: i64,
    #[diesel(sql_type = BigInt)]
    api_key_id: i64,
    #[diesel(sql_type = BigInt)]
    model_id: i64,
    #[diesel(sql_type = BigInt)]
    provider_id: i64,
    #[diesel(sql_type = BigInt)]
    provider_key_id: i64,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(embed)]
    sums: Sums,
}

/// Rows that began between these times have such ids: the log is found by its key.
pub(super) fn ids_of(from_ms: i64, to_ms: i64) -> String {
    let first = RequestId::lower_bound(from_ms.saturating_sub(SKEW_MS)).0;
    let last = RequestId::lower_bound(to_ms.saturating_add(SKEW_MS)).0;
    format!("id >= {first} and id < {last}")
}

/// What the quarters of an hour from `from_ms` to `to_ms` lack of the rows that ended. Call it through
/// [`crate::Db::read_snapshot`], for an hour or so at a time.
pub async fn quarters(c: &mut Conn, from_ms: i64, to_ms: i64) -> Result<Missing, StoreError> {
    let ids = ids_of(from_ms, to_ms);
    let sums: Vec<String> = SUMS.iter().map(|sum| counted(sum)).collect();
    let sums = sums.join(", ");
    let rows = format!(
        "select started_ms - started_ms % 900000 as period_ms, {KEY}, \
         case when cost_nanos is null then '' else currency end as currency, {sums} from request_logs_all \
         where {ids} and started_ms >= {from_ms} and started_ms < {to_ms} \
         and status <> 'pending' group by 1, 2, 3, 4, 5, 6"
    );
    let less = less();
    let kept = format!(
        "select quarter_ms as period_ms, {KEY}, currency, {less} from usage_quarter_hour \
         where quarter_ms >= {from_ms} and quarter_ms < {to_ms}"
    );
    missing(c, rows, kept).await
}

/// What the day that began at `day_ms` and ended at `to_ms` lacks of its quarters of an hour. Call it through
/// [`crate::Db::read_snapshot`].
pub async fn day(c: &mut Conn, day_ms: i64, to_ms: i64) -> Result<Missing, StoreError> {
    let sums: Vec<String> = SUMS
        .iter()
        .map(|sum| format!("cast(sum({sum}) as bigint) as {sum}"))
        .collect();
    let sums = sums.join(", ");
    let quarters = format!(
        "select cast({day_ms} as bigint) as period_ms, {KEY}, currency, {sums} from usage_quarter_hour \
         where quarter_ms >= {day_ms} and quarter_ms < {to_ms} group by 2, 3, 4, 5, 6"
    );
    let less = less();
    let kept = format!(
        "select day_ms as period_ms, {KEY}, currency, {less} from usage_daily where day_ms = {day_ms}"
    );
    missing(c, quarters, kept).await
}

/// Adds to quarters of an hour what they lack. Call it through [`crate::Db::write`].
pub async fn repair_quarters(c: &mut Conn, missing: Missing) -> Result<(), StoreError> {
    write_quarters(c, missing.0).await
}

/// Adds to days what they lack. Call it through [`crate::Db::write`].
pub async fn repair_days(c: &mut Conn, missing: Missing) -> Result<(), StoreError> {
    write_days(c, missing.0).await
}

/// How a sum follows from rows: as [`super::rollups`] adds them up.
fn counted(sum: &str) -> String {
    let ended = |status: &str| format!("case when status = '{status}' then repeats else 0 end");
    let by = |owner: &str| {
        format!("case when status = 'error' and fault_owner {owner} then repeats else 0 end")
    };
    let value = match sum {
        "success" | "error" | "timeout" | "cancelled" | "rate_limited" => ended(sum),
        "error_caller" => by("= 'caller'"),
        "error_policy" => by("= 'policy'"),
        "error_upstream" => by("= 'upstream'"),
        "error_gateway" => by("in ('gateway', 'none')"),
        "cost_nanos" => "coalesce(cost_nanos, 0)".to_owned(),
        "latency_sum_ms" => {
            "case when status = 'success' then coalesce(latency_ms, 0) else 0 end".to_owned()
        }
        "ttft_sum_ms" => "coalesce(ttft_ms, 0)".to_owned(),
        "ttft_count" => "case when ttft_ms is not null then 1 else 0 end".to_owned(),
        tokens => tokens.to_owned(),
    };
    format!("cast(sum({value}) as bigint) as {sum}")
}

/// The sums that are kept, to be taken away.
fn less() -> String {
    let less: Vec<String> = SUMS.iter().map(|sum| format!("-{sum} as {sum}")).collect();
    less.join(", ")
}

async fn missing(c: &mut Conn, truth: String, kept: String) -> Result<Missing, StoreError> {
    let truth: Vec<Row> = db!(c, |c| diesel::sql_query(truth).load(c).await)?;
    let kept: Vec<Row> = db!(c, |c| diesel::sql_query(kept).load(c).await)?;
    let mut missing: BTreeMap<UsageKey, Sums> = BTreeMap::new();
    for row in truth.into_iter().chain(kept) {
        let (key, sums) = row.split();
        missing.entry(key).or_default().add_all(&sums);
    }
    missing.retain(|_, sums| *sums != Sums::default());
    Ok(Missing(missing))
}

impl Row {
    fn split(self) -> (UsageKey, Sums) {
        let key = UsageKey {
            period_ms: self.period_ms,
            api_key_id: self.api_key_id,
            model_id: self.model_id,
            provider_id: self.provider_id,
            provider_key_id: self.provider_key_id,
            currency: self.currency,
        };
        (key, self.sums)
    }
}
