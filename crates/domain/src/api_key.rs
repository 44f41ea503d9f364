//! The text form of a ModelGate API key: what is accepted, and what of it may be shown.

use crate::Secret;

/// What every key made here begins with.
pub const PREFIX: &str = "sk-mg-";
const SHOWN: usize = 10;

/// A well-formed API key: 16 to 256 printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyText(Secret);

/// Why a text is no API key. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an API key is 16 to 256 printable ASCII characters without spaces")]
pub struct BadKeyText;

impl KeyText {
    /// Checks the length and the characters.
    pub fn parse(text: &str) -> Result<Self, BadKeyText> {
        let fits = (16..=256).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(BadKeyText)
        }
    }

    /// The key itself, to be hashed or shown once.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The public beginning of the key: up to ten characters, never more than a third of it.
    pub fn prefix(&self) -> String {
        public_prefix(self.expose())
    }

    /// The last four characters, empty for keys shorter than 24 characters.
    pub fn last4(&self) -> String {
        if self.expose().len() < 24 {
            String::new()
        } else {
            self.0.last4()
        }
    }
}

/// The part of any presented key that an error may name: up to ten characters, never more than a third of it.
pub fn public_prefix(text: &str) -> String {
    let shown = SHOWN.min(text.chars().count() / 3);
    text.chars()
        .take(shown)
        .filter(char::is_ascii_graphic)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_characters_are_checked() {
        assert!(KeyText::parse("0123456789abcdef").is_ok());
        for bad in ["short", "with a space in it", "schlüssel-schlüssel", ""] {
            assert_eq!(KeyText::parse(bad), Err(BadKeyText));
        }
        assert_eq!(KeyText::parse(&"x".repeat(257)), Err(BadKeyText));
    }

    #[test]
    fn little_of_a_key_is_public() {
        let key = KeyText::parse("sk-mg-abcdefghijklmnopqrstuvwxyz").unwrap();
        assert_eq!(
            (key.prefix().as_str(), key.last4().as_str()),
            ("sk-mg-abcd", "wxyz")
        );
        let short = KeyText::parse("0123456789abcdef").unwrap();
        assert_eq!(
            (short.prefix().as_str(), short.last4().as_str()),
            ("01234", "")
        );
    }
}
