//! The clients of one serving thread, and one vendor call.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use modelgate_domain::Secret;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::body::{Body, Outgoing, SentAt};
use super::connector::{Connector, Mark};
use super::error::{ErrorKind, UpstreamError};
use super::headers;
use super::prepared::Prepared;
use super::proxy::{OutboundProxy, ProxyScheme};
use super::tls;
use crate::catalog::{Credential, Provider};

/// Idle connections are kept less long than vendors keep them, so that few die under a call.
const POOL_IDLE: Duration = Duration::from_secs(30);
const POOL_IDLE_PER_HOST: usize = 256;
/// An HTTP/2 connection with calls on it that answers no ping for so long is dead, and takes all of them with it.
const HTTP2_PING: Duration = Duration::from_secs(20);
/// Distinct connection settings kept at once; the oldest client goes when a new one needs its place.
const MAX_CLIENTS: usize = 64;

/// The vendor clients of one serving thread, one for each pair of connect timeout and proxy.
#[derive(Default)]
pub struct Clients {
    slots: RefCell<Vec<Slot>>,
    /// How many were ever opened: each gets its number.
    opened: Cell<u64>,
    /// Replaces the process-wide TLS settings.
    tls: Option<ClientConfig>,
    prepared: RefCell<Prepared>,
}

struct Slot {
    number: u64,
    connect_timeout: Duration,
    proxy_url: Option<Secret>,
    /// For absolute-form requests, which carry the proxy's login themselves.
    proxy_login: Option<HeaderValue>,
    client: Client<Connector, Outgoing>,
}

/// One call, as the endpoint wants it sent.
pub struct Call<'a> {
    /// Begins with a slash and is put behind the provider's base URL.
    pub path: Cow<'static, str>,
    /// The whole request body.
    pub body: Bytes,
    /// Its type.
    pub content_type: &'static str,
    /// What answer is wanted.
    pub accept: &'static str,
    /// The headers of the caller that the endpoint wants passed on, by lower-case name. Whatever
    /// [`super::may_leave`] refuses is left out all the same.
    pub forward: &'a [(&'a str, &'a [u8])],
    /// Learns when the request goes out.
    pub sent: SentAt,
}

/// The head of a vendor's answer, and its body still to come.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Without what belongs to the vendor's connection; `content-length` is kept.
    pub headers: HeaderMap,
    /// The rest.
    pub body: Body,
    /// Milliseconds until a connection stood and the request went out; 0 on a pooled one.
    pub connect_ms: i64,
}

impl Clients {
    /// No connection yet. Lives on one thread and one runtime.
    pub fn new() -> Self {
        Self::default()
    }

    /// With TLS settings of its own instead of the process-wide ones.
    #[cfg(test)]
    pub(super) fn with_tls(tls: ClientConfig) -> Self {
        Self {
            tls: Some(tls),
            ..Self::default()
        }
    }

    /// Makes one call with one credential and returns once the head of the answer is there.
    ///
    /// Never repeats a request that may have reached the vendor. Dropping the future cancels the call.
    pub async fn send(
        &self,
        provider: &Provider,
        credential: &Credential,
        call: Call<'_>,
    ) -> Result<Answer, UpstreamError> {
        let sent = call.sent.clone();
        let body = Outgoing::new(call.body.clone(), sent.clone());
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        (*request.uri_mut(), *request.headers_mut()) = self.prepare(provider, credential, &call)?;
        let (response, slot) = self.start(provider, request)?;
        let outcome = await_head(provider, response, sent).await;
        if outcome.as_ref().is_err_and(|error| error.reused) {
            // Where one kept connection was dead the others may be: the next call begins afresh.
            self.slots.borrow_mut().retain(|kept| kept.number != slot);
        }
        outcome
    }

    fn prepare(
        &self,
        provider: &Provider,
        credential: &Credential,
        call: &Call<'_>,
    ) -> Result<(Uri, HeaderMap), UpstreamError> {
        let mut prepared = self.prepared.borrow_mut();
        let prepared = prepared.of(provider, credential, call)?;
        let headers = headers::with_forwarded(&prepared.headers, call.forward)?;
        Ok((prepared.uri.clone(), headers))
    }

