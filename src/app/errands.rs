//! The HTTP client of what the gateway sends in its own name: exports, and questions to models.

use std::io;

use reqwest::Client;
use reqwest::redirect::Policy;

use crate::upstream::client_config;

/// Follows no redirect, which would carry the headers to another host, and uses no proxy of the environment.
pub fn client() -> io::Result<Client> {
    let tls = client_config().map_err(io::Error::other)?;
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .map_err(io::Error::other)
}
