//! Random tokens, new API keys, and their hashes.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use modelgate_domain::{KeyText, Secret, api_key};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use ring::rand::{SecureRandom, SystemRandom};

use super::SecretsError;

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_CHARACTERS: usize = 48;

/// SHA-256 of an API key, session id or token: what is stored instead of it.
pub fn hash_key(text: &str) -> [u8; SHA256_OUTPUT_LEN] {
    let mut out = [0_u8; SHA256_OUTPUT_LEN];
    for (to, from) in out
        .iter_mut()
        .zip(digest(&SHA256, text.as_bytes()).as_ref())
    {
        *to = *from;
    }
    out
}

/// [`hash_key`] as the database stores it: 64 lower-case hexadecimal digits.
pub fn hash_key_hex(text: &str) -> String {
    HEXLOWER.encode(&hash_key(text))
}

/// A new API key: `sk-mg-` and 48 letters and digits (285 bits).
pub fn new_api_key() -> Result<KeyText, SecretsError> {
    let mut text = api_key::PREFIX.to_owned();
    while text.len() < api_key::PREFIX.len() + KEY_CHARACTERS {
        for byte in random::<64>()? {
            // 248 is the largest multiple of 62 in a byte: beyond it some letters would come more often.
            let wanted = text.len() < api_key::PREFIX.len() + KEY_CHARACTERS;
            if wanted && byte < 248 {
                let letter = ALPHANUMERIC.get(usize::from(byte % 62)).copied();
                text.extend(letter.map(char::from));
            }
        }
    }
    KeyText::parse(&text).map_err(|_bad_key| SecretsError::Random)
}

/// A random token for sessions, forms and one-time links: 256 bits, safe in an address.
pub fn random_token() -> Result<Secret, SecretsError> {
    Ok(Secret::new(BASE64URL_NOPAD.encode(&random::<32>()?)))
}

/// Compares without telling by its time how much was equal (lengths are no secret).
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}

fn random<const N: usize>() -> Result<[u8; N], SecretsError> {
    let mut bytes = [0_u8; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| SecretsError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(
            hash_key_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn new_keys_are_well_formed_and_differ() {
        let (a, b) = (new_api_key().unwrap(), new_api_key().unwrap());
        assert_eq!(a.expose().len(), 54);
        assert!(a.expose().starts_with("sk-mg-"));
        assert_ne!(a, b);
        assert_eq!(random_token().unwrap().expose().len(), 43);
    }

    #[test]
    fn comparing_is_exact() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"same", b"same"));
        assert!(!constant_time_eq(b"same", b"some"));
        assert!(!constant_time_eq(b"same", b"sam"));
    }
}
