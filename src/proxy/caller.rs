//! What the headers and the connection say of a caller; all of it bounded.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, USER_AGENT};
use ipnet::IpNet;

use crate::upstream::scrub::bounded;

const MAX_AGENT_CHARS: usize = 256;
const MAX_SESSION_CHARS: usize = 128;

/// Names under which clients send the id of a conversation, the most telling first.
const SESSION_HEADERS: [&str; 6] = [
    "x-session-id",
    "x-conversation-id",
    "x-claude-code-session-id",
    "x-session-affinity",
    "session-id",
    "session_id",
];

/// The address of the caller's machine, as far as it can be known: forwarded addresses count only where the
/// connection, and every hop on the way back, is a trusted proxy.
pub(super) fn address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let peer = request.peer_addr().map(|address| address.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    resolve(peer.to_canonical(), request.headers(), trusted)
}

fn resolve(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut address = peer;
    if !is_trusted(&address) {
        return address;
    }
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops {
        let Ok(parsed) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        address = parsed.to_canonical();
        if !is_trusted(&address) {
            break;
        }
    }
    address
}

/// The caller's user agent.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let value = headers.get(USER_AGENT).and_then(|v| v.to_str().ok());
    bounded(value.unwrap_or_default(), MAX_AGENT_CHARS)
}

/// The caller's own id of the conversation, empty where it sends none.
pub(super) fn session(headers: &HeaderMap) -> String {
    let found = SESSION_HEADERS.iter().find_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?.trim();
        (!value.is_empty()).then_some(value)
    });
    bounded(found.unwrap_or_default(), MAX_SESSION_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        map
    }

    fn from(peer: &str, pairs: &[(&'static str, &'static str)]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        resolve(peer.parse().unwrap(), &headers(pairs), &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let forged = [("x-forwarded-for", "1.1.1.1")];
        assert_eq!(from("203.0.113.9", &forged), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &forged), "1.1.1.1");
        let chain = [
            ("x-forwarded-for", "6.6.6.6, 198.51.100.7"),
            ("x-forwarded-for", "10.0.0.2"),
        ];
        assert_eq!(from("10.0.0.1", &chain), "198.51.100.7");
        assert_eq!(
            from("10.0.0.1", &[("x-forwarded-for", "nonsense")]),
            "10.0.0.1"
        );
    }

    #[test]
    fn what_clients_send_is_bounded() {
        let long = headers(&[("x-session-id", " abc "), ("session_id", "other")]);
        assert_eq!(session(&long), "abc");
        assert_eq!(session(&headers(&[])), "");
        let mut map = HeaderMap::new();
        map.insert(USER_AGENT, HeaderValue::from_str(&"x".repeat(999)).unwrap());
        assert_eq!(agent(&map).len(), 256);
    }
}
