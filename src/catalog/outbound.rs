//! A provider's headers and proxy, which may hold secrets: sealed in the database, opened here.

use modelgate_domain::{ProviderId, Secret};
use modelgate_store::providers::{Provider, SealedOutbound};

use crate::secrets::{Keyring, SecretsError};

/// The names that the two texts are sealed for, with the provider's row.
const HEADERS: &str = "providers.extra_headers";
const PROXY: &str = "providers.proxy_url";
/// What the column says where there are none.
const NO_HEADERS: &str = "[]";

/// The headers that go with every call.
pub fn headers(row: &Provider, keyring: &Keyring) -> Result<Vec<(String, Secret)>, SecretsError> {
    if row.extra_headers == NO_HEADERS {
        return Ok(Vec::new());
    }
    let opened = keyring.open(HEADERS, row.id.0, &row.extra_headers)?;
    serde_json::from_str(opened.expose()).map_err(|_quotes| SecretsError::DoesNotOpen)
}

/// The outbound proxy; empty for none.
pub fn proxy(row: &Provider, keyring: &Keyring) -> Result<Secret, SecretsError> {
    match row.proxy_url.as_deref() {
        None | Some("") => Ok(Secret::new("")),
        Some(sealed) => keyring.open(PROXY, row.id.0, sealed),
    }
}

/// Whether both are sealed with the present key, or absent.
pub fn is_current(row: &Provider, keyring: &Keyring) -> bool {
    let proxy = row.proxy_url.as_deref().filter(|text| !text.is_empty());
    (row.extra_headers == NO_HEADERS || keyring.is_current(&row.extra_headers))
        && proxy.is_none_or(|text| keyring.is_current(text))
}

/// Whether there is neither.
pub fn is_absent(row: &Provider) -> bool {
    row.extra_headers == NO_HEADERS && row.proxy_url.as_deref().is_none_or(str::is_empty)
}

/// Both, sealed for the provider's row.
pub fn seal(
    keyring: &Keyring,
    id: ProviderId,
    headers: &[(String, Secret)],
    proxy: &Secret,
) -> Result<SealedOutbound, SecretsError> {
    let exposed: Vec<(&str, &str)> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.expose()))
        .collect();
    let text = Secret::new(serde_json::json!(exposed).to_string());
    Ok(SealedOutbound {
        extra_headers: match headers {
            [] => NO_HEADERS.to_owned(),
            _ => keyring.seal(HEADERS, id.0, &text)?,
        },
        proxy_url: match proxy.expose() {
            "" => None,
            _ => Some(keyring.seal(PROXY, id.0, proxy)?),
        },
    })
}
