//! Texts of vendors before anyone sees them: vendors echo keys.

use bytes::Bytes;
use memchr::memmem;
use modelgate_domain::Secret;

use crate::catalog::{Credential, Provider};

const MASK: &str = "[secret]";
/// The longest error text that is kept in a record.
const MAX_CHARS: usize = 500;
/// How the keys of vendors begin.
const KEY_PREFIXES: [&str; 12] = [
    "sk-", "sk_", "pk-", "rk-", "ak-", "AIza", "gsk_", "xai-", "hf_", "nvapi-", "ghp_", "eyJ",
];

/// The secrets of one attempt.
fn secrets<'a>(
    provider: &'a Provider,
    credential: &'a Credential,
) -> impl Iterator<Item = &'a Secret> {
    let extra = provider.extra_headers.iter().map(|(_, secret)| secret);
    // shorter ones would tear holes into ordinary words
    std::iter::once(&credential.secret)
        .chain(extra)
        .filter(|secret| secret.expose().len() >= 6)
}

/// A vendor's body as it may be passed on: as it came, unless it carries a secret of the attempt.
pub(super) fn body(body: Bytes, provider: &Provider, credential: &Credential) -> Bytes {
    let mut clean = body;
    for secret in secrets(provider, credential) {
        let needle = secret.expose().as_bytes();
        if memmem::find(&clean, needle).is_some() {
            clean = replace(&clean, needle);
        }
    }
    clean
}

fn replace(body: &[u8], needle: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(body.len());
    let mut done = 0;
    for at in memmem::find_iter(body, needle) {
        out.extend_from_slice(body.get(done..at).unwrap_or_default());
        out.extend_from_slice(MASK.as_bytes());
        done = at.saturating_add(needle.len());
    }
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    out.into()
}

/// An error text as a record may keep it: one line, bounded, without the secrets of the attempt and without
/// anything that looks like a key.
pub(super) fn text(text: &str, provider: &Provider, credential: &Credential) -> String {
    let mut clean = text.to_owned();
    for secret in secrets(provider, credential) {
        clean = clean.replace(secret.expose(), MASK);
    }
    plain(&clean)
}

/// The same without secrets that are known.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for character in text.chars().take(MAX_CHARS.saturating_mul(4)) {
        if character.is_ascii_alphanumeric() || "-_.+/=*".contains(character) {
            word.push(character);
            continue;
        }
        push_word(&mut out, &mut word);
        out.push(if character.is_control() {
            ' '
        } else {
            character
        });
    }
    push_word(&mut out, &mut word);
    bounded(&out, MAX_CHARS)
}

fn push_word(out: &mut String, word: &mut String) {
    let key = word.len() >= 8 && KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix));
    out.push_str(if key { MASK } else { word });
    word.clear();
}

/// The first `most` characters of a text.
pub(super) fn bounded(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures;

    #[test]
    fn keys_are_masked_wherever_they_stand() {
        let provider = fixtures::provider(1, "acme");
        let mut credential = fixtures::credential(7);
        credential.secret = Secret::new("odd-vendor-key");
        let said =
            "Incorrect API key provided: odd-vendor-key, sk-proj-0123456789.\nBearer AIzaSyA12345";
        assert_eq!(
            text(said, &provider, &credential),
            "Incorrect API key provided: [secret], [secret] Bearer [secret]"
        );
        let echoed = Bytes::from("{\"error\":\"odd-vendor-key odd-vendor-key\"}");
        assert_eq!(
            body(echoed, &provider, &credential),
            "{\"error\":\"[secret] [secret]\"}"
        );
    }

    #[test]
    fn ordinary_texts_stay() {
        for said in [
            "The model `gpt-x` does not exist.",
            "risk-free",
            "req_0001 sk-x",
        ] {
            assert_eq!(plain(said), said);
        }
        assert_eq!(plain(&"é".repeat(9_999)).chars().count(), MAX_CHARS);
    }

    #[test]
    fn a_clean_body_is_not_copied() {
        let clean = Bytes::from_static(b"{}");
        let provider = fixtures::provider(1, "acme");
        let same = body(clean.clone(), &provider, &fixtures::credential(1));
        assert_eq!(same.as_ptr(), clean.as_ptr());
    }
}
