//! The ways to a vendor over real sockets: TLS, HTTP/2, HTTP proxies, SOCKS.
#![allow(
    clippy::disallowed_methods,
    reason = "test servers run on the test's own runtime"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use modelgate_domain::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::testing::{
    header, plain, provider, read_request, say, send, serve, tls_pair, tls_server,
};
use super::{Clients, ErrorKind};

async fn tls_vendor(acceptor: TlsAcceptor) -> SocketAddr {
    serve(move |socket, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut socket) = acceptor.accept(socket).await else {
                return;
            };
            while let Some((head, _)) = read_request(&mut socket).await {
                let host = header(&head, "host").unwrap_or_default().to_owned();
                say(&mut socket, &plain(&host)).await;
            }
        }
    })
    .await
}

async fn text(clients: &Clients, provider: &crate::catalog::Provider) -> String {
    let answer = send(clients, provider).await.unwrap();
    let body = answer.body.read_to_end(1_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn https_works_with_a_known_authority_and_fails_as_tls_without() {
    let (acceptor, clients) = tls_pair(&[]);
    let address = tls_vendor(acceptor).await;
    let to = provider(format!("https://localhost:{}/v1", address.port()));
    let host = format!("localhost:{}", address.port());
    assert_eq!(text(&clients, &to).await, host);
    let (_, strangers) = tls_pair(&[]);
    let error = send(&strangers, &to).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Tls, "{}", error.message);
    let plain_port = provider(format!("http://localhost:{}", address.port()));
    let error = send(&clients, &plain_port).await.err().unwrap();
    assert!(matches!(
        error.kind,
        ErrorKind::Closed | ErrorKind::Malformed
    ));
}

#[tokio::test]
async fn the_process_wide_settings_do_not_trust_a_stranger() {
    let (acceptor, _) = tls_pair(&[]);
    let address = tls_vendor(acceptor).await;
    let to = provider(format!("https://localhost:{}/v1", address.port()));
    let error = send(&Clients::new(), &to).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Tls, "{}", error.message);
}

/// The roots are read once a process, so that a process of its own has to look: this test runs the next one there.
#[tokio::test(flavor = "multi_thread")]
async fn ssl_cert_file_names_the_authorities() {
    let (acceptor, _, pem) = tls_server(&[]);
    let address = tls_vendor(acceptor).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let child = |certificates: std::path::PathBuf| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child
            .args([
                "--exact",
                "--ignored",
                "upstream::route_tests::reaches_the_vendor_of_its_parent",
            ])
            .env("SSL_CERT_FILE", certificates)
            .env("TEST_VENDOR_PORT", address.port().to_string());
        tokio::task::spawn_blocking(move || child.output().unwrap())
    };
    let trusted = child(file.path().to_owned()).await.unwrap();
    let said = String::from_utf8_lossy(&trusted.stdout).into_owned();
    assert!(
        trusted.status.success() && said.contains("1 passed"),
        "{said}"
    );
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), tls_server(&[]).2).unwrap();
    let stranger = child(other.path().to_owned()).await.unwrap();
    assert!(!stranger.status.success());
    assert!(String::from_utf8_lossy(&stranger.stdout).contains("TLS handshake"));
}

