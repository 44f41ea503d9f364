//! How long requests took: percentiles from log-scaled buckets, which add up over any range.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::histogram;

use crate::conn::db;
use crate::schema::latency_quarter_hour;
use crate::total::total;
use crate::usage::UsageFilter;
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

/// The distribution of a measure over the range.
pub async fn distribution(
    c: &mut Conn,
    filter: &UsageFilter,
    measure: Measure,
) -> Result<Distribution, StoreError> {
    let rows: Vec<(i64, i64, Option<i64>, Option<i64>)> = db!(c, |c| {
        use latency_quarter_hour::dsl;
        let mut query = dsl::latency_quarter_hour
            .group_by(dsl::bucket)
            .select((
                dsl::bucket,
                total(dsl::count),
                diesel::dsl::min(dsl::min_ms),
                diesel::dsl::max(dsl::max_ms),
            ))
            .filter(dsl::quarter_ms.ge(filter.from_ms))
            .filter(dsl::quarter_ms.lt(filter.to_ms))
            .filter(dsl::measure.eq(measure.as_str()))
            .into_boxed::<DB>();
        if let Some(id) = filter.api_key_id {
            query = query.filter(dsl::api_key_id.eq(id.0));
        }
        if let Some(id) = filter.model_id {
            query = query.filter(dsl::model_id.eq(id.0));
        }
        if let Some(id) = filter.provider_id {
            query = query.filter(dsl::provider_id.eq(id.0));
        }
        query.load(c).await
    })?;
    let mut out = Distribution::default();
    for (bucket, count, min_ms, max_ms) in rows {
        let (min_ms, max_ms) = (min_ms.unwrap_or(0), max_ms.unwrap_or(0));
        out.min_ms = if out.count == 0 {
            min_ms
        } else {
            out.min_ms.min(min_ms)
        };
        out.max_ms = out.max_ms.max(max_ms);
        out.count = out.count.saturating_add(count);
        out.buckets.insert(bucket, count);
    }
    Ok(out)
}
