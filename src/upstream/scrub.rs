//! Texts of vendors before anyone sees them: vendors echo keys.

use bytes::Bytes;
use memchr::memmem;
use modelgate_domain::Secret;

use crate::catalog::Provider;

const MASK: &str = "[secret]";
/// The longest error text that is kept.
const MAX_CHARS: usize = 500;
/// Shorter secrets would tear holes into ordinary words.
const SHORTEST: usize = 6;
/// How the keys of vendors begin.
const KEY_PREFIXES: [&str; 12] = [
    "sk-", "sk_", "pk-", "rk-", "ak-", "AIza", "gsk_", "xai-", "hf_", "nvapi-", "ghp_", "eyJ",
];

/// The secrets that one call sends.
fn sent<'a>(provider: &'a Provider, secret: &'a Secret) -> impl Iterator<Item = &'a Secret> {
    let extra = provider.extra_headers.iter().map(|(_, secret)| secret);
    std::iter::once(secret)
        .chain(extra)
        .filter(|secret| secret.expose().len() >= SHORTEST)
}

/// A vendor's body as it may be passed on: as it came, unless it carries a secret of the call.
pub fn body(body: Bytes, provider: &Provider, secret: &Secret) -> Bytes {
    let mut clean = body;
    for secret in sent(provider, secret) {
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

/// An error text as it may be shown and kept: one line, bounded, without the secrets of the call and
/// without anything that looks like a key.
pub fn text(text: &str, provider: &Provider, secret: &Secret) -> String {
    let mut clean = text.to_owned();
    for secret in sent(provider, secret) {
        clean = clean.replace(secret.expose(), MASK);
    }
    plain(&clean)
}

/// The same where no secret is known.
pub fn plain(text: &str) -> String {
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
pub fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures;

    #[test]
    fn keys_are_masked_wherever_they_stand() {
        let mut provider = fixtures::provider(1, "acme");
        provider.extra_headers = vec![("x-team".into(), Secret::new("team-token"))];
        let secret = Secret::new("odd-vendor-key");
        let said =
            "Incorrect key: odd-vendor-key, team-token, sk-proj-0123456789.\nBearer AIzaSyA12345";
        assert_eq!(
            text(said, &provider, &secret),
            "Incorrect key: [secret], [secret], [secret] Bearer [secret]"
        );
        let echoed = Bytes::from("{\"error\":\"odd-vendor-key team-token\"}");
        assert_eq!(
            body(echoed, &provider, &secret),
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
        let same = body(clean.clone(), &provider, &Secret::new("sk-canary"));
        assert_eq!(same.as_ptr(), clean.as_ptr());
    }
}
