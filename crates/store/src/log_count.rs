//! How many requests a filter of the log lets through: from the sums where those can tell, by counting rows otherwise.

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{
    ApiKeyId, FaultOwner, ModelId, ProviderId, ProviderKeyId, RequestId, Status,
};

use crate::conn::db;
use crate::log_filter::{Branch, By, LogFilter, States, leading, matching};
use crate::schema::{request_logs, request_logs_history, usage_quarter_hour};
use crate::usage::{self, QUARTER_MS, Totals, UsageFilter};
use crate::{Conn, StoreError, archive};

/// Rows of a kind that are counted one by one.
pub const MOST: i64 = 10_000;
/// How many rows that fit one condition are held against the others to be counted.
const LOOK: i64 = 100_000;

/// How many requests match. Refusals that share a row count with their repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// So many.
    pub requests: i64,
    /// There are more, or may be.
    pub is_more: bool,
}

impl Matching {
    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.is_more |= other.is_more;
    }
}

/// Counts what a filter lets through, its cursor aside; `now_ms` is the end of what has none.
pub async fn count(
    c: &mut Conn,
    filter: &LogFilter,
    (now_ms, business): (i64, Tz),
) -> Result<Matching, StoreError> {
    let filter = LogFilter {
        before: None,
        after_seq: None,
        ..filter.clone()
    };
    match summed(c, &filter, now_ms).await? {
        Some((first, last)) => with_sums(c, &filter, (first, last), business).await,
        None => rows(c, &filter).await,
    }
}

/// The quarters of an hour of which the sums tell everything, where they tell anything.
async fn summed(
    c: &mut Conn,
    filter: &LogFilter,
    now_ms: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    let is_finer = filter.fault().is_some()
        || filter.error_code.is_some()
        || filter.upstream_model.is_some()
        || filter.http_status.is_some()
        || filter.upstream_status.is_some()
        || filter.states == States::One(Status::Pending);
    // Sums are kept longer than rows, and count what is forgotten.
    let Some(oldest) = oldest_ms(c).await?.filter(|_| !is_finer) else {
        return Ok(None);
    };
    let from = filter.from_ms.map_or(oldest, |from| from.max(oldest));
    let to = filter.to_ms.map_or(now_ms, |to| to.min(now_ms));
    let first = -(-from).div_euclid(QUARTER_MS).saturating_mul(QUARTER_MS);
    let last = to.div_euclid(QUARTER_MS).saturating_mul(QUARTER_MS);
    let kept: Option<i64> = db!(c, |c| usage_quarter_hour::table
        .select(diesel::dsl::min(usage_quarter_hour::quarter_ms))
        .first(c)
        .await)?;
    // A day that is not asked for whole is made of quarters of an hour.
    let is_kept = kept.is_some_and(|kept| kept <= first);
    Ok((first < last && is_kept).then_some((first, last)))
}

/// When the oldest row that has ended began.
async fn oldest_ms(c: &mut Conn) -> Result<Option<i64>, StoreError> {
    if let Some(id) = archive::oldest(c).await? {
        return Ok(Some(id.epoch_ms()));
    }
    let id: Option<i64> = db!(c, |c| request_logs::table
        .filter(request_logs::status.ne(Status::Pending.as_str()))
        .order(request_logs::id)
        .select(request_logs::id)
        .first(c)
        .await
        .optional())?;
    Ok(id.map(|id| RequestId(id).epoch_ms()))
}

/// Sums between two quarters of an hour, and the rows before, after, and of what has not ended.
async fn with_sums(
    c: &mut Conn,
    filter: &LogFilter,
    (first, last): (i64, i64),
    business: Tz,
) -> Result<Matching, StoreError> {
    let sums = UsageFilter {
        api_key_id: filter.api_key_id,
        model_id: filter.model_id,
        provider_id: filter.provider_id,
        provider_key_id: filter.provider_key_id,
        ..UsageFilter::between(first, last, business)
    };
    let totals = usage::totals(c, &sums).await?;
    let mut found = Matching {
        requests: of_states(filter.states, &totals),
        is_more: false,
    };
    let before = LogFilter {
        to_ms: Some(first.min(filter.to_ms.unwrap_or(first))),
        ..filter.clone()
    };
    let after = LogFilter {
        from_ms: Some(last.max(filter.from_ms.unwrap_or(last))),
        ..filter.clone()
    };
    for edge in [before, after] {
        found.add(rows(c, &edge).await?);
    }
    if filter.states == States::All {
        let running = LogFilter {
            states: States::One(Status::Pending),
            from_ms: Some(first),
            to_ms: Some(last),
            ..filter.clone()
        };
        found.add(rows(c, &running).await?);
    }
    Ok(found)
}

fn of_states(states: States, totals: &Totals) -> i64 {
    match states {
        States::All | States::Ended => totals.requests(),
        States::Failed => totals.failures(),
        States::Wrong => totals.error_rate().0,
        States::Unanswered => totals.failures().saturating_add(totals.rate_limited),
        States::One(status) => match status {
            Status::Success => totals.success,
            Status::Error => totals.error,
            Status::Timeout => totals.timeout,
            Status::Cancelled => totals.cancelled,
            Status::RateLimited => totals.rate_limited,
            Status::Pending => 0,
        },
    }
}

/// The rows themselves, as far as that is quick.
async fn rows(c: &mut Conn, filter: &LogFilter) -> Result<Matching, StoreError> {
    macro_rules! of_table {
        ($table:ident, $branch:expr) => {{
            let (by, floor) = leading!(c, $table, filter, $branch, LOOK);
            let repeats: Vec<i64> = db!(c, |c| {
                matching!($table, filter, $branch, by, floor)
                    .order($table::id.desc())
                    .limit(MOST + 1)
                    .select($table::repeats)
                    .load(c)
                    .await
            })?;
            let counted = repeats
                .iter()
                .take(usize::try_from(MOST).unwrap_or(usize::MAX));
            Matching {
                requests: counted.fold(0, |sum: i64, n| sum.saturating_add(*n)),
                is_more: floor.is_some() || i64::try_from(repeats.len()).is_ok_and(|n| n > MOST),
            }
        }};
    }
    let mut found = Matching::default();
    for branch in filter.states.branches() {
        found.add(of_table!(request_logs, branch));
        if !found.is_more {
            found.add(of_table!(request_logs_history, branch));
        }
    }
    Ok(found)
}
