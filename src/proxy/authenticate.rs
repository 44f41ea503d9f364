//! Whose call it is, from headers alone, before a byte of the body is read.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use modelgate_domain::api_key::public_prefix;

use super::error::ApiError;
use crate::catalog::{ApiKey, Catalog};
use crate::secrets::hash_key;

/// Other headers that carry a key, as SDKs of other vendors send it.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "api-key", "x-goog-api-key"];

/// Finds the key. An error names no more of what was presented than its public prefix.
pub(super) fn authenticate(
    headers: &HeaderMap,
    catalog: &Catalog,
) -> Result<Arc<ApiKey>, ApiError> {
    let Some(presented) = presented(headers) else {
        return Err(ApiError::caller(
            401,
            "missing_api_key",
            "You did not provide an API key. Send it in the header \"Authorization: Bearer YOUR_KEY\".",
        ));
    };
    let found = catalog.keys.get(&hash_key(presented));
    found.map(Arc::clone).ok_or_else(|| {
        let prefix = public_prefix(presented);
        let message = format!("The API key {prefix}… is not known here.");
        ApiError::caller(401, "invalid_api_key", message)
    })
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
                authenticate(&with(name, &value), &catalog).is_ok(),
                "{name}"
            );
        }
    }

    #[test]
    fn errors_show_no_more_than_the_prefix() {
        let catalog = Build::new().done();
        let error = authenticate(&with("x-api-key", KEY), &catalog).unwrap_err();
        assert_eq!(error.code, "invalid_api_key");
        assert!(error.message.contains("sk-mg-0") && !error.message.contains("89abcdef"));
        for (name, value) in [
            ("x-api-key", " "),
            ("authorization", "Basic YTpi"),
            ("cookie", KEY),
        ] {
            let error = authenticate(&with(name, value), &catalog).unwrap_err();
            assert_eq!(error.code, "missing_api_key", "{name}");
        }
    }
}
