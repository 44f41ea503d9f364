//! What failed, and under how long a context: raw rows, counted for the analysis of errors.
//!
//! A day can hold millions of rows, so that only the newest of them are looked at: [`WINDOW`] for a page, which has
//! milliseconds, and [`REPORT_WINDOW`] for a report.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use modelgate_domain::{FaultOwner, RequestId, Status};

use crate::conn::db;
use crate::request_logs::newest_before;
use crate::schema::request_logs;
use crate::{Conn, StoreError};

/// How many of the newest rows a page looks at: of each kind of failure, and of all that ended.
pub const WINDOW: i64 = 10_000;
/// How many of them a report looks at.
pub const REPORT_WINDOW: i64 = 200_000;

/// Where the bands of context begin, in tokens: 0–8k, 8–16k, 16–32k, 32–64k, 64–96k, 96–128k, and more.
pub const BANDS: [i64; 7] = [0, 8_192, 16_384, 32_768, 65_536, 98_304, 131_072];

/// Durations are told apart by the second, up to this one.
const LAST_SECOND: i64 = 600;

/// The tokens that a call sent; where its vendor told none, four bytes of the request count as one.
const CONTEXT: &str = "case when prompt_tokens + cached_tokens + cache_write_tokens > 0 \
     then prompt_tokens + cached_tokens + cache_write_tokens else request_bytes / 4 end";

/// The states that count as failures here: what a caller met in place of an answer.
const FAILED: [Status; 3] = [Status::Error, Status::Timeout, Status::RateLimited];

/// Requests that failed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How they ended: error, timeout or refused by a limit.
    pub status: Status,
    /// Whose fault that was.
    pub fault_owner: FaultOwner,
    /// The provider's row, 0 where none was chosen.
    pub provider_id: i64,
    /// The model's row, 0 where there is none of that name.
    pub model_id: i64,
    /// The code of the error.
    pub error_code: String,
    /// What the vendor answered with, 0 where it did not.
    pub upstream_status: i64,
    /// How many.
    pub count: i64,
    /// The tokens they sent, together.
    pub context_sum: i64,
    /// The most tokens that one of them sent.
    pub context_max: i64,
}

/// How calls of one model with a context of one band fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Band {
    /// The model's row.
    pub model_id: i64,
    /// The place in [`BANDS`].
    pub band: usize,
    /// Calls that ended with an answer, an error or a timeout.
    pub calls: i64,
    /// Of these, timeouts.
    pub timeouts: i64,
    /// Of these, errors.
    pub errors: i64,
    /// The sum of their durations.
    pub latency_sum_ms: i64,
    /// How many took so many seconds, rounded down, shortest first.
    pub seconds: Vec<(i64, i64)>,
}

impl Band {
    /// The duration within which 95 of 100 calls ended, milliseconds, rounded up to whole seconds.
    pub fn p95_ms(&self) -> i64 {
        let rank = self.calls.saturating_mul(95).saturating_add(99) / 100;
        let mut seen = 0;
        for (second, count) in &self.seconds {
            seen += count;
            if seen >= rank {
                return (second + 1) * 1_000;
            }
        }
        0
    }
}

#[derive(QueryableByName)]
struct FailureRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    fault_owner: String,
    #[diesel(sql_type = BigInt)]
    provider_id: i64,
    #[diesel(sql_type = BigInt)]
    model_id: i64,
    #[diesel(sql_type = Text)]
    error_code: String,
    #[diesel(sql_type = BigInt)]
    upstream_status: i64,
    #[diesel(sql_type = BigInt)]
    calls: i64,
    #[diesel(sql_type = BigInt)]
    context_sum: i64,
    #[diesel(sql_type = BigInt)]
    context_max: i64,
}

/// What failed from `from_ms` to before `to_ms`, the most alike first, among the newest `window` of each kind; and
/// whether there was more than that.
pub async fn groups(
    c: &mut Conn,
    (from_ms, to_ms): (i64, i64),
    window: i64,
) -> Result<(Vec<Failures>, bool), StoreError> {
    let (from, to) = (
        RequestId::lower_bound(from_ms).0,
        RequestId::lower_bound(to_ms).0,
    );
    let (mut found, mut is_cut) = (Vec::new(), false);
    for status in FAILED {
        let oldest = oldest_of(c, status, to, window).await?;
        let floor = oldest.map_or(from, |floor| floor.max(from));
        is_cut |= floor > from;
        let query = format!(
            "select status, fault_owner, provider_id, model_id, error_code, upstream_status, \
             cast(sum(repeats) as bigint) as calls, cast(sum(({CONTEXT}) * repeats) as bigint) as context_sum, cast(max({CONTEXT}) as bigint) as context_max \
             from request_logs_all where status = '{status}' and status <> 'success' and id >= {floor} and id < {to} \
             group by status, fault_owner, provider_id, model_id, error_code, upstream_status"
        );
        let rows: Vec<FailureRow> = db!(c, |c| diesel::sql_query(query).load(c).await)?;
        for row in rows {
            found.push(row.told()?);
        }
    }
    found.sort_by(|a, b| (b.count, &a.error_code).cmp(&(a.count, &b.error_code)));
    Ok((found, is_cut))
}

