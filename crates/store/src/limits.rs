//! Limits on keys, accounts, models and credentials.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{Currency, Limit, LimitKind, LimitMode, LimitScope, ModelId, Period};

use crate::columns::{MaybePeriod, Money, Name};
use crate::conn::{db, db_batch};
use crate::schema::limits;
use crate::{Conn, StoreError, budgets};

#[derive(Queryable, Selectable)]
#[diesel(table_name = limits)]
struct Row {
    #[diesel(deserialize_as = Name<LimitScope>)]
    scope: LimitScope,
    scope_id: i64,
    #[diesel(deserialize_as = i64)]
    model_id: ModelId,
    #[diesel(deserialize_as = Name<LimitKind>)]
    kind: LimitKind,
    amount: i64,
    #[diesel(deserialize_as = Money)]
    currency: Currency,
    #[diesel(deserialize_as = MaybePeriod)]
    period: Option<Period>,
    #[diesel(deserialize_as = Name<LimitMode>)]
    mode: LimitMode,
}

impl From<Row> for Limit {
    fn from(row: Row) -> Self {
        Self {
            scope: row.scope,
            scope_id: row.scope_id,
            model_id: row.model_id,
            kind: row.kind,
            amount: row.amount,
            currency: row.currency,
            period: row.period,
            mode: row.mode,
        }
    }
}

/// All limits.
pub async fn list(c: &mut Conn) -> Result<Vec<Limit>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| limits::table
        .order((limits::scope, limits::scope_id, limits::id))
        .select(Row::as_select())
        .load(c)
        .await)?;
    Ok(rows.into_iter().map(Limit::from).collect())
}

/// All limits of one kind.
pub async fn of_kind(c: &mut Conn, kind: LimitKind) -> Result<Vec<Limit>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| limits::table
        .filter(limits::kind.eq(kind.as_str()))
        .order(limits::id)
        .select(Row::as_select())
        .load(c)
        .await)?;
    Ok(rows.into_iter().map(Limit::from).collect())
}

/// The limits on one thing.
pub async fn of(c: &mut Conn, scope: LimitScope, scope_id: i64) -> Result<Vec<Limit>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| limits::table
        .filter(limits::scope.eq(scope.as_str()))
        .filter(limits::scope_id.eq(scope_id))
        .order(limits::id)
        .select(Row::as_select())
        .load(c)
        .await)?;
    Ok(rows.into_iter().map(Limit::from).collect())
}

/// Replaces the limits on one thing. No two of them may count the same: kind, model, currency and period.
pub async fn replace(
    c: &mut Conn,
    scope: LimitScope,
    scope_id: i64,
    wanted: &[Limit],
) -> Result<(), StoreError> {
    use limits as t;
    let gone = t::table
        .filter(t::scope.eq(scope.as_str()))
        .filter(t::scope_id.eq(scope_id));
    db!(c, |c| diesel::delete(gone).execute(c).await)?;
    budgets::forget(c, (scope, scope_id), wanted).await?;
    if wanted.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = wanted
        .iter()
        .map(|limit| {
            (
                t::scope.eq(scope.as_str()),
                t::scope_id.eq(scope_id),
                t::model_id.eq(limit.model_id.0),
                t::kind.eq(limit.kind.as_str()),
                t::amount.eq(limit.amount),
                t::currency.eq(limit.currency.as_str().to_owned()),
                t::period.eq(limit.period.map_or("", Period::as_str)),
                t::mode.eq(limit.mode.as_str()),
            )
        })
        .collect();
    db_batch!(c, execute(diesel::insert_into(t::table).values(rows)))?;
    Ok(())
}

/// Sets or, with `None`, removes the enforced limit of one kind on one thing, for any model; the others stay.
pub async fn set(
    c: &mut Conn,
    scope: LimitScope,
    scope_id: i64,
    kind: LimitKind,
    amount: Option<i64>,
) -> Result<(), StoreError> {
    let mut all = of(c, scope, scope_id).await?;
    all.retain(|limit| limit.kind != kind || !limit.model_id.is_none());
    all.extend(amount.map(|amount| Limit {
        scope,
        scope_id,
        model_id: ModelId::NONE,
        kind,
        amount,
        currency: Currency::unpriced(),
        period: None,
        mode: LimitMode::Enforce,
    }));
    replace(c, scope, scope_id, &all).await
}
