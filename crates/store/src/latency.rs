//! How long requests took: percentiles from log-scaled buckets, which add up over any range.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::histogram;

use crate::conn::db;
use crate::schema::{latency_daily, latency_quarter_hour};
use crate::total::total;
use crate::usage::{Dimension, UsageFilter};
use crate::{Conn, StoreError};

/// What durations are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The whole request, where it succeeded.
    Latency,
    /// Until the first token.
    Ttft,
}

impl Measure {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Ttft => "ttft",
        }
    }
}

/// The distribution of a measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Of how many requests.
    pub count: i64,
    /// The shortest, exact.
    pub min_ms: i64,
    /// The longest, exact.
    pub max_ms: i64,
    buckets: BTreeMap<i64, i64>,
}

impl Distribution {
    /// Counts another in.
    pub fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min_ms = if self.count == 0 {
            other.min_ms
        } else {
            self.min_ms.min(other.min_ms)
        };
        self.max_ms = self.max_ms.max(other.max_ms);
        self.count = self.count.saturating_add(other.count);
        for (bucket, count) in &other.buckets {
            let sum = self.buckets.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// The duration that `per_mille` of a thousand requests stayed within, up to a bucket's width; absent
    /// where nothing was measured.
    pub fn percentile(&self, per_mille: i64) -> Option<i64> {
        let wanted = self.count.saturating_mul(per_mille.clamp(1, 1000));
        let rank = wanted.saturating_add(999) / 1000;
        let mut seen = 0_i64;
        for (bucket, count) in &self.buckets {
            seen = seen.saturating_add(*count);
            if seen >= rank {
                let (_, high) = histogram::bounds(*bucket);
                return Some(high.clamp(self.min_ms, self.max_ms));
            }
        }
        None
    }
}

/// Distributions of a range by measure, model and provider, which add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spreads {
    parts: Vec<(Measure, i64, i64, Distribution)>,
}

impl Spreads {
    /// All models together.
    pub fn all(&self, measure: Measure) -> Distribution {
        self.sum(|part| part.0 == measure)
    }

    /// Of one model.
    pub fn of_model(&self, measure: Measure, model: i64) -> Distribution {
        self.sum(|part| part.0 == measure && part.1 == model)
    }

    /// Of one provider.
    pub fn of_provider(&self, measure: Measure, provider: i64) -> Distribution {
        self.sum(|part| part.0 == measure && part.2 == provider)
    }

    fn sum(&self, is_in: impl Fn(&(Measure, i64, i64, Distribution)) -> bool) -> Distribution {
        let mut sum = Distribution::default();
        for part in self.parts.iter().filter(|part| is_in(part)) {
            sum.add(&part.3);
        }
        sum
    }
}

/// Measure, model, provider, bucket; then count, shortest and longest.
type Counted = ((String, i64, i64, i64), (i64, Option<i64>, Option<i64>));

/// The two tables differ in the name of their period alone. Grouped by two columns beside measure and bucket.
macro_rules! counted {
    ($conn:expr, $filter:expr, $span:expr, $table:ident.$period:ident) => {
        counted!($conn, $filter, $span, $table.$period, by model_id, provider_id)
    };
    ($conn:expr, $filter:expr, $span:expr, $table:ident.$period:ident, by $one:ident, $other:ident) => {{
        let (from_ms, to_ms): (i64, i64) = $span;
        if from_ms < to_ms {
            db!($conn, |c| {
                use $table::dsl;
                let mut query = dsl::$table
                    .group_by((dsl::measure, dsl::$one, dsl::$other, dsl::bucket))
                    .select((
                        (dsl::measure, dsl::$one, dsl::$other, dsl::bucket),
                        (
                            total(dsl::count),
                            diesel::dsl::min(dsl::min_ms),
                            diesel::dsl::max(dsl::max_ms),
                        ),
                    ))
                    .filter(dsl::$period.ge(from_ms))
                    .filter(dsl::$period.lt(to_ms))
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
                query.load::<Counted>(c).await
            })?
        } else {
            Vec::new()
        }
    }};
}

/// The distributions of a range.
pub async fn spreads(c: &mut Conn, filter: &UsageFilter) -> Result<Spreads, StoreError> {
    let (quarters, days) = filter.stretches();
    let mut rows: Vec<Counted> = counted!(c, filter, days, latency_daily.day_ms);
    for span in quarters {
        rows.extend(counted!(c, filter, span, latency_quarter_hour.quarter_ms));
    }
    Ok(Spreads { parts: parts(rows) })
}

/// The distributions of a range by measure, key, and what `by` says.
pub async fn of_keys(
    c: &mut Conn,
    filter: &UsageFilter,
    by: Dimension,
) -> Result<Vec<(Measure, i64, i64, Distribution)>, StoreError> {
    let (quarters, days) = filter.stretches();
    /// Every stretch, by the key and one more column.
    macro_rules! by {
        ($column:ident) => {{
            let mut rows: Vec<Counted> =
                counted!(c, filter, days, latency_daily.day_ms, by api_key_id, $column);
            for span in quarters {
                rows.extend(
                    counted!(c, filter, span, latency_quarter_hour.quarter_ms, by api_key_id, $column),
                );
            }
            rows
        }};
    }
    let rows = match by {
        Dimension::Model => by!(model_id),
        _ => by!(provider_id),
    };
    Ok(parts(rows))
}

fn parts(rows: Vec<Counted>) -> Vec<(Measure, i64, i64, Distribution)> {
    let mut parts: BTreeMap<(String, i64, i64), Distribution> = BTreeMap::new();
    for ((measure, one, other, bucket), (count, min_ms, max_ms)) in rows {
        let distribution = Distribution {
            count,
            min_ms: min_ms.unwrap_or(0),
            max_ms: max_ms.unwrap_or(0),
            buckets: BTreeMap::from([(bucket, count)]),
        };
        let part = parts.entry((measure, one, other));
        part.or_default().add(&distribution);
    }
    let known = parts.into_iter().filter_map(|((name, one, other), all)| {
        let mut measures = [Measure::Latency, Measure::Ttft].into_iter();
        let measure = measures.find(|measure| measure.as_str() == name)?;
        Some((measure, one, other, all))
    });
    known.collect()
}

/// The distribution of a measure over the range.
pub async fn distribution(
    c: &mut Conn,
    filter: &UsageFilter,
    measure: Measure,
) -> Result<Distribution, StoreError> {
    Ok(spreads(c, filter).await?.all(measure))
}
