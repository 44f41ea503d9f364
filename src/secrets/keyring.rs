//! The master key and what is derived from it: sealing and opening vendor credentials.
//!
//! A sealed text is `v1.<key id>.<base64url of nonce, ciphertext and tag>`: AES-256-GCM, a random
//! nonce, table and row as associated data (a ciphertext copied to another row does not open).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use modelgate_domain::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};

use super::{constant_time_eq, master_key};
use crate::config::Config;

const VERSION: &str = "v1";
const MIN_SECRET_KEY: usize = 32;

/// What can go wrong with keys and sealed texts. Never carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// PostgreSQL without a key of its own.
    #[error(
        "SECRET_KEY is not set: with PostgreSQL it must be, and the same on every instance; `openssl rand -base64 32` makes one"
    )]
    KeyMissing,
    /// Too short to protect anything.
    #[error(
        "{name} is too short: it must be at least {MIN_SECRET_KEY} characters; `openssl rand -base64 32` makes one"
    )]
    KeyTooShort {
        /// `SECRET_KEY` or `SECRET_KEY_PREVIOUS`.
        name: &'static str,
    },
    /// The database was sealed with another key.
    #[error(
        "the secret key is not the one this database was sealed with: set SECRET_KEY to that one (or put back its master.key); to change keys, set the old one as SECRET_KEY_PREVIOUS and run `modelgate secrets rotate`"
    )]
    WrongKey,
    /// The database has sealed secrets, the key file is gone.
    #[error(
        "{} is missing, and this database was sealed with a key already: put the file back from a backup, or set SECRET_KEY", path.display()
    )]
    KeyFileLost {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The key file is not what was written.
    #[error(
        "{} is damaged: it must hold 32 bytes in base64; put it back from a backup, or set SECRET_KEY", path.display()
    )]
    KeyFileDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Others can read the key file.
    #[error("{p} has mode {mode:04o}, so others can read the master key: run `chmod 600 {p}`", p = path.display())]
    KeyFileOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file cannot be read or written.
    #[error("cannot use {}: {message}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said, as a kind.
        kind: ErrorKind,
        /// What the system said.
        message: String,
    },
    /// A sealed text does not open: another key, another row, or altered.
    #[error(
        "a sealed secret does not open: it belongs to another key or another row, or was altered"
    )]
    DoesNotOpen,
    /// A password hash cannot be made or read.
    #[error("a password hash is not usable")]
    PasswordHash,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
}

/// Where the master key comes from.
#[derive(Clone, Copy, Debug)]
pub struct KeySource<'a> {
    /// `SECRET_KEY`.
    pub secret_key: Option<&'a Secret>,
    /// `SECRET_KEY_PREVIOUS`: still opens what it sealed.
    pub previous: Option<&'a Secret>,
    /// Where `master.key` lies.
    pub data_dir: &'a Path,
    /// Whether a key file may stand in for `SECRET_KEY` (the embedded database only).
    pub file: bool,
    /// Whether a missing key file may be made (no, once the database has a check value).
    pub may_create: bool,
}

impl<'a> KeySource<'a> {
    /// What the configuration says; `may_create` is false once the database has a check value.
    pub fn of(config: &'a Config, may_create: bool) -> Self {
        Self {
            secret_key: config.secret_key.as_ref(),
            previous: config.secret_key_previous.as_ref(),
            data_dir: &config.data_dir,
            file: config.embedded_database(),
            may_create,
        }
    }
}

/// Which key a database's check value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The present key.
    Current,
    /// The previous key: `modelgate secrets rotate` has not run yet.
    Previous,
}

/// The keys in use. Cloning is cheap enough for start-up; share it behind an `Arc` elsewhere.
#[derive(Clone)]
pub struct Keyring {
    current: MasterKey,
    previous: Option<MasterKey>,
}

#[derive(Clone)]
struct MasterKey {
    id: String,
    sealing: [u8; 32],
    check: String,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("current", &self.current.id)
            .finish_non_exhaustive()
    }
}

