//! Declarative provisioning in TOML: what `modelgate apply` and `modelgate export` do.
//!
//! A file is parsed, laid over the present state, compared, and written in one transaction. What a file does
//! not name is left alone.

mod diff;
mod document;
mod export;
mod file;
mod load;
mod merge;
mod state;
mod write;

use std::sync::Arc;

use modelgate_store::{Conn, Db, StoreError, api_keys, catalog, changes};

pub use diff::{Attribute, Difference, Mark};
pub use document::{Document, Place, Problem};
pub use write::MadeKey;

use crate::clock::Clock;
use crate::config::Env;
use crate::secrets::{Keyring, SecretsError, hash_key};
use file::File;
use state::State;

/// Why a file was not applied. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file is wrong.
    #[error(transparent)]
    Problem(#[from] Problem),
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
    /// Keys that were made, to be shown once.
    pub made: Vec<MadeKey>,
    /// The generation that this became; absent when nothing changed.
    pub generation: Option<i64>,
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
            if differences.is_empty() {
                return Ok(Outcome::default());
            }
            let writer = write::Writer { keyring, now };
            let made = write::write(c, &writer, &before, &after).await?;
            let told = serde_json::to_value(&differences)
                .map_err(|e| StoreError::Corrupt(e.to_string()))?;
            let change = changes::Change {
                at: now,
                actor: "cli".to_owned(),
                actor_address: String::new(),
                action: "config.apply".to_owned(),
                object: format!("file {name}"),
                before: None,
                after: Some(told),
                reason: String::new(),
            };
            let generation = Some(changes::record(c, &change).await?);
            Ok(Outcome {
                differences,
                made,
                generation,
            })
        })
    })
    .await
}

/// What [`apply`] would do. `db` is absent where there is no database yet; nothing is written anywhere.
pub async fn plan(
    db: Option<&Db>,
    keyring: Option<Keyring>,
    clock: &Clock,
    document: Document<'_>,
    env: &dyn Env,
) -> Result<Vec<Difference>, ApplyError> {
    let file = Arc::new(File::parse(document, env)?);
    let Some(db) = db else {
        let after = merge::merge(&State::default(), &[], &file)?;
        return Ok(diff::diff(&State::default(), &after));
    };
    let now = clock.now_ms();
    db.read_snapshot(move |c| {
        Box::pin(async move {
            let before = present(c, keyring.as_ref(), now).await?;
            let after = merge::merge(&before, &revoked(c, &file).await?, &file)?;
            Ok(diff::diff(&before, &after))
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
