//! Puts a backup back: looked through first, proved, and in place at once or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use modelgate_domain::Secret;
use modelgate_store::Engine;
use modelgate_store::copies::{self, Standing};
use zip::ZipArchive;

use super::{BackupError, FORMAT, MANIFEST, MANIFEST_MAX, Manifest, inside, word};
use crate::config::Config;
use crate::secrets::{KeySource, Keyring, SecretsError};

/// What was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Where the database that was there before lies now.
    pub kept: Option<PathBuf>,
}

/// Reads what a backup says of itself, and whether this program can put it back into such a database.
pub fn open(path: &Path, engine: Engine) -> Result<Manifest, BackupError> {
    let mut archive = archive(path)?;
    let entry = archive.by_name(MANIFEST);
    let mut entry = entry.map_err(|error| BackupError::unreadable(path, error))?;
    let mut text = Vec::new();
    let read = (&mut entry).take(MANIFEST_MAX).read_to_end(&mut text);
    read.map_err(|error| BackupError::unreadable(path, error))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| BackupError::unreadable(path, error))?;
    if manifest.format != FORMAT {
        return Err(BackupError::Newer(format!("format {}", manifest.format)));
    }
    if manifest.engine != word(engine) {
        let (found, wanted) = match engine {
            Engine::Sqlite => ("PostgreSQL", "SQLite"),
            Engine::Postgres => ("SQLite", "PostgreSQL"),
        };
        return Err(BackupError::OtherEngine { found, wanted });
    }
    let known = copies::known_migrations(engine)?;
    match manifest.migrations.iter().find(|one| !known.contains(one)) {
        Some(unknown) => Err(BackupError::Newer(unknown.clone())),
        None => Ok(manifest),
    }
}

fn archive(path: &Path) -> Result<ZipArchive<File>, BackupError> {
    let file = File::open(path).map_err(|error| BackupError::file(path, error))?;
    ZipArchive::new(file).map_err(|error| BackupError::unreadable(path, error))
}

impl Manifest {
    /// Whether the configured master key opens what the backup holds sealed.
    pub fn check_key(&self, config: &Config) -> Result<(), SecretsError> {
        match &self.secrets_check {
            Some(stored) => Keyring::load(&KeySource::of(config, false))?
                .check(stored)
                .map(drop),
            None => Ok(()),
        }
    }
}

/// Puts the backup at `path` into the database of the URL, in place of what is there where `replace` says so.
pub async fn restore(
    path: &Path,
    manifest: &Manifest,
    url: &Secret,
    replace: bool,
    now_ms: i64,
) -> Result<Restored, BackupError> {
    match copies::standing(url, now_ms).await? {
        Standing::Running => return Err(BackupError::Running),
        Standing::Filled if !replace => return Err(BackupError::NotEmpty),
        Standing::Filled | Standing::Empty => {}
    }
    let engine = Engine::of(url)?;
    let stage = match engine {
        Engine::Sqlite => copies::stage(url)?,
        Engine::Postgres => {
            let mut name = path.as_os_str().to_owned();
            name.push(".restoring");
            name.into()
        }
    };
    let unpacked = unpack(path, engine, &stage);
    let restored = match unpacked {
        Ok(()) => copies::restore(url, &stage, &manifest.copied())
            .await
            .map_err(BackupError::from),
        Err(error) => Err(error),
    };
    // What moved into place is not there any more.
    drop(fs::remove_file(&stage));
    Ok(Restored { kept: restored? })
}

fn unpack(path: &Path, engine: Engine, to: &Path) -> Result<(), BackupError> {
    let mut archive = archive(path)?;
    let entry = archive.by_name(inside(engine));
    let mut entry = entry.map_err(|error| BackupError::unreadable(path, error))?;
    drop(fs::remove_file(to));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| BackupError::file(to, error))?;
    // The reader compares the check sum at the end.
    io::copy(&mut entry, &mut file).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            BackupError::unreadable(path, error)
        }
        _ => BackupError::file(to, error),
    })?;
    Ok(())
}