#[tokio::test]
#[ignore = "run by ssl_cert_file_names_the_authorities in a process of its own"]
async fn reaches_the_vendor_of_its_parent() {
    let port = std::env::var("TEST_VENDOR_PORT").unwrap();
    let to = provider(format!("https://localhost:{port}/v1"));
    if let Err(error) = send(&Clients::new(), &to).await {
        panic!("{error}");
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_a_connect_timeout() {
    let address = serve(|socket, _| async move {
        let _open = socket;
        std::future::pending::<()>().await;
    })
    .await;
    let begun = Instant::now();
    let to = provider(format!("https://{address}"));
    let error = send(&Clients::new(), &to).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::ConnectTimeout, "{}", error.message);
    assert!((290..1_500).contains(&begun.elapsed().as_millis()));
}

#[tokio::test]
async fn http_2_is_spoken_where_the_vendor_offers_it() {
    let (acceptor, clients) = tls_pair(&[b"h2", b"http/1.1"]);
    let address = serve(move |socket, _| {
        let acceptor = acceptor.clone();
        async move {
            let socket = acceptor.accept(socket).await.unwrap();
            let mut connection = h2::server::handshake(socket).await.unwrap();
            while let Some(Ok((request, mut answer))) = connection.accept().await {
                let said = format!("{:?} {}", request.version(), request.uri().path());
                let head = hyper::Response::new(());
                let mut body = answer.send_response(head, false).unwrap();
                body.send_data(Bytes::from(said), true).unwrap();
            }
        }
    })
    .await;
    let to = provider(format!("https://localhost:{}/v1", address.port()));
    for _ in 0..2 {
        assert_eq!(text(&clients, &to).await, "HTTP/2.0 /v1/chat/completions");
    }
}

/// An HTTP proxy that knows only `CONNECT`, and tells what it was asked for.
async fn tunnelling_proxy(heads: mpsc::UnboundedSender<String>) -> SocketAddr {
    serve(move |mut socket, _| {
        let heads = heads.clone();
        async move {
            let (head, _) = read_request(&mut socket).await.unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            let known = header(&head, "proxy-authorization") == Some("Basic dXNlcjpwQHNz");
            heads.send(head).unwrap();
            if !known {
                say(&mut socket, "HTTP/1.1 407 Who\r\n\r\n").await;
                return;
            }
            let mut vendor = TcpStream::connect(target).await.unwrap();
            say(&mut socket, "HTTP/1.1 200 OK\r\n\r\n").await;
            let _done = copy_bidirectional(&mut socket, &mut vendor).await;
        }
    })
    .await
}

#[tokio::test]
async fn https_goes_through_an_http_proxy_as_a_tunnel() {
    let (heads, mut seen) = mpsc::unbounded_channel();
    let proxy = tunnelling_proxy(heads).await;
    let (acceptor, clients) = tls_pair(&[]);
    let vendor = tls_vendor(acceptor).await;
    let mut to = provider(format!("https://localhost:{}/v1", vendor.port()));
    to.proxy_url = Some(Secret::new(format!("http://user:p%40ss@{proxy}")));
    let host = format!("localhost:{}", vendor.port());
    assert_eq!(text(&clients, &to).await, host);
    let head = seen.recv().await.unwrap();
    assert!(head.starts_with(&format!("CONNECT {host} HTTP/1.1")));
    assert!(
        !head.contains("sk-canary"),
        "the vendor's key reached the proxy"
    );
    to.proxy_url = Some(Secret::new(format!("http://user:wrong@{proxy}")));
    let error = send(&clients, &to).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Connect);
    assert!(error.message.contains("proxy authorization required"));
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_itself_is_used() {
    let (acceptor, clients) = tls_pair(&[]);
    let inner = acceptor.clone();
    let vendor = tls_vendor(acceptor).await;
    let proxy = serve(move |socket, _| {
        let acceptor = inner.clone();
        async move {
            let mut socket = acceptor.accept(socket).await.unwrap();
            let (head, _) = read_request(&mut socket).await.unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            let mut vendor = TcpStream::connect(target).await.unwrap();
            say(&mut socket, "HTTP/1.1 200 OK\r\n\r\n").await;
            let _done = copy_bidirectional(&mut socket, &mut vendor).await;
        }
    })
    .await;
    let mut to = provider(format!("https://localhost:{}/v1", vendor.port()));
    to.proxy_url = Some(Secret::new(format!("https://localhost:{}", proxy.port())));
    let host = format!("localhost:{}", vendor.port());
    assert_eq!(text(&clients, &to).await, host);
}

#[tokio::test]
async fn plain_http_goes_through_an_http_proxy_in_absolute_form() {
    let proxy = serve(|mut socket, _| async move {
        while let Some((head, _)) = read_request(&mut socket).await {
            let line = head.lines().next().unwrap();
            let login = header(&head, "proxy-authorization").unwrap_or("none");
            say(&mut socket, &plain(&format!("{line} {login}"))).await;
        }
    })
    .await;
    let mut to = provider("http://vendor.invalid/v1".into());
    to.proxy_url = Some(Secret::new(format!("http://user:p%40ss@{proxy}")));
    assert_eq!(
        text(&Clients::new(), &to).await,
        "POST http://vendor.invalid/v1/chat/completions HTTP/1.1 Basic dXNlcjpwQHNz"
    );
}

/// A SOCKS5 proxy with user name and password that takes 400 ms and connects to `vendor`, whatever name it is given.
async fn socks_proxy(vendor: SocketAddr, names: mpsc::UnboundedSender<String>) -> SocketAddr {
    serve(move |mut socket, _| {
        let names = names.clone();
        async move {
            let mut greeting = [0; 3];
            socket.read_exact(&mut greeting).await.unwrap();
            assert_eq!(greeting, [5, 1, 2]);
            socket.write_all(&[5, 2]).await.unwrap();
            let mut login = [0; 11];
            socket.read_exact(&mut login).await.unwrap();
            assert_eq!(&login, b"\x01\x04user\x04p@ss");
            socket.write_all(&[1, 0]).await.unwrap();
            let mut head = [0; 5];
            socket.read_exact(&mut head).await.unwrap();
            assert_eq!(head[..4], [5, 1, 0, 3]);
            let mut name = vec![0; usize::from(head[4]) + 2];
            socket.read_exact(&mut name).await.unwrap();
            name.truncate(usize::from(head[4]));
            names.send(String::from_utf8(name).unwrap()).unwrap();
            tokio::time::sleep(Duration::from_millis(400)).await;
            socket
                .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                .await
                .unwrap();
            let mut vendor = TcpStream::connect(vendor).await.unwrap();
            let _done = copy_bidirectional(&mut socket, &mut vendor).await;
        }
    })
    .await
}

#[tokio::test]
async fn socks_resolves_names_at_the_proxy_and_the_way_there_is_not_the_vendors_time() {
    let vendor = serve(|mut socket, _| async move {
        while read_request(&mut socket).await.is_some() {
            tokio::time::sleep(Duration::from_millis(400)).await;
            say(&mut socket, &plain("late")).await;
        }
    })
    .await;
    let (names, mut asked) = mpsc::unbounded_channel();
    let proxy = socks_proxy(vendor, names).await;
    let mut to = provider("http://vendor.invalid:8080/v1".into());
    to.proxy_url = Some(Secret::new(format!("socks5://user:p%40ss@{proxy}")));
    to.connect_timeout = Duration::from_millis(700);
    to.first_byte_timeout = Duration::from_millis(700);
    let clients = Clients::new();
    // 400 ms to connect and 400 ms to answer are each within 700 ms, their sum is not.
    let answer = send(&clients, &to).await.unwrap();
    assert!(
        (400..700).contains(&answer.connect_ms),
        "{}",
        answer.connect_ms
    );
    assert_eq!(answer.body.read_to_end(10).await.unwrap(), "late");
    assert_eq!(asked.recv().await.unwrap(), "vendor.invalid");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let again = send(&clients, &to).await.unwrap();
    assert!(again.connect_ms < 50, "{}", again.connect_ms);
}
