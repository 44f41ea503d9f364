//! The sums that every chart reads, added up in memory and written in the order of their keys, so that instances
//! cannot deadlock.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;
use modelgate_domain::range::{QUARTER_MS, day_of};
use modelgate_domain::{FaultOwner, Status, Usage, histogram};

use crate::budgets::Cost;
use crate::conn::db_batch;
use crate::schema::{
    latency_daily, latency_quarter_hour, usage_daily, usage_minute, usage_quarter_hour,
};
use crate::{Conn, StoreError};

const MINUTE_MS: i64 = 60_000;

/// A request that ended, or repetitions of a refusal: what the roll-ups need of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) started_ms: i64,
    pub(super) api_key_id: i64,
    pub(super) user_id: i64,
    pub(super) model_id: i64,
    pub(super) provider_id: i64,
    pub(super) provider_key_id: i64,
    pub(super) currency: String,
    pub(super) status: Status,
    pub(super) fault_owner: FaultOwner,
    /// How many requests it stands for.
    pub(super) count: i64,
    pub(super) usage: Usage,
    pub(super) cost_nanos: i64,
    pub(super) latency_ms: Option<i64>,
    pub(super) ttft_ms: Option<i64>,
    /// The row was there before: only its `repeats` rose.
    pub(super) repeated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UsageKey {
    pub(super) period_ms: i64,
    pub(super) api_key_id: i64,
    pub(super) model_id: i64,
    pub(super) provider_id: i64,
    pub(super) provider_key_id: i64,
    pub(super) currency: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub(super) struct Sums {
    #[diesel(sql_type = BigInt)]
    pub(super) success: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) error: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) timeout: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cancelled: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) rate_limited: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) error_caller: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) error_policy: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) error_gateway: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) error_upstream: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) prompt_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cached_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cache_write_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) completion_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) reasoning_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cost_nanos: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) latency_sum_ms: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) ttft_sum_ms: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) ttft_count: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LatencyKey {
    period_ms: i64,
    api_key_id: i64,
    model_id: i64,
    provider_id: i64,
    measure: &'static str,
    bucket: i64,
}

#[derive(Clone, Copy, Debug)]
struct Spread {
    count: i64,
    min_ms: i64,
    max_ms: i64,
}

/// Sums of one batch.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    minutes: BTreeMap<UsageKey, Sums>,
    latencies: BTreeMap<LatencyKey, Spread>,
    last_uses: BTreeMap<i64, i64>,
}

impl Rollups {
    /// Adds one row to every sum it belongs to; the period is that of its start.
    pub(super) fn add(&mut self, row: &Counted) {
        let key = UsageKey {
            period_ms: period(row.started_ms, MINUTE_MS),
            api_key_id: row.api_key_id,
            model_id: row.model_id,
            provider_id: row.provider_id,
            provider_key_id: row.provider_key_id,
            currency: row.currency.clone(),
        };
        let quarter_ms = period(row.started_ms, QUARTER_MS);
        self.minutes.entry(key).or_default().add(row);
        if let Some(ms) = row.full_latency_ms() {
            self.measure(row, quarter_ms, "latency", ms);
        }
        if let Some(ms) = row.ttft_ms {
            self.measure(row, quarter_ms, "ttft", ms);
        }
        if row.api_key_id != 0 {
            let used = self.last_uses.entry(row.api_key_id).or_default();
            *used = row.started_ms.max(*used);
        }
    }

    fn measure(&mut self, row: &Counted, quarter_ms: i64, measure: &'static str, ms: i64) {
        let key = LatencyKey {
            period_ms: quarter_ms,
            api_key_id: row.api_key_id,
            model_id: row.model_id,
            provider_id: row.provider_id,
            measure,
            bucket: histogram::bucket(ms),
        };
        let one = Spread {
            count: 1,
            min_ms: ms,
            max_ms: ms,
        };
        let spread = self.latencies.entry(key);
        spread.and_modify(|spread| spread.join(one)).or_insert(one);
    }

    /// When each key was last used, by key.
    pub(super) fn last_uses(&self) -> BTreeMap<i64, i64> {
        self.last_uses.clone()
    }

    /// Adds the sums to the tables; days are those of `zone`.
    pub(super) async fn write(self, c: &mut Conn, zone: Tz) -> Result<(), StoreError> {
        let mut days = Days { zone, last: (0, 0) };
        if !self.minutes.is_empty() {
            let quarters = coarser(&self.minutes, |ms| period(ms, QUARTER_MS));
            let daily = coarser(&quarters, |ms| days.of(ms));
            write_minutes(c, self.minutes).await?;
            write_quarters(c, quarters).await?;
            write_days(c, daily).await?;
        }
        if !self.latencies.is_empty() {
            let mut daily: BTreeMap<LatencyKey, Spread> = BTreeMap::new();
            for (quarter, spread) in &self.latencies {
                let day = LatencyKey {
                    period_ms: days.of(quarter.period_ms),
                    ..quarter.clone()
                };
                let known = daily.entry(day);
                known.and_modify(|s| s.join(*spread)).or_insert(*spread);
            }
            write_latencies(c, self.latencies).await?;
            write_daily_latencies(c, daily).await?;
        }
        Ok(())
    }
}

