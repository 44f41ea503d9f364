//! Why a vendor call gave no (whole) answer.

use std::error::Error;
use std::fmt;
use std::io;

/// A vendor call that ended without a whole answer. The message holds no secret and no URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    /// The closed set of causes.
    pub kind: ErrorKind,
    /// One sentence for people.
    pub message: String,
    /// The connection had served an earlier call: a vendor that closes idle connections looks like
    /// this, so the same target deserves another try on a fresh connection.
    pub reused: bool,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The name did not resolve, or nothing answered there.
    Connect,
    /// The connection did not stand in time.
    ConnectTimeout,
    /// No byte of an answer in time.
    FirstByteTimeout,
    /// The answer began and then fell silent.
    IdleTimeout,
    /// The vendor closed the connection before the answer was whole.
    Closed,
    /// The vendor's certificate or handshake was not acceptable.
    Tls,
    /// What came back was not HTTP.
    Malformed,
    /// The provider's address or proxy address cannot be used.
    InvalidUrl,
    /// A header value or credential that cannot be sent.
    InvalidHeader,
    /// The answer was longer than the reader allowed.
    TooLarge,
}

impl ErrorKind {
    /// A stable short code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connect => "upstream_connect_failed",
            Self::ConnectTimeout => "upstream_connect_timeout",
            Self::FirstByteTimeout => "upstream_first_byte_timeout",
            Self::IdleTimeout => "upstream_idle_timeout",
            Self::Closed => "upstream_closed",
            Self::Tls => "upstream_tls_failed",
            Self::Malformed => "upstream_malformed",
            Self::InvalidUrl => "provider_url_invalid",
            Self::InvalidHeader => "provider_header_invalid",
            Self::TooLarge => "upstream_answer_too_large",
        }
    }

    /// True for the three timeouts.
    pub const fn is_timeout(self) -> bool {
        matches!(
            self,
            Self::ConnectTimeout | Self::FirstByteTimeout | Self::IdleTimeout
        )
    }
}

impl UpstreamError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            reused: false,
        }
    }

    /// Sorts an error of the HTTP client. `reused` is what is known of the connection.
    pub(super) fn of_client(
        error: &hyper_util::client::legacy::Error,
        connect_timeout_ms: u128,
        reused: bool,
    ) -> Self {
        let mut sorted = if error.is_connect() {
            of_connect(error, connect_timeout_ms)
        } else {
            match find::<hyper::Error>(error) {
                Some(inner) if inner.is_parse() => Self::new(
                    ErrorKind::Malformed,
                    "what the vendor's server answered is not HTTP",
                ),
                _ => Self::new(
                    ErrorKind::Closed,
                    "the vendor closed the connection before it answered",
                ),
            }
        };
        sorted.reused = reused;
        sorted
    }
}

/// Why no connection came to stand, read off an error of any client on this stack.
pub fn of_connect(error: &(dyn Error + 'static), timeout_ms: u128) -> UpstreamError {
    if find::<ConnectTimedOut>(error).is_some() || is_io_timeout(error) {
        return UpstreamError::new(
            ErrorKind::ConnectTimeout,
            format!("no connection to the vendor within {timeout_ms} ms"),
        );
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return UpstreamError::new(
            ErrorKind::Tls,
            format!("the TLS handshake with the vendor failed: {tls}"),
        );
    }
    UpstreamError::new(
        ErrorKind::Connect,
        format!("no connection to the vendor: {}", innermost(error)),
    )
}

/// The marker that the connector's own deadline leaves in the chain.
#[derive(Debug)]
pub(super) struct ConnectTimedOut;

impl fmt::Display for ConnectTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connect timeout")
    }
}

impl Error for ConnectTimedOut {}

fn is_io_timeout(error: &(dyn Error + 'static)) -> bool {
    find::<io::Error>(error).is_some_and(|e| e.kind() == io::ErrorKind::TimedOut)
}

/// The next error inside. An `io::Error` reports its payload's source, not the payload: look into it.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(payload) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        return Some(payload);
    }
    error.source()
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        current = inside(error);
    }
    None
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = inside(last) {
        last = next;
    }
    last.to_string()
}
