//! Outbound proxies: the address of one, read once and kept in parts.

use std::fmt;

use data_encoding::BASE64;
use hyper::Uri;
use hyper::header::HeaderValue;

use super::error::{ErrorKind, UpstreamError};

/// A proxy on the way to a vendor: `http://`, `https://`, `socks5://` or `socks5h://`, with
/// `user:password@` where it wants them. Both SOCKS forms let the proxy resolve the vendor's name.
#[derive(Clone)]
pub struct OutboundProxy {
    pub(super) scheme: ProxyScheme,
    /// `http://host:port`, or `https://host:port` for a proxy that speaks TLS itself.
    pub(super) address: Uri,
    pub(super) login: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyScheme {
    Http,
    Https,
    Socks5,
}

impl OutboundProxy {
    /// Reads a proxy address. Errors never show it, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, UpstreamError> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| invalid("must begin with http://, https:// or socks5://"))?;
        let (scheme, transport, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyScheme::Http, "http", 80),
            "https" => (ProxyScheme::Https, "https", 443),
            "socks5" | "socks5h" => (ProxyScheme::Socks5, "http", 1080),
            _ => return Err(invalid("must begin with http://, https:// or socks5://")),
        };
        let rest = rest.trim_end_matches('/');
        let (login, host) = match rest.rsplit_once('@') {
            Some((login, host)) => (Some(read_login(login)?), host),
            None => (None, rest),
        };
        let mut address: Uri = format!("{transport}://{host}/")
            .parse()
            .map_err(|_uri| invalid("names no host that can be read"))?;
        if address.path() != "/" || address.host().is_none_or(str::is_empty) {
            return Err(invalid("is a host and a port, without a path"));
        }
        if address.port_u16().is_none() {
            address = format!("{transport}://{host}:{port}/")
                .parse()
                .map_err(|_uri| invalid("names no host that can be read"))?;
        }
        Ok(Self {
            scheme,
            address,
            login,
        })
    }

    /// The address for a client that resolves names itself on `socks5://`: SOCKS is always the `h` form.
    pub fn to_url(&self) -> String {
        let scheme = match self.scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Https => "https",
            ProxyScheme::Socks5 => "socks5h",
        };
        let authority = self.address.authority().map_or("", |a| a.as_str());
        format!("{scheme}://{authority}")
    }

    /// User name and password, where the proxy wants them.
    pub fn login(&self) -> Option<(&str, &str)> {
        self.login
            .as_ref()
            .map(|(user, password)| (user.as_str(), password.as_str()))
    }

    /// The `proxy-authorization` value of an HTTP proxy.
    pub(super) fn basic(&self) -> Option<HeaderValue> {
        let (user, password) = self.login.as_ref()?;
        let encoded = BASE64.encode(format!("{user}:{password}").as_bytes());
        let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for OutboundProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundProxy")
            .field("scheme", &self.scheme)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn invalid(what: &str) -> UpstreamError {
    UpstreamError::new(
        ErrorKind::InvalidUrl,
        format!("the provider's proxy address {what}"),
    )
}

fn read_login(login: &str) -> Result<(String, String), UpstreamError> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let decode = |text| {
        percent_decode(text)
            .ok_or_else(|| invalid("has a user name or password that cannot be read"))
    };
    Ok((decode(user)?, decode(password)?))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_into_parts() {
        let proxy = OutboundProxy::parse("socks5://us%40er:p%3Aw@proxy.lan").unwrap();
        assert_eq!(proxy.address.to_string(), "http://proxy.lan:1080/");
        assert_eq!(proxy.login(), Some(("us@er", "p:w")));
        assert_eq!(proxy.to_url(), "socks5h://proxy.lan:1080");
        let proxy = OutboundProxy::parse("http://10.0.0.1:3128/").unwrap();
        assert_eq!((proxy.scheme, proxy.login()), (ProxyScheme::Http, None));
        assert_eq!(proxy.basic(), None);
        let proxy = OutboundProxy::parse("https://u:p@[::1]").unwrap();
        assert_eq!(proxy.address.to_string(), "https://[::1]:443/");
        assert_eq!(proxy.basic().unwrap(), "Basic dTpw");
    }

    #[test]
    fn nonsense_is_refused_without_showing_it() {
        for text in [
            "proxy.lan:3128",
            "ftp://canary:canary@a",
            "http://",
            "http://canary:%zz@a",
            "http://a/canary",
            "socks5://canary@",
        ] {
            let error = OutboundProxy::parse(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidUrl, "{text}");
            assert!(!error.message.contains("canary"));
        }
        let proxy = OutboundProxy::parse("http://u:canary@a").unwrap();
        assert!(!format!("{proxy:?}").contains("canary"));
    }
}
