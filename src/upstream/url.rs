//! Where a call goes: the provider's address and the endpoint's path.

use hyper::Uri;

use super::error::{ErrorKind, UpstreamError};

/// Joins a provider's address with an endpoint path such as `/chat/completions`.
///
/// The address is taken as it stands: nothing like `/v1` is ever added. Only a slash at its end is
/// not doubled, nor a `/v1` that the path begins with, and a query string stays behind the path.
pub fn join(base_url: &str, path: &str) -> Result<Uri, UpstreamError> {
    let (base, query) = base_url.split_once('?').unwrap_or((base_url, ""));
    let base = base.trim_end_matches('/');
    let path = match path.strip_prefix("/v1/") {
        Some(_) if base.ends_with("/v1") => path.trim_start_matches("/v1"),
        _ => path,
    };
    let text = if query.is_empty() {
        format!("{base}{path}")
    } else {
        format!("{base}{path}?{query}")
    };
    let invalid = |what: &str| {
        UpstreamError::new(
            ErrorKind::InvalidUrl,
            format!("the provider's base URL {what}"),
        )
    };
    let uri = Uri::try_from(text).map_err(|error| invalid(&format!("cannot be read: {error}")))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(invalid("must begin with http:// or https://"));
    }
    let authority = uri.authority().map_or("", |a| a.as_str());
    if authority.contains('@') {
        return Err(invalid("must not hold a user name or password"));
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(invalid("names no host"));
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_joined_as_it_stands() {
        for (base, expected) in [
            ("http://a/v1", "http://a/v1/models"),
            ("http://a/v1/", "http://a/v1/models"),
            ("https://a:8443", "https://a:8443/models"),
            ("http://[::1]:9/x", "http://[::1]:9/x/models"),
            (
                "https://a/d?api-version=3",
                "https://a/d/models?api-version=3",
            ),
        ] {
            assert_eq!(join(base, "/models").unwrap().to_string(), expected);
        }
        for base in ["https://a", "https://a/", "https://a/v1", "https://a/v1/"] {
            let joined = join(base, "/v1/messages").unwrap().to_string();
            assert_eq!(joined, "https://a/v1/messages", "{base}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for base in [
            "",
            "a/v1",
            "ftp://a",
            "http://",
            "http:///v1",
            "http://u:canary@a/v1",
            "http://a b/canary",
        ] {
            let error = join(base, "/models").unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidUrl, "{base}");
            assert!(!error.message.contains("canary"), "{}", error.message);
        }
    }
}
