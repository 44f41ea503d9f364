//! Which database a URL means.

use std::fmt;

use modelgate_domain::Secret;

use crate::StoreError;

/// The two databases that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in the data directory.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// Reads the URL's scheme.
    pub fn of(url: &Secret) -> Result<Self, StoreError> {
        match url.expose().split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            _ => Err(StoreError::InvalidUrl(
                "it begins with sqlite: or postgres://".to_owned(),
            )),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
