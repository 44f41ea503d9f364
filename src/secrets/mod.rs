//! Everything that must not be read by others: sealed vendor credentials, API keys, tokens, passwords.
//!
//! Owns the master key and what is derived from it. Nothing here logs, and no error carries a secret.

mod keyring;
mod master_key;
mod password;
mod token;
mod unlock;

pub use keyring::{Check, KeySource, Keyring, SecretsError};
pub use master_key::MASTER_KEY_FILE;
pub use password::{BadPassword, MIN_PASSWORD, check_password, hash_password, verify_password};
pub use token::{constant_time_eq, hash_key, hash_key_hex, new_api_key, random_token};
pub use unlock::{UnlockError, unlock, unlock_known};