impl MasterKey {
    fn derive(secret: &Secret, name: &'static str) -> Result<Self, SecretsError> {
        if secret.expose().chars().count() < MIN_SECRET_KEY {
            return Err(SecretsError::KeyTooShort { name });
        }
        let prk = Salt::new(HKDF_SHA256, b"modelgate").extract(secret.expose().as_bytes());
        let id: [u8; 4] = expand(&prk, b"key id", 4)?;
        let check: [u8; 16] = expand(&prk, b"check value", 16)?;
        Ok(Self {
            id: HEXLOWER.encode(&id),
            sealing: expand(&prk, b"seal credentials", 32)?,
            check: HEXLOWER.encode(&check),
        })
    }

    fn check_value(&self) -> String {
        format!("{VERSION}.{}.{}", self.id, self.check)
    }

    fn cipher(&self) -> Result<LessSafeKey, SecretsError> {
        UnboundKey::new(&AES_256_GCM, &self.sealing)
            .map(LessSafeKey::new)
            .map_err(|_unspecified| SecretsError::DoesNotOpen)
    }
}

impl Keyring {
    /// Takes the key from `SECRET_KEY`, or from the key file where that may stand in.
    pub fn load(source: &KeySource<'_>) -> Result<Self, SecretsError> {
        let current = match source.secret_key {
            Some(key) => MasterKey::derive(key, "SECRET_KEY")?,
            None if source.file => {
                let key = master_key::read_or_create(source.data_dir, source.may_create)?;
                MasterKey::derive(&key, "master.key")?
            }
            None => return Err(SecretsError::KeyMissing),
        };
        let previous = source
            .previous
            .map(|key| MasterKey::derive(key, "SECRET_KEY_PREVIOUS"))
            .transpose()?;
        Ok(Self { current, previous })
    }

    /// What the database keeps so that a wrong key is noticed at start; tells nothing about the key.
    pub fn check_value(&self) -> String {
        self.current.check_value()
    }

    /// Compares with the check value a database keeps.
    pub fn check(&self, stored: &str) -> Result<Check, SecretsError> {
        if constant_time_eq(stored.as_bytes(), self.check_value().as_bytes()) {
            return Ok(Check::Current);
        }
        match &self.previous {
            Some(key) if constant_time_eq(stored.as_bytes(), key.check_value().as_bytes()) => {
                Ok(Check::Previous)
            }
            _ => Err(SecretsError::WrongKey),
        }
    }

    /// Seals `secret` for one row. Never the same text twice.
    pub fn seal(&self, table: &str, row_id: i64, secret: &Secret) -> Result<String, SecretsError> {
        let mut nonce = [0_u8; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_unspecified| SecretsError::Random)?;
        let mut body = secret.expose().as_bytes().to_vec();
        self.current
            .cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated_data(table, row_id, &self.current.id),
                &mut body,
            )
            .map_err(|_unspecified| SecretsError::Random)?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut body);
        Ok(format!(
            "{VERSION}.{}.{}",
            self.current.id,
            BASE64URL_NOPAD.encode(&sealed)
        ))
    }

    /// Opens what [`Keyring::seal`] made for the same row, with the present or the previous key.
    pub fn open(&self, table: &str, row_id: i64, sealed: &str) -> Result<Secret, SecretsError> {
        let fail = || SecretsError::DoesNotOpen;
        let (key_id, body) = sealed
            .strip_prefix(VERSION)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('.'))
            .ok_or_else(fail)?;
        let key = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == key_id)
            .ok_or_else(fail)?;
        let bytes = BASE64URL_NOPAD
            .decode(body.as_bytes())
            .map_err(|_decode| fail())?;
        let (nonce, body) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(fail)?;
        let mut body = body.to_vec();
        let plain = key
            .cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                associated_data(table, row_id, key_id),
                &mut body,
            )
            .map_err(|_unspecified| fail())?;
        let text = std::str::from_utf8(plain).map_err(|_utf8| fail())?;
        Ok(Secret::new(text))
    }

    /// A key for another purpose, the same on every instance with this master key.
    pub fn derive(&self, purpose: &str) -> Result<[u8; 64], SecretsError> {
        let prk = Salt::new(HKDF_SHA256, b"modelgate derive").extract(&self.current.sealing);
        expand(&prk, purpose.as_bytes(), 64)
    }

    /// Whether a sealed text was made with the present key.
    pub fn is_current(&self, sealed: &str) -> bool {
        sealed
            .strip_prefix(VERSION)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('.'))
            .is_some_and(|(id, _)| id == self.current.id)
    }
}

