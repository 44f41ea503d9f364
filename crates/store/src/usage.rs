//! What was used, read from the roll-ups of a quarter of an hour; raw log rows are never counted here.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, Currency, ModelId, ProviderId};

use crate::columns::currency;
use crate::conn::db;
use crate::schema::usage_quarter_hour;
use crate::total::total;
use crate::{Conn, StoreError};

/// The length of a roll-up's period.
pub const QUARTER_MS: i64 = 15 * 60 * 1000;

/// Which roll-ups: `from_ms <= period < to_ms`, both on a quarter of an hour; filters add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// First period, epoch milliseconds.
    pub from_ms: i64,
    /// End, epoch milliseconds.
    pub to_ms: i64,
    /// Of this key.
    pub api_key_id: Option<ApiKeyId>,
    /// Of this model.
    pub model_id: Option<ModelId>,
    /// Served by this provider.
    pub provider_id: Option<ProviderId>,
}

/// Sums over roll-ups. Refusals count with their repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Ended with success.
    pub success: i64,
    /// Ended with an error.
    pub error: i64,
    /// Ended by a timeout.
    pub timeout: i64,
    /// The caller went away.
    pub cancelled: i64,
    /// Refused by a limit.
    pub rate_limited: i64,
    /// Errors that the caller has to mend.
    pub error_caller: i64,
    /// Errors by an operator's rule.
    pub error_policy: i64,
    /// Errors of the gateway.
    pub error_gateway: i64,
    /// Errors of the vendor.
    pub error_upstream: i64,
    /// Tokens at the full input price.
    pub prompt_tokens: i64,
    /// Tokens read from cache.
    pub cached_tokens: i64,
    /// Tokens written to cache.
    pub cache_write_tokens: i64,
    /// Visible output tokens.
    pub completion_tokens: i64,
    /// Hidden reasoning tokens.
    pub reasoning_tokens: i64,
    /// Sum of durations of successful requests.
    pub latency_sum_ms: i64,
    /// Sum of times to the first token.
    pub ttft_sum_ms: i64,
    /// How many requests `ttft_sum_ms` is of.
    pub ttft_count: i64,
    /// Nano-units by currency; never added up across currencies. Unpriced usage is not among them.
    pub cost_nanos: BTreeMap<Currency, i64>,
    /// Requests that had no price.
    pub unpriced: i64,
}

impl Totals {
    /// Ended requests, refusals included.
    pub fn requests(&self) -> i64 {
        [self.error, self.timeout, self.cancelled, self.rate_limited]
            .iter()
            .fold(self.success, |sum, n| sum.saturating_add(*n))
    }

    /// Errors and timeouts.
    pub fn errors(&self) -> i64 {
        self.error.saturating_add(self.timeout)
    }

    /// What the gateway and the vendors got wrong, and of how many requests: the error rate's two parts.
    pub fn error_rate(&self) -> (i64, i64) {
        let theirs = self.error_caller.saturating_add(self.error_policy);
        let wrong = self.errors().saturating_sub(theirs);
        let others = self.cancelled.saturating_add(self.rate_limited);
        let of = self.requests().saturating_sub(others);
        (wrong.max(0), of.saturating_sub(theirs).max(0))
    }

    /// All tokens.
    pub fn tokens(&self) -> i64 {
        [
            self.cached_tokens,
            self.cache_write_tokens,
            self.completion_tokens,
            self.reasoning_tokens,
        ]
        .iter()
        .fold(self.prompt_tokens, |sum, n| sum.saturating_add(*n))
    }

    /// The mean duration of successful requests.
    pub fn latency_mean_ms(&self) -> Option<i64> {
        self.latency_sum_ms.checked_div(self.success)
    }

    /// The mean time to the first token.
    pub fn ttft_mean_ms(&self) -> Option<i64> {
        self.ttft_sum_ms.checked_div(self.ttft_count)
    }

    fn add(&mut self, sums: &Sums) {
        let before = self.requests();
        let outcomes = [
            &mut self.success,
            &mut self.error,
            &mut self.timeout,
            &mut self.cancelled,
            &mut self.rate_limited,
            &mut self.error_caller,
            &mut self.error_policy,
            &mut self.error_gateway,
            &mut self.error_upstream,
            &mut self.prompt_tokens,
            &mut self.cached_tokens,
            &mut self.cache_write_tokens,
            &mut self.completion_tokens,
            &mut self.reasoning_tokens,
            &mut self.latency_sum_ms,
            &mut self.ttft_sum_ms,
            &mut self.ttft_count,
        ];
        for (field, more) in outcomes.into_iter().zip(sums.counts()) {
            *field = field.saturating_add(more);
        }
        if sums.currency.is_empty() {
            let more = self.requests().saturating_sub(before);
            self.unpriced = self.unpriced.saturating_add(more);
        } else {
            let cost = self.cost_nanos.entry(currency(&sums.currency)).or_default();
            *cost = cost.saturating_add(sums.cost_nanos);
        }
    }
}

