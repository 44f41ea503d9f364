//! Schema migrations: embedded, run under a lock, refused when the database is newer than the binary.

use std::fs::OpenOptions;

use diesel::SqliteConnection;
use diesel::backend::Backend;
use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::pool::Pools;
use crate::sqlite::SqliteTarget;
use crate::{Db, Engine, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Any constant: this program's migrations of one database wait for each other.
const LOCK: &str = "set lock_timeout = '120s'; set statement_timeout = 0; \
     select pg_advisory_lock(7308613678113744740)";

/// One migration and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The directory's name.
    pub name: String,
    /// Whether it was run.
    pub applied: bool,
}

impl Db {
    /// Runs what the database lacks, one process at a time, and returns the names of what was run.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.migration_work(true).await.map(|(_, run)| run)
    }

    /// Every migration this binary knows, oldest first. Changes nothing, apart from diesel's own empty table.
    pub async fn migrations(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        self.migration_work(false).await.map(|(status, _)| status)
    }

    async fn migration_work(&self, run: bool) -> Result<Outcome, StoreError> {
        match &*self.pools {
            Pools::Lite { target, .. } => {
                let target = target.clone();
                let work = move || sqlite(&target, run);
                match self.runtime().spawn_blocking(work).await {
                    Ok(outcome) => outcome,
                    Err(died) => Err(StoreError::Task(died.to_string())),
                }
            }
            Pools::Pg { target, .. } => {
                let target = target.clone();
                self.spawn(async move {
                    // A connection of its own: a session lock must not outlive its use in a pool.
                    let mut connection = target.connect().await?;
                    connection.batch_execute(LOCK).await?;
                    let mut harness = AsyncMigrationHarness::new(connection);
                    work::<Pg, _>(&mut harness, &POSTGRES, run)
                })
                .await
            }
        }
    }
}

/// The versions of all migrations of an engine, oldest first.
pub(crate) fn known_versions(engine: Engine) -> Result<Vec<String>, StoreError> {
    fn versions<DB: Backend>(source: &EmbeddedMigrations) -> Result<Vec<String>, StoreError> {
        let known: Vec<Box<dyn Migration<DB>>> = source
            .migrations()
            .map_err(|error| StoreError::Migration(error.to_string()))?;
        let mut versions: Vec<String> = known
            .iter()
            .map(|m| m.name().version().to_string())
            .collect();
        versions.sort();
        Ok(versions)
    }
    match engine {
        Engine::Sqlite => versions::<Sqlite>(&SQLITE),
        Engine::Postgres => versions::<Pg>(&POSTGRES),
    }
}

type Outcome = (Vec<MigrationStatus>, Vec<String>);

fn sqlite(target: &SqliteTarget, run: bool) -> Result<Outcome, StoreError> {
    let failed = |e: std::io::Error| StoreError::Migration(format!("cannot take the lock: {e}"));
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(target.lock_path())
        .map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut connection = SqliteConnection::establish(&target.url())?;
    connection.batch_execute(SqliteTarget::setup(false))?;
    work::<Sqlite, _>(&mut connection, &SQLITE, run)
}

fn work<DB: Backend, H: MigrationHarness<DB>>(
    harness: &mut H,
    source: &EmbeddedMigrations,
    run: bool,
) -> Result<Outcome, StoreError> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| StoreError::Migration(e.to_string());
    let mut known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(failed)?;
    known.sort_by_key(|m| m.name().version().as_owned());
    let applied = harness.applied_migrations().map_err(failed)?;
    let unknown = applied
        .iter()
        .find(|version| known.iter().all(|m| m.name().version() != **version));
    if let Some(version) = unknown {
        return Err(StoreError::NewerSchema {
            found: version.to_string(),
        });
    }
    let mut status = Vec::new();
    let mut ran = Vec::new();
    for migration in &known {
        let name = migration.name().to_string();
        let mut done = applied.contains(&migration.name().version());
        if run && !done {
            harness.run_migration(migration.as_ref()).map_err(failed)?;
            ran.push(name.clone());
            done = true;
        }
        status.push(MigrationStatus {
            name,
            applied: done,
        });
    }
    Ok((status, ran))
}
