//! Who is really calling: address, scheme and host, believing forwarded headers only from trusted proxies.

use std::net::IpAddr;

use actix_web::http::header::{HOST, HeaderMap};
use ipnet::IpNet;

use crate::forwarded;

/// The effective caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address of the person's machine, as far as it can be known.
    pub address: IpAddr,
    /// Whether the person's browser speaks https.
    pub https: bool,
    /// What the person typed: host, and port where it is not the scheme's own.
    pub host: String,
}

impl Peer {
    /// Reads the connection and, where it comes from a trusted proxy, the forwarded headers.
    pub fn of(connection: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let believed = connection
            .is_some_and(|from| trusted.iter().any(|net| net.contains(&from.to_canonical())));
        let address = forwarded::client(connection, headers, trusted);
        let host = text(headers, HOST.as_str()).to_owned();
        if !believed {
            return Self {
                address,
                https: false,
                host,
            };
        }
        let forwarded_host = last(text(headers, "x-forwarded-host"));
        Self {
            address,
            https: last(text(headers, "x-forwarded-proto")).eq_ignore_ascii_case("https"),
            host: if forwarded_host.is_empty() {
                host
            } else {
                forwarded_host.to_owned()
            },
        }
    }

    /// Whether `origin` (an `Origin` header) is this site as the person sees it.
    pub fn is_origin(&self, origin: &str) -> bool {
        let scheme = if self.https { "https://" } else { "http://" };
        origin
            .strip_prefix(scheme)
            .is_some_and(|host| !host.is_empty() && host.eq_ignore_ascii_case(&self.host))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

fn last(list: &str) -> &str {
    list.rsplit(',').next().unwrap_or("").trim()
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

    fn of(connection: &str, pairs: &[(&'static str, &'static str)]) -> Peer {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        Peer::of(connection.parse().ok(), &headers(pairs), &trusted)
    }

    #[test]
    fn strangers_are_not_believed() {
        let peer = of(
            "203.0.113.9",
            &[
                ("x-forwarded-for", "1.1.1.1"),
                ("x-forwarded-proto", "https"),
                ("host", "gate"),
            ],
        );
        assert_eq!(
            (peer.address.to_string(), peer.https),
            ("203.0.113.9".to_owned(), false)
        );
        assert!(peer.is_origin("http://gate"));
        assert!(!peer.is_origin("https://gate") && !peer.is_origin("http://gate.evil"));
    }

    #[test]
    fn a_trusted_proxy_is_believed_up_to_its_own_caller() {
        let peer = of(
            "::ffff:10.0.0.1",
            &[
                ("x-forwarded-for", "6.6.6.6, 198.51.100.7"),
                ("x-forwarded-for", "10.0.0.2"),
                ("x-forwarded-proto", "https"),
                ("host", "inner"),
                ("x-forwarded-host", "gate.example"),
            ],
        );
        assert_eq!(peer.address.to_string(), "198.51.100.7");
        assert!(peer.https && peer.is_origin("https://gate.example"));
    }

    #[test]
    fn nonsense_is_nobodys_address() {
        let peer = of("10.0.0.1", &[("x-forwarded-for", "1.2.3.4, nonsense")]);
        assert_eq!(peer.address.to_string(), "0.0.0.0");
    }
}
