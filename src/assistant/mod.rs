//! The gateway's own questions to a model: what reports let a model phrase.
//!
//! They go through the gateway's own `/v1` over the loopback, with a key of their own, so that rules, limits, routing,
//! price and record are those of everybody. Whoever asks has a text without a model ready: no answer is an [`Silent`],
//! never a failure.

mod answer;
pub mod key;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use modelgate_domain::KeyText;
use modelgate_store::usage::{self, Dimension, UsageFilter};
use modelgate_store::{Db, StoreError, models};
use reqwest::header;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::clock::Clock;
use crate::config::LiveSettings;
use crate::secrets::{Keyring, SecretsError};

/// An answer that is not there by then will not come.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// A question is cut at so many bytes.
const MAX_QUESTION: usize = 60_000;
/// No answer is read further.
const MAX_ANSWER: usize = 256 * 1024;
/// How often a question is asked before it is given up.
const TRIES: u32 = 3;
/// And how often where its key is not known yet: a second apart, so that a busy instance has heard of it by then.
const STRANGE_TRIES: u32 = 15;
/// What the request log calls this program.
const AGENT: &str = concat!("ModelGate-assistant/", env!("CARGO_PKG_VERSION"));

/// Where the gateway listens; empty until it does.
pub type Door = Arc<OnceLock<SocketAddr>>;

/// How the gateway calls itself: as any client does, from its own machine.
#[derive(Clone)]
pub struct Front {
    /// Where it listens.
    pub door: Door,
    /// The path below which it serves.
    pub base_path: String,
    /// What asks.
    pub http: reqwest::Client,
}

impl Front {
    /// The address with the base path, without a slash at the end; [`Silent::Closed`] before it listens.
    pub fn url(&self) -> Result<String, Silent> {
        let address = self.door.get().ok_or(Silent::Closed)?;
        Ok(format!("http://{}{}", from_here(*address), self.base_path))
    }
}

/// What the assistant rests on.
pub struct AssistantParts {
    /// Where its key is.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// The business time zone.
    pub zone: Tz,
    /// Which model is asked.
    pub settings: LiveSettings,
    /// Where it asks.
    pub front: Front,
}

/// Asks models.
pub struct Assistant {
    parts: AssistantParts,
    key: KeyText,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What the model is to be and do.
    pub role: &'a str,
    /// What it is about; cut where it is too long.
    pub about: String,
    /// How long the answer may be.
    pub max_tokens: u32,
}

/// An answer, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// What was said, as the shape that was asked for.
    pub value: T,
    /// The model's name.
    pub model: String,
}

/// Why no model answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silent {
    /// None is to be asked.
    #[error("the settings let no model be asked")]
    Off,
    /// The gateway does not listen here.
    #[error("the gateway does not listen yet")]
    Closed,
    /// Nothing to choose from.
    #[error("there is no chat model that works")]
    NoModel,
    /// Its key is not what it should be.
    #[error("the key {0} is not the gateway's own any more; delete it and it is made anew")]
    Key(&'static str),
    /// The database was away.
    #[error("the database was away")]
    Database,
    /// The call failed.
    #[error("{model} did not answer: {why}")]
    Failed {
        /// Which model.
        model: String,
        /// Why, in a few words.
        why: String,
    },
}

impl From<StoreError> for Silent {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "the gateway's own question could not be asked");
        Self::Database
    }
}

impl Assistant {
    /// Derives the key; asks nothing.
    pub fn new(parts: AssistantParts, keyring: &Keyring) -> Result<Self, SecretsError> {
        Ok(Self {
            parts,
            key: key::derive(keyring, &key::ASSISTANT)?,
        })
    }

    /// Whether the settings let a model be asked.
    pub fn may_ask(&self) -> bool {
        let settings = self.parts.settings.load();
        !matches!(settings.runtime.analysis_model.as_str(), "" | "off")
    }

