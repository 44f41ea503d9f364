//! What most commands begin with: the configuration, the database, the key.

use std::path::Path;

use modelgate_store::{Db, changes};
use tokio::runtime::Handle;

use super::CliError;
use crate::clock::Clock;
use crate::config::{Config, Env, ProcessEnv};
use crate::secrets::{Keyring, unlock};

/// The environment and what it configures.
pub(super) struct Session {
    /// For `secret_env`.
    pub(super) env: Box<dyn Env + Send + Sync>,
    /// The start-up configuration.
    pub(super) config: Config,
    /// The time.
    pub(super) clock: Clock,
}

impl Session {
    /// Reads the process environment and `.env`.
    pub(super) fn new() -> Result<Self, CliError> {
        let env =
            ProcessEnv::read(Path::new(".env")).map_err(|e| CliError::Usage(e.to_string()))?;
        Ok(Self {
            config: Config::from_env(&env)?,
            env: Box::new(env),
            clock: Clock::system(),
        })
    }

    /// Whether the embedded database has a file yet; a server is asked when it is opened.
    pub(super) fn has_database(&self) -> bool {
        match self.config.database_url.expose().strip_prefix("sqlite:") {
            Some(path) => Path::new(path).exists(),
            None => true,
        }
    }

    /// Opens the database as it is.
    pub(super) async fn open(&self) -> Result<Db, CliError> {
        Ok(Db::open(&self.config.database_url, Handle::current()).await?)
    }

    /// Opens the database for writing: made where there is none, migrated where it is older.
    pub(super) async fn open_migrated(&self) -> Result<Db, CliError> {
        let db = self.open().await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Opens the database for reading: it has to be there, and at this version's schema.
    pub(super) async fn open_existing(&self) -> Result<Db, CliError> {
        let right = "run `modelgate migrate`, or start the gateway, which does it too";
        if !self.has_database() {
            return Err(CliError::Failed(format!(
                "there is no database yet: {right}"
            )));
        }
        let db = self.open().await?;
        if db.migrations().await?.iter().any(|m| !m.applied) {
            return Err(CliError::Failed(format!(
                "the database is older than this program: {right}"
            )));
        }
        Ok(db)
    }

    /// The key for a migrated database.
    pub(super) async fn unlock(&self, db: &Db) -> Result<Keyring, CliError> {
        Ok(unlock(&self.config, db, &self.clock).await?)
    }

    /// An audit entry by the command line.
    pub(super) fn change(&self, action: &str, object: String) -> changes::Change {
        changes::Change {
            at: self.clock.now(),
            actor: "cli".to_owned(),
            actor_address: String::new(),
            action: action.to_owned(),
            object,
            before: None,
            after: None,
            reason: String::new(),
        }
    }
}