/// What usage can be split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// By API key.
    ApiKey,
    /// By public model.
    Model,
    /// By provider.
    Provider,
    /// By vendor credential.
    ProviderKey,
}

/// One group of sums, in one currency.
#[derive(Queryable)]
struct Sums {
    group: i64,
    currency: String,
    outcomes: (i64, i64, i64, i64, i64),
    owners: (i64, i64, i64, i64),
    tokens: (i64, i64, i64, i64, i64),
    cost_nanos: i64,
    times: (i64, i64, i64),
}

impl Sums {
    fn counts(&self) -> [i64; 17] {
        let (outcomes, owners) = (&self.outcomes, &self.owners);
        let (tokens, times) = (&self.tokens, &self.times);
        [
            outcomes.0, outcomes.1, outcomes.2, outcomes.3, outcomes.4, owners.0, owners.1,
            owners.2, owners.3, tokens.0, tokens.1, tokens.2, tokens.3, tokens.4, times.0, times.1,
            times.2,
        ]
    }
}

/// Sums by one column and currency. A macro, since the grouping column is part of the query's type.
macro_rules! sums {
    ($conn:expr, $filter:expr, $group:ident) => {
        db!($conn, |c| {
            use usage_quarter_hour::dsl;
            let mut query = dsl::usage_quarter_hour
                .group_by((dsl::$group, dsl::currency))
                .select((
                    dsl::$group,
                    dsl::currency,
                    (
                        total(dsl::success),
                        total(dsl::error),
                        total(dsl::timeout),
                        total(dsl::cancelled),
                        total(dsl::rate_limited),
                    ),
                    (
                        total(dsl::error_caller),
                        total(dsl::error_policy),
                        total(dsl::error_gateway),
                        total(dsl::error_upstream),
                    ),
                    (
                        total(dsl::prompt_tokens),
                        total(dsl::cached_tokens),
                        total(dsl::cache_write_tokens),
                        total(dsl::completion_tokens),
                        total(dsl::reasoning_tokens),
                    ),
                    total(dsl::cost_nanos),
                    (
                        total(dsl::latency_sum_ms),
                        total(dsl::ttft_sum_ms),
                        total(dsl::ttft_count),
                    ),
                ))
                .filter(dsl::quarter_ms.ge($filter.from_ms))
                .filter(dsl::quarter_ms.lt($filter.to_ms))
                .into_boxed::<DB>();
            if let Some(id) = $filter.api_key_id {
                query = query.filter(dsl::api_key_id.eq(id.0));
            }
            if let Some(id) = $filter.model_id {
                query = query.filter(dsl::model_id.eq(id.0));
            }
            if let Some(id) = $filter.provider_id {
                query = query.filter(dsl::provider_id.eq(id.0));
            }
            query.load::<Sums>(c).await
        })
    };
}

/// Sums over the whole range.
pub async fn totals(c: &mut Conn, filter: &UsageFilter) -> Result<Totals, StoreError> {
    let rows = by(c, filter, Dimension::Provider).await?;
    let mut totals = Totals::default();
    for row in &rows {
        totals.add(row);
    }
    Ok(totals)
}

/// Sums between each two neighbours of `edges`, which ascend and lie on quarters of an hour: days, hours or
/// months of any time zone. The filter's own range does not count.
pub async fn series(
    c: &mut Conn,
    filter: &UsageFilter,
    edges: &[i64],
) -> Result<Vec<Totals>, StoreError> {
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else {
        return Ok(Vec::new());
    };
    let filter = UsageFilter {
        from_ms: *first,
        to_ms: *last,
        ..*filter
    };
    let rows = sums!(c, filter, quarter_ms)?;
    let mut series = vec![Totals::default(); edges.len().saturating_sub(1)];
    for row in &rows {
        let after = edges.partition_point(|edge| *edge <= row.group);
        if let Some(totals) = after.checked_sub(1).and_then(|i| series.get_mut(i)) {
            totals.add(row);
        }
    }
    Ok(series)
}

/// Sums by row id of a dimension, most requests first; id 0 is usage without one.
pub async fn top(
    c: &mut Conn,
    filter: &UsageFilter,
    dimension: Dimension,
    limit: usize,
) -> Result<Vec<(i64, Totals)>, StoreError> {
    let rows = by(c, filter, dimension).await?;
    let mut groups: HashMap<i64, Totals> = HashMap::new();
    for row in &rows {
        groups.entry(row.group).or_default().add(row);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(id, totals)| (-totals.requests(), *id));
    groups.truncate(limit);
    Ok(groups)
}

async fn by(
    c: &mut Conn,
    filter: &UsageFilter,
    dimension: Dimension,
) -> Result<Vec<Sums>, StoreError> {
    Ok(match dimension {
        Dimension::ApiKey => sums!(c, filter, api_key_id)?,
        Dimension::Model => sums!(c, filter, model_id)?,
        Dimension::Provider => sums!(c, filter, provider_id)?,
        Dimension::ProviderKey => sums!(c, filter, provider_key_id)?,
    })
}
