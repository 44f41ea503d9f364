//! Where a SQLite database lives and how its connections are set up.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// A database file.
#[derive(Clone, Debug)]
pub(crate) struct SqliteTarget {
    path: PathBuf,
}

impl SqliteTarget {
    /// `sqlite:data/modelgate.db`, `sqlite:/var/lib/modelgate/modelgate.db` or the same after `sqlite://`.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains('?') {
            let why =
                "sqlite: must be followed by the path of a file, such as sqlite:data/modelgate.db";
            return Err(StoreError::InvalidUrl(why.to_owned()));
        }
        Ok(Self { path: path.into() })
    }

    /// Makes the directory and the file, readable by their owner only; SQLite gives its log files the same mode.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        let failed =
            |e: std::io::Error| StoreError::Unavailable(format!("{}: {e}", self.path.display()));
        if let Some(directory) = self.path.parent().filter(|d| !d.as_os_str().is_empty()) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(failed)?;
        }
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(failed)?;
        Ok(())
    }

    /// What diesel opens. An absolute or `./` path, so that no file name is taken for a URI.
    pub(crate) fn url(&self) -> String {
        let path = if self.path.is_absolute() {
            self.path.clone()
        } else {
            Path::new(".").join(&self.path)
        };
        path.to_string_lossy().into_owned()
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file whose lock serialises migrations.
    pub(crate) fn lock_path(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".migrate.lock");
        name.into()
    }

    /// Commits are synced to disk: the journal deletes its segments on the strength of them.
    pub(crate) fn setup(query_only: bool) -> &'static str {
        if query_only {
            "pragma busy_timeout = 5000; pragma query_only = on; pragma foreign_keys = on"
        } else {
            "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_they_stand() {
        let path = |url| SqliteTarget::parse(url).map(|t| t.url());
        assert_eq!(path("sqlite:data/m.db").unwrap(), "./data/m.db");
        assert_eq!(path("sqlite:///var/m.db").unwrap(), "/var/m.db");
        for bad in ["sqlite:", "sqlite::memory:", "sqlite:m.db?mode=ro"] {
            assert!(matches!(path(bad), Err(StoreError::InvalidUrl(_))), "{bad}");
        }
    }
}
