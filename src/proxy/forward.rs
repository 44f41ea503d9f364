//! The attempts of one call, until one serves it or none is left.

use std::sync::Arc;

use actix_web::web::Data;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use modelgate_dialect::openai::answer::{self, Reader};
use modelgate_dialect::openai::request::Peek;
use modelgate_dialect::openai::stream::Stream;

use super::endpoints::Endpoint;
use super::error::ApiError;
use super::failure::{Failure, Refused};
use super::headers;
use super::large::Large;
use super::relay::Relay;
use super::settle::Settlement;
use super::state::Worker;
use crate::catalog::Model;
use crate::routing::{Candidate, Outcome};
use crate::upstream::{Answer, Body, Call};

/// An answer up to this size is read whole before it goes on, so that it can still be repeated elsewhere.
pub(super) const WHOLE_BYTES: usize = 1024 * 1024;
/// Comments that a vendor sends before its first event are kept up to this size.
const PRELUDE_BYTES: usize = 64 * 1024;

/// A call that is admitted and planned.
pub(super) struct Job {
    pub(super) worker: Data<Worker>,
    pub(super) endpoint: &'static Endpoint,
    pub(super) body: Bytes,
    pub(super) peek: Peek,
    pub(super) model: Arc<Model>,
    pub(super) attempts: Vec<Candidate>,
    /// The caller's headers that are passed on.
    pub(super) forward: Vec<(&'static str, Vec<u8>)>,
    pub(super) settlement: Settlement,
}

/// What the caller gets. Only the first two are still running.
pub(super) enum Served {
    /// A stream whose first event is at hand.
    Stream(Box<Relay>),
    /// An answer too large to be held.
    Large(Box<Large>),
    /// A whole answer of the vendor, settled.
    Whole(Refused),
    /// An error of the gateway's own words, settled.
    Error(ApiError),
}

impl Job {
    /// Tries the attempts in order.
    pub(super) async fn run(mut self) -> Served {
        let candidates = std::mem::take(&mut self.attempts);
        let mut last: Option<Failure> = None;
        for candidate in &candidates {
            let Some(place) = self.worker.health.acquire(&candidate.credential) else {
                continue;
            };
            self.settlement.hold_place(place);
            let mut tried = self.attempt(candidate).await;
            if tried.as_ref().is_err_and(|failure| failure.stale) {
                self.settlement.attempt_ends("stale_connection");
                tried = self.attempt(candidate).await;
            }
            let failure = match tried {
                Ok(step) => return self.finish(step),
                Err(failure) => failure,
            };
            let now_ms = self.worker.clock.now_ms();
            let health = &self.worker.health;
            health.report(candidate, failure.outcome, now_ms);
            let next = failure.next;
            let code = failure.error.code.clone();
            last = Some(failure);
            if !next {
                break;
            }
            self.settlement.attempt_ends(&code);
            self.settlement.release_place();
        }
        self.give_up(last)
    }

    fn finish(self, step: Step) -> Served {
        let Self { mut settlement, .. } = self;
        if settlement.is_committed() && !matches!(step, Step::Stream(..)) {
            let error = not_a_stream();
            settlement.fail(&error, 200);
            return Served::Error(error);
        }
        match step {
            Step::Stream(stream, first, answer) => {
                Served::Stream(Box::new(Relay::new(*stream, first, answer, settlement)))
            }
            Step::Large(head, answer) => {
                let reader = Arc::clone(&self.worker.reader);
                Served::Large(Box::new(Large::new(head, answer, reader, settlement)))
            }
            Step::Whole(whole) => {
                Served::Whole(settle_whole(&mut settlement, &self.worker.reader, whole))
            }
        }
    }

    /// Nothing served: the last failure is the answer.
    fn give_up(mut self, last: Option<Failure>) -> Served {
        let Some(failure) = last else {
            let error = busy();
            self.settlement.fail(&error, error.http_status);
            return Served::Error(error);
        };
        let Failure { error, answer, .. } = failure;
        if let Some(refused) = answer {
            self.settlement.fail(&error, refused.status);
            return Served::Whole(refused);
        }
        self.settlement.fail(&error, error.http_status);
        Served::Error(error)
    }

