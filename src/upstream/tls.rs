//! TLS towards vendors: one configuration for the process, with the machine's own root certificates.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

use super::error::{ErrorKind, UpstreamError};

/// The process-wide client configuration; clones share its session cache.
///
/// Roots come from the operating system, or from `SSL_CERT_FILE` and `SSL_CERT_DIR` where set. A
/// machine without any still reaches vendors over plain HTTP; https calls then fail with a TLS error.
pub fn client_config() -> Result<ClientConfig, UpstreamError> {
    static CONFIG: OnceLock<Result<ClientConfig, UpstreamError>> = OnceLock::new();
    CONFIG.get_or_init(|| with_roots(native_roots())).clone()
}

/// The same settings with given roots.
pub(super) fn with_roots(roots: RootCertStore) -> Result<ClientConfig, UpstreamError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| UpstreamError::new(ErrorKind::Tls, error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn native_roots() -> RootCertStore {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::warn!(%error, "some root certificates could not be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, _ignored) = roots.add_parsable_certificates(loaded.certs);
    if added == 0 {
        tracing::warn!("no root certificate found: https calls to vendors will fail");
    }
    roots
}
