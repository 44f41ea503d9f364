//! The master key file: made once, mode 0600, beside the embedded database.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use modelgate_domain::Secret;
use ring::rand::{SecureRandom, SystemRandom};

use super::SecretsError;

/// The file's name in the data directory.
pub const MASTER_KEY_FILE: &str = "master.key";

const KEY_BYTES: usize = 32;

/// Reads the key file; makes it first where there is none and `may_create` says so.
pub(super) fn read_or_create(data_dir: &Path, may_create: bool) -> Result<Secret, SecretsError> {
    let path = data_dir.join(MASTER_KEY_FILE);
    match read(&path) {
        Err(SecretsError::File {
            kind: ErrorKind::NotFound,
            ..
        }) => {
            if !may_create {
                return Err(SecretsError::KeyFileLost { path });
            }
            create(data_dir, &path)?;
            read(&path)
        }
        other => other,
    }
}

fn read(path: &Path) -> Result<Secret, SecretsError> {
    let failed = |e: std::io::Error| file_error(path, &e);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretsError::KeyFileOpen {
            path: path.to_owned(),
            mode,
        });
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let text = text.trim();
    match BASE64.decode(text.as_bytes()) {
        Ok(bytes) if bytes.len() == KEY_BYTES => Ok(Secret::new(text)),
        _ => Err(SecretsError::KeyFileDamaged {
            path: path.to_owned(),
        }),
    }
}

/// Two processes may start at once on an empty directory: both write a file of their own, and the
/// first hard link wins, so that nobody ever reads half a key.
fn create(data_dir: &Path, path: &Path) -> Result<(), SecretsError> {
    let mut key = [0_u8; KEY_BYTES];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_unspecified| SecretsError::Random)?;
    fs::create_dir_all(data_dir).map_err(|e| file_error(data_dir, &e))?;
    let draft = data_dir.join(format!("{MASTER_KEY_FILE}.{}", std::process::id()));
    let written = write_new(&draft, &BASE64.encode(&key));
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    // The draft has served its purpose either way; what counts is whether the link stands.
    let _ignored = fs::remove_file(&draft);
    linked.map_err(|e| file_error(path, &e))?;
    fs::File::open(data_dir)
        .and_then(|d| d.sync_all())
        .map_err(|e| file_error(data_dir, &e))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn file_error(path: &Path, error: &std::io::Error) -> SecretsError {
    SecretsError::File {
        path: PathBuf::from(path),
        kind: error.kind(),
        message: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let first = read_or_create(dir.path(), true).unwrap();
        assert_eq!(read_or_create(dir.path(), true).unwrap(), first);
        let path = dir.path().join(MASTER_KEY_FILE);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        read_or_create(dir.path(), true).unwrap();
        let path = dir.path().join(MASTER_KEY_FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read_or_create(dir.path(), true).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_damaged_or_lost_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let lost = read_or_create(dir.path(), false).unwrap_err();
        assert!(matches!(lost, SecretsError::KeyFileLost { .. }), "{lost:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        write_new(&dir.path().join(MASTER_KEY_FILE), "half a k").unwrap();
        let damaged = read_or_create(dir.path(), true).unwrap_err();
        assert!(matches!(damaged, SecretsError::KeyFileDamaged { .. }));
        assert!(!damaged.to_string().contains("half a k"));
    }
}