    /// One vendor call, up to the point where the answer can be given to the caller.
    async fn attempt(&mut self, tried: &Candidate) -> Result<Step, Failure> {
        self.settlement.attempt_begins(tried);
        let target = &tried.target;
        let asks = self.endpoint.streams && self.peek.must_ask_for_usage();
        let body = self.peek.body_for(&self.body, &target.upstream_model, asks);
        let streams = self.settlement.record.stream;
        let forward: Vec<(&str, &[u8])> = self
            .forward
            .iter()
            .map(|(n, v)| (*n, v.as_slice()))
            .collect();
        let call = Call {
            path: self.endpoint.path,
            body: body.into(),
            content_type: "application/json",
            accept: if streams {
                "text/event-stream"
            } else {
                "application/json"
            },
            forward: &forward,
        };
        let clients = &self.worker.clients;
        let sent = clients.send(&target.provider, &tried.credential, call);
        let answer = sent.await.map_err(|error| Failure::of_call(&error))?;
        self.settlement
            .attempt_answers(answer.status, answer.connect_ms);
        if !(200..300).contains(&answer.status) {
            return Err(refused(answer, tried).await);
        }
        if headers::is_encoded(&answer.headers) {
            return Err(Failure::unreadable(
                "the vendor compressed its answer unasked",
            ));
        }
        let step = if headers::is_event_stream(&answer.headers) {
            self.open_stream(answer, asks).await?
        } else {
            open_whole(answer).await?
        };
        let now_ms = self.worker.clock.now_ms();
        self.worker.health.report(tried, Outcome::Served, now_ms);
        self.settlement.served(&self.model, target);
        Ok(step)
    }

    /// Reads up to the first event.
    async fn open_stream(&self, mut answer: Answer, hide: bool) -> Result<Step, Failure> {
        let mut stream = Stream::new(Arc::clone(&self.worker.reader), hide);
        let mut first = BytesMut::new();
        while !stream.has_begun() {
            let Some(chunk) = answer.body.next().await else {
                return Err(Failure::unreadable(
                    "the stream ended before its first event",
                ));
            };
            let chunk = chunk.map_err(|error| Failure::of_call(&error))?;
            let events = stream.push(chunk);
            let events = events.map_err(|error| Failure::unreadable(&error.to_string()))?;
            if first.len().saturating_add(events.len()) > PRELUDE_BYTES && !stream.has_begun() {
                first.clear();
            }
            first.extend_from_slice(&events);
        }
        Ok(Step::Stream(Box::new(stream), first.freeze(), answer))
    }
}

/// How far an attempt came.
enum Step {
    Stream(Box<Stream>, Bytes, Answer),
    Large(Bytes, Answer),
    Whole(Refused),
}

/// Reads an answer that is no stream, if it is not too large.
async fn open_whole(mut answer: Answer) -> Result<Step, Failure> {
    let read = read_up_to(&mut answer.body, WHOLE_BYTES).await;
    let (body, whole) = read.map_err(|error| Failure::of_call(&error))?;
    Ok(if whole {
        Step::Whole(Refused {
            status: answer.status,
            headers: answer.headers,
            body,
        })
    } else {
        Step::Large(body, answer)
    })
}

/// What came, and whether it is all.
async fn read_up_to(
    body: &mut Body,
    limit: usize,
) -> Result<(Bytes, bool), crate::upstream::UpstreamError> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if first.is_empty() {
            first = chunk; // most answers come in one piece
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&chunk);
        }
        if first.len().max(more.len()) > limit {
            return Ok((joined(first, more), false));
        }
    }
    Ok((joined(first, more), true))
}

fn joined(first: Bytes, more: BytesMut) -> Bytes {
    if more.is_empty() {
        first
    } else {
        more.freeze()
    }
}

/// Reads an answer that is no success; where that fails, its status still counts.
async fn refused(answer: Answer, tried: &Candidate) -> Failure {
    let body = answer.body.read_to_end(WHOLE_BYTES).await;
    let unread = body.is_err();
    let mut failure = Failure::of_answer(
        Refused {
            status: answer.status,
            headers: answer.headers,
            body: body.unwrap_or_default(),
        },
        tried,
    );
    if unread {
        failure.answer = None;
    }
    failure
}

fn settle_whole(settlement: &mut Settlement, reader: &Reader, mut whole: Refused) -> Refused {
    settlement.found(reader.read(&whole.body));
    if answer::is_error(&whole.body) {
        whole.body = settlement.scrub(whole.body);
        let said = answer::error_message(&whole.body).unwrap_or_default();
        let error = ApiError::upstream(whole.status, "upstream_error", "").with_detail(said);
        settlement.fail(&error, whole.status);
    } else {
        settlement.succeed(whole.status);
    }
    whole
}

/// Every credential reached its `max_concurrency` between the plan and the attempt.
pub(super) fn busy() -> ApiError {
    let message = "Every credential for this model is in use just now; try again in a moment.";
    ApiError::policy(429, "credentials_busy", message).retry_after(Some(1))
}

/// The caller already reads a stream.
fn not_a_stream() -> ApiError {
    let message = "The model's provider answered late and not with a stream.";
    ApiError::upstream(502, "upstream_not_a_stream", message)
}
