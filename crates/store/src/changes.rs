//! Every change of the configuration: a new generation for the catalog, and a line in the audit log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::columns::{at, json as to_json};
use crate::conn::db;
use crate::schema::{audit_log, config_generations};
use crate::{Conn, StoreError};

/// Who changed what. Whoever builds `before` and `after` leaves secrets out of them.
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
    let (before, after) = (
        redacted(change.before.as_ref()),
        redacted(change.after.as_ref()),
    );
    let diff = json!({ "object": change.object, "before": before, "after": after });
    let (time, diff) = (at(change.at), to_json(&diff)?);
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
    let before = redacted(change.before.as_ref())
        .as_ref()
        .map(to_json)
        .transpose()?;
    let after = redacted(change.after.as_ref())
        .as_ref()
        .map(to_json)
        .transpose()?;
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

/// What stands where a secret would.
const REDACTED: &str = "[redacted]";

/// Whoever builds a state leaves secrets out of it; what is called like one is struck out here all the same, so that
/// an oversight reaches neither the audit log nor an export of it.
fn redacted(state: Option<&Value>) -> Option<Value> {
    let mut state = state?.clone();
    strike_out(&mut state);
    Some(state)
}

fn strike_out(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if member.is_string() && is_secret(name) {
                    *member = Value::from(REDACTED);
                } else {
                    strike_out(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strike_out),
        Value::String(text) if has_key(text) => *value = Value::from(REDACTED),
        _ => {}
    }
}

/// Whether a member of this name would hold a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let kinds = [
        "secret",
        "password",
        "token",
        "authorization",
        "cookie",
        "key_hash",
        "private_key",
    ];
    // The last four signs are kept on purpose: people tell keys apart by them.
    !name.ends_with("_last4") && kinds.iter().any(|kind| name.contains(kind))
}

/// Whether a text is, or begins with, a key as this gateway and most vendors write them.
fn has_key(text: &str) -> bool {
    ["sk-", "Bearer ", "Basic "].iter().any(|begins| {
        text.strip_prefix(begins)
            .is_some_and(|rest| rest.len() >= 16)
    })
}

/// Makes this transaction the only one that changes the configuration until it ends. For writers that read
/// first and decide from what they read; [`record`] takes it anyway. SQLite has one writer as it is.
pub async fn lock(c: &mut Conn) -> Result<(), StoreError> {
    c.advisory_lock(0x6d67_0001).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_like_a_secret_is_struck_out() {
        let state = json!({
            "name": "acme", "secret": "hunter2", "secret_last4": "er22", "max_tokens": 5, "secret_changed": true,
            "keys": [{ "label": "main", "api_token": "abc" }], "note": "sk-live-0123456789abcdef", "prefix": "sk-mg-abc",
        });
        let kept = json!({
            "name": "acme", "secret": REDACTED, "secret_last4": "er22", "max_tokens": 5, "secret_changed": true,
            "keys": [{ "label": "main", "api_token": REDACTED }], "note": REDACTED, "prefix": "sk-mg-abc",
        });
        assert_eq!(redacted(Some(&state)), Some(kept));
        assert_eq!(redacted(None), None);
    }
}