/// When the period of `length_ms` began that holds `at_ms`.
fn period(at_ms: i64, length_ms: i64) -> i64 {
    at_ms.div_euclid(length_ms).saturating_mul(length_ms)
}

/// The same sums by longer periods.
fn coarser(
    sums: &BTreeMap<UsageKey, Sums>,
    mut period: impl FnMut(i64) -> i64,
) -> BTreeMap<UsageKey, Sums> {
    let mut longer: BTreeMap<UsageKey, Sums> = BTreeMap::new();
    for (short, sums) in sums {
        let key = UsageKey {
            period_ms: period(short.period_ms),
            ..short.clone()
        };
        longer.entry(key).or_default().add_all(sums);
    }
    longer
}

/// Days of a time zone. What comes one after another is mostly of the same quarter of an hour.
struct Days {
    zone: Tz,
    last: (i64, i64),
}

impl Days {
    fn of(&mut self, quarter_ms: i64) -> i64 {
        if self.last.0 != quarter_ms {
            self.last = (quarter_ms, day_of(quarter_ms, self.zone));
        }
        self.last.1
    }
}

impl Spread {
    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.min_ms = self.min_ms.min(other.min_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
    }
}

impl Counted {
    /// What it cost, where that is known and not nothing.
    pub(super) fn cost(&self) -> Option<Cost> {
        (self.cost_nanos > 0).then(|| Cost {
            started_ms: self.started_ms,
            api_key_id: self.api_key_id,
            user_id: self.user_id,
            model_id: self.model_id,
            provider_key_id: self.provider_key_id,
            currency: self.currency.clone(),
            nanos: self.cost_nanos,
        })
    }

    /// How long a complete answer took. Broken, refused and abandoned calls say nothing about how fast a model is.
    fn full_latency_ms(&self) -> Option<i64> {
        self.latency_ms.filter(|_| self.status == Status::Success)
    }
}

