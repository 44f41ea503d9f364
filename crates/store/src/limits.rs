//! Limits on keys, accounts, models and credentials.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{LimitKind, LimitScope, ModelId};

use crate::columns::Name;
use crate::conn::db;
use crate::schema::limits;
use crate::{Conn, StoreError};

/// A row of `limits`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = limits)]
pub struct Limit {
    /// What it applies to.
    #[diesel(deserialize_as = Name<LimitScope>)]
    pub scope: LimitScope,
    /// The row of the thing it applies to.
    pub scope_id: i64,
    /// Only for calls of this model, 0 for any.
    #[diesel(deserialize_as = i64)]
    pub model_id: ModelId,
    /// What it counts.
    #[diesel(deserialize_as = Name<LimitKind>)]
    pub kind: LimitKind,
    /// How much is allowed.
    pub amount: i64,
}

/// All limits.
pub async fn list(c: &mut Conn) -> Result<Vec<Limit>, StoreError> {
    Ok(db!(c, |c| {
        limits::table
            .order((limits::scope, limits::scope_id, limits::id))
            .select(Limit::as_select())
            .load(c)
            .await
    })?)
}

/// The limit of one kind on one thing, for any model.
pub async fn find(
    c: &mut Conn,
    scope: LimitScope,
    scope_id: i64,
    kind: LimitKind,
) -> Result<Option<i64>, StoreError> {
    Ok(db!(c, |c| {
        limits::table
            .filter(limits::scope.eq(scope.as_str()))
            .filter(limits::scope_id.eq(scope_id))
            .filter(limits::kind.eq(kind.as_str()))
            .filter(limits::model_id.eq(0))
            .select(limits::amount)
            .first(c)
            .await
            .optional()
    })?)
}

/// Sets or, with `None`, removes the limit of one kind on one thing, for any model.
pub async fn set(
    c: &mut Conn,
    scope: LimitScope,
    scope_id: i64,
    kind: LimitKind,
    amount: Option<i64>,
) -> Result<(), StoreError> {
    let Some(amount) = amount else {
        let gone = limits::table
            .filter(limits::scope.eq(scope.as_str()))
            .filter(limits::scope_id.eq(scope_id))
            .filter(limits::kind.eq(kind.as_str()))
            .filter(limits::model_id.eq(0));
        db!(c, |c| diesel::delete(gone).execute(c).await)?;
        return Ok(());
    };
    let unique = (
        limits::scope,
        limits::scope_id,
        limits::model_id,
        limits::kind,
    );
    db!(c, |c| {
        diesel::insert_into(limits::table)
            .values((
                limits::scope.eq(scope.as_str()),
                limits::scope_id.eq(scope_id),
                limits::model_id.eq(0),
                limits::kind.eq(kind.as_str()),
                limits::amount.eq(amount),
            ))
            .on_conflict(unique)
            .do_update()
            .set(limits::amount.eq(amount))
            .execute(c)
            .await
    })?;
    Ok(())
}