/// The `window`-th newest row in a state before `to`.
async fn oldest_of(
    c: &mut Conn,
    status: Status,
    to: i64,
    window: i64,
) -> Result<Option<i64>, StoreError> {
    use request_logs as t;
    // Said literally too, so that both engines see that their partial index holds all that is asked for.
    let not_success = diesel::dsl::sql::<diesel::sql_types::Bool>("status <> 'success'");
    Ok(db!(c, |c| t::table
        .filter(t::status.eq(status.as_str()))
        .filter(not_success)
        .filter(t::id.lt(to))
        .order(t::id.desc())
        .offset(window - 1)
        .select(t::id)
        .first(c)
        .await
        .optional())?)
}

impl FailureRow {
    fn told(self) -> Result<Failures, StoreError> {
        let unknown = |what: &str| StoreError::Corrupt(format!("request_logs: {what}"));
        Ok(Failures {
            status: self
                .status
                .parse()
                .map_err(|_unknown| unknown(&self.status))?,
            fault_owner: self
                .fault_owner
                .parse()
                .map_err(|_unknown| unknown(&self.fault_owner))?,
            provider_id: self.provider_id,
            model_id: self.model_id,
            error_code: self.error_code,
            upstream_status: self.upstream_status,
            count: self.calls,
            context_sum: self.context_sum,
            context_max: self.context_max,
        })
    }
}

#[derive(QueryableByName)]
struct BandRow {
    #[diesel(sql_type = BigInt)]
    model_id: i64,
    #[diesel(sql_type = BigInt)]
    band: i64,
    #[diesel(sql_type = BigInt)]
    second: i64,
    #[diesel(sql_type = BigInt)]
    calls: i64,
    #[diesel(sql_type = BigInt)]
    timeouts: i64,
    #[diesel(sql_type = BigInt)]
    errors: i64,
    #[diesel(sql_type = BigInt)]
    latency_sum_ms: i64,
}

/// How calls from `from_ms` to before `to_ms` fared by model and length of context, among the newest `window` rows.
pub async fn bands(c: &mut Conn, span: (i64, i64), window: i64) -> Result<Vec<Band>, StoreError> {
    let floor = newest_before(c, window, span).await?;
    let to = RequestId::lower_bound(span.1).0;
    let band = BANDS.iter().enumerate().rev();
    let band: Vec<String> = band
        .map(|(place, from)| format!("when context >= {from} then {place}"))
        .collect();
    let band = band.join(" ");
    let query = format!(
        "select model_id, band, second, count(*) as calls, \
         cast(sum(case when status = 'timeout' then 1 else 0 end) as bigint) as timeouts, \
         cast(sum(case when status = 'error' then 1 else 0 end) as bigint) as errors, \
         cast(sum(took) as bigint) as latency_sum_ms \
         from (select model_id, status, took, cast(case {band} else 0 end as bigint) as band, \
         case when took / 1000 > {LAST_SECOND} then {LAST_SECOND} else took / 1000 end as second \
         from (select model_id, status, coalesce(latency_ms, 0) as took, {CONTEXT} as context from request_logs_all \
         where id >= {floor} and id < {to} and model_id <> 0 and status in ('success', 'error', 'timeout')) as ended) \
         as sorted group by model_id, band, second order by model_id, band, second"
    );
    let rows: Vec<BandRow> = db!(c, |c| diesel::sql_query(query).load(c).await)?;
    let mut bands: Vec<Band> = Vec::new();
    for row in rows {
        let place = usize::try_from(row.band).unwrap_or_default();
        if !matches!(bands.last(), Some(last) if (last.model_id, last.band) == (row.model_id, place))
        {
            bands.push(Band {
                model_id: row.model_id,
                band: place,
                ..Band::default()
            });
        }
        if let Some(band) = bands.last_mut() {
            band.calls += row.calls;
            band.timeouts += row.timeouts;
            band.errors += row.errors;
            band.latency_sum_ms += row.latency_sum_ms;
            band.seconds.push((row.second, row.calls));
        }
    }
    Ok(bands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_twenty_is_what_95_of_100_stay_within() {
        let band = |seconds: &[(i64, i64)]| Band {
            calls: seconds.iter().map(|(_, n)| n).sum(),
            seconds: seconds.to_vec(),
            ..Band::default()
        };
        assert_eq!(band(&[]).p95_ms(), 0);
        assert_eq!(band(&[(3, 1)]).p95_ms(), 4_000);
        assert_eq!(band(&[(0, 19), (30, 1)]).p95_ms(), 1_000);
        assert_eq!(band(&[(0, 18), (30, 2)]).p95_ms(), 31_000);
    }
}
