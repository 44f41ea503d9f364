//! What can be known to fail before anything is changed: the address, the key, and whether another gateway serves from the
//! same embedded database.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::{SocketAddr, TcpListener};

use super::AppError;
use crate::config::Config;
use crate::secrets::{KeySource, Keyring};

/// Held while a gateway serves from an embedded database; beside it, in the data directory.
const LOCK_FILE: &str = "serve.lock";

/// Looks before the database is touched. What it gives has to be kept as long as the gateway serves.
pub(super) fn look(config: &Config) -> Result<Option<File>, AppError> {
    let address = SocketAddr::new(config.host, config.port);
    let free = TcpListener::bind(address);
    drop(free.map_err(|source| AppError::Listen { address, source })?);
    if config.embedded_database() {
        return alone(config).map(Some);
    }
    Keyring::load(&KeySource::of(config, false))?;
    Ok(None)
}

fn alone(config: &Config) -> Result<File, AppError> {
    let unusable = |source| AppError::DataDir {
        path: config.data_dir.clone(),
        source,
    };
    std::fs::create_dir_all(&config.data_dir).map_err(unusable)?;
    let path = config.data_dir.join(LOCK_FILE);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AppError::NotAlone(config.data_dir.clone())),
        // A file system without locks: nothing is known.
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "whether another gateway serves from here cannot be told");
            Ok(file)
        }
    }
}
