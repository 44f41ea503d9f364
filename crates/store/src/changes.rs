//! Every change of the configuration: a new generation for the catalog, and a line in the audit log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::columns::{at, json as to_json};
use crate::conn::db;
use crate::schema::{audit_log, config_generations};
use crate::{Conn, StoreError};

/// Who changed what. Secrets in `before` and `after` are redacted by whoever builds it.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// A username, `cli`, or `system`.
    pub actor: String,
    /// Where the actor sat, empty for the machine itself.
    pub actor_address: String,
    /// Noun and verb: `provider.update`.
    pub action: String,
    /// Which: `provider acme`.
    pub object: String,
    /// The state before, absent where something was made.
    pub before: Option<Value>,
    /// The state after, absent where something was deleted.
    pub after: Option<Value>,
    /// Why, where the actor said so.
    pub reason: String,
}

/// Makes a new generation and its audit line in the caller's transaction, and returns its number.
///
/// Call it last: on PostgreSQL it waits for other transactions that changed the configuration, so that
/// generations become visible in the order of their numbers and no poller can miss one.
pub async fn record(c: &mut Conn, change: &Change) -> Result<i64, StoreError> {
    lock(c).await?;
    let number = generation(c).await? + 1;
    let (time, diff) = (
        at(change.at),
        to_json(
            &json!({ "object": change.object, "before": change.before, "after": change.after }),
        )?,
    );
    db!(c, |c| {
        diesel::insert_into(config_generations::table)
            .values((
                config_generations::number.eq(number),
                config_generations::at.eq(time),
                config_generations::actor.eq(&change.actor),
                config_generations::reason.eq(&change.reason),
                config_generations::diff.eq(diff),
            ))
            .execute(c)
            .await
    })?;
    audit(c, change, number).await?;
    Ok(number)
}

/// Writes an audit line without a new generation: for what changes no configuration, such as a log-in.
pub async fn note(c: &mut Conn, change: &Change) -> Result<(), StoreError> {
    let number = generation(c).await?;
    audit(c, change, number).await
}

/// The newest generation, 0 on an untouched database.
pub async fn generation(c: &mut Conn) -> Result<i64, StoreError> {
    let newest: Option<i64> = db!(c, |c| {
        config_generations::table
            .select(diesel::dsl::max(config_generations::number))
            .first(c)
            .await
    })?;
    Ok(newest.unwrap_or(0))
}

async fn audit(c: &mut Conn, change: &Change, generation: i64) -> Result<(), StoreError> {
    let time = at(change.at);
    let before = change.before.as_ref().map(to_json).transpose()?;
    let after = change.after.as_ref().map(to_json).transpose()?;
    db!(c, |c| {
        diesel::insert_into(audit_log::table)
            .values((
                audit_log::at.eq(time),
                audit_log::actor.eq(&change.actor),
                audit_log::actor_address.eq(&change.actor_address),
                audit_log::action.eq(&change.action),
                audit_log::object.eq(&change.object),
                audit_log::before.eq(before),
                audit_log::after.eq(after),
                audit_log::generation.eq(generation),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Makes this transaction the only one that changes the configuration until it ends. For writers that read
/// first and decide from what they read; [`record`] takes it anyway. SQLite has one writer as it is.
pub async fn lock(c: &mut Conn) -> Result<(), StoreError> {
    c.advisory_lock(0x6d67_0001).await
}
