//! Where a model can be served: a model at one provider.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{Busyness, ModelId, ProviderId, TargetId};

use crate::columns::{At, MaybeAt, MaybeBusyness, at};
use crate::conn::db;
use crate::schema::targets;
use crate::{Conn, StoreError};

/// A row of `targets`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = targets)]
pub struct Target {
    /// The row.
    #[diesel(deserialize_as = i64)]
    pub id: TargetId,
    /// Which model.
    #[diesel(deserialize_as = i64)]
    pub model_id: ModelId,
    /// At which provider.
    #[diesel(deserialize_as = i64)]
    pub provider_id: ProviderId,
    /// The vendor's name for the model.
    pub upstream_model: String,
    /// 1 is tried first.
    pub priority: i64,
    /// Share among targets of the same priority; 0 = never.
    pub weight: i64,
    /// Whether calls may go there.
    pub enabled: bool,
    /// Only while the gateway is at most this busy; absent = always.
    #[diesel(deserialize_as = MaybeBusyness)]
    pub busyness_at_most: Option<Busyness>,
    /// When it was made.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    #[diesel(deserialize_as = MaybeAt)]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What an operator decides about a target. Model, provider and upstream model are unique together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetData {
    /// Which model.
    pub model_id: ModelId,
    /// At which provider.
    pub provider_id: ProviderId,
    /// The vendor's name for the model.
    pub upstream_model: String,
    /// 1 is tried first.
    pub priority: i64,
    /// Share among targets of the same priority; 0 = never.
    pub weight: i64,
    /// Whether calls may go there.
    pub enabled: bool,
    /// Only while the gateway is at most this busy; absent = always.
    pub busyness_at_most: Option<Busyness>,
}

impl From<Target> for TargetData {
    fn from(row: Target) -> Self {
        Self {
            model_id: row.model_id,
            provider_id: row.provider_id,
            upstream_model: row.upstream_model,
            priority: row.priority,
            weight: row.weight,
            enabled: row.enabled,
            busyness_at_most: row.busyness_at_most,
        }
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = targets)]
struct Values<'a> {
    model_id: i64,
    provider_id: i64,
    upstream_model: &'a str,
    priority: i64,
    weight: i64,
    enabled: bool,
    busyness_at_most: &'static str,
}

impl TargetData {
    fn values(&self) -> Values<'_> {
        Values {
            model_id: self.model_id.0,
            provider_id: self.provider_id.0,
            upstream_model: &self.upstream_model,
            priority: self.priority,
            weight: self.weight,
            enabled: self.enabled,
            busyness_at_most: self.busyness_at_most.map_or("", Busyness::as_str),
        }
    }
}

/// All targets that are not deleted, by model, priority and row.
pub async fn list(c: &mut Conn) -> Result<Vec<Target>, StoreError> {
    Ok(db!(c, |c| {
        targets::table
            .filter(targets::deleted_at.is_null())
            .order((targets::model_id, targets::priority, targets::id))
            .select(Target::as_select())
            .load(c)
            .await
    })?)
}

/// The targets of one model that are not deleted, by priority and row.
pub async fn list_of(c: &mut Conn, model: ModelId) -> Result<Vec<Target>, StoreError> {
    Ok(db!(c, |c| {
        targets::table
            .filter(targets::model_id.eq(model.0))
            .filter(targets::deleted_at.is_null())
            .order((targets::priority, targets::id))
            .select(Target::as_select())
            .load(c)
            .await
    })?)
}

/// Makes a target.
pub async fn insert(
    c: &mut Conn,
    data: &TargetData,
    now: DateTime<Utc>,
) -> Result<TargetId, StoreError> {
    let now = at(now);
    let times = (targets::created_at.eq(now), targets::updated_at.eq(now));
    let id: i64 = db!(c, |c| {
        diesel::insert_into(targets::table)
            .values((data.values(), times))
            .returning(targets::id)
            .get_result(c)
            .await
    })?;
    Ok(id.into())
}

/// Replaces what an operator decided. False where there is no such row.
pub async fn update(
    c: &mut Conn,
    id: TargetId,
    data: &TargetData,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(targets::table.find(id.0))
            .filter(targets::deleted_at.is_null())
            .set((data.values(), targets::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Deletes a target. False where there is no such row.
pub async fn delete(c: &mut Conn, id: TargetId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(targets::table.find(id.0))
            .filter(targets::deleted_at.is_null())
            .set(targets::deleted_at.eq(now))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}