impl Sums {
    fn add(&mut self, row: &Counted) {
        let by_status = match row.status {
            Status::Success => &mut self.success,
            Status::Timeout => &mut self.timeout,
            Status::Cancelled => &mut self.cancelled,
            Status::RateLimited => &mut self.rate_limited,
            Status::Error | Status::Pending => &mut self.error,
        };
        *by_status += row.count;
        if row.status == Status::Error {
            match row.fault_owner {
                FaultOwner::Caller => self.error_caller += row.count,
                FaultOwner::Policy => self.error_policy += row.count,
                FaultOwner::Upstream => self.error_upstream += row.count,
                FaultOwner::Gateway | FaultOwner::None => self.error_gateway += row.count,
            }
        }
        self.prompt_tokens += row.usage.prompt;
        self.cached_tokens += row.usage.cached;
        self.cache_write_tokens += row.usage.cache_write;
        self.completion_tokens += row.usage.completion;
        self.reasoning_tokens += row.usage.reasoning;
        self.cost_nanos += row.cost_nanos;
        self.latency_sum_ms += row.full_latency_ms().unwrap_or(0);
        if let Some(ms) = row.ttft_ms {
            self.ttft_sum_ms += ms;
            self.ttft_count += 1;
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        // Without `..`: a sum that is not added up does not compile.
        let Self {
            success,
            error,
            timeout,
            cancelled,
            rate_limited,
            error_caller,
            error_policy,
            error_gateway,
            error_upstream,
            prompt_tokens,
            cached_tokens,
            cache_write_tokens,
            completion_tokens,
            reasoning_tokens,
            cost_nanos,
            latency_sum_ms,
            ttft_sum_ms,
            ttft_count,
        } = *other;
        self.success += success;
        self.error += error;
        self.timeout += timeout;
        self.cancelled += cancelled;
        self.rate_limited += rate_limited;
        self.error_caller += error_caller;
        self.error_policy += error_policy;
        self.error_gateway += error_gateway;
        self.error_upstream += error_upstream;
        self.prompt_tokens += prompt_tokens;
        self.cached_tokens += cached_tokens;
        self.cache_write_tokens += cache_write_tokens;
        self.completion_tokens += completion_tokens;
        self.reasoning_tokens += reasoning_tokens;
        self.cost_nanos += cost_nanos;
        self.latency_sum_ms += latency_sum_ms;
        self.ttft_sum_ms += ttft_sum_ms;
        self.ttft_count += ttft_count;
    }
}

/// The usage tables differ in the name of their period alone.
macro_rules! write_usage {
    ($name:ident, $table:ident, $period:ident) => {
        pub(super) async fn $name(
            c: &mut Conn,
            sums: BTreeMap<UsageKey, Sums>,
        ) -> Result<(), StoreError> {
            use $table as t;
            let rows: Vec<_> = sums
                .into_iter()
                .map(|(k, s)| {
                    (
                        t::$period.eq(k.period_ms),
                        t::api_key_id.eq(k.api_key_id),
                        t::model_id.eq(k.model_id),
                        t::provider_id.eq(k.provider_id),
                        t::provider_key_id.eq(k.provider_key_id),
                        t::currency.eq(k.currency),
                        t::success.eq(s.success),
                        t::error.eq(s.error),
                        t::timeout.eq(s.timeout),
                        t::cancelled.eq(s.cancelled),
                        t::rate_limited.eq(s.rate_limited),
                        t::error_caller.eq(s.error_caller),
                        t::error_policy.eq(s.error_policy),
                        t::error_gateway.eq(s.error_gateway),
                        t::error_upstream.eq(s.error_upstream),
                        t::prompt_tokens.eq(s.prompt_tokens),
                        t::cached_tokens.eq(s.cached_tokens),
                        t::cache_write_tokens.eq(s.cache_write_tokens),
                        t::completion_tokens.eq(s.completion_tokens),
                        t::reasoning_tokens.eq(s.reasoning_tokens),
                        t::cost_nanos.eq(s.cost_nanos),
                        t::latency_sum_ms.eq(s.latency_sum_ms),
                        t::ttft_sum_ms.eq(s.ttft_sum_ms),
                        t::ttft_count.eq(s.ttft_count),
                    )
                })
                .collect();
            let statement = diesel::insert_into(t::table)
                .values(rows)
                .on_conflict((
                    t::$period,
                    t::api_key_id,
                    t::model_id,
                    t::provider_id,
                    t::provider_key_id,
                    t::currency,
                ))
                .do_update()
                .set((
                    t::success.eq(t::success + excluded(t::success)),
                    t::error.eq(t::error + excluded(t::error)),
                    t::timeout.eq(t::timeout + excluded(t::timeout)),
                    t::cancelled.eq(t::cancelled + excluded(t::cancelled)),
                    t::rate_limited.eq(t::rate_limited + excluded(t::rate_limited)),
                    t::error_caller.eq(t::error_caller + excluded(t::error_caller)),
                    t::error_policy.eq(t::error_policy + excluded(t::error_policy)),
                    t::error_gateway.eq(t::error_gateway + excluded(t::error_gateway)),
                    t::error_upstream.eq(t::error_upstream + excluded(t::error_upstream)),
                    t::prompt_tokens.eq(t::prompt_tokens + excluded(t::prompt_tokens)),
                    t::cached_tokens.eq(t::cached_tokens + excluded(t::cached_tokens)),
                    t::cache_write_tokens
                        .eq(t::cache_write_tokens + excluded(t::cache_write_tokens)),
                    t::completion_tokens.eq(t::completion_tokens + excluded(t::completion_tokens)),
                    t::reasoning_tokens.eq(t::reasoning_tokens + excluded(t::reasoning_tokens)),
                    t::cost_nanos.eq(t::cost_nanos + excluded(t::cost_nanos)),
                    t::latency_sum_ms.eq(t::latency_sum_ms + excluded(t::latency_sum_ms)),
                    t::ttft_sum_ms.eq(t::ttft_sum_ms + excluded(t::ttft_sum_ms)),
                    t::ttft_count.eq(t::ttft_count + excluded(t::ttft_count)),
                ));
            db_batch!(c, execute(statement))?;
            Ok(())
        }
    };
}
write_usage!(write_minutes, usage_minute, minute_ms);
write_usage!(write_quarters, usage_quarter_hour, quarter_ms);
write_usage!(write_days, usage_daily, day_ms);

/// So do those of durations.
macro_rules! write_latencies {
    ($name:ident, $table:ident, $period:ident) => {
        async fn $name(
            c: &mut Conn,
            spreads: BTreeMap<LatencyKey, Spread>,
        ) -> Result<(), StoreError> {
            use diesel::dsl::case_when;
            use $table as t;
            let rows: Vec<_> = spreads
                .into_iter()
                .map(|(k, s)| {
                    (
                        t::$period.eq(k.period_ms),
                        t::api_key_id.eq(k.api_key_id),
                        t::model_id.eq(k.model_id),
                        t::provider_id.eq(k.provider_id),
                        t::measure.eq(k.measure),
                        t::bucket.eq(k.bucket),
                        t::count.eq(s.count),
                        t::min_ms.eq(s.min_ms),
                        t::max_ms.eq(s.max_ms),
                    )
                })
                .collect();
            let statement = diesel::insert_into(t::table)
                .values(rows)
                .on_conflict((
                    t::$period,
                    t::api_key_id,
                    t::model_id,
                    t::provider_id,
                    t::measure,
                    t::bucket,
                ))
                .do_update()
                .set((
                    t::count.eq(t::count + excluded(t::count)),
                    t::min_ms.eq(
                        case_when(excluded(t::min_ms).lt(t::min_ms), excluded(t::min_ms))
                            .otherwise(t::min_ms),
                    ),
                    t::max_ms.eq(
                        case_when(excluded(t::max_ms).gt(t::max_ms), excluded(t::max_ms))
                            .otherwise(t::max_ms),
                    ),
                ));
            db_batch!(c, execute(statement))?;
            Ok(())
        }
    };
}
write_latencies!(write_latencies, latency_quarter_hour, quarter_ms);
write_latencies!(write_daily_latencies, latency_daily, day_ms);
