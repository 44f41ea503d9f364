//! What is spent of budgets: a row for each budget and period, kept in step with the roll-ups.
//!
//! A row that is not there yet is made from the roll-ups of its whole period, so a budget that is new, changed or
//! put back counts what was spent before it. All who write hold the lock that drains hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::period::{Bounds, BudgetSum};
use modelgate_domain::{Currency, Limit, LimitKind, LimitScope, ModelId, Period};

use crate::conn::{db, db_batch};
use crate::limits;
use crate::schema::{api_keys, budget_usage, usage_quarter_hour};
use crate::total::total;
use crate::{Conn, StoreError};

/// Taken by whoever brings requests to their end or writes what is spent, to the end of the transaction.
pub(crate) const LOCK: i64 = 7_308_613_678_113_744_741;

/// A call's cost, with everything that a budget may be on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) started_ms: i64,
    pub(crate) api_key_id: i64,
    pub(crate) user_id: i64,
    pub(crate) model_id: i64,
    pub(crate) provider_key_id: i64,
    pub(crate) currency: String,
    pub(crate) nanos: i64,
}

impl Cost {
    /// What a budget may be on.
    fn subjects(&self) -> [(LimitScope, i64); 4] {
        [
            (LimitScope::ApiKey, self.api_key_id),
            (LimitScope::User, self.user_id),
            (LimitScope::Model, self.model_id),
            (LimitScope::ProviderKey, self.provider_key_id),
        ]
    }

    fn concerns(&self, budget: &Limit) -> bool {
        self.subjects().contains(&(budget.scope, budget.scope_id))
            && (budget.model_id.is_none() || budget.model_id.0 == self.model_id)
            && budget.currency.as_str() == self.currency
    }
}

/// What is spent of all budgets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// One for each budget.
    pub sums: Vec<BudgetSum>,
    /// How many of them have no row yet and were added up: worth a [`fill`].
    pub missing: usize,
}

/// What is spent of every budget in the period that `now_ms` lies in.
pub async fn current(c: &mut Conn, zone: Tz, now_ms: i64) -> Result<Current, StoreError> {
    let budgets = budgets(c).await?;
    if budgets.is_empty() {
        return Ok(Current::default());
    }
    let wanted: Vec<Wanted> = budgets
        .iter()
        .map(|budget| Wanted::new(budget, zone, now_ms))
        .collect();
    let (mut sums, missing) = stored(c, wanted).await?;
    let added_up = from_rollups(c, missing).await?;
    let missing = added_up.len();
    sums.extend(added_up);
    Ok(Current { sums, missing })
}

/// Writes the rows of budgets that have none for the period that `now_ms` lies in; says how many. Looks before it
/// asks for the lock. Call it through [`crate::Db::write`].
pub async fn fill(c: &mut Conn, zone: Tz, now_ms: i64) -> Result<usize, StoreError> {
    let budgets = budgets(c).await?;
    let wanted = || {
        budgets
            .iter()
            .map(|budget| Wanted::new(budget, zone, now_ms))
    };
    let (_, missing) = stored(c, wanted().collect()).await?;
    if missing.is_empty() {
        return Ok(0);
    }
    c.advisory_lock(LOCK).await?;
    let (_, missing) = stored(c, missing).await?;
    let sums = from_rollups(c, missing).await?;
    insert(c, &sums).await?;
    Ok(sums.len())
}

/// Adds what calls cost to their budgets; returns the new sums. Comes after the roll-ups, under the lock.
pub(crate) async fn add(
    c: &mut Conn,
    costs: &[Cost],
    zone: Tz,
) -> Result<Vec<BudgetSum>, StoreError> {
    if costs.is_empty() {
        return Ok(Vec::new());
    }
    let budgets = budgets(c).await?;
    let mut on: HashMap<(LimitScope, i64), Vec<&Limit>> = HashMap::new();
    for budget in &budgets {
        let of = on.entry((budget.scope, budget.scope_id)).or_default();
        of.push(budget);
    }
    let mut more: BTreeMap<Key, (Wanted, i64)> = BTreeMap::new();
    for cost in costs {
        let of = cost
            .subjects()
            .into_iter()
            .filter_map(|subject| on.get(&subject));
        for budget in of.flatten().filter(|budget| cost.concerns(budget)) {
            let wanted = Wanted::new(budget, zone, cost.started_ms);
            let entry = more.entry(wanted.key()).or_insert((wanted, 0));
            entry.1 = entry.1.saturating_add(cost.nanos);
        }
    }
    let (mut sums, mut missing) = (Vec::new(), Vec::new());
    for (wanted, nanos) in more.into_values() {
        match raise(c, &wanted, nanos).await? {
            Some(spent_nanos) => sums.push(wanted.sum(spent_nanos)),
            None => missing.push(wanted),
        }
    }
    let made = from_rollups(c, missing).await?;
    insert(c, &made).await?;
    sums.extend(made);
    Ok(sums)
}

