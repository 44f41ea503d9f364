//! Public models and their aliases.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::ModelId;

use crate::columns::{At, MaybeAt, at};
use crate::conn::{db, db_batch};
use crate::schema::{model_aliases, models, targets};
use crate::{Conn, StoreError};

/// A row of `models`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = models)]
pub struct Model {
    /// The row.
    #[diesel(deserialize_as = i64)]
    pub id: ModelId,
    /// What clients say; unique.
    pub name: String,
    /// What people read; empty means the name.
    pub display_name: String,
    /// `chat` or `embedding`.
    pub kind: String,
    /// Context window in tokens.
    pub context_length: Option<i64>,
    /// Largest answer in tokens.
    pub max_output_tokens: Option<i64>,
    /// Whether callers may use it.
    pub enabled: bool,
    /// Callable, but not listed.
    pub hidden: bool,
    /// When it was made.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
    /// When it was deleted; history keeps its name.
    #[diesel(deserialize_as = MaybeAt)]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What an operator decides about a model.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset)]
#[diesel(table_name = models, treat_none_as_null = true)]
pub struct ModelData {
    /// What clients say; unique.
    pub name: String,
    /// What people read; empty means the name.
    pub display_name: String,
    /// `chat` or `embedding`.
    pub kind: String,
    /// Context window in tokens.
    pub context_length: Option<i64>,
    /// Largest answer in tokens.
    pub max_output_tokens: Option<i64>,
    /// Whether callers may use it.
    pub enabled: bool,
    /// Callable, but not listed.
    pub hidden: bool,
}

impl From<Model> for ModelData {
    fn from(m: Model) -> Self {
        Self {
            name: m.name,
            display_name: m.display_name,
            kind: m.kind,
            context_length: m.context_length,
            max_output_tokens: m.max_output_tokens,
            enabled: m.enabled,
            hidden: m.hidden,
        }
    }
}

/// A second name for a model.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = model_aliases)]
pub struct Alias {
    /// The name; unique among aliases.
    pub alias: String,
    /// Which model it means.
    #[diesel(deserialize_as = i64)]
    pub model_id: ModelId,
}

/// All models that are not deleted, by name.
pub async fn list(c: &mut Conn) -> Result<Vec<Model>, StoreError> {
    Ok(db!(c, |c| {
        models::table
            .filter(models::deleted_at.is_null())
            .order(models::name)
            .select(Model::as_select())
            .load(c)
            .await
    })?)
}

/// Names of all models, deleted ones included: history points to them.
pub async fn names(c: &mut Conn) -> Result<Vec<(ModelId, String)>, StoreError> {
    let rows: Vec<(i64, String)> = db!(c, |c| {
        models::table
            .select((models::id, models::name))
            .order(models::id)
            .load(c)
            .await
    })?;
    Ok(rows.into_iter().map(|(id, n)| (id.into(), n)).collect())
}

/// One model, deleted or not.
pub async fn find(c: &mut Conn, id: ModelId) -> Result<Option<Model>, StoreError> {
    Ok(db!(c, |c| {
        models::table
            .find(id.0)
            .select(Model::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// The model of this name that is not deleted. Aliases do not count.
pub async fn find_by_name(c: &mut Conn, name: &str) -> Result<Option<Model>, StoreError> {
    Ok(db!(c, |c| {
        models::table
            .filter(models::name.eq(name))
            .filter(models::deleted_at.is_null())
            .select(Model::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// Makes a model.
pub async fn insert(
    c: &mut Conn,
    data: &ModelData,
    now: DateTime<Utc>,
) -> Result<ModelId, StoreError> {
    let now = at(now);
    let times = (models::created_at.eq(now), models::updated_at.eq(now));
    let id: i64 = db!(c, |c| {
        diesel::insert_into(models::table)
            .values((data, times))
            .returning(models::id)
            .get_result(c)
            .await
    })?;
    Ok(id.into())
}

/// Replaces what an operator decided. False where there is no such row.
pub async fn update(
    c: &mut Conn,
    id: ModelId,
    data: &ModelData,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(models::table.find(id.0))
            .filter(models::deleted_at.is_null())
            .set((data, models::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Deletes a model with its aliases and targets; history keeps its name. False where there is no such row.
pub async fn delete(c: &mut Conn, id: ModelId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let now = at(now);
    db!(c, |c| {
        diesel::delete(model_aliases::table.filter(model_aliases::model_id.eq(id.0)))
            .execute(c)
            .await
    })?;
    db!(c, |c| {
        diesel::update(targets::table)
            .filter(targets::model_id.eq(id.0))
            .filter(targets::deleted_at.is_null())
            .set(targets::deleted_at.eq(now))
            .execute(c)
            .await
    })?;
    let rows = db!(c, |c| {
        diesel::update(models::table.find(id.0))
            .filter(models::deleted_at.is_null())
            .set(models::deleted_at.eq(now))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// All aliases, by name.
pub async fn aliases(c: &mut Conn) -> Result<Vec<Alias>, StoreError> {
    Ok(db!(c, |c| {
        model_aliases::table
            .order(model_aliases::alias)
            .select(Alias::as_select())
            .load(c)
            .await
    })?)
}

/// The aliases of one model, by name.
pub async fn aliases_of(c: &mut Conn, model: ModelId) -> Result<Vec<String>, StoreError> {
    Ok(db!(c, |c| {
        model_aliases::table
            .filter(model_aliases::model_id.eq(model.0))
            .order(model_aliases::alias)
            .select(model_aliases::alias)
            .load(c)
            .await
    })?)
}

/// Replaces the aliases of one model. An alias of another model is a conflict of `model_aliases.alias`.
pub async fn set_aliases(
    c: &mut Conn,
    model: ModelId,
    aliases: &[String],
) -> Result<(), StoreError> {
    db!(c, |c| {
        diesel::delete(model_aliases::table.filter(model_aliases::model_id.eq(model.0)))
            .execute(c)
            .await
    })?;
    if aliases.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = aliases
        .iter()
        .map(|alias| {
            (
                model_aliases::alias.eq(alias.clone()),
                model_aliases::model_id.eq(model.0),
            )
        })
        .collect();
    db_batch!(
        c,
        execute(diesel::insert_into(model_aliases::table).values(rows))
    )?;
    Ok(())
}
