//! Makes a backup: under another name first, so that a file of the wanted name is always whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use modelgate_store::{Db, Engine};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{BackupError, MANIFEST, Manifest, inside};

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its size.
    pub bytes: u64,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Files that go with this: what a failure leaves must not lie about.
struct Scratch(Vec<PathBuf>);

impl Drop for Scratch {
    fn drop(&mut self) {
        for path in &self.0 {
            drop(fs::remove_file(path));
        }
    }
}

/// Writes the backup `to`, which must not be there yet; its directory needs room for the database and the backup.
pub async fn make(db: &Db, to: &Path, now_ms: i64) -> Result<Made, BackupError> {
    if to.exists() {
        let there = io::Error::new(
            io::ErrorKind::AlreadyExists,
            "is there already: give another name",
        );
        return Err(BackupError::file(to, there));
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        let missing = io::Error::new(io::ErrorKind::NotFound, "there is no such directory");
        return Err(BackupError::file(parent, missing));
    }
    let (copy, part) = (beside(to, ".copy"), beside(to, ".part"));
    let scratch = Scratch(vec![copy.clone(), beside(&copy, "-journal"), part.clone()]);
    for left in &scratch.0 {
        // Of a process that was killed.
        drop(fs::remove_file(left));
    }
    let copied = db.copy_to(&copy).await?;
    let (engine, to) = (db.engine(), to.to_owned());
    let manifest = Manifest::new(engine, now_ms, copied);
    let work = move || {
        let done = pack(&manifest, engine, &copy, &part, &to);
        drop(scratch);
        done.map(|bytes| Made { bytes, manifest })
    };
    match db.runtime().spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(died) => Err(BackupError::Task(died.to_string())),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn pack(
    manifest: &Manifest,
    engine: Engine,
    copy: &Path,
    part: &Path,
    to: &Path,
) -> Result<u64, BackupError> {
    let written = write(manifest, engine, copy, part);
    let bytes = written.map_err(|error| BackupError::file(part, error))?;
    let moved = fs::rename(part, to).and_then(|()| match to.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    });
    moved.map_err(|error| BackupError::file(to, error))?;
    Ok(bytes)
}

fn write(manifest: &Manifest, engine: Engine, copy: &Path, part: &Path) -> io::Result<u64> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)?;
    let mut zip = ZipWriter::new(file);
    let packed = SimpleFileOptions::default()
        .large_file(true)
        .unix_permissions(0o600)
        .compression_method(CompressionMethod::Deflated);
    zip.start_file(MANIFEST, packed)?;
    zip.write_all(&serde_json::to_vec(manifest)?)?;
    let options = match engine {
        Engine::Sqlite => packed.compression_level(Some(1)),
        // pg_dump has compressed it.
        Engine::Postgres => packed.compression_method(CompressionMethod::Stored),
    };
    zip.start_file(inside(engine), options)?;
    io::copy(&mut BufReader::new(File::open(copy)?), &mut zip)?;
    let file = zip.finish()?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}
