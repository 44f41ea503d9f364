//! Declarative provisioning in TOML: what `modelgate apply` and `modelgate export` do.
//!
//! A file is parsed, laid over the present state, compared, and written in one transaction. What a file does
//! not name is left alone.

mod diff;
mod document;
mod export;
mod file;
mod key_rules;
mod load;
mod merge;
mod rules;
mod spec;
mod state;
mod users;
mod warnings;
mod write;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use modelgate_store::{Conn, Db, StoreError, api_keys, catalog, changes};

pub use diff::{Attribute, Difference, Mark};
pub use document::{Document, Place, Problem};
pub use write::MadeKey;

use crate::clock::Clock;
use crate::config::Env;
use crate::secrets::{Keyring, SecretsError, hash_key};
use spec::File;
use state::State;

/// Why a file was not applied. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file is wrong.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A key of this name is there already.
    #[error("there is an API key {0} already: choose another name, or revoke that one first")]
    KeyExists(String),
    /// A credential cannot be sealed, or a key not be made.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What applying a file did, or would do.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What differs; empty when the file describes what is there already.
    pub differences: Vec<Difference>,
    /// What will not do what it looks like.
    pub warnings: Vec<String>,
    /// Keys that were made, to be shown once.
    pub made: Vec<MadeKey>,
    /// The generation that this became; absent when nothing changed.
    pub generation: Option<i64>,
}

/// Checks what can be checked without a database.
pub fn check(document: Document<'_>, env: &dyn Env) -> Result<(), Problem> {
    File::parse(document, env).map(drop)
}

/// Applies a file in one transaction. `env` answers for `secret_env`.
pub async fn apply(
    db: &Db,
    keyring: &Keyring,
    clock: &Clock,
    document: Document<'_>,
    env: &dyn Env,
) -> Result<Outcome, ApplyError> {
    let file = File::parse(document, env)?;
    let name = document.name.to_owned();
    let (keyring, now) = (keyring.clone(), clock.now());
    db.write(move |c| {
        Box::pin(async move {
            changes::lock(c).await?;
            let before = present(c, Some(&keyring), now.timestamp_millis()).await?;
            let after = merge::merge(&before, &revoked(c, &file).await?, &file)?;
            let differences = diff::diff(&before, &after);
            let warnings = warnings::warnings(&after);
            if differences.is_empty() {
                return Ok(Outcome {
                    warnings,
                    ..Outcome::default()
                });
            }
            let writer = write::Writer { keyring, now };
            let made = write::write(c, &writer, &before, &after).await?;
            let what = ("config.apply", format!("file {name}"));
            let generation = Some(record(c, now, what, &differences).await?);
            Ok(Outcome {
                differences,
                warnings,
                made,
                generation,
            })
        })
    })
    .await
}

/// An API key to be made by hand.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What the operator calls it.
    pub name: String,
    /// The operator's note.
    pub note: String,
    /// As in a file; absent = all.
    pub models: Option<Vec<String>>,
}

/// Makes one API key, with the same rules as a file.
pub async fn create_key(
    db: &Db,
    keyring: &Keyring,
    clock: &Clock,
    new: NewKey,
) -> Result<MadeKey, ApplyError> {
    let file = File::one_key(&new)?;
    let (keyring, now) = (keyring.clone(), clock.now());
    db.write(move |c| {
        Box::pin(async move {
            changes::lock(c).await?;
            let before = present(c, Some(&keyring), now.timestamp_millis()).await?;
            if before.api_keys.iter().any(|key| key.name == new.name) {
                return Err(ApplyError::KeyExists(new.name));
            }
            let after = merge::merge(&before, &[], &file)?;
            let differences = diff::diff(&before, &after);
            let writer = write::Writer { keyring, now };
            let made = write::write(c, &writer, &before, &after).await?;
            record(
                c,
                now,
                ("api_key.create", format!("API key {}", new.name)),
                &differences,
            )
            .await?;
            made.into_iter()
                .next()
                .ok_or_else(|| StoreError::Corrupt("no key was made".to_owned()).into())
        })
    })
    .await
}

/// One generation and one audit line for everything that was written.
async fn record(
    c: &mut Conn,
    now: DateTime<Utc>,
    (action, object): (&str, String),
    differences: &[Difference],
) -> Result<i64, StoreError> {
    let told = serde_json::to_value(differences).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    let change = changes::Change {
        at: now,
        actor: "cli".to_owned(),
        actor_address: String::new(),
        action: action.to_owned(),
        object,
        before: None,
        after: Some(told),
        reason: String::new(),
    };
    changes::record(c, &change).await
}

/// What [`apply`] would do. `db` is absent where there is no database yet; nothing is written anywhere.
pub async fn plan(
    db: Option<&Db>,
    keyring: Option<Keyring>,
    clock: &Clock,
    document: Document<'_>,
    env: &dyn Env,
) -> Result<Outcome, ApplyError> {
    let told = |before: &State, after: &State| Outcome {
        differences: diff::diff(before, after),
        warnings: warnings::warnings(after),
        ..Outcome::default()
    };
    let file = Arc::new(File::parse(document, env)?);
    let Some(db) = db else {
        let after = merge::merge(&State::default(), &[], &file)?;
        return Ok(told(&State::default(), &after));
    };
    let now = clock.now_ms();
    db.read_snapshot(move |c| {
        Box::pin(async move {
            let before = present(c, keyring.as_ref(), now).await?;
            let after = merge::merge(&before, &revoked(c, &file).await?, &file)?;
            Ok(told(&before, &after))
        })
    })
    .await
}

/// The present state as a provisioning file without secrets.
pub async fn export(db: &Db, clock: &Clock) -> Result<String, StoreError> {
    let rows = catalog::load(db).await?;
    Ok(export::export(&load::state(&rows, None, clock.now_ms())))
}

async fn present(
    c: &mut Conn,
    keyring: Option<&Keyring>,
    now_ms: i64,
) -> Result<State, StoreError> {
    Ok(load::state(&catalog::rows(c).await?, keyring, now_ms))
}

/// The hashes of the file's API keys that belonged to revoked ones.
async fn revoked(c: &mut Conn, file: &File) -> Result<Vec<String>, StoreError> {
    let mut hashes = Vec::new();
    for secret in file.api_keys.iter().filter_map(|k| k.secret.as_ref()) {
        let hash = hash_key(secret.value.expose());
        if api_keys::was_revoked(c, &hash).await? {
            hashes.push(data_encoding::HEXLOWER.encode(&hash));
        }
    }
    Ok(hashes)
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
