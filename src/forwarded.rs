//! The address of the caller's machine behind proxies, and networks of addresses: one rule for the calls and for the pages.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::HeaderMap;
use ipnet::{IpNet, Ipv4Net};

/// The bits before the address in an IPv6 network of IPv4 addresses.
const MAPPED_BITS: u8 = 96;

/// A network, or an address as a network of one. One of IPv4 addresses written as IPv6 (`::ffff:10.0.0.0/104`) is the network
/// of those, since addresses are compared in their short form.
pub fn network(text: &str) -> Option<IpNet> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or_else(|_no_network| single()).ok()?;
    let IpNet::V6(six) = network else {
        return Some(network);
    };
    let four = six.addr().to_ipv4_mapped();
    let bits = six.prefix_len().checked_sub(MAPPED_BITS);
    let mapped = four.zip(bits);
    let mapped = mapped.and_then(|(four, bits)| Ipv4Net::new(four, bits).ok());
    Some(mapped.map_or(network, IpNet::V4))
}

/// An address, maybe with a port: `10.1.2.3`, `10.1.2.3:5555`, `2001:db8::5`, `[2001:db8::5]:4433`.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let address = plain.unwrap_or(text).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|at| at.ip());
    address.or_else(with_port)
}

/// The right-most forwarded address that is no trusted proxy, since everything left of it could be invented.
///
/// `X-Forwarded-For` counts only where the connection itself comes from a trusted proxy. An IPv4 address that
/// came in as IPv6 is compared as IPv4; a connection without an address is `0.0.0.0`, as is a forwarded one that cannot be
/// read: the proxy's own address would let through whom it does not belong to.
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
        let hop = hop.trim();
        if hop.is_empty() {
            continue;
        }
        let Some(parsed) = self::address(hop) else {
            return IpAddr::V4(Ipv4Addr::UNSPECIFIED);
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
            "0.0.0.0"
        );
        assert_eq!(from("10.0.0.1", &[("x-forwarded-for", " , ")]), "10.0.0.1");
    }

    #[test]
    fn forwarded_addresses_may_have_ports() {
        for (told, meant) in [
            ("192.0.2.3:5555", "192.0.2.3"),
            ("[2001:db8::5]:4433", "2001:db8::5"),
            ("[2001:db8::5]", "2001:db8::5"),
            ("2001:db8::5", "2001:db8::5"),
            ("[::ffff:192.0.2.3]:80", "192.0.2.3"),
            ("192.0.2.3, 10.9.9.9:1", "192.0.2.3"),
            ("192.0.2.3, unknown", "0.0.0.0"),
            ("192.0.2.3:port", "0.0.0.0"),
        ] {
            let text: &'static str = told;
            assert_eq!(
                from("10.0.0.1", &[("x-forwarded-for", text)]),
                meant,
                "{told}"
            );
        }
    }

    #[test]
    fn networks_of_mapped_addresses_are_those_of_the_addresses() {
        for (text, meant) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), meant);
        }
    }
}
