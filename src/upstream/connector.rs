//! How a connection comes to stand: directly, through an HTTP proxy or through SOCKS, within one deadline.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::http::Extensions;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::error::ConnectTimedOut;
use super::proxy::{OutboundProxy, ProxyScheme};

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Probes of an idle connection, so that a NAT box in between does not forget it.
const TCP_KEEPALIVE: Duration = Duration::from_mins(1);

/// The outermost connector: everything below it, TLS included, has to stand within the deadline.
#[derive(Clone)]
pub(super) struct Connector {
    secured: HttpsConnector<Route>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(
        tls: &ClientConfig,
        proxy: Option<&OutboundProxy>,
        timeout: Duration,
    ) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        // Shared out among the addresses of a name, so that a dead one does not eat the whole deadline.
        tcp.set_connect_timeout(Some(timeout));
        let secured = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(Route::new(tls, tcp, proxy));
        Self { secured, timeout }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Link>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.secured.poll_ready(cx)
    }

    fn call(&mut self, dst: Uri) -> Self::Future {
        let connecting = self.secured.call(dst);
        let timeout = self.timeout;
        Box::pin(async move {
            tokio::time::timeout(timeout, connecting)
                .await
                .unwrap_or_else(|_elapsed| Err(ConnectTimedOut.into()))
        })
    }
}

/// The way to the vendor's port, before TLS with the vendor.
#[derive(Clone)]
pub(super) enum Route {
    Direct(HttpConnector),
    /// An HTTP proxy: `CONNECT` for https, absolute-form requests for http.
    Http {
        to_proxy: HttpsConnector<HttpConnector>,
        tunnel: Tunnel<HttpsConnector<HttpConnector>>,
        address: Uri,
    },
    Socks(SocksV5<HttpConnector>),
}

impl Route {
    fn new(tls: &ClientConfig, tcp: HttpConnector, proxy: Option<&OutboundProxy>) -> Self {
        let Some(proxy) = proxy else {
            return Self::Direct(tcp);
        };
        let address = proxy.address.clone();
        match proxy.scheme {
            ProxyScheme::Socks5 => {
                let socks = SocksV5::new(address, tcp);
                Self::Socks(match &proxy.login {
                    Some((user, password)) => socks.with_auth(user.clone(), password.clone()),
                    None => socks,
                })
            }
            ProxyScheme::Http | ProxyScheme::Https => {
                let to_proxy = HttpsConnectorBuilder::new()
                    .with_tls_config(tls.clone())
                    .https_or_http()
                    .enable_http1()
                    .wrap_connector(tcp);
                let tunnel = Tunnel::new(address.clone(), to_proxy.clone());
                Self::Http {
                    to_proxy,
                    tunnel: match proxy.basic() {
                        Some(value) => tunnel.with_auth(value),
                        None => tunnel,
                    },
                    address,
                }
            }
        }
    }
}

impl Service<Uri> for Route {
    type Response = Link;
    type Error = BoxError;
    type Future = Connecting<Link>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(tcp) => tcp.poll_ready(cx).map_err(Into::into),
            Self::Http { to_proxy, .. } => to_proxy.poll_ready(cx),
            Self::Socks(socks) => socks.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, dst: Uri) -> Self::Future {
        let https = dst.scheme_str() == Some("https");
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(dst);
                Box::pin(async move { Ok(Link::new(connecting.await?.into(), false)) })
            }
            Self::Http { tunnel, .. } if https => {
                let connecting = tunnel.call(dst);
                Box::pin(async move { Ok(Link::new(connecting.await?, false)) })
            }
            Self::Http {
                to_proxy, address, ..
            } => {
                let connecting = to_proxy.call(address.clone());
                Box::pin(async move { Ok(Link::new(connecting.await?, true)) })
            }
            Self::Socks(socks) => {
                let connecting = socks.call(dst);
                Box::pin(async move { Ok(Link::new(connecting.await?.into(), false)) })
            }
        }
    }
}

/// One connection, with a mark that says whether it has answered a call before.
pub(super) struct Link {
    io: MaybeHttpsStream<TokioIo<TcpStream>>,
    proxied: bool,
    mark: Mark,
}

impl Link {
    fn new(io: MaybeHttpsStream<TokioIo<TcpStream>>, proxied: bool) -> Self {
        Self {
            io,
            proxied,
            mark: Mark::default(),
        }
    }
}

/// Travels with every answer and error of its connection.
#[derive(Clone, Default)]
pub(super) struct Mark(Arc<AtomicBool>);

impl Mark {
    /// Reads the mark off an answer's extensions and sets it.
    pub(super) fn answered(extensions: &Extensions) {
        if let Some(mark) = extensions.get::<Self>() {
            mark.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the connection of a failed call had answered an earlier one.
    pub(super) fn had_answered(connected: Option<&Connected>) -> bool {
        let mut extensions = Extensions::new();
        if let Some(connected) = connected {
            connected.get_extras(&mut extensions);
        }
        extensions
            .get::<Self>()
            .is_some_and(|mark| mark.0.load(Ordering::Relaxed))
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
            .proxy(self.proxied)
            .extra(self.mark.clone())
    }
}

impl Read for Link {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, parts)
    }
}
