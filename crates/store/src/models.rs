//! Public models and their aliases.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{Cause, Modalities, ModelId, Strategy};

use crate::columns::{At, MaybeAt, Name, at};
use crate::conn::{db, db_batch};
use crate::schema::{model_aliases, model_fallbacks, models, targets};
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
    /// How it chooses among targets of the same priority.
    #[diesel(deserialize_as = Name<Strategy>)]
    pub strategy: Strategy,
    /// Whether a conversation stays at its target while that is well, so that vendors' prompt caches work.
    pub affinity: bool,
    /// What it takes in, as far as that is known.
    #[diesel(deserialize_as = Name<Modalities>)]
    pub modalities: Modalities,
    /// Whether it calls tools, where that is known.
    pub tools: Option<bool>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// How it chooses among targets of the same priority.
    pub strategy: Strategy,
    /// Whether a conversation stays at its target while that is well.
    pub affinity: bool,
    /// What it takes in, as far as that is known.
    pub modalities: Modalities,
    /// Whether it calls tools, where that is known.
    pub tools: Option<bool>,
}

impl Default for ModelData {
    /// A chat model without a name that callers may use.
    fn default() -> Self {
        Self {
            name: String::new(),
            display_name: String::new(),
            kind: "chat".to_owned(),
            context_length: None,
            max_output_tokens: None,
            enabled: true,
            hidden: false,
            strategy: Strategy::default(),
            affinity: false,
            modalities: Modalities::default(),
            tools: None,
        }
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = models, treat_none_as_null = true)]
struct Values<'a> {
    name: &'a str,
    display_name: &'a str,
    kind: &'a str,
    context_length: Option<i64>,
    max_output_tokens: Option<i64>,
    enabled: bool,
    hidden: bool,
    strategy: &'static str,
    affinity: bool,
    modalities: String,
    tools: Option<bool>,
}

impl ModelData {
    fn values(&self) -> Values<'_> {
        Values {
            name: &self.name,
            display_name: &self.display_name,
            kind: &self.kind,
            context_length: self.context_length,
            max_output_tokens: self.max_output_tokens,
            enabled: self.enabled,
            hidden: self.hidden,
            strategy: self.strategy.as_str(),
            affinity: self.affinity,
            modalities: self.modalities.to_string(),
            tools: self.tools,
        }
    }
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
            strategy: m.strategy,
            affinity: m.affinity,
            modalities: m.modalities,
            tools: m.tools,
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
            .values((data.values(), times))
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
            .set((data.values(), models::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Deletes a model with its aliases, targets and fallbacks; history keeps its name. False where there is no such row.
pub async fn delete(c: &mut Conn, id: ModelId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let now = at(now);
    db!(c, |c| {
        diesel::delete(model_aliases::table.filter(model_aliases::model_id.eq(id.0)))
            .execute(c)
            .await
    })?;
    let falls = model_fallbacks::model_id
        .eq(id.0)
        .or(model_fallbacks::fallback_id.eq(id.0));
    db!(c, |c| {
        diesel::delete(model_fallbacks::table.filter(falls))
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

/// A model that takes over where another one does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = model_fallbacks)]
pub struct Fallback {
    /// Which model does not answer.
    #[diesel(deserialize_as = i64)]
    pub model_id: ModelId,
    /// Which one takes over.
    #[diesel(deserialize_as = i64)]
    pub fallback_id: ModelId,
    /// For which cause.
    #[diesel(deserialize_as = Name<Cause>)]
    pub cause: Cause,
}

/// All fallbacks, by model and in the order in which they are tried.
pub async fn fallbacks(c: &mut Conn) -> Result<Vec<Fallback>, StoreError> {
    Ok(db!(c, |c| {
        model_fallbacks::table
            .order((model_fallbacks::model_id, model_fallbacks::position))
            .select(Fallback::as_select())
            .load(c)
            .await
    })?)
}

/// Replaces the fallbacks of one model, in the order in which they are tried.
pub async fn set_fallbacks(
    c: &mut Conn,
    model: ModelId,
    fallbacks: &[(ModelId, Cause)],
) -> Result<(), StoreError> {
    db!(c, |c| {
        diesel::delete(model_fallbacks::table.filter(model_fallbacks::model_id.eq(model.0)))
            .execute(c)
            .await
    })?;
    if fallbacks.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = fallbacks
        .iter()
        .zip(1_i64..)
        .map(|((fallback, cause), position)| {
            (
                model_fallbacks::model_id.eq(model.0),
                model_fallbacks::position.eq(position),
                model_fallbacks::fallback_id.eq(fallback.0),
                model_fallbacks::cause.eq(cause.as_str()),
            )
        })
        .collect();
    db_batch!(
        c,
        execute(diesel::insert_into(model_fallbacks::table).values(rows))
    )?;
    Ok(())
}