    fn start(
        &self,
        provider: &Provider,
        mut request: Request<Outgoing>,
    ) -> Result<(ResponseFuture, u64), UpstreamError> {
        let mut slots = self.slots.borrow_mut();
        let known = slots.iter().position(|slot| slot.fits(provider));
        let slot = if let Some(slot) = known.and_then(|index| slots.get(index)) {
            slot
        } else {
            let number = self.opened.get().wrapping_add(1);
            let slot = Slot::open(provider, self.tls.as_ref(), number)?;
            self.opened.set(number);
            if slots.len() >= MAX_CLIENTS {
                slots.remove(0);
            }
            slots.push_mut(slot)
        };
        if let Some(login) = &slot.proxy_login
            && request.uri().scheme_str() == Some("http")
        {
            request
                .headers_mut()
                .insert(PROXY_AUTHORIZATION, login.clone());
        }
        Ok((slot.client.request(request), slot.number))
    }
}

impl Slot {
    fn fits(&self, provider: &Provider) -> bool {
        self.connect_timeout == provider.connect_timeout && self.proxy_url == provider.proxy_url
    }

    fn open(
        provider: &Provider,
        tls: Option<&ClientConfig>,
        number: u64,
    ) -> Result<Self, UpstreamError> {
        let tls = match tls {
            Some(tls) => tls.clone(),
            None => tls::client_config()?,
        };
        let proxy = provider
            .proxy_url
            .as_ref()
            .map(|url| OutboundProxy::parse(url.expose()))
            .transpose()?;
        let connector = Connector::new(&tls, proxy.as_ref(), provider.connect_timeout);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
            .http2_keep_alive_interval(HTTP2_PING)
            .http2_keep_alive_timeout(HTTP2_PING)
            .build(connector);
        Ok(Self {
            number,
            connect_timeout: provider.connect_timeout,
            proxy_url: provider.proxy_url.clone(),
            proxy_login: proxy
                .filter(|proxy| proxy.scheme != ProxyScheme::Socks5)
                .and_then(|proxy| proxy.basic()),
            client,
        })
    }
}

async fn await_head(
    provider: &Provider,
    mut response: ResponseFuture,
    sent: SentAt,
) -> Result<Answer, UpstreamError> {
    let limit = provider.first_byte_timeout;
    let started = Instant::now();
    let mut timer = Box::pin(tokio::time::sleep_until(started + limit));
    let head = poll_fn(|cx| {
        if let Poll::Ready(result) = Pin::new(&mut response).poll(cx) {
            return Poll::Ready(Some(result));
        }
        loop {
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // The vendor's time begins when the request went out, not while a connection is made.
            let due = sent.get().unwrap_or(started + provider.connect_timeout) + limit;
            if Instant::now() >= due {
                return Poll::Ready(None);
            }
            timer.as_mut().reset(due);
        }
    })
    .await;
    let response = match head {
        Some(Ok(response)) => response,
        Some(Err(error)) => {
            let reused = Mark::had_answered(error.connect_info());
            let connect_ms = provider.connect_timeout.as_millis();
            return Err(UpstreamError::of_client(&error, connect_ms, reused));
        }
        None => {
            let text = format!("the vendor sent nothing for {} ms", limit.as_millis());
            return Err(UpstreamError::new(ErrorKind::FirstByteTimeout, text));
        }
    };
    Mark::answered(response.extensions());
    let since = sent.get().unwrap_or(started);
    let (parts, incoming) = response.into_parts();
    let mut headers = parts.headers;
    headers::clean_answer(&mut headers);
    Ok(Answer {
        status: parts.status.as_u16(),
        headers,
        body: Body::new(incoming, timer, since, limit, provider.idle_timeout),
        connect_ms: i64::try_from((since - started).as_millis()).unwrap_or(i64::MAX),
    })
}
