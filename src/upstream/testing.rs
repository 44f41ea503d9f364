//! Real TCP servers for the tests of this module.
#![allow(
    clippy::disallowed_methods,
    reason = "test servers run on the test's own runtime"
)]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{Answer, Call, Clients, UpstreamError, tls};
use crate::catalog::{Credential, Provider, fixtures};

/// Runs `talk` for every connection, with its number from 0.
pub(crate) async fn serve<F, Fut>(talk: F) -> SocketAddr
where
    F: Fn(TcpStream, usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(talk(socket, number));
        }
    });
    address
}

/// Reads one request: its head as lower-case text, and its body.
pub(crate) async fn read_request<S: AsyncRead + Unpin>(socket: &mut S) -> Option<(String, String)> {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").map_or(0, |l| l.parse().unwrap());
            if body.len() >= length {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        let mut buffer = [0; 4096];
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => seen.extend_from_slice(&buffer[..n]),
        }
    }
}

/// The value of a header in a request's head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

pub(crate) async fn say(socket: &mut (impl tokio::io::AsyncWrite + Unpin), text: &str) {
    socket.write_all(text.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
}

/// An answer with a length, after which the connection stays open.
pub(crate) fn plain(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

pub(crate) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// A provider at this address with short timeouts: 300 ms to connect and for the first byte, 200 ms of silence.
pub(crate) fn provider(base_url: String) -> Provider {
    Provider {
        protocol: "openai".into(),
        base_url: base_url.into(),
        connect_timeout: Duration::from_millis(300),
        first_byte_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(200),
        ..fixtures::provider(1, "acme")
    }
}

pub(crate) fn credential() -> Credential {
    fixtures::credential(1)
}

pub(crate) fn call<'a>(forward: &'a [(&'a str, &'a [u8])]) -> Call<'a> {
    Call {
        path: "/chat/completions".into(),
        body: Bytes::from_static(b"{\"model\":\"m\"}"),
        content_type: "application/json",
        accept: "text/event-stream",
        forward,
        sent: super::SentAt::default(),
    }
}

pub(crate) async fn send(clients: &Clients, provider: &Provider) -> Result<Answer, UpstreamError> {
    clients.send(provider, &credential(), call(&[])).await
}

/// A certificate for `localhost` and 127.0.0.1 made on the spot: a server's side, and clients that trust it.
pub(crate) fn tls_pair(alpn: &[&[u8]]) -> (TlsAcceptor, Clients) {
    let (acceptor, certificate, _) = tls_server(alpn);
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let clients = Clients::with_tls(tls::with_roots(roots).unwrap());
    (acceptor, clients)
}

/// The server's side, its certificate, and the same as PEM.
pub(crate) fn tls_server(alpn: &[&[u8]]) -> (TlsAcceptor, CertificateDer<'static>, String) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    server.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    (acceptor, certificate, made.cert.pem())
}
