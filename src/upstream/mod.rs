//! All calls to vendors on the data path: one attempt with one credential.
//!
//! Owns connections, timeouts and header hygiene. Knows nothing of dialects, retries or who asked.

mod body;
mod client;
mod connector;
mod error;
mod headers;
mod proxy;
mod tls;
mod url;

pub use body::Body;
pub use client::{Answer, Call, Clients};
pub use error::{ErrorKind, UpstreamError};
pub use headers::{PRODUCT_USER_AGENT, may_leave};
pub use proxy::OutboundProxy;
pub use tls::client_config;
pub use url::join;

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod route_tests;
#[cfg(test)]
mod testing;
