//! The attempts of one call, until one serves it or none is left.

use std::sync::Arc;

use actix_web::web::Data;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use modelgate_dialect::Dialect;
use modelgate_dialect::openai::answer::Findings;
use modelgate_dialect::openai::error::with_attempts;
use modelgate_dialect::openai::fault;
use modelgate_dialect::openai::request::Peek;
use modelgate_dialect::stream::Stream;
use modelgate_domain::LimitKind;

use super::conversion::{There, dialect_of};
use super::course::{Course, sleep};
use super::endpoints::Endpoint;
use super::error::ApiError;
use super::failure::{Failure, Refused};
use super::failures::{AGAIN, Failed, credentials_limited, without_place};
use super::headers;
use super::large::Large;
use super::planner::Planner;
use super::relay::Relay;
use super::settle::Settlement;
use super::state::Worker;
use crate::admission::Saturated;
use crate::catalog::Model;
use crate::routing::{Attempts, Candidate, NoPlace};
use crate::telemetry::CallTrace;
use crate::upstream::{Answer, Call, SentAt};

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
    pub(super) attempts: Attempts,
    pub(super) planner: Planner,
    /// The caller's headers that are passed on.
    pub(super) forward: Vec<(&'static str, Vec<u8>)>,
    pub(super) settlement: Box<Settlement>,
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
    /// Tries the attempts in order, then other models, then what rests, and at last again those whose vendor said when.
    pub(super) async fn run(mut self) -> Served {
        let mut course = self.course();
        while let Some((candidate, place)) = self.find(&mut course).await {
            if let Err(saturated) = self.take_share(&candidate).await {
                drop(place);
                if saturated.kind == LimitKind::Concurrency {
                    course.elsewhere.push(candidate);
                }
                course.limited.push(saturated);
                continue;
            }
            if candidate.reason != AGAIN {
                let pause = course.retries.pause(candidate.target.provider.id);
                sleep(pause).await;
            }
            self.settlement.hold_place(place);
            match self.try_at(&candidate).await {
                Ok(step) => return self.finish(step),
                Err(failure) => {
                    if !self.goes_on(candidate, failure, &mut course).await {
                        break;
                    }
                }
            }
        }
        self.give_up(course)
    }

    /// One attempt.
    async fn try_at(&mut self, candidate: &Candidate) -> Result<Step, Failure> {
        let mut tried = self.attempt(candidate).await;
        if tried.as_ref().is_err_and(|failure| failure.stale) && self.endpoint.repeatable {
            self.settlement.attempt_ends("stale_connection");
            tried = self.attempt(candidate).await;
        }
        if let Err(failure) = &tried {
            if let Some(outcome) = failure.outcome {
                self.settlement.reports(outcome, &failure.error);
            }
            self.settlement.attempt_ends(&failure.error.code);
            self.settlement.was_not_served(failure.silent);
            self.settlement.release_place();
        }
        tried
    }

    /// The attempt's share of its credential's limits.
    async fn take_share(&mut self, candidate: &Candidate) -> Result<(), Saturated> {
        let at = (&*self.model, &*candidate.target);
        let estimate = self.settlement.estimate();
        let now_ms = self.worker.clock.now_ms();
        let admission = &self.worker.admission;
        let share = admission.try_credential(&candidate.credential, at, estimate, now_ms);
        let share = share.await?;
        self.settlement.hold_share(share);
        Ok(())
    }

    fn finish(self, mut step: Step) -> Served {
        let headers = match &mut step {
            Step::Stream(_, _, answer) | Step::Large(_, answer, _) => &mut answer.headers,
            Step::Whole(whole, _) => &mut whole.headers,
        };
        let count = self.settlement.record.attempts;
        headers::sign(headers, Some(&self.model.name), count);
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
            Step::Large(head, answer, vendor) => {
                let reader = (Arc::clone(&self.worker.reader), vendor);
                Served::Large(Box::new(Large::new(head, answer, reader, settlement)))
            }
            Step::Whole(whole, findings) => {
                settlement.found(findings);
                settlement.succeed(whole.status);
                Served::Whole(whole)
            }
        }
    }

    /// Nothing served: the caller gets the first failure, or the one that made further attempts useless.
    fn give_up(mut self, course: Course) -> Served {
        let (failures, limited) = (course.failures, course.limited);
        let Some(Failed {
            candidate,
            failure,
            number,
        }) = failures.told
        else {
            let now_ms = self.worker.clock.now_ms();
            let error = match course.no_place {
                None if !limited.is_empty() => credentials_limited(&limited, now_ms),
                why => without_place(why.unwrap_or(NoPlace::Busy), course.queue),
            };
            self.settlement.fail(&error, error.http_status);
            return Served::Error(error);
        };
        self.settlement.blames(&candidate, number);
        let attempts = self.settlement.attempts_told(&failures.tried);
        let told = failure.retry_after;
        let Failure {
            mut error, answer, ..
        } = failure;
        if let Some(refused) = answer {
            self.settlement.fail(&error, refused.status);
            let vendor = dialect_of(&candidate.target.provider, self.endpoint);
            let mut refused = refused.told_in(self.endpoint.dialect, vendor);
            if !attempts.is_empty()
                && let Some(body) = with_attempts(&refused.body, &attempts)
            {
                refused.body = body.into();
            }
            let count = self.settlement.record.attempts;
            headers::tell_wait(&mut refused.headers, told);
            headers::sign(&mut refused.headers, None, count);
            return Served::Whole(refused);
        }
        error.attempts = attempts;
        self.settlement.fail(&error, error.http_status);
        Served::Error(error)
    }

    /// One vendor call, up to the point where the answer can be given to the caller.
    async fn attempt(&mut self, tried: &Candidate) -> Result<Step, Failure> {
        let target = &tried.target;
        let vendor = dialect_of(&target.provider, self.endpoint);
        if self.endpoint.only_counts() && !self.endpoint.dialect.is(vendor) {
            return Ok(self.counted().await);
        }
        self.settlement.attempt_begins(tried);
        let there = There::new(self, target);
        let there = there.map_err(|refusal| Failure::unconvertible(refusal.into()))?;
        let sent = if self.endpoint.only_counts() {
            SentAt::default()
        } else {
            self.settlement.asks(&self.model, target)
        };
        let mut answer = self.send(tried, &there, sent).await?;
        self.settlement
            .attempt_answers(answer.status, answer.connect_ms);
        if !(200..300).contains(&answer.status) {
            return Err(refused(answer, tried, &self.worker).await);
        }
        if headers::is_encoded(&answer.headers) {
            return Err(Failure::unreadable(
                "the vendor compressed its answer unasked",
            ));
        }
        headers::tell_dropped(&mut answer.headers, there.dropped.as_deref());
        let step = if headers::is_stream(&answer.headers, there.vendor) {
            self.open_stream(answer, there, tried).await?
        } else {
            let step = self.open_whole(answer, there, tried).await?;
            self.with_usage(step).await
        };
        self.settlement.serves();
        if self.endpoint.only_counts() {
            self.settlement.first_byte();
        } else {
            self.settlement.served(&self.model, target);
        }
        Ok(step)
    }

    async fn send(
        &self,
        tried: &Candidate,
        there: &There,
        sent: SentAt,
    ) -> Result<Answer, Failure> {
        let streams = self.settlement.record.stream;
        let trace = self.settlement.trace.as_deref().map(CallTrace::carried);
        let given = self.forward.iter().map(|(n, v)| (*n, v.as_slice()));
        let forward: Vec<(&str, &[u8])> = given
            // what the caller says in its dialect means nothing in another one
            .filter(|_| there.back.is_none())
            .chain(trace.iter().flatten().map(|(n, v)| (*n, v.as_bytes())))
            .collect();
        let call = Call {
            path: there.path.clone(),
            body: there.body.clone(),
            content_type: "application/json",
            accept: if streams {
                "text/event-stream"
            } else {
                "application/json"
            },
            forward: &forward,
            sent,
        };
        let clients = &self.worker.clients;
        let sent = clients.send(&tried.target.provider, &tried.credential, call);
        sent.await.map_err(|error| Failure::of_call(&error))
    }

    /// Reads up to the first event. An error in its place is a failure like any other.
    async fn open_stream(
        &self,
        mut answer: Answer,
        there: There,
        tried: &Candidate,
    ) -> Result<Step, Failure> {
        answer.body.await_event();
        let vendor = there.vendor;
        let mut stream = there.stream(self);
        let most = self.worker.live.load().runtime.loop_guard;
        if most > 0 {
            stream = stream.guarded(most);
        }
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
        if let Some(said) = stream.refusal() {
            let (headers, said) = (answer.headers, said.clone());
            return Err(in_disguise(headers, said, tried, &self.worker));
        }
        if stream.is_unreadable() {
            let detail = "an event is not of the vendor's dialect";
            return Err(Failure::unreadable(detail));
        }
        answer.body.event_came();
        if vendor.streams_lines() {
            let events = HeaderValue::from_static(headers::EVENTS);
            answer.headers.insert(CONTENT_TYPE, events);
        }
        Ok(Step::Stream(Box::new(stream), first.freeze(), answer))
    }
}

