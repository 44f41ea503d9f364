//! The address of the caller's machine behind proxies, and networks of addresses: one rule for the calls and for the pages.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// A network, or an address as a network of one.
pub fn network(text: &str) -> Option<IpNet> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_no_network| single()).ok()
}

/// The right-most forwarded address that is no trusted proxy, since everything left of it could be invented.
///
/// `X-Forwarded-For` counts only where the connection itself comes from a trusted proxy. An IPv4 address that
/// came in as IPv6 is compared as IPv4; a connection without an address is `0.0.0.0`.
pub fn client(connection: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let connection = connection.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let mut address = connection.to_canonical();
    if !is_trusted(&address) {
        return address;
    }
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
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
        client(peer.parse().ok(), &headers(pairs), &trusted).to_string()
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
}
