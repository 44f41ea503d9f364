//! What happens to calls while the gateway is busy.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{Busyness, BusynessAction, ModelId};

use crate::columns::{Json, Name, at, json};
use crate::conn::{db, db_batch};
use crate::schema::busyness_rules;
use crate::{Conn, StoreError};

/// A row of `busyness_rules`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusynessRule {
    /// It holds from this level on, and at every busier one.
    pub from_level: Busyness,
    /// What it does.
    pub action: BusynessAction,
    /// For calls of these models; of any where empty.
    pub models: Vec<ModelId>,
    /// The model that answers instead, or that is suggested.
    pub redirect: Option<ModelId>,
    /// What callers are told.
    pub message: String,
    /// Whether it holds at all.
    pub enabled: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = busyness_rules)]
struct Row {
    #[diesel(deserialize_as = Name<Busyness>)]
    from_level: Busyness,
    #[diesel(deserialize_as = Name<BusynessAction>)]
    action: BusynessAction,
    #[diesel(deserialize_as = Json<Vec<i64>>)]
    models: Vec<i64>,
    redirect_model_id: i64,
    message: String,
    enabled: bool,
}

/// All rules, in the order in which they are looked at.
pub async fn list(c: &mut Conn) -> Result<Vec<BusynessRule>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| busyness_rules::table
        .order((busyness_rules::position, busyness_rules::id))
        .select(Row::as_select())
        .load(c)
        .await)?;
    let rule = |row: Row| BusynessRule {
        from_level: row.from_level,
        action: row.action,
        models: row.models.into_iter().map(ModelId).collect(),
        redirect: (row.redirect_model_id != 0).then_some(ModelId(row.redirect_model_id)),
        message: row.message,
        enabled: row.enabled,
    };
    Ok(rows.into_iter().map(rule).collect())
}

/// Replaces all rules, in the order in which they are looked at.
pub async fn replace(
    c: &mut Conn,
    rules: &[BusynessRule],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    use busyness_rules as t;
    db!(c, |c| diesel::delete(t::table).execute(c).await)?;
    let mut rows = Vec::with_capacity(rules.len());
    for (rule, position) in rules.iter().zip(1_i64..) {
        let models: Vec<i64> = rule.models.iter().map(|id| id.0).collect();
        rows.push((
            t::position.eq(position),
            t::from_level.eq(rule.from_level.as_str()),
            t::action.eq(rule.action.as_str()),
            t::models.eq(json(&models)?),
            t::redirect_model_id.eq(rule.redirect.map_or(0, |id| id.0)),
            t::message.eq(rule.message.clone()),
            t::enabled.eq(rule.enabled),
            t::created_at.eq(at(now)),
            t::updated_at.eq(at(now)),
        ));
    }
    if !rows.is_empty() {
        db_batch!(c, execute(diesel::insert_into(t::table).values(rows)))?;
    }
    Ok(())
}
