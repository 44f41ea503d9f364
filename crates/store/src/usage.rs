//! What was used, read from the sums of quarters of an hour and of days; raw log rows are never counted here.
//!
//! [`cube`] is a range by key, model, provider and credential at once, and says the same in every split; [`series`] is
//! it by time.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, ModelId, ProviderId, ProviderKeyId, range};

use crate::columns::currency;
use crate::conn::db;
use crate::schema::{usage_daily, usage_minute, usage_quarter_hour};
use crate::total::total;
use crate::{Conn, StoreError};

pub use crate::totals::Totals;
pub use modelgate_domain::range::QUARTER_MS;

/// Which sums: `from_ms <= period < to_ms`, both on a quarter of an hour; filters add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// First period, epoch milliseconds.
    pub from_ms: i64,
    /// End, epoch milliseconds.
    pub to_ms: i64,
    /// The business days wholly within, of which the sums of days are read; none reads quarters of an hour alone.
    pub days: Option<(i64, i64)>,
    /// Of this key.
    pub api_key_id: Option<ApiKeyId>,
    /// Of this model.
    pub model_id: Option<ModelId>,
    /// Served by this provider.
    pub provider_id: Option<ProviderId>,
    /// With this credential of a provider.
    pub provider_key_id: Option<ProviderKeyId>,
}

impl UsageFilter {
    /// Everything between two moments; what is whole days of the business time zone is read as days.
    pub fn between(from_ms: i64, to_ms: i64, business: Tz) -> Self {
        Self {
            from_ms,
            to_ms,
            days: range::whole_days(from_ms, to_ms, business),
            ..Self::default()
        }
    }

    /// The stretches to read: of quarters of an hour, and of days.
    pub(crate) fn stretches(&self) -> ([(i64, i64); 2], (i64, i64)) {
        match self.days {
            Some((first, last)) => ([(self.from_ms, first), (last, self.to_ms)], (first, last)),
            None => ([(self.from_ms, self.to_ms), (0, 0)], (0, 0)),
        }
    }
}

/// What usage can be split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// A range split by key, model, provider and credential: every figure of it is a sum of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cube {
    cells: Vec<([i64; 4], Totals)>,
}

impl Cube {
    /// Of sums by key, model, provider and credential.
    pub fn of(cells: impl Into<Vec<([i64; 4], Totals)>>) -> Self {
        Self {
            cells: cells.into(),
        }
    }

    /// The sums themselves, by key, model, provider and credential.
    pub fn cells(&self) -> &[([i64; 4], Totals)] {
        &self.cells
    }

    /// Everything.
    pub fn totals(&self) -> Totals {
        let mut all = Totals::default();
        for (_, cell) in &self.cells {
            all.add(cell);
        }
        all
    }

    /// By row id of a dimension, most requests first; id 0 is usage without one.
    pub fn by(&self, dimension: Dimension) -> Vec<(i64, Totals)> {
        let groups = self.grouped(|ids| Some(ids[dimension as usize]));
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(id, totals)| (-totals.requests(), *id));
        groups
    }

    /// What one row of a dimension is made of, by another dimension, most tokens first.
    pub fn within(&self, dimension: Dimension, id: i64, by: Dimension) -> Vec<(i64, Totals)> {
        let groups =
            self.grouped(|ids| (ids[dimension as usize] == id).then_some(ids[by as usize]));
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(id, totals)| (-totals.tokens(), *id));
        groups
    }

    fn grouped(&self, of: impl Fn(&[i64; 4]) -> Option<i64>) -> HashMap<i64, Totals> {
        let mut groups: HashMap<i64, Totals> = HashMap::new();
        for (ids, cell) in &self.cells {
            if let Some(id) = of(ids) {
                groups.entry(id).or_default().add(cell);
            }
        }
        groups
    }
}

/// One group of sums, in one currency.
#[derive(Queryable)]
struct Sums {
    group: (i64, i64, i64, i64),
    currency: String,
    outcomes: (i64, i64, i64, i64, i64),
    owners: (i64, i64, i64, i64),
    tokens: (i64, i64, i64, i64, i64),
    cost_nanos: i64,
    times: (i64, i64, i64),
}

