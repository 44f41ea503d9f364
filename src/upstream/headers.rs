//! Header hygiene: what leaves for the vendor, and what of its answer may pass on.

use hyper::header::{
    ACCEPT, ALT_SVC, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TRAILER, TRANSFER_ENCODING, UPGRADE,
    USER_AGENT,
};
use modelgate_domain::Secret;

use super::error::{ErrorKind, UpstreamError};
use crate::catalog::Provider;
use crate::config::PRODUCT_USER_AGENT;

/// Never taken over from a caller: credentials, cookies, what belongs to one connection, and what
/// the client here decides for itself.
const STAYS: [&str; 26] = [
    "accept",
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-api-key",
    "x-goog-api-key",
];

/// Belongs to the connection with the vendor, or to the vendor's own domain.
const STOPS: [HeaderName; 10] = [
    ALT_SVC,
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-connection"),
    SET_COOKIE,
    STRICT_TRANSPORT_SECURITY,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Whether a caller's header of this (lower-case) name may be sent on to a vendor at all.
pub fn may_leave(name: &str) -> bool {
    !STAYS.contains(&name)
        && !name.starts_with("x-forwarded-")
        && !name.starts_with("proxy-")
        && !name.starts_with("sec-")
        && name != "x-real-ip"
}

/// How a vendor is shown the credential, by the provider's protocol; where the protocol is not here, as the bearer.
const KEYS: [(&str, HeaderName); 3] = [
    ("anthropic", HeaderName::from_static("x-api-key")),
    ("gemini", HeaderName::from_static("x-goog-api-key")),
    ("azure-openai", HeaderName::from_static("api-key")),
];
/// What a vendor wants to be told in every call, by the provider's protocol. What the caller says goes before it.
const TOLD: [(&str, HeaderName, HeaderValue); 1] = [(
    "anthropic",
    HeaderName::from_static("anthropic-version"),
    HeaderValue::from_static("2023-06-01"),
)];

/// The header set of all calls with a credential: the `secret` as the protocol wants it, and the provider's own headers.
pub fn request(
    provider: &Provider,
    secret: &Secret,
    content_type: &str,
    accept: &str,
) -> Result<HeaderMap, UpstreamError> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, value(content_type, "content-type")?);
    headers.insert(ACCEPT, value(accept, "accept")?);
    let agent = provider.user_agent.as_deref().unwrap_or(PRODUCT_USER_AGENT);
    headers.insert(USER_AGENT, value(agent, "user-agent")?);
    let protocol = &*provider.protocol;
    match KEYS.iter().find(|(known, _)| *known == protocol) {
        Some((_, name)) => headers.insert(name, plain(secret)?),
        None => headers.insert(AUTHORIZATION, bearer(secret)?),
    };
    for (_, name, value) in TOLD.iter().filter(|(known, ..)| *known == protocol) {
        headers.insert(name, value.clone());
    }
    for (name, secret) in &provider.extra_headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_name| refused("extra"))?;
        if belongs_to_connection(&name) {
            continue;
        }
        let mut value = value(secret.expose(), "extra")?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The header set of one call: `own`, and of `forward` (the caller's headers that the endpoint wants passed on) what may
/// leave. A header of ours goes before the caller's of the same name.
pub(super) fn with_forwarded(
    own: &HeaderMap,
    forward: &[(&str, &[u8])],
) -> Result<HeaderMap, UpstreamError> {
    let mut headers = own.clone();
    for (name, value) in forward {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_name| refused("forwarded"))?;
        if may_leave(name.as_str()) {
            let value = HeaderValue::from_bytes(value).map_err(|_value| refused("forwarded"))?;
            let told = TOLD.iter().any(|(_, known, own)| {
                *known == name && headers.get(known).is_some_and(|value| value == own)
            });
            if told {
                headers.insert(name, value);
            } else if !own.contains_key(&name) {
                headers.append(name, value);
            }
        }
    }
    Ok(headers)
}

/// Takes out of an answer what belongs to the vendor's connection; `content-length` stays.
pub(super) fn clean_answer(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in &STOPS {
        headers.remove(name);
    }
}

fn plain(secret: &Secret) -> Result<HeaderValue, UpstreamError> {
    let mut value = value(secret.expose(), "credential")?;
    value.set_sensitive(true);
    Ok(value)
}

fn bearer(secret: &Secret) -> Result<HeaderValue, UpstreamError> {
    let mut value = value(&format!("Bearer {}", secret.expose()), "credential")?;
    value.set_sensitive(true);
    Ok(value)
}

fn value(text: &str, what: &str) -> Result<HeaderValue, UpstreamError> {
    HeaderValue::from_str(text).map_err(|_value| refused(what))
}

fn refused(what: &str) -> UpstreamError {
    UpstreamError::new(
        ErrorKind::InvalidHeader,
        format!("the {what} header holds characters that cannot be sent"),
    )
}

fn belongs_to_connection(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "content-length"
            | "host"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}