    /// Asks, and reads the answer as JSON of a shape; what is malformed is asked again.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        question: &Question<'_>,
    ) -> Result<Said<T>, Silent> {
        let model = self.model().await?;
        let url = format!("{}/v1/chat/completions", self.parts.front.url()?);
        key::ensure(&self.parts.db, &self.parts.clock, key::ASSISTANT, &self.key).await?;
        let (mut tries, mut strange, mut why) = (0, 0, String::new());
        while tries < TRIES && strange < STRANGE_TRIES {
            if tries + strange > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            tries += 1;
            match self.call(&url, &model, question).await {
                Ok(text) => match answer::parse(&text) {
                    Ok(value) => return Ok(Said { value, model }),
                    Err(bad) => {
                        why = format!("its answer was no JSON of the shape asked for ({bad})");
                    }
                },
                Err(Failure::Final(text)) => {
                    why = text;
                    break;
                }
                Err(Failure::Passing(text)) => why = text,
                Err(Failure::Stranger(text)) => {
                    (tries, strange, why) = (tries - 1, strange + 1, text);
                }
            }
        }
        Err(Silent::Failed { model, why })
    }

    async fn model(&self) -> Result<String, Silent> {
        if !self.may_ask() {
            return Err(Silent::Off);
        }
        let wanted = self.parts.settings.load().runtime.analysis_model.clone();
        match wanted.as_str() {
            "auto" => self.best().await,
            name => Ok(name.to_owned()),
        }
    }

    /// The chat model with the most successes of the last week, of those that go wrong less than once in twenty calls;
    /// where none was called, the first by name.
    async fn best(&self) -> Result<String, Silent> {
        let to = self.parts.clock.now();
        let from = to - TimeDelta::days(7);
        let filter = UsageFilter::between(
            from.timestamp_millis(),
            to.timestamp_millis(),
            self.parts.zone,
        );
        let (all, cube) = self
            .parts
            .db
            .read(move |c| {
                Box::pin(async move {
                    let cube = usage::cube(c, &filter).await?;
                    Ok::<_, StoreError>((models::list(c).await?, cube))
                })
            })
            .await?;
        let used = cube.by(Dimension::Model);
        let fit = all
            .iter()
            .filter(|model| model.enabled && !model.hidden && model.kind == "chat");
        let score = |id: i64| {
            let (_, totals) = used.iter().find(|(other, _)| *other == id)?;
            let (wrong, of) = totals.error_rate();
            (wrong.saturating_mul(20) <= of).then_some(totals.success)
        };
        // The first of equals wins, and rows come by name.
        let best = fit
            .rev()
            .max_by_key(|model| score(model.id.0).unwrap_or(-1));
        best.map(|model| model.name.clone()).ok_or(Silent::NoModel)
    }

    async fn call(
        &self,
        url: &str,
        model: &str,
        question: &Question<'_>,
    ) -> Result<String, Failure> {
        let about = answer::cut(&question.about, MAX_QUESTION);
        let body = json!({
            "model": model,
            "temperature": 0.2,
            "max_tokens": question.max_tokens,
            "messages": [
                { "role": "system", "content": question.role },
                { "role": "user", "content": about },
            ],
        });
        let sent = self
            .parts
            .front
            .http
            .post(url)
            .header(header::USER_AGENT, AGENT)
            .timeout(PATIENCE)
            .bearer_auth(self.key.expose())
            .json(&body)
            .send()
            .await;
        let response = sent.map_err(|error| Failure::Passing(error.without_url().to_string()))?;
        let status = response.status();
        let text = answer::read(response, MAX_ANSWER)
            .await
            .map_err(Failure::Passing)?;
        if status.is_success() {
            return answer::content(&text).map_err(Failure::Passing);
        }
        let why = format!("{} {}", status.as_u16(), answer::error(&text));
        let failure = match status.as_u16() {
            401 => Failure::Stranger,
            408 | 429 | 500.. => Failure::Passing,
            _ => Failure::Final,
        };
        Err(failure(why))
    }
}

/// Why a call failed: for good, or so that it may be tried again.
enum Failure {
    Final(String),
    Passing(String),
    /// The key was just made: every instance knows it within a second, or a few where it is busy.
    Stranger(String),
}

/// How a listening address is reached on its own machine.
pub fn from_here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(any) if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
