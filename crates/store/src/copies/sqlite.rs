//! Copies of a SQLite database: a file that is whole in itself.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use modelgate_domain::Secret;

use super::{Copied, RestoreError, difference};
use crate::contents::{Contents, Value, open_sqlite};
use crate::sqlite::SqliteTarget;
use crate::{StoreError, secrets_check};

/// <https://www.sqlite.org/lang_vacuum.html#vacuuminto>: a read transaction, so that nobody waits.
pub(super) fn copy(target: &SqliteTarget, to: &Path) -> Result<Copied, StoreError> {
    // SQLite takes an empty file as it is, with its mode.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| io(to, &error))?;
    let mut c = open_sqlite(target.path())?;
    diesel::sql_query("vacuum into ?")
        .bind::<Text, _>(to.to_string_lossy())
        .execute(&mut c)?;
    drop(c);
    // Whoever has given up has taken the file away; looking at it would make another.
    if !to.exists() {
        let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(io(to, &gone));
    }
    read(to, None)
}

fn io(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}

/// What a file holds, which nobody else has open. It is one file afterwards, without a log beside it.
fn read(path: &Path, like: Option<&Contents>) -> Result<Copied, StoreError> {
    let mut c = open_sqlite(path)?;
    c.batch_execute("pragma journal_mode = delete")?;
    let versions = "select version as value from __diesel_schema_migrations order by version";
    let migrations: Vec<Value> = diesel::sql_query(versions).load(&mut c)?;
    let check = format!(
        "select value from settings where key = '{}'",
        secrets_check::KEY
    );
    let check: Option<Value> = diesel::sql_query(check).get_result(&mut c).optional()?;
    Ok(Copied {
        migrations: migrations.into_iter().map(|row| row.value).collect(),
        secrets_check: check.and_then(|row| super::check_value(&row.value)),
        contents: Contents::of_sqlite(like, &mut c)?,
    })
}

pub(super) fn exists(url: &Secret) -> Result<bool, StoreError> {
    Ok(SqliteTarget::parse(url.expose())?.path().exists())
}

pub(super) fn stage(url: &Secret) -> Result<PathBuf, StoreError> {
    let target = SqliteTarget::parse(url.expose())?;
    if let Some(directory) = target.path().parent().filter(|d| !d.as_os_str().is_empty()) {
        fs::create_dir_all(directory).map_err(|error| io(directory, &error))?;
    }
    Ok(beside(target.path(), ".restoring"))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(super) fn restore(
    url: &Secret,
    staged: &Path,
    expected: &Copied,
) -> Result<Option<PathBuf>, RestoreError> {
    let target = SqliteTarget::parse(url.expose())?;
    // A gateway that starts meanwhile waits here before it migrates.
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(target.lock_path())
        .map_err(|error| io(&target.lock_path(), &error))?;
    lock.lock()
        .map_err(|error| io(&target.lock_path(), &error))?;
    prove(staged, expected)?;
    File::open(staged)
        .and_then(|file| file.sync_all())
        .map_err(|error| io(staged, &error))?;
    let path = target.path();
    let kept = if path.exists() {
        settle(path)?;
        let kept = beside(path, ".before-restore");
        drop(fs::remove_file(&kept));
        fs::hard_link(path, &kept).map_err(|error| io(&kept, &error))?;
        Some(kept)
    } else {
        None
    };
    fs::rename(staged, path).map_err(|error| io(path, &error))?;
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| io(directory, &error))?;
    }
    Ok(kept)
}

fn prove(staged: &Path, expected: &Copied) -> Result<(), RestoreError> {
    let damaged = |error: StoreError| RestoreError::Damaged(error.to_string());
    let mut c = open_sqlite(staged)?;
    let check = diesel::sql_query("select integrity_check as value from pragma_integrity_check");
    let found: Vec<Value> = check.load(&mut c).map_err(|error| damaged(error.into()))?;
    if let Some(bad) = found.iter().find(|row| row.value != "ok") {
        return Err(RestoreError::Damaged(bad.value.clone()));
    }
    drop(c);
    let found = read(staged, Some(&expected.contents)).map_err(damaged)?;
    difference(expected, &found).map_or(Ok(()), |why| Err(RestoreError::Damaged(why)))
}

/// Takes the log of the database that goes out of the way: SQLite would read it into the one that comes.
fn settle(path: &Path) -> Result<(), StoreError> {
    let folded = open_sqlite(path).and_then(|mut c| {
        let done = c.batch_execute("pragma wal_checkpoint(truncate); pragma journal_mode = delete");
        Ok(done?)
    });
    if let Err(error @ StoreError::Unavailable(_)) = folded {
        return Err(error);
    }
    for suffix in ["-wal", "-shm"] {
        let log = beside(path, suffix);
        if log.exists() {
            let aside = beside(&log, ".before-restore");
            fs::rename(&log, aside).map_err(|error| io(&log, &error))?;
        }
    }
    Ok(())
}
