//! The directory of one journal: named by a UUID, held by a file lock for as long as its process lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom as _, SystemRandom};

use super::segment;

const LOCK: &str = "lock";
/// Begins the name of a directory that is not locked yet.
const NEW: &str = "new-";

/// A directory that this process holds.
#[derive(Debug)]
pub(super) struct Directory {
    /// The directory's name and the `instance` in `journal_positions`.
    pub(super) instance: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Holding the file open holds the lock.
    _lock: File,
}

impl Directory {
    /// Makes and locks a new directory under `parent`.
    pub(super) fn create(parent: &Path) -> io::Result<Self> {
        private_dirs(parent)?;
        let instance = uuid()?;
        let unlocked = parent.join(format!("{NEW}{instance}"));
        private_dirs(&unlocked)?;
        let lock = lock_file(&unlocked)?;
        lock.lock()?;
        // Only a locked directory gets its real name: nobody can adopt it in between.
        let path = parent.join(&instance);
        std::fs::rename(&unlocked, &path)?;
        Ok(Self {
            instance,
            path,
            _lock: lock,
        })
    }

    /// Takes over the directory `path`, unless a living process holds it.
    pub(super) fn adopt(path: &Path) -> io::Result<Option<Self>> {
        let Some(instance) = path.file_name().and_then(|n| n.to_str()) else {
            return Ok(None);
        };
        let lock = match lock_file(path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match lock.try_lock() {
            Ok(()) if path.is_dir() => Ok(Some(Self {
                instance: instance.to_owned(),
                path: path.to_owned(),
                _lock: lock,
            })),
            // Its last holder removed it while we waited at the door.
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Deletes the directory if no segment is left in it.
    pub(super) fn remove_if_empty(&self) -> io::Result<bool> {
        if !segment::numbers(&self.path)?.is_empty() {
            return Ok(false);
        }
        std::fs::remove_file(self.path.join(LOCK))?;
        std::fs::remove_dir(&self.path)?;
        Ok(true)
    }
}

/// The journals under `parent`, held or not.
pub(super) fn list(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        if is_uuid(name) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn lock_file(directory: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join(LOCK))
}

fn private_dirs(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// A random (version 4) UUID.
fn uuid() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| io::Error::other("the system gives no random numbers"))?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    let parts = [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ];
    Ok(parts.join("-"))
}

fn is_uuid(name: &str) -> bool {
    name.len() == 36
        && name
            .bytes()
            .all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_directory_cannot_be_adopted() {
        let parent = tempfile::tempdir().unwrap();
        let held = Directory::create(parent.path()).unwrap();
        let listed = list(parent.path()).unwrap();
        assert_eq!(listed, std::slice::from_ref(&held.path));
        assert!(Directory::adopt(&held.path).unwrap().is_none());
        let path = held.path.clone();
        drop(held);
        let adopted = Directory::adopt(&path).unwrap().unwrap();
        assert!(Directory::adopt(&path).unwrap().is_none());
        assert!(adopted.remove_if_empty().unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn instances_are_uuids_and_differ() {
        let (a, b) = (uuid().unwrap(), uuid().unwrap());
        assert!(is_uuid(&a) && is_uuid(&b) && a != b);
        assert!(!is_uuid("new-0000") && !is_uuid("rejected.jsonl"));
    }
}
