//! All calls to vendors on the data path: one attempt with one credential.
//!
//! Owns connections, timeouts and header hygiene. Knows nothing of dialects, retries or who asked.

mod body;
mod client;
mod connector;
mod error;
mod headers;
mod prepared;
mod proxy;
pub mod scrub;
mod silence;
mod tls;
mod url;

pub use body::{Body, SentAt};
pub use client::{Answer, Call, Clients};
pub use error::{ErrorKind, UpstreamError, of_connect};
pub use headers::{may_leave, request as request_headers};
pub use proxy::OutboundProxy;
pub use silence::{Asleep, Silence};
pub use tls::client_config;
pub use url::{join, path_at};

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod route_tests;
#[cfg(test)]
pub(crate) mod testing;
