//! A vendor's stream on its way to the caller: whole events, at once, in fixed memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream as _;
use modelgate_dialect::stream::Stream;
use tokio::time::{Instant, Sleep};

use super::error::ApiError;
use super::failure;
use super::settle::Settlement;
use crate::upstream::{Answer, Body};

/// How long the end of the vendor's body is awaited after `[DONE]`, so that its connection can be used again.
const AFTER_DONE: Duration = Duration::from_millis(250);

/// A stream whose first event has come.
pub(super) struct Relay {
    pub(super) status: u16,
    pub(super) headers: hyper::HeaderMap,
    stream: Stream,
    /// Bytes that go out before anything else is read.
    ready: Bytes,
    body: Option<Body>,
    /// Set once the record is written; runs while the vendor's body is read to its end.
    rest: Option<Pin<Box<Sleep>>>,
    settlement: Box<Settlement>,
}

impl Relay {
    pub(super) fn new(
        stream: Stream,
        first: Bytes,
        answer: Answer,
        settlement: Box<Settlement>,
    ) -> Self {
        let mut relay = Self {
            status: answer.status,
            headers: answer.headers,
            stream,
            ready: first,
            body: Some(answer.body),
            rest: None,
            settlement,
        };
        relay.settlement.committed().set(relay.status);
        if relay.stream.vendor_error().is_some() {
            relay.ready = relay.settlement.scrub(relay.ready.clone());
        }
        relay.settle_if_done();
        relay
    }

    /// The next bytes for the caller; `None` ends the stream.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !self.ready.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut self.ready)));
        }
        while let Some(body) = self.body.as_mut() {
            let next = match Pin::new(&mut *body).poll_next(cx) {
                Poll::Ready(next) => next,
                Poll::Pending => {
                    if let Some(rest) = self.rest.as_mut() {
                        ready!(rest.as_mut().poll(cx));
                        self.body = None;
                    } else {
                        return Poll::Pending;
                    }
                    return Poll::Ready(None);
                }
            };
            let out = match next {
                Some(Ok(chunk)) => {
                    // the one reading of the clock for a chunk
                    let at = body.last_progress();
                    self.forward(chunk, at)
                }
                // the record is written: how the body ends says nothing any more
                _ if self.rest.is_some() => {
                    self.body = None;
                    Bytes::new()
                }
                // also after a finish reason: the vendor's body broke off or fell silent
                Some(Err(error)) => self.abort(&failure::interrupted(&error)),
                None => self.ended(),
            };
            if !out.is_empty() {
                return Poll::Ready(Some(out));
            }
        }
        Poll::Ready(None)
    }

    /// When events came last.
    pub(super) fn last_event(&self) -> Option<Instant> {
        self.settlement.last_event()
    }

    /// Breaks the stream off with an error event.
    pub(super) fn abort(&mut self, error: &ApiError) -> Bytes {
        self.body = None;
        if self.rest.is_some() {
            return Bytes::new();
        }
        self.settlement.found(self.stream.findings());
        self.settlement.fail(error, self.status);
        Bytes::from(error.event(self.settlement.id(), self.settlement.dialect))
    }

    fn forward(&mut self, chunk: Bytes, at: Instant) -> Bytes {
        match self.stream.push(chunk) {
            Ok(events) => {
                if !events.is_empty() {
                    self.settlement.events_arrived(at);
                }
                self.settle_if_done();
                if self.stream.vendor_error().is_some() {
                    return self.settlement.scrub(events);
                }
                if self.stream.repeats_itself() {
                    return [events, self.abort(&repeats_itself())].concat().into();
                }
                if self.stream.is_unreadable() {
                    return [events, self.abort(&unreadable())].concat().into();
                }
                events
            }
            Err(error) => {
                let message = "The model's provider sent an event that is too large.";
                let error = ApiError::upstream(502, "upstream_event_too_large", message)
                    .with_detail(error.to_string());
                self.abort(&error)
            }
        }
    }

    /// The record is written before the last event goes out.
    fn settle_if_done(&mut self) {
        if self.stream.is_done() && self.rest.is_none() {
            self.settle_complete();
            self.rest = Some(Box::pin(tokio::time::sleep(AFTER_DONE)));
        }
    }

    fn settle_complete(&mut self) {
        self.settlement.found(self.stream.findings());
        match self.stream.vendor_error() {
            Some(said) => {
                let error =
                    ApiError::upstream(502, "upstream_error", "").with_detail(said.to_owned());
                self.settlement.fail(&error, self.status);
            }
            None => self.settlement.succeed(self.status),
        }
    }

    /// The vendor's body ended in good order: the stream, too, if it said so.
    fn ended(&mut self) -> Bytes {
        self.body = None;
        let mut line = self.stream.close();
        if self.stream.vendor_error().is_some() {
            line = self.settlement.scrub(line);
        }
        if self.stream.is_complete() {
            let last = self.stream.end();
            self.settle_complete();
            return [line, last].concat().into();
        }
        let message = "The model's provider ended its stream before the answer was complete.";
        let error = self.abort(&ApiError::upstream(502, "upstream_closed", message));
        [line, error].concat().into()
    }
}

/// How a stream ends that the loop guard broke off.
fn repeats_itself() -> ApiError {
    let message = "The model said the same again and again; the answer was broken off.";
    ApiError::upstream(502, "upstream_loop", message)
}

/// How a stream ends of which something could not be put into the caller's dialect.
fn unreadable() -> ApiError {
    let message = "The model's provider sent an event that cannot be read.";
    ApiError::upstream(502, "upstream_malformed", message)
}

impl Drop for Relay {
    fn drop(&mut self) {
        // what was received until the caller went
        self.settlement.found(self.stream.findings());
    }
}