/// Forgets what was spent of budgets on one thing that are no more, so that one that comes back is counted anew.
pub(crate) async fn forget(
    c: &mut Conn,
    (scope, scope_id): (LimitScope, i64),
    kept: &[Limit],
) -> Result<(), StoreError> {
    use budget_usage as t;
    type Row = (i64, String, String);
    let rows: Vec<Row> = db!(c, |c| t::table
        .filter(t::scope.eq(scope.as_str()))
        .filter(t::scope_id.eq(scope_id))
        .select((t::model_id, t::currency, t::period))
        .distinct()
        .load(c)
        .await)?;
    let stays = |(model, currency, period): &Row| {
        kept.iter().any(|limit| {
            limit.kind == LimitKind::Budget
                && limit.model_id.0 == *model
                && limit.currency.as_str() == currency
                && limit.period.map_or("", Period::as_str) == period
        })
    };
    let gone: Vec<Row> = rows.into_iter().filter(|row| !stays(row)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    c.advisory_lock(LOCK).await?;
    for (model, currency, period) in gone {
        db!(c, |c| diesel::delete(
            t::table
                .filter(t::scope.eq(scope.as_str()))
                .filter(t::scope_id.eq(scope_id))
                .filter(t::model_id.eq(model))
                .filter(t::currency.eq(&currency))
                .filter(t::period.eq(&period))
        )
        .execute(c)
        .await)?;
    }
    Ok(())
}

async fn budgets(c: &mut Conn) -> Result<Vec<Limit>, StoreError> {
    let mut all = limits::of_kind(c, LimitKind::Budget).await?;
    all.retain(|limit| limit.period.is_some());
    Ok(all)
}

type Key = (&'static str, i64, i64, String, &'static str, i64);

/// A budget in one period.
#[derive(Clone, Debug)]
struct Wanted {
    scope: LimitScope,
    scope_id: i64,
    model_id: ModelId,
    currency: Currency,
    period: Period,
    bounds: Bounds,
}

impl Wanted {
    fn new(budget: &Limit, zone: Tz, at_ms: i64) -> Self {
        let period = budget.period.unwrap_or(Period::Total);
        Self {
            scope: budget.scope,
            scope_id: budget.scope_id,
            model_id: budget.model_id,
            currency: budget.currency.clone(),
            bounds: period.bounds(zone, at_ms),
            period,
        }
    }

    fn key(&self) -> Key {
        (
            self.scope.as_str(),
            self.scope_id,
            self.model_id.0,
            self.currency.to_string(),
            self.period.as_str(),
            self.bounds.start_ms,
        )
    }

    fn sum(&self, spent_nanos: i64) -> BudgetSum {
        BudgetSum {
            scope: self.scope,
            scope_id: self.scope_id,
            model_id: self.model_id,
            currency: self.currency.clone(),
            period: self.period,
            start_ms: self.bounds.start_ms,
            spent_nanos,
        }
    }
}

/// The rows that are there, and what has none.
async fn stored(
    c: &mut Conn,
    wanted: Vec<Wanted>,
) -> Result<(Vec<BudgetSum>, Vec<Wanted>), StoreError> {
    use budget_usage as t;
    type Row = (String, i64, i64, String, String, i64, i64);
    let starts: BTreeSet<i64> = wanted.iter().map(|w| w.bounds.start_ms).collect();
    let starts: Vec<i64> = starts.into_iter().collect();
    let rows: Vec<Row> = db!(c, |c| t::table
        .filter(t::period_start_ms.eq_any(&starts))
        .select((
            t::scope,
            t::scope_id,
            t::model_id,
            t::currency,
            t::period,
            t::period_start_ms,
            t::spent_nanos,
        ))
        .load(c)
        .await)?;
    let rows: HashMap<(String, i64, i64, String, String, i64), i64> = rows
        .into_iter()
        .map(|row| ((row.0, row.1, row.2, row.3, row.4, row.5), row.6))
        .collect();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let (scope, scope_id, model, currency, period, start) = wanted.key();
        let key = (
            scope.to_owned(),
            scope_id,
            model,
            currency,
            period.to_owned(),
            start,
        );
        match rows.get(&key) {
            Some(spent) => found.push(wanted.sum(*spent)),
            None => missing.push(wanted),
        }
    }
    Ok((found, missing))
}

