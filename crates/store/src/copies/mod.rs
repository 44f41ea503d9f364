//! Whole copies of a database, made beside running work, and put back in one piece.

mod postgres;
mod sqlite;

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use modelgate_domain::Secret;

use crate::conn::db;
use crate::contents::Contents;
use crate::pool::Pools;
use crate::{Conn, Db, Engine, StoreError, instances};

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The versions of the migrations it has seen.
    pub migrations: Vec<String>,
    /// By which it knows its master key; tells nothing about it.
    pub secrets_check: Option<String>,
    /// Its tables.
    pub contents: Contents,
}

/// What stands where a copy is to be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, or tables that nobody has put anything into.
    Empty,
    /// An installation.
    Filled,
    /// An installation that a gateway serves.
    Running,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// Tables of which a new installation has none before somebody begins with it.
const TELLING: [&str; 6] = [
    "users",
    "providers",
    "models",
    "api_keys",
    "request_logs",
    "request_logs_history",
];

impl Db {
    /// Writes a copy of one moment into the new file `to`, which only its owner may read: SQLite's `VACUUM INTO`, or
    /// `pg_dump` in its custom format, which has to be installed. Work goes on meanwhile. What a failure leaves is the
    /// caller's to remove.
    pub async fn copy_to(&self, to: &Path) -> Result<Copied, StoreError> {
        let to = to.to_owned();
        match &*self.pools {
            Pools::Lite { target, .. } => {
                let target = target.clone();
                self.blocking(move || sqlite::copy(&target, &to)).await
            }
            Pools::Pg { target, .. } => {
                let target = target.clone();
                self.spawn(async move { postgres::copy(&target, &to).await })
                    .await
            }
        }
    }

    /// What the program that copies this database says of its version (`pg_dump`), or why it cannot be run; absent
    /// where none is needed.
    pub async fn copier(&self) -> Option<Result<String, StoreError>> {
        match &*self.pools {
            Pools::Lite { .. } => None,
            Pools::Pg { target, .. } => {
                let target = target.clone();
                Some(
                    self.spawn(async move { postgres::version(&target).await })
                        .await,
                )
            }
        }
    }
}

/// The versions of the migrations that this program knows.
pub fn known_migrations(engine: Engine) -> Result<Vec<String>, StoreError> {
    crate::migrate::known_versions(engine)
}

/// What stands in the database of this URL. A SQLite file that cannot be read counts as filled.
pub async fn standing(url: &Secret, now_ms: i64) -> Result<Standing, StoreError> {
    if Engine::of(url)? == Engine::Sqlite && !sqlite::exists(url)? {
        return Ok(Standing::Empty);
    }
    let db = Db::open(url, tokio::runtime::Handle::current()).await;
    let found = match db {
        Ok(db) => db.read(move |c| Box::pin(look(c, now_ms))).await,
        Err(error) => Err(error),
    };
    match found {
        Err(_unreadable) if Engine::of(url)? == Engine::Sqlite => Ok(Standing::Filled),
        other => other,
    }
}

async fn look(c: &mut Conn, now_ms: i64) -> Result<Standing, StoreError> {
    let since = now_ms.saturating_sub(instances::LEASE_MS);
    let lives = format!(
        "select count(*) as value from instances where generation <> -1 and heartbeat_ms >= {since}"
    );
    if there(c, "instances").await? && number(c, lives).await? > 0 {
        return Ok(Standing::Running);
    }
    for table in TELLING {
        let some =
            format!("select count(*) as value from (select 1 from {table} limit 1) as found");
        if there(c, table).await? && number(c, some).await? > 0 {
            return Ok(Standing::Filled);
        }
    }
    Ok(Standing::Empty)
}

async fn number(c: &mut Conn, query: String) -> Result<i64, StoreError> {
    let found: Number = db!(c, |c| diesel::sql_query(query).get_result(c).await)?;
    Ok(found.value)
}

pub(crate) async fn there(c: &mut Conn, table: &str) -> Result<bool, StoreError> {
    let query = if c.is_postgres() {
        format!("select count(to_regclass('{table}')) as value")
    } else {
        format!(
            "select count(*) as value from sqlite_master where type = 'table' and name = '{table}'"
        )
    };
    Ok(number(c, query).await? > 0)
}

/// Why a copy was not put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file is not what its manifest says.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// A database error.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a copy for this SQLite URL is laid before it takes the place of the database: beside it, on the same disk.
pub fn stage(url: &Secret) -> Result<std::path::PathBuf, StoreError> {
    sqlite::stage(url)
}

/// Proves a copy and puts it in the place of what the URL stands for, at once or not at all. On SQLite `file` is at
/// [`stage`] and moves; what was there stays beside it under the name that is returned. On PostgreSQL `pg_restore` and
/// `psql` do it in one transaction, at whose end all figures are held against `expected`.
pub async fn restore(
    url: &Secret,
    file: &Path,
    expected: &Copied,
) -> Result<Option<std::path::PathBuf>, RestoreError> {
    match Engine::of(url)? {
        Engine::Sqlite => {
            let (url, file, expected) = (url.clone(), file.to_owned(), expected.clone());
            let work = move || sqlite::restore(&url, &file, &expected);
            match tokio::runtime::Handle::current().spawn_blocking(work).await {
                Ok(outcome) => outcome,
                Err(died) => Err(StoreError::Task(died.to_string()).into()),
            }
        }
        Engine::Postgres => {
            postgres::restore(url, file, expected).await?;
            Ok(None)
        }
    }
}

/// Settings are kept as JSON.
fn check_value(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// What differs, as a sentence; absent where nothing does.
fn difference(expected: &Copied, found: &Copied) -> Option<String> {
    if expected.migrations != found.migrations {
        return Some("its migrations are not those of its manifest".to_owned());
    }
    if expected.secrets_check != found.secrets_check {
        return Some("it belongs to another master key than its manifest says".to_owned());
    }
    let tables = expected.contents.differing(&found.contents);
    (!tables.is_empty()).then(|| format!("not as its manifest says: {}", tables.join(", ")))
}
