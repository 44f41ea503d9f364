//! The body of a streamed answer: heartbeats in silence, an orderly end when the gateway stops.

use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use modelgate_dialect::Caller;
use modelgate_dialect::gemini::array::Array;
use modelgate_dialect::openai::answer;
use modelgate_domain::RequestId;
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::endpoints::{Endpoint, Form};
use super::error::ApiError;
use super::failure::{Refused, shutting_down};
use super::forward::Served;
use super::readers::Source;
use super::relay::Relay;
use crate::upstream::{Asleep, Silence, UpstreamError, scrub};

/// Silence after which something that means nothing keeps the connection open.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a caller reads while its stream lasts.
pub(super) struct Flow {
    id: RequestId,
    dialect: Caller,
    /// Where the caller gets one array.
    array: Option<Array>,
    phase: Phase,
    quiet: Silence,
    closing: Closing,
    /// Goes out before anything else.
    greeting: Bytes,
}

enum Phase {
    /// The status is committed, the attempts go on.
    Waiting(LocalBoxFuture<'static, Served>),
    Relaying(Box<Relay>),
    /// One last event.
    Last(Bytes),
    Over,
}

impl Flow {
    /// For a stream whose first event is at hand.
    pub(super) fn relaying(
        id: (RequestId, &Endpoint),
        relay: Box<Relay>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self::new(id, Phase::Relaying(relay), closing)
    }

    /// For a caller who has waited in silence: begins with a heartbeat.
    pub(super) fn waiting(
        id: (RequestId, &Endpoint),
        work: LocalBoxFuture<'static, Served>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        let mut flow = Self::new(id, Phase::Waiting(work), closing);
        flow.greeting = Bytes::from_static(flow.dialect.heartbeat());
        flow
    }

    fn new(
        (id, endpoint): (RequestId, &Endpoint),
        phase: Phase,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self {
            id,
            dialect: endpoint.dialect,
            array: (endpoint.form == Form::Array).then(Array::default),
            phase,
            quiet: Silence::new(HEARTBEAT),
            greeting: Bytes::new(),
            closing: Closing::new(closing),
        }
    }

    fn poll_phase(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match &mut self.phase {
                Phase::Waiting(work) => {
                    let Poll::Ready(served) = work.as_mut().poll(cx) else {
                        return Poll::Pending;
                    };
                    self.phase = after_waiting(served, self.id, self.dialect);
                }
                Phase::Relaying(relay) => return relay.poll(cx),
                Phase::Last(event) => {
                    let event = std::mem::take(event);
                    self.phase = Phase::Over;
                    return Poll::Ready(Some(event));
                }
                Phase::Over => return Poll::Ready(None),
            }
        }
    }

    fn close(&mut self) -> Bytes {
        let error = shutting_down();
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Relaying(mut relay) => relay.abort(&error),
            // dropping the attempts settles them: the state says that the gateway closes
            Phase::Waiting(_) => Bytes::from(error.event(self.id, self.dialect)),
            Phase::Last(event) => event,
            Phase::Over => Bytes::new(),
        }
    }
}

impl Source for Flow {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let events = std::task::ready!(self.poll_events(cx));
        let Some(array) = &mut self.array else {
            return Poll::Ready(events);
        };
        Poll::Ready(match events {
            // what a relay gives is whole events: none is ever too large to be put together
            Some(Ok(events)) => Some(Ok(array.push(events).unwrap_or_default())),
            None => self.array.take().map(|array| Ok(array.end())),
            failed => failed,
        })
    }

    fn break_off(self, error: &ApiError) {
        if let Phase::Relaying(mut relay) = self.phase {
            drop(relay.abort(error));
        }
    }
}

impl Flow {
    fn poll_events(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if !self.greeting.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.greeting))));
        }
        if let Poll::Ready(next) = self.poll_phase(cx) {
            let came = match &self.phase {
                Phase::Relaying(relay) => relay.last_event(),
                Phase::Waiting(_) | Phase::Last(_) | Phase::Over => None,
            };
            self.quiet.stir(came.unwrap_or_else(Instant::now));
            return Poll::Ready(next.map(Ok));
        }
        if self.closing.poll(cx).is_ready() {
            let event = self.close();
            return Poll::Ready((!event.is_empty()).then_some(Ok(event)));
        }
        match self.quiet.poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Ok(Bytes::from_static(self.dialect.heartbeat())))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Tells a stream that the gateway closes. Asked only where that may have come about, since each event asks.
struct Closing {
    state: watch::Receiver<bool>,
    closed: LocalBoxFuture<'static, ()>,
    asleep: Asleep,
}

impl Closing {
    fn new(state: watch::Receiver<bool>) -> Self {
        let mut awaited = state.clone();
        Self {
            state,
            closed: Box::pin(async move {
                if awaited.wait_for(|closes| *closes).await.is_err() {
                    // nobody is left who could close
                    std::future::pending::<()>().await;
                }
            }),
            asleep: Asleep::default(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.asleep.has(cx) && matches!(self.state.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        self.asleep.falls(cx);
        pin!(unconstrained(self.closed.as_mut())).poll(cx)
    }
}

/// The status is out: whatever is no stream becomes an error event.
fn after_waiting(served: Served, id: RequestId, dialect: Caller) -> Phase {
    let error = match served {
        Served::Stream(relay) => return Phase::Relaying(relay),
        Served::Error(error) => error,
        Served::Whole(refused) => of_refused(&refused),
        // not made once the status is out
        Served::Large(_) => return Phase::Over,
    };
    Phase::Last(Bytes::from(error.event(id, dialect)))
}

fn of_refused(refused: &Refused) -> ApiError {
    let said = answer::error_message(&refused.body).unwrap_or_default();
    let message = if said.is_empty() {
        "The model's provider refused the request.".to_owned()
    } else {
        scrub::plain(&said)
    };
    ApiError::upstream(refused.status, "upstream_error", message)
}