/// How far an attempt came.
pub(super) enum Step {
    Stream(Box<Stream>, Bytes, Answer),
    Large(Bytes, Answer, Dialect),
    Whole(Refused, Findings),
}

/// Reads an answer that is no success; where that fails, its status still counts.
async fn refused(answer: Answer, tried: &Candidate, worker: &Worker) -> Failure {
    let body = answer.body.read_to_end(WHOLE_BYTES).await;
    let unread = body.is_err();
    let mut failure = Failure::of_answer(
        Refused {
            status: answer.status,
            headers: answer.headers,
            body: body.unwrap_or_default(),
        },
        tried,
        worker,
    );
    if unread {
        failure.answer = None;
    }
    failure
}

/// An error that came with status 200, as if the vendor had sent the status that belongs to it.
pub(super) fn in_disguise(
    mut headers: hyper::HeaderMap,
    body: Bytes,
    tried: &Candidate,
    worker: &Worker,
) -> Failure {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let refused = Refused {
        status: fault::status(&body),
        headers,
        body,
    };
    Failure::of_answer(refused, tried, worker)
}

/// The caller already reads a stream.
fn not_a_stream() -> ApiError {
    let message = "The model's provider answered late and not with a stream.";
    ApiError::upstream(502, "upstream_not_a_stream", message)
}
