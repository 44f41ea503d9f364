//! Backups: one zip file with a copy of the database and a manifest by which the copy is proved when it is put back.
//!
//! The master key and the journal are not in it: a backup that is lost gives away no vendor's credential.

mod make;
mod restore;
mod rotation;

use modelgate_store::copies::{Copied, RestoreError};
use modelgate_store::{Contents, Engine, StoreError, TableContents};
use serde::{Deserialize, Serialize};

pub use make::{Made, make};
pub use restore::{Restored, open, restore};
pub use rotation::{Kept, kept, name, rotate};

/// The form of the file.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// A manifest is smaller than this.
const MANIFEST_MAX: u64 = 16 << 20;

/// What a backup says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The version of the program that made it.
    pub version: String,
    engine: String,
    /// When, epoch milliseconds.
    pub made_ms: i64,
    migrations: Vec<String>,
    secrets_check: Option<String>,
    contents: Contents,
}

impl Manifest {
    fn new(engine: Engine, made_ms: i64, copied: Copied) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: word(engine).to_owned(),
            made_ms,
            migrations: copied.migrations,
            secrets_check: copied.secrets_check,
            contents: copied.contents,
        }
    }

    /// What the copy has to hold.
    fn copied(&self) -> Copied {
        Copied {
            migrations: self.migrations.clone(),
            secrets_check: self.secrets_check.clone(),
            contents: self.contents.clone(),
        }
    }

    /// What people count: calls, tokens and money (nano-units, whatever the currency).
    pub fn totals(&self) -> Totals {
        let rows = |table: &str| self.contents.table(table).map_or(0, TableContents::rows);
        let sum = |column: &str| {
            let days = self.contents.table("usage_daily");
            days.and_then(|days| days.sum(column)).unwrap_or(0)
        };
        Totals {
            tables: self.contents.tables.len(),
            requests: rows("request_logs") + rows("request_logs_history"),
            tokens: sum("prompt_tokens") + sum("completion_tokens"),
            cost_nanos: sum("cost_nanos"),
        }
    }
}

/// What people count in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Tables.
    pub tables: usize,
    /// Calls in the log and its history.
    pub requests: i64,
    /// Tokens of all days.
    pub tokens: i128,
    /// Money of all days, in nano-units of whatever currency.
    pub cost_nanos: i128,
}

const fn word(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}

/// The name of the copy inside the file.
const fn inside(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "modelgate.db",
        Engine::Postgres => "modelgate.dump",
    }
}

/// Why there is no backup, or nothing was put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file system refused.
    #[error("{path}: {error}")]
    File {
        /// Where.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file cannot be packed or is no backup.
    #[error("{path} is no whole backup: {why}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Made by a later version.
    #[error(
        "the backup has the migration {0}, which this version does not know: restore it with the newer version"
    )]
    Newer(String),
    /// Of the other engine.
    #[error(
        "this is a backup of {found}, and DATABASE_URL is {wanted}: restore it into {found}, then `modelgate transfer` moves it"
    )]
    OtherEngine {
        /// Whose it is.
        found: &'static str,
        /// What is configured.
        wanted: &'static str,
    },
    /// A gateway is at work there.
    #[error(
        "a gateway serves this database: stop it first (one that was killed counts as running for a minute)"
    )]
    Running,
    /// Something is there.
    #[error(
        "there is an installation in this database already: --replace puts the backup in its place"
    )]
    NotEmpty,
    /// The copy is not what was backed up.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task died.
    #[error("a task died: {0}")]
    Task(String),
}

impl BackupError {
    fn file(path: &std::path::Path, error: std::io::Error) -> Self {
        Self::File {
            path: path.display().to_string(),
            error,
        }
    }

    fn unreadable(path: &std::path::Path, why: impl std::fmt::Display) -> Self {
        Self::Unreadable {
            path: path.display().to_string(),
            why: why.to_string(),
        }
    }
}
