//! A self-test of a provider: a dozen conversations, in each dialect that clients speak, with one of its models, through
//! the gateway's own front door.
//!
//! It asks as any client does, over HTTP with a key of its own, so that rules, routing, conversion and record are part
//! of what is tested. The cases are written once, as a client of chat completions has them; in the other dialects the
//! requests are made and the answers are read by the gateway's own conversion. So a mistake that it makes in both
//! directions alike is not found here: the tests with the official clients are for that.

mod bench;
mod cases;
mod client;
mod heard;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use modelgate_dialect::Caller;
use modelgate_domain::selftest::{Trial, Verdict};
use modelgate_domain::{KeyText, Modality, ProviderId, Status};
use modelgate_store::models::Model;
use modelgate_store::self_tests::{self, Tested};
use modelgate_store::targets::Target;
use modelgate_store::{Db, StoreError, request_logs};
use reqwest::StatusCode;

use crate::assistant::key::Own;
use crate::clock::Clock;
pub use bench::{Bench, BenchParts, Progress};
use cases::{CASES, Case, Needs};
use client::Answer;

/// The key that it asks with.
pub const OWN: Own = Own {
    name: "modelgate-selftest",
    purpose: "the self-test's key",
    reason: "for self-tests of providers",
    rpm: 600,
    concurrency: 8,
};
/// What the request log calls this program.
const AGENT: &str = concat!("ModelGate-selftest/", env!("CARGO_PKG_VERSION"));
/// Every instance knows a new key within a second or two.
const KNOWN: Duration = Duration::from_secs(15);
/// A record is written within a second of the call's end.
const RECORDED: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Where the gateway is, and what it is asked with.
pub struct Gate {
    /// Its address with the base path, without a slash at the end.
    pub url: String,
    /// The key.
    pub key: KeyText,
    /// What asks.
    pub http: reqwest::Client,
    /// Where the records are.
    pub db: Db,
}

/// What is tested.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The provider's name.
    pub provider: String,
    /// The model's public name.
    pub model: String,
    /// Whether it calls tools, where that is known.
    pub tools: Option<bool>,
    /// Whether it takes pictures, where that is known.
    pub pictures: Option<bool>,
}

/// The chat models that a provider serves and that are enabled, each with its name at the provider, in the order of
/// their names.
pub fn subjects(
    (id, provider): (ProviderId, &str),
    models: &[Model],
    targets: &[Target],
) -> Vec<(Subject, String)> {
    let own = targets
        .iter()
        .filter(|target| target.provider_id == id && target.enabled);
    let mut all: Vec<_> = own
        .filter_map(|target| {
            let model = models.iter().find(|model| model.id == target.model_id)?;
            let is_fit = model.enabled && model.kind == "chat";
            is_fit.then(|| (subject(provider, model), target.upstream_model.clone()))
        })
        .collect();
    all.sort_by(|a, b| a.0.model.cmp(&b.0.model));
    all
}

fn subject(provider: &str, model: &Model) -> Subject {
    let known = !model.modalities.is_unknown();
    Subject {
        provider: provider.to_owned(),
        model: model.name.clone(),
        tools: model.tools,
        pictures: known.then(|| model.modalities.has(Modality::Image)),
    }
}

/// What was tried, with when and how long.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The model's public name.
    pub model: String,
    /// When it began, epoch milliseconds.
    pub started_ms: i64,
    /// How long it took, milliseconds.
    pub took_ms: i64,
    /// Every case in every dialect.
    pub trials: Vec<Trial>,
}

/// How many cases there are.
pub fn cases() -> usize {
    CASES.len()
}

/// Keeps what was found out; gives the row.
pub async fn keep(db: &Db, provider_id: ProviderId, outcome: Outcome) -> Result<i64, StoreError> {
    let tested = Tested {
        provider_id,
        model: outcome.model,
        started_ms: outcome.started_ms,
        took_ms: outcome.took_ms,
        trials: outcome.trials,
    };
    db.write(move |c| Box::pin(async move { self_tests::insert(c, &tested).await }))
        .await
}

/// Why there was no self-test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTest {
    /// Nobody answered.
    #[error("the gateway does not answer at {url}: {why}")]
    Away {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// Somebody answered who is not the gateway of this database.
    #[error(
        "the gateway at {url} does not take the self-test's key ({status}): is it the one of this database and master key?"
    )]
    Stranger {
        /// Where.
        url: String,
        /// What it answered.
        status: u16,
    },
}

