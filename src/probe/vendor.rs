//! One vendor as a probe sees it: a client of its own, a clock, and what may be shown.

use std::borrow::Cow;
use std::time::Duration;

use modelgate_dialect::Dialect;
use modelgate_domain::Secret;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Proxy, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::{Called, Report, Verdict, classify};
use crate::catalog::Provider;
use crate::upstream::{
    self, ErrorKind, OutboundProxy, UpstreamError, client_config, of_connect, request_headers,
    scrub,
};

/// An operator waits in front of a page: a vendor that needs longer than this to begin is reported.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Error texts and short answers.
const SMALL: usize = 64 * 1024;

/// One probe of one vendor.
pub(super) struct Vendor<'a> {
    provider: &'a Provider,
    secret: &'a Secret,
    client: Client,
    called: Called,
    begun: Instant,
}

/// A body that was read to its end or to the limit.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

impl<'a> Vendor<'a> {
    pub(super) fn new(
        provider: &'a Provider,
        secret: &'a Secret,
        called: Called,
    ) -> Result<Self, Report> {
        let begun = Instant::now();
        match client(provider) {
            Ok(client) => Ok(Self {
                provider,
                secret,
                client,
                called,
                begun,
            }),
            Err(error) => Err(Report {
                verdict: verdict_of(error.kind),
                called,
                status: None,
                latency_ms: 0,
                ttft_ms: None,
                detail: error.message,
                listed: Vec::new(),
            }),
        }
    }

    /// What it speaks.
    pub(super) fn dialect(&self) -> Dialect {
        Dialect::of_protocol(&self.provider.protocol).unwrap_or(Dialect::Chat)
    }

    /// Where it is asked for `path` with this model.
    pub(super) fn path_at<'p>(&self, model: &str, path: impl Into<Cow<'p, str>>) -> Cow<'p, str> {
        upstream::path_at(self.provider, model, path.into())
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, Report> {
        let url = upstream::join(&self.provider.base_url, path).map_err(|e| self.of(&e))?;
        let accept = match self.called {
            Called::Chat => "text/event-stream",
            Called::Embedding | Called::Models => "application/json",
        };
        let json = "application/json";
        let headers =
            request_headers(self.provider, self.secret, json, accept).map_err(|e| self.of(&e))?;
        let mut request = self
            .client
            .request(method, url.to_string())
            .headers(headers);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        match timeout(self.patience(), request.send()).await {
            Err(_elapsed) => Err(self.late()),
            Ok(Err(error)) => Err(self.of_send(&error)),
            Ok(Ok(response)) => Ok(response),
        }
    }

    /// Reads the rest of an answer, at most `limit` bytes of it.
    pub(super) async fn read(
        &self,
        mut response: Response,
        limit: usize,
    ) -> Result<Answer, Report> {
        let mut answer = Answer {
            status: response.status().as_u16(),
            content_type: content_type(&response),
            body: Vec::new(),
        };
        loop {
            match timeout(self.patience(), response.chunk()).await {
                Err(_elapsed) => return Err(self.late()),
                Ok(Err(_cut)) => {
                    let text = "the vendor closed the connection in the middle of its answer";
                    return Err(self.report(Verdict::Unexpected, Some(answer.status), text));
                }
                Ok(Ok(None)) => return Ok(answer),
                Ok(Ok(Some(chunk))) => answer.body.extend_from_slice(&chunk),
            }
            if answer.body.len() > limit {
                let text = format!("the answer is longer than {limit} bytes");
                return Err(self.report(Verdict::Unexpected, Some(answer.status), &text));
            }
        }
    }

    /// The report on an answer that is no success.
    pub(super) async fn refused(&self, response: Response) -> Report {
        match self.read(response, SMALL).await {
            Ok(answer) => self.of_answer(&answer),
            Err(report) => report,
        }
    }

    /// The report on a whole answer, read as an error.
    pub(super) fn of_answer(&self, answer: &Answer) -> Report {
        let said = classify::read(answer);
        self.report(said.verdict, Some(answer.status), &said.detail)
    }

    /// A report with the time until now; the text is cleaned.
    pub(super) fn report(&self, verdict: Verdict, status: Option<u16>, text: &str) -> Report {
        Report {
            verdict,
            called: self.called,
            status,
            latency_ms: self.elapsed_ms(),
            ttft_ms: None,
            detail: scrub::text(text, self.provider, self.secret),
            listed: Vec::new(),
        }
    }

    pub(super) fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// How long each step may take.
    pub(super) fn patience(&self) -> Duration {
        self.provider.first_byte_timeout.min(LONGEST_WAIT)
    }

    pub(super) fn late(&self) -> Report {
        let text = format!("nothing came for {} ms", self.patience().as_millis());
        self.report(Verdict::Timeout, None, &text)
    }

    fn of(&self, error: &UpstreamError) -> Report {
        self.report(verdict_of(error.kind), None, &error.message)
    }

    fn of_send(&self, error: &reqwest::Error) -> Report {
        if error.is_connect() {
            let timeout_ms = self.provider.connect_timeout.as_millis();
            if error.is_timeout() {
                let text = format!("no connection to the vendor within {timeout_ms} ms");
                return self.report(Verdict::Timeout, None, &text);
            }
            return self.of(&of_connect(error, timeout_ms));
        }
        if error.is_timeout() {
            return self.late();
        }
        let text = "something answers there, but it closed the connection or does not speak HTTP";
        self.report(Verdict::Unexpected, None, text)
    }
}

fn client(provider: &Provider) -> Result<Client, UpstreamError> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(client_config()?)
        .connect_timeout(provider.connect_timeout)
        // A redirect would carry the credential to another host.
        .redirect(Policy::none())
        .no_proxy();
    if let Some(url) = &provider.proxy_url {
        builder = builder.proxy(proxy(&OutboundProxy::parse(url.expose())?)?);
    }
    builder.build().map_err(|_built| unusable())
}

fn proxy(to: &OutboundProxy) -> Result<Proxy, UpstreamError> {
    let proxy = Proxy::all(to.to_url()).map_err(|_url| unusable())?;
    Ok(match to.login() {
        Some((user, password)) => proxy.basic_auth(user, password),
        None => proxy,
    })
}

fn unusable() -> UpstreamError {
    UpstreamError {
        kind: ErrorKind::InvalidUrl,
        message: "no client can be made with the provider's settings".to_owned(),
        reused: false,
    }
}

pub(super) fn content_type(response: &Response) -> String {
    let value = response.headers().get(reqwest::header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_ascii_lowercase()
}

fn verdict_of(kind: ErrorKind) -> Verdict {
    match kind {
        ErrorKind::Connect => Verdict::Unreachable,
        ErrorKind::ConnectTimeout | ErrorKind::FirstByteTimeout | ErrorKind::IdleTimeout => {
            Verdict::Timeout
        }
        ErrorKind::Tls => Verdict::Tls,
        ErrorKind::InvalidUrl => Verdict::BadUrl,
        ErrorKind::InvalidHeader => Verdict::BadKey,
        ErrorKind::Closed | ErrorKind::Malformed | ErrorKind::TooLarge => Verdict::Unexpected,
    }
}