impl Sums {
    fn totals(&self) -> Totals {
        let (outcomes, owners) = (&self.outcomes, &self.owners);
        let (tokens, times) = (&self.tokens, &self.times);
        let mut totals = Totals {
            success: outcomes.0,
            error: outcomes.1,
            timeout: outcomes.2,
            cancelled: outcomes.3,
            rate_limited: outcomes.4,
            error_caller: owners.0,
            error_policy: owners.1,
            error_gateway: owners.2,
            error_upstream: owners.3,
            prompt_tokens: tokens.0,
            cached_tokens: tokens.1,
            cache_write_tokens: tokens.2,
            completion_tokens: tokens.3,
            reasoning_tokens: tokens.4,
            latency_sum_ms: times.0,
            ttft_sum_ms: times.1,
            ttft_count: times.2,
            ..Totals::default()
        };
        if self.currency.is_empty() {
            totals.unpriced = totals.without_price();
        } else {
            let cost = (currency(&self.currency), self.cost_nanos);
            totals.cost_nanos = BTreeMap::from([cost]);
        }
        totals
    }
}

/// Sums by up to four columns and currency. A macro, since the grouping columns are part of the query's type; `0` in
/// place of a column keeps the shape.
macro_rules! sums {
    ($conn:expr, $filter:expr, $span:expr, $table:ident.$period:ident, by ($($group:ident),+), as ($($shape:expr),+)) => {{
        let (from_ms, to_ms): (i64, i64) = $span;
        if from_ms < to_ms {
            db!($conn, |c| {
                use $table::dsl;
                let mut query = dsl::$table
                    .group_by(($(dsl::$group,)+ dsl::currency))
                    .select((
                        ($($shape),+),
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
                if let Some(id) = $filter.provider_key_id {
                    query = query.filter(dsl::provider_key_id.eq(id.0));
                }
                query.load::<Sums>(c).await
            })?
        } else {
            Vec::new()
        }
    }};
}

/// Sums by key, model, provider and credential.
macro_rules! cells {
    ($conn:expr, $filter:expr, $span:expr, $table:ident.$period:ident) => {{
        use $table as t;
        sums!(
            $conn, $filter, $span, $table.$period,
            by (api_key_id, model_id, provider_id, provider_key_id),
            as (t::api_key_id, t::model_id, t::provider_id, t::provider_key_id)
        )
    }};
}

/// Sums by period, and by provider to be one of a kind with the others.
macro_rules! periods {
    ($conn:expr, $filter:expr, $span:expr, $table:ident.$period:ident, $column:ident) => {{
        use $table as t;
        sums!(
            $conn, $filter, $span, $table.$period,
            by ($period, $column),
            as (t::$period, t::$column, t::$column, t::$column)
        )
    }};
}

/// A range in all its splits.
pub async fn cube(c: &mut Conn, filter: &UsageFilter) -> Result<Cube, StoreError> {
    let (quarters, days) = filter.stretches();
    let mut cells: HashMap<[i64; 4], Totals> = HashMap::new();
    let mut take = |rows: Vec<Sums>| {
        for row in rows {
            let (key, model, provider, credential) = row.group;
            let cell = cells.entry([key, model, provider, credential]);
            cell.or_default().add(&row.totals());
        }
    };
    for span in quarters {
        take(cells!(c, filter, span, usage_quarter_hour.quarter_ms));
    }
    take(cells!(c, filter, days, usage_daily.day_ms));
    let mut cells: Vec<_> = cells.into_iter().collect();
    cells.sort_unstable_by_key(|(ids, _)| *ids);
    Ok(Cube { cells })
}

/// The same of the minutes between two moments, which are kept for a few days.
pub async fn minutes(c: &mut Conn, from_ms: i64, to_ms: i64) -> Result<Cube, StoreError> {
    let filter = UsageFilter::default();
    let rows: Vec<Sums> = cells!(c, filter, (from_ms, to_ms), usage_minute.minute_ms);
    let cell = |row: &Sums| {
        let (key, model, provider, credential) = row.group;
        ([key, model, provider, credential], row.totals())
    };
    Ok(Cube {
        cells: rows.iter().map(cell).collect(),
    })
}

/// Sums over the whole range.
pub async fn totals(c: &mut Conn, filter: &UsageFilter) -> Result<Totals, StoreError> {
    let (quarters, days) = filter.stretches();
    let mut totals = Totals::default();
    for span in quarters {
        for row in periods!(c, filter, span, usage_quarter_hour.quarter_ms, provider_id) {
            totals.add(&row.totals());
        }
    }
    for row in periods!(c, filter, days, usage_daily.day_ms, provider_id) {
        totals.add(&row.totals());
    }
    Ok(totals)
}

/// Sums between each two neighbours of `edges`, which ascend and lie on quarters of an hour: days, hours or
/// months of any time zone. The filter's own range does not count; where its days are all of it, the edges are
/// midnights of the business time zone.
pub async fn series(
    c: &mut Conn,
    filter: &UsageFilter,
    edges: &[i64],
) -> Result<Vec<Totals>, StoreError> {
    let (Some(first), Some(last)) = (edges.first().copied(), edges.last().copied()) else {
        return Ok(Vec::new());
    };
    let rows = if filter.days == Some((first, last)) {
        periods!(c, filter, (first, last), usage_daily.day_ms, provider_id)
    } else {
        periods!(
            c,
            filter,
            (first, last),
            usage_quarter_hour.quarter_ms,
            provider_id
        )
    };
    Ok(between(edges, &rows))
}

/// The same of minutes, which are kept for a few days.
pub async fn minute_series(c: &mut Conn, edges: &[i64]) -> Result<Vec<Totals>, StoreError> {
    let (Some(first), Some(last)) = (edges.first().copied(), edges.last().copied()) else {
        return Ok(Vec::new());
    };
    let filter = UsageFilter::default();
    let rows: Vec<Sums> = periods!(
        c,
        filter,
        (first, last),
        usage_minute.minute_ms,
        provider_id
    );
    Ok(between(edges, &rows))
}

/// What was used on one business day, by one key, of one model, at one provider, in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// The day's midnight, epoch milliseconds.
    pub day_ms: i64,
    /// The key.
    pub api_key_id: ApiKeyId,
    /// The model, 0 where none was chosen.
    pub model_id: ModelId,
    /// The provider, 0 where none was chosen.
    pub provider_id: ProviderId,
    /// What was used.
    pub totals: Totals,
}

/// The business days that begin within the filter's time, each split up, in order: for statements of use.
pub async fn days(c: &mut Conn, filter: &UsageFilter) -> Result<Vec<DayRow>, StoreError> {
    use usage_daily as t;
    let span = (filter.from_ms, filter.to_ms);
    let mut rows: Vec<Sums> = sums!(
        c, filter, span, usage_daily.day_ms,
        by (day_ms, api_key_id, model_id, provider_id),
        as (t::day_ms, t::api_key_id, t::model_id, t::provider_id)
    );
    rows.sort_unstable_by(|a, b| (a.group, &a.currency).cmp(&(b.group, &b.currency)));
    let row = |sums: Sums| DayRow {
        day_ms: sums.group.0,
        api_key_id: sums.group.1.into(),
        model_id: sums.group.2.into(),
        provider_id: sums.group.3.into(),
        totals: sums.totals(),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Sums by quarter of an hour and model, for what is shown by the hour of the day: moment, model, sums.
pub async fn quarters_by_model(
    c: &mut Conn,
    filter: &UsageFilter,
) -> Result<Vec<(i64, i64, Totals)>, StoreError> {
    let span = (filter.from_ms, filter.to_ms);
    let rows: Vec<Sums> = periods!(c, filter, span, usage_quarter_hour.quarter_ms, model_id);
    Ok(rows
        .iter()
        .map(|row| (row.group.0, row.group.1, row.totals()))
        .collect())
}

/// How many requests of a key ended in an hour of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct KeyHour {
    /// The key.
    #[diesel(sql_type = BigInt)]
    pub api_key_id: i64,
    /// 0 is the hour after midnight of Monday, 167 the last one of Sunday.
    #[diesel(sql_type = BigInt)]
    pub hour: i64,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
}

/// Requests by key and hour of the week between two moments, in a time that is `offset_ms` ahead of UTC: the busiest
/// hours of a house, added up by the database, since a year has millions of quarters of an hour.
pub async fn hours_of_week(
    c: &mut Conn,
    (from_ms, to_ms): (i64, i64),
    offset_ms: i64,
) -> Result<Vec<KeyHour>, StoreError> {
    // 1970 began on a Thursday.
    let statement = format!(
        "select api_key_id, ((quarter_ms + {offset_ms}) / 3600000 + 72) % 168 as hour, \
         cast(sum(success + error + timeout + cancelled + rate_limited) as bigint) as requests \
         from usage_quarter_hour where quarter_ms >= {from_ms} and quarter_ms < {to_ms} group by 1, 2 order by 1, 2"
    );
    Ok(db!(c, |c| diesel::sql_query(&statement).load(c).await)?)
}

fn between(edges: &[i64], rows: &[Sums]) -> Vec<Totals> {
    let mut series = vec![Totals::default(); edges.len().saturating_sub(1)];
    for row in rows {
        let after = edges.partition_point(|edge| *edge <= row.group.0);
        if let Some(totals) = after.checked_sub(1).and_then(|i| series.get_mut(i)) {
            totals.add(&row.totals());
        }
    }
    series
}

/// Sums by row id of a dimension, most requests first; id 0 is usage without one.
pub async fn top(
    c: &mut Conn,
    filter: &UsageFilter,
    dimension: Dimension,
    limit: usize,
) -> Result<Vec<(i64, Totals)>, StoreError> {
    let mut groups = cube(c, filter).await?.by(dimension);
    groups.truncate(limit);
    Ok(groups)
}