/// Tries all cases in all dialects; `told` hears of each case as soon as it is done.
pub async fn run(
    gate: &Gate,
    subject: &Subject,
    clock: &Clock,
    mut told: impl FnMut(&[Trial]),
) -> Result<Outcome, NoTest> {
    let (started_ms, began) = (clock.now_ms(), Instant::now());
    knock(gate).await?;
    let mut all = Vec::with_capacity(CASES.len().saturating_mul(Caller::ALL.len()));
    for case in &CASES {
        let trials = Caller::ALL.map(|client| attempt(gate, subject, case, client));
        let trials = join_all(trials).await;
        told(&trials);
        all.extend(trials);
    }
    Ok(Outcome {
        model: subject.model.clone(),
        started_ms,
        took_ms: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
        trials: all,
    })
}

/// Waits until the gateway knows the key.
async fn knock(gate: &Gate) -> Result<(), NoTest> {
    let began = Instant::now();
    loop {
        let sent = gate.http.get(format!("{}/v1/models", gate.url));
        let sent = sent.bearer_auth(gate.key.expose()).timeout(KNOWN).send();
        let status = match sent.await {
            Ok(response) => response.status(),
            Err(error) => {
                return Err(NoTest::Away {
                    url: gate.url.clone(),
                    why: error.without_url().to_string(),
                });
            }
        };
        if status.is_success() {
            return Ok(());
        }
        if status != StatusCode::UNAUTHORIZED || began.elapsed() > KNOWN {
            return Err(NoTest::Stranger {
                url: gate.url.clone(),
                status: status.as_u16(),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn attempt(gate: &Gate, subject: &Subject, case: &Case, client: Caller) -> Trial {
    let mut trial = Trial {
        case: case.name.to_owned(),
        client: client.name().to_owned(),
        ..Trial::default()
    };
    if let Some(lacks) = lacks(subject, case.needs) {
        trial.verdict = Verdict::Skipped;
        lacks.clone_into(&mut trial.note);
        return trial;
    }
    let began = Instant::now();
    let model = format!("{}/{}", subject.provider, subject.model);
    let answer = client::ask(gate, case, client, &model).await;
    trial.took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let judged = match &answer.heard {
        Ok(_) if case.leaves => left(gate, &answer).await,
        Ok(heard) => (case.judge)(heard),
        Err(why) => Err(why.clone()),
    };
    trial.verdict = if judged.is_ok() {
        Verdict::Passed
    } else {
        Verdict::Failed
    };
    trial.note = match judged {
        Ok(note) if note.is_empty() && !answer.dropped.is_empty() => {
            format!("left out: {}", answer.dropped)
        }
        Ok(note) | Err(note) => note,
    };
    trial.status = answer.status;
    trial.request_id = answer.id.map_or_else(String::new, |id| id.to_string());
    (trial.sent, trial.received) = (answer.sent, answer.received);
    trial
}

fn lacks(subject: &Subject, needs: Needs) -> Option<&'static str> {
    match needs {
        Needs::Tools if subject.tools == Some(false) => Some("the model calls no tools"),
        Needs::Pictures if subject.pictures == Some(false) => Some("the model takes no pictures"),
        Needs::Nothing | Needs::Tools | Needs::Pictures => None,
    }
}

/// What the record says of a call whose client has left.
async fn left(gate: &Gate, answer: &Answer) -> Result<String, String> {
    let id = answer.id.ok_or("the answer names no request")?;
    let began = Instant::now();
    loop {
        let found = gate
            .db
            .read(move |c| Box::pin(request_logs::find(c, id)))
            .await
            .map_err(|error| error.to_string())?;
        match found.map(|(row, _)| row.record.status) {
            Some(Status::Cancelled) => return Ok(String::new()),
            Some(Status::Success) => {
                return Ok("the answer was complete before the client had left".to_owned());
            }
            Some(Status::Pending) | None if began.elapsed() < RECORDED => {
                tokio::time::sleep(PAUSE).await;
            }
            Some(other) => return Err(format!("the record ends as {other} and not as cancelled")),
            None => return Err("there is no record of the request".to_owned()),
        }
    }
}
