//! Whose call it is, from the headers (or the address, where Google's clients have it), before a byte of the body is read.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use modelgate_domain::api_key::public_prefix;

use super::error::ApiError;
use crate::catalog::{ApiKey, Catalog};
use crate::secrets::hash_key;

/// Other headers that carry a key, as SDKs of other vendors send it.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "api-key", "x-goog-api-key"];

/// Finds the key, by its secret or by the one before while that still works. An error names no more of what was
/// presented than its public prefix.
pub(super) fn authenticate(
    request: &HttpRequest,
    catalog: &Catalog,
    now_ms: i64,
) -> Result<Arc<ApiKey>, ApiError> {
    // only Google's clients put it into the address
    let query = Some(request.query_string()).filter(|_| may_be_googles(request.path()));
    with_key(
        presented(request.headers()).or_else(|| query.and_then(in_query)),
        catalog,
        now_ms,
    )
}

/// Whether a path is one that Google's clients call.
pub(super) fn may_be_googles(path: &str) -> bool {
    path.contains("/v1beta/") || path.contains("/v1/models")
}

/// The key of an address. Keys have no letters that addresses escape.
fn in_query(query: &str) -> Option<&str> {
    let mut pairs = query.split('&');
    let key = pairs.find_map(|pair| pair.strip_prefix("key="))?;
    (!key.is_empty()).then_some(key)
}

fn with_key(
    presented: Option<&str>,
    catalog: &Catalog,
    now_ms: i64,
) -> Result<Arc<ApiKey>, ApiError> {
    let Some(presented) = presented else {
        return Err(ApiError::caller(
            401,
            "missing_api_key",
            "You did not provide an API key. Send it in the header \"Authorization: Bearer YOUR_KEY\".",
        ));
    };
    let hash = hash_key(presented);
    if let Some(key) = catalog.keys.get(&hash) {
        return Ok(Arc::clone(key));
    }
    let prefix = public_prefix(presented);
    let message = match catalog.previous_keys.get(&hash) {
        Some((key, until_ms)) if now_ms < *until_ms => return Ok(Arc::clone(key)),
        Some(_) => format!(
            "The API key {prefix}… was replaced and works no more. Use the one that took its place."
        ),
        None => format!("The API key {prefix}… is not known here."),
    };
    Err(ApiError::caller(401, "invalid_api_key", message))
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    let other = || {
        let mut values = KEY_HEADERS.iter().filter_map(|name| headers.get(*name));
        values.find_map(|value| value.to_str().ok())
    };
    let key = bearer.or_else(other)?.trim();
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::Build;
    use actix_web::http::header::{HeaderName, HeaderValue};

    const KEY: &str = "sk-mg-0123456789abcdef";

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
        headers
    }

    #[test]
    fn a_key_is_found_in_every_header_that_may_carry_it() {
        let mut catalog = Build::new().done();
        catalog.keys.insert(hash_key(KEY), Arc::new(Build::key()));
        for (name, value) in [
            ("authorization", format!("Bearer {KEY}")),
            ("authorization", format!("bearer  {KEY} ")),
            ("x-api-key", KEY.to_owned()),
            ("api-key", KEY.to_owned()),
            ("x-goog-api-key", KEY.to_owned()),
        ] {
            assert!(
                with_key(presented(&with(name, &value)), &catalog, 0).is_ok(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_secret_that_was_replaced_works_until_its_moment() {
        let mut catalog = Build::new().done();
        let before = (Arc::new(Build::key()), 1_000);
        catalog.previous_keys.insert(hash_key(KEY), before);
        let headers = with("x-api-key", KEY);
        assert!(with_key(presented(&headers), &catalog, 999).is_ok());
        let error = with_key(presented(&headers), &catalog, 1_000).unwrap_err();
        assert_eq!((error.http_status, &*error.code), (401, "invalid_api_key"));
        assert!(error.message.contains("was replaced") && !error.message.contains("89abcdef"));
    }

    #[test]
    fn only_googles_clients_may_put_a_key_into_the_address() {
        let mut catalog = Build::new().done();
        catalog.keys.insert(hash_key(KEY), Arc::new(Build::key()));
        let found = |uri: &str| {
            let request = actix_web::test::TestRequest::with_uri(uri).to_http_request();
            authenticate(&request, &catalog, 0).is_ok()
        };
        assert!(found(&format!("/v1beta/models?alt=sse&key={KEY}")));
        for no in [
            format!("/v1/chat/completions?key={KEY}"),
            format!("/v1beta/models?xkey={KEY}"),
            "/v1beta/models?key=".to_owned(),
        ] {
            assert!(!found(&no), "{no}");
        }
    }

    #[test]
    fn errors_show_no_more_than_the_prefix() {
        let catalog = Build::new().done();
        let error = with_key(presented(&with("x-api-key", KEY)), &catalog, 0).unwrap_err();
        assert_eq!(error.code, "invalid_api_key");
        assert!(error.message.contains("sk-mg-0") && !error.message.contains("89abcdef"));
        for (name, value) in [
            ("x-api-key", " "),
            ("authorization", "Basic YTpi"),
            ("cookie", KEY),
        ] {
            let error = with_key(presented(&with(name, value)), &catalog, 0).unwrap_err();
            assert_eq!(error.code, "missing_api_key", "{name}");
        }
    }
}
