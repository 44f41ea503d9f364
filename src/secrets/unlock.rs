//! The key for a database: loaded, and checked against what the database was sealed with.

use modelgate_store::{Db, StoreError, secrets_check};

use super::{KeySource, Keyring, SecretsError};
use crate::clock::Clock;
use crate::config::Config;

/// Why a database cannot be unlocked.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// The key is missing, unusable or the wrong one.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Loads the key for a migrated database. The first key a database sees becomes its key: from then on another
/// one is refused, and a lost key file is not replaced.
pub async fn unlock(config: &Config, db: &Db, clock: &Clock) -> Result<Keyring, UnlockError> {
    let known = db
        .read(|c| Box::pin(async move { secrets_check::find(c).await }))
        .await?;
    let keyring = Keyring::load(&KeySource::of(config, known.is_none()))?;
    let (ring, now) = (keyring.clone(), clock.now());
    db.write(move |c| {
        Box::pin(async move {
            match secrets_check::find(c).await? {
                Some(stored) => ring.check(&stored).map(drop).map_err(UnlockError::from),
                None => Ok(secrets_check::set(c, &ring.check_value(), now).await?),
            }
        })
    })
    .await?;
    Ok(keyring)
}

/// As [`unlock`], but writes nothing: absent where the database has no key yet.
pub async fn unlock_known(config: &Config, db: &Db) -> Result<Option<Keyring>, UnlockError> {
    let known = db
        .read(|c| Box::pin(async move { secrets_check::find(c).await }))
        .await?;
    let Some(stored) = known else {
        return Ok(None);
    };
    let keyring = Keyring::load(&KeySource::of(config, false))?;
    keyring.check(&stored)?;
    Ok(Some(keyring))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MapEnv;

    fn config(dir: &std::path::Path, key: Option<&str>) -> Config {
        let dir = dir.to_str().unwrap();
        let pairs = [("DATA_DIR", dir)].into_iter();
        Config::from_env(&MapEnv::new(pairs.chain(key.map(|k| ("SECRET_KEY", k))))).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_first_key_stays_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let own = config(dir.path(), None);
        let db = Db::open(&own.database_url, tokio::runtime::Handle::current())
            .await
            .unwrap();
        db.migrate().await.unwrap();
        let clock = Clock::system();
        assert!(unlock_known(&own, &db).await.unwrap().is_none());
        let first = unlock(&own, &db, &clock).await.unwrap();
        let again = unlock(&own, &db, &clock).await.unwrap();
        assert_eq!(first.check_value(), again.check_value());
        assert!(unlock_known(&own, &db).await.unwrap().is_some());
        let other = config(dir.path(), Some("another-another-another-another-1"));
        let wrong = unlock(&other, &db, &clock).await.unwrap_err();
        assert!(matches!(
            wrong,
            UnlockError::Secrets(SecretsError::WrongKey)
        ));
        std::fs::remove_file(dir.path().join(super::super::MASTER_KEY_FILE)).unwrap();
        let lost = unlock(&own, &db, &clock).await.unwrap_err();
        assert!(matches!(
            lost,
            UnlockError::Secrets(SecretsError::KeyFileLost { .. })
        ));
    }
}
