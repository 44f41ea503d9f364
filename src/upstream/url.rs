//! Where a call goes: the provider's address and the endpoint's path.

use std::borrow::Cow;
use std::fmt::Write as _;

use hyper::Uri;
use modelgate_domain::Protocol;

use super::error::{ErrorKind, UpstreamError};
use crate::catalog::Provider;

/// What Ollama's own paths begin with; the rest is on its surface for OpenAI's clients
/// (`https://docs.ollama.com/api/openai-compatibility`).
const OLLAMA: &str = "/api/";

/// Where this provider is asked for `path` with this model of its own. Azure's addresses with an `api-version` name the
/// deployment in the path (`https://learn.microsoft.com/azure/ai-foundry/openai/reference`); those without do not.
pub fn path_at<'p>(provider: &Provider, model: &str, path: Cow<'p, str>) -> Cow<'p, str> {
    let protocol = provider.protocol.parse();
    if protocol == Ok(Protocol::Ollama) && !path.starts_with(OLLAMA) {
        return Cow::Owned(format!("/v1{path}"));
    }
    let azure = protocol == Ok(Protocol::AzureOpenai);
    if !azure || !provider.base_url.contains("?api-version=") {
        return path;
    }
    let mut out = String::from("/deployments/");
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // writing to a text cannot fail
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out.push_str(&path);
    Cow::Owned(out)
}

/// What addresses and paths may both have: it is not said twice.
const VERSIONS: [&str; 3] = ["/v1beta", "/v1alpha", "/v1"];

/// Joins a provider's address with an endpoint path such as `/chat/completions`.
///
/// The address is taken as it stands: nothing like `/v1` is ever added. Only a slash at its end is
/// not doubled, nor the version that the path begins with where the address ends in one; Ollama's own paths are beside
/// its `/v1`, not below it. A query string stays behind the path.
pub fn join(base_url: &str, path: &str) -> Result<Uri, UpstreamError> {
    let (base, query) = base_url.split_once('?').unwrap_or((base_url, ""));
    let base = base.trim_end_matches('/');
    let base = match base.strip_suffix("/v1") {
        Some(root) if path.starts_with(OLLAMA) => root,
        _ => base,
    };
    let versioned = VERSIONS.iter().any(|version| base.ends_with(version));
    let bare = VERSIONS.iter().find_map(|version| {
        let rest = path.strip_prefix(version)?;
        (versioned && rest.starts_with('/')).then_some(rest)
    });
    let path = bare.unwrap_or(path);
    let mark = if path.contains('?') { '&' } else { '?' };
    let text = if query.is_empty() {
        format!("{base}{path}")
    } else {
        format!("{base}{path}{mark}{query}")
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
            let joined = join(base, "/api/chat").unwrap().to_string();
            assert_eq!(joined, "https://a/api/chat", "{base}");
            let joined = join(base, "/v1/messages").unwrap().to_string();
            assert_eq!(joined, "https://a/v1/messages", "{base}");
        }
        for (base, expected) in [
            ("https://a", "https://a/v1beta/models/m:x?alt=sse"),
            ("https://a/v1beta/", "https://a/v1beta/models/m:x?alt=sse"),
            ("https://a/v1?b=c", "https://a/v1/models/m:x?alt=sse&b=c"),
        ] {
            let joined = join(base, "/v1beta/models/m:x?alt=sse").unwrap();
            assert_eq!(joined.to_string(), expected);
        }
    }

    #[test]
    fn azure_names_deployments_where_the_address_has_a_version() {
        let mut provider =
            crate::upstream::testing::provider("https://a/openai?api-version=2024-10-21".into());
        let path = || Cow::Borrowed("/chat/completions");
        assert_eq!(path_at(&provider, "a/b", path()), "/chat/completions");
        provider.protocol = "azure-openai".into();
        let deployed = path_at(&provider, "a/b", path());
        let joined = join(&provider.base_url, &deployed).unwrap();
        let expected = "https://a/openai/deployments/a%2Fb/chat/completions?api-version=2024-10-21";
        assert_eq!(joined.to_string(), expected);
        provider.base_url = "https://a/openai/v1".into();
        assert_eq!(path_at(&provider, "a/b", path()), "/chat/completions");
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