/// Raises a row; `None` where there is none.
async fn raise(c: &mut Conn, wanted: &Wanted, nanos: i64) -> Result<Option<i64>, StoreError> {
    use budget_usage as t;
    let row = t::table
        .filter(t::scope.eq(wanted.scope.as_str()))
        .filter(t::scope_id.eq(wanted.scope_id))
        .filter(t::model_id.eq(wanted.model_id.0))
        .filter(t::currency.eq(wanted.currency.as_str()))
        .filter(t::period.eq(wanted.period.as_str()))
        .filter(t::period_start_ms.eq(wanted.bounds.start_ms));
    Ok(db!(c, |c| diesel::update(row)
        .set(t::spent_nanos.eq(t::spent_nanos + nanos))
        .returning(t::spent_nanos)
        .get_result(c)
        .await
        .optional())?)
}

async fn insert(c: &mut Conn, sums: &[BudgetSum]) -> Result<(), StoreError> {
    use budget_usage as t;
    if sums.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = sums
        .iter()
        .map(|sum| {
            (
                t::scope.eq(sum.scope.as_str()),
                t::scope_id.eq(sum.scope_id),
                t::model_id.eq(sum.model_id.0),
                t::currency.eq(sum.currency.as_str().to_owned()),
                t::period.eq(sum.period.as_str()),
                t::period_start_ms.eq(sum.start_ms),
                t::spent_nanos.eq(sum.spent_nanos),
            )
        })
        .collect();
    db_batch!(c, execute(diesel::insert_into(t::table).values(rows)))?;
    Ok(())
}

/// Sums over the roll-ups, read once for each period whatever the number of budgets.
async fn from_rollups(c: &mut Conn, wanted: Vec<Wanted>) -> Result<Vec<BudgetSum>, StoreError> {
    let mut periods: BTreeMap<(i64, i64), Vec<Wanted>> = BTreeMap::new();
    for one in wanted {
        let span = (one.bounds.start_ms, one.bounds.end_ms.unwrap_or(i64::MAX));
        periods.entry(span).or_default().push(one);
    }
    let mut sums = Vec::new();
    for (span, wanted) in periods {
        let costs = rolled_up(c, span).await?;
        for one in wanted {
            let budget = Limit {
                scope: one.scope,
                scope_id: one.scope_id,
                model_id: one.model_id,
                kind: LimitKind::Budget,
                amount: 0,
                currency: one.currency.clone(),
                period: Some(one.period),
                mode: modelgate_domain::LimitMode::default(),
            };
            let own = costs.iter().filter(|cost| cost.concerns(&budget));
            let spent = own.fold(0_i64, |sum, cost| sum.saturating_add(cost.nanos));
            sums.push(one.sum(spent));
        }
    }
    Ok(sums)
}

/// What was spent in a stretch of time, by everything that a budget may be on. A key's account is the one it has now.
async fn rolled_up(c: &mut Conn, (from, to): (i64, i64)) -> Result<Vec<Cost>, StoreError> {
    use usage_quarter_hour as t;
    type Row = (i64, i64, i64, String, i64);
    let rows: Vec<Row> = db!(c, |c| t::table
        .filter(t::quarter_ms.ge(from))
        .filter(t::quarter_ms.lt(to))
        .filter(t::cost_nanos.gt(0))
        .group_by((t::api_key_id, t::model_id, t::provider_key_id, t::currency))
        .select((
            t::api_key_id,
            t::model_id,
            t::provider_key_id,
            t::currency,
            total(t::cost_nanos),
        ))
        .load(c)
        .await)?;
    let owners: Vec<(i64, Option<i64>)> = db!(c, |c| api_keys::table
        .select((api_keys::id, api_keys::user_id))
        .load(c)
        .await)?;
    let owners: HashMap<i64, i64> = owners
        .into_iter()
        .filter_map(|(key, user)| Some((key, user?)))
        .collect();
    let cost = |(api_key_id, model_id, provider_key_id, currency, nanos): Row| Cost {
        started_ms: from,
        api_key_id,
        user_id: owners.get(&api_key_id).copied().unwrap_or(0),
        model_id,
        provider_key_id,
        currency,
        nanos,
    };
    Ok(rows.into_iter().map(cost).collect())
}
