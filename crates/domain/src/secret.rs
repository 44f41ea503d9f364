//! The type that carries a secret through the program without showing it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret text: no `Display`, a `Debug` that hides it, and one door out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself; the caller answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four characters, or nothing where the secret is too short to show any of it.
    pub fn last4(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        if characters.len() < 12 {
            return String::new();
        }
        characters
            .iter()
            .skip(characters.len().saturating_sub(4))
            .collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_text() {
        assert_eq!(format!("{:?}", Secret::new("canary")), "[secret]");
    }

    #[test]
    fn a_short_secret_shows_nothing() {
        assert_eq!(Secret::new("short").last4(), "");
        assert_eq!(Secret::new("sk-0123456789abcd").last4(), "abcd");
    }
}