fn associated_data(table: &str, row_id: i64, key_id: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("{VERSION}\0{key_id}\0{table}\0{row_id}").into_bytes())
}

struct Length(usize);

impl ring::hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &Prk, info: &[u8], length: usize) -> Result<[u8; N], SecretsError> {
    let mut out = [0_u8; N];
    prk.expand(&[info], Length(length))
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_unspecified| SecretsError::Random)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(current: &str, previous: Option<&str>) -> Keyring {
        let (current, previous) = (Secret::new(current), previous.map(Secret::new));
        Keyring::load(&KeySource {
            secret_key: Some(&current),
            previous: previous.as_ref(),
            data_dir: Path::new("/nonexistent"),
            file: false,
            may_create: false,
        })
        .unwrap()
    }

    const ONE: &str = "one-one-one-one-one-one-one-one-one";
    const TWO: &str = "two-two-two-two-two-two-two-two-two";

    #[test]
    fn what_is_sealed_opens_for_the_same_row_only() {
        let ring = keyring(ONE, None);
        let secret = Secret::new("sk-vendor-canary");
        let sealed = ring.seal("provider_keys", 7, &secret).unwrap();
        assert!(!sealed.contains("canary"));
        assert_ne!(sealed, ring.seal("provider_keys", 7, &secret).unwrap());
        assert_eq!(ring.open("provider_keys", 7, &sealed).unwrap(), secret);
        assert!(ring.open("provider_keys", 8, &sealed).is_err());
        assert!(ring.open("others", 7, &sealed).is_err());
        assert!(
            keyring(TWO, None)
                .open("provider_keys", 7, &sealed)
                .is_err()
        );
    }

    #[test]
    fn an_altered_or_cut_text_does_not_open() {
        let ring = keyring(ONE, None);
        let sealed = ring.seal("t", 1, &Secret::new("x")).unwrap();
        for end in 0..sealed.len() {
            assert!(ring.open("t", 1, &sealed[..end]).is_err(), "{end}");
        }
        let mut bytes = sealed.into_bytes();
        let middle = bytes.len() - 10;
        bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
        assert!(
            ring.open("t", 1, std::str::from_utf8(&bytes).unwrap())
                .is_err()
        );
    }

    #[test]
    fn the_previous_key_still_opens_and_is_told_apart() {
        let sealed = keyring(ONE, None).seal("t", 1, &Secret::new("x")).unwrap();
        let both = keyring(TWO, Some(ONE));
        assert_eq!(both.open("t", 1, &sealed).unwrap(), Secret::new("x"));
        assert!(!both.is_current(&sealed));
        assert!(both.is_current(&both.seal("t", 1, &Secret::new("x")).unwrap()));
        let stored = keyring(ONE, None).check_value();
        assert_eq!(keyring(ONE, None).check(&stored).unwrap(), Check::Current);
        assert_eq!(both.check(&stored).unwrap(), Check::Previous);
        assert!(matches!(
            keyring(TWO, None).check(&stored),
            Err(SecretsError::WrongKey)
        ));
    }

    #[test]
    fn a_missing_or_short_key_is_refused() {
        let load = |key: Option<&Secret>| {
            Keyring::load(&KeySource {
                secret_key: key,
                previous: None,
                data_dir: Path::new("/nonexistent"),
                file: false,
                may_create: true,
            })
        };
        assert!(matches!(load(None), Err(SecretsError::KeyMissing)));
        let short = load(Some(&Secret::new("canary-short"))).unwrap_err();
        assert!(!short.to_string().contains("canary"));
    }

    #[test]
    fn debug_shows_no_key_material() {
        let ring = keyring(ONE, None);
        let shown = format!("{ring:?}");
        assert!(!shown.contains("one-one") && !shown.contains(&ring.current.check));
    }
}
