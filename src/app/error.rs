//! Why the gateway did not start, as one sentence.

use modelgate_store::StoreError;

use crate::journal::JournalError;
use crate::secrets::{SecretsError, UnlockError};

/// The gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key is missing, wrong or unusable.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The journal directory cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The data directory cannot be made or written.
    #[error("the data directory {} cannot be used: {source}", path.display())]
    DataDir {
        /// `DATA_DIR`.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another gateway serves from the same embedded database.
    #[error(
        "another gateway serves from {}: with SQLite only one may; stop that one, or give this one a DATA_DIR of its own (several share a PostgreSQL database: DATABASE_URL)",
        .0.display()
    )]
    NotAlone(std::path::PathBuf),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// `HOST:PORT`.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// `REDIS_URL` is no address of a Redis server.
    #[error("REDIS_URL cannot be used: {0}")]
    Redis(String),
    /// Threads, signals or timers are not to be had.
    #[error("the operating system refuses what the server needs: {0}")]
    Runtime(std::io::Error),
    /// A metric is registered twice: a mistake in this program.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl From<UnlockError> for AppError {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::Secrets(error) => Self::Secrets(error),
            UnlockError::Store(error) => Self::Store(error),
        }
    }
}
