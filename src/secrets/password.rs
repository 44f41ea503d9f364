//! Passwords: Argon2id in PHC text form. Both functions take tens of milliseconds: call them off the serving threads.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use modelgate_domain::Secret;

use super::SecretsError;

/// Shortest password a person may choose, in characters.
pub const MIN_PASSWORD: usize = 8;
const MAX_PASSWORD: usize = 256;

/// Why a password that a person chose is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Shorter than [`MIN_PASSWORD`].
    #[error("the password is too short: it must have at least {MIN_PASSWORD} characters")]
    TooShort,
    /// Longer than 256 characters.
    #[error("the password is too long: it may have at most {MAX_PASSWORD} characters")]
    TooLong,
}

/// Checks the length of a new password.
pub fn check_password(password: &Secret) -> Result<(), BadPassword> {
    match password.expose().chars().count() {
        n if n < MIN_PASSWORD => Err(BadPassword::TooShort),
        n if n > MAX_PASSWORD => Err(BadPassword::TooLong),
        _ => Ok(()),
    }
}

/// Hashes with Argon2id (19 MiB, two passes) and a random salt.
pub fn hash_password(password: &Secret) -> Result<String, SecretsError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.expose().as_bytes())
        .map_err(|_hash| SecretsError::PasswordHash)?;
    Ok(hash.to_string())
}

/// Whether `password` is the one that `hash` was made from. An unreadable hash matches nothing.
pub fn verify_password(password: &Secret, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|parsed| {
        Argon2::default()
            .verify_password(password.expose().as_bytes(), &parsed)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_matches() {
        let hash = hash_password(&Secret::new("correct horse")).unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(verify_password(&Secret::new("correct horse"), &hash));
        assert!(!verify_password(&Secret::new("correct horse "), &hash));
        assert!(!verify_password(&Secret::new(""), ""));
        assert_ne!(hash, hash_password(&Secret::new("correct horse")).unwrap());
    }

    #[test]
    fn length_counts_characters() {
        assert_eq!(
            check_password(&Secret::new("七个字的密码了")),
            Err(BadPassword::TooShort)
        );
        assert_eq!(check_password(&Secret::new("八个字的密码好了")), Ok(()));
        assert_eq!(
            check_password(&Secret::new("x".repeat(257))),
            Err(BadPassword::TooLong)
        );
    }
}
