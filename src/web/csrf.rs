//! Two lines against forged requests: where a request came from, and a token that only our own pages know.
//!
//! The token is a one-way hash of the session id, or of a visitor cookie before log-in: nothing to store, and a
//! leaked page does not give away the session.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, ORIGIN};

use super::peer::Peer;
use super::session;
use crate::secrets::{constant_time_eq, hash_key_hex};

/// The hidden field's name.
pub(super) const FIELD: &str = "csrf";
/// The cookie by which visitors are told apart before they log in.
pub(super) const VISITOR_COOKIE: &str = "mg_visitor";

/// Whether a request that changes something may come from where it says it comes from.
pub(super) fn origin_allowed(
    method: &Method,
    headers: &HeaderMap,
    peer: &Peer,
    public_url: Option<&str>,
) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    text(ORIGIN.as_str()).is_some_and(|origin| {
        peer.is_origin(origin) || public_url.is_some_and(|url| is_origin_of(origin, url))
    })
}

fn is_origin_of(origin: &str, url: &str) -> bool {
    url.strip_prefix(origin)
        .is_some_and(|rest| !origin.is_empty() && (rest.is_empty() || rest.starts_with('/')))
}

/// The token for pages of a session, derived from its id.
pub(super) fn token_of(session_or_visitor: &str) -> String {
    hash_key_hex(&format!("modelgate csrf {session_or_visitor}"))
}

/// The token that a form of this request must carry; none where the request has neither session nor cookie.
pub(super) fn expected(request: &HttpRequest) -> Option<String> {
    session::csrf_token(request).or_else(|| {
        request
            .cookie(VISITOR_COOKIE)
            .map(|cookie| token_of(cookie.value()))
    })
}

/// Compares in constant time; nothing matches where nothing is expected.
pub(super) fn matches(expected: Option<&str>, given: &str) -> bool {
    expected.is_some_and(|token| constant_time_eq(token.as_bytes(), given.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn allowed(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let peer = Peer {
            address: [127, 0, 0, 1].into(),
            https: false,
            host: "gate:8765".to_owned(),
        };
        origin_allowed(
            &Method::POST,
            &headers,
            &peer,
            Some("https://gate.example/base"),
        )
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(allowed(&[("sec-fetch-site", "same-origin")]));
        assert!(allowed(&[("origin", "http://gate:8765")]));
        assert!(allowed(&[("origin", "https://gate.example")]));
        for bad in [
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://gate:8765"),
            ][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://gate.example.evil")],
            &[("origin", "https://gate")],
            &[("origin", "null")],
            &[("origin", "")],
            &[],
        ] {
            assert!(!allowed(bad), "{bad:?}");
        }
    }

    #[test]
    fn nothing_matches_nothing() {
        assert!(!matches(None, ""));
        assert!(matches(Some("x"), "x") && !matches(Some("x"), "y"));
        assert_ne!(token_of("a"), token_of("b"));
    }
}
