//! One export: a message to the collector, again where it may help.

use std::time::Duration;

use prost::Message;
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};

use crate::config::Otlp;

const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A collector may ask for more; it is not waited for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The collector did not take an export; says why, without address, header or key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    /// For this reason.
    pub fn because(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// Where exports go.
#[derive(Clone, Debug)]
pub struct Collector {
    client: Client,
    headers: HeaderMap,
    timeout: Duration,
}

/// How one try ended that did not succeed.
struct Failed {
    why: String,
    again: Option<Duration>,
}

impl Collector {
    /// With a client that speaks TLS as the operator has it.
    pub fn new(settings: &Otlp, client: Client) -> Result<Self, Refused> {
        let unusable = || Refused::because("a header for it is not usable");
        let mut headers = HeaderMap::new();
        let agent = concat!("ModelGate/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        for (name, secret) in &settings.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_name| unusable())?;
            let value = HeaderValue::from_str(secret.expose());
            let mut value = value.map_err(|_value| unusable())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, protobuf);
        Ok(Self {
            client,
            headers,
            timeout: settings.timeout,
        })
    }

    /// Sends a message without anything in it: whether the collector is there and lets us in.
    pub async fn knock(&self, url: &str) -> Result<(), Refused> {
        let tried = self.try_once(url, Vec::new()).await;
        tried.map(drop).map_err(|failed| Refused(failed.why))
    }

    /// Sends a message, several times where the collector is away or busy. Gives the collector's answer.
    pub(super) async fn send(&self, url: &str, message: &impl Message) -> Result<Vec<u8>, Refused> {
        let body = message.encode_to_vec();
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let failed = match self.try_once(url, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(asked) = failed.again.filter(|_| tries < TRIES) else {
                return Err(Refused(failed.why));
            };
            tokio::time::sleep(pause.max(asked).min(LONGEST_PAUSE)).await;
            pause *= 2;
            tries += 1;
        }
    }

    async fn try_once(&self, url: &str, body: Vec<u8>) -> Result<Vec<u8>, Failed> {
        let request = self
            .client
            .post(url)
            .headers(self.headers.clone())
            .timeout(self.timeout)
            .body(body);
        let answer = request.send().await.map_err(|error| of_send(&error))?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            let body = answer.bytes().await.map_err(|error| of_send(&error))?;
            return Ok(body.to_vec());
        }
        let asked = answer.headers().get(RETRY_AFTER);
        let asked = asked.and_then(|value| value.to_str().ok()?.parse().ok());
        let busy = matches!(status, 429 | 502 | 503 | 504);
        Err(Failed {
            why: format!("it answered HTTP {status}"),
            again: busy.then(|| Duration::from_secs(asked.unwrap_or(0))),
        })
    }
}

/// In words of our own: what the library says holds the address.
fn of_send(error: &reqwest::Error) -> Failed {
    let why = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection to it can be made"
    } else if error.is_builder() {
        "its address is not usable"
    } else {
        "it closed the connection or does not speak HTTP"
    };
    Failed {
        why: why.to_owned(),
        again: (!error.is_builder()).then_some(Duration::ZERO),
    }
}
