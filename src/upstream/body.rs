//! The two bodies of a call: the request's, which notes when it was sent, and the answer's, which watches the clock.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::error::{ErrorKind, UpstreamError};
use super::silence::Silence;

/// When the request's body was handed to a standing connection.
#[derive(Clone, Debug, Default)]
pub struct SentAt(Arc<OnceLock<Instant>>);

impl SentAt {
    /// Absent until then.
    pub fn get(&self) -> Option<Instant> {
        self.0.get().copied()
    }
}

/// A request body in one piece.
pub(super) struct Outgoing {
    data: Option<Bytes>,
    sent: SentAt,
}

impl Outgoing {
    /// Tells `sent` when it goes out.
    pub(super) fn new(data: Bytes, sent: SentAt) -> Self {
        Self {
            data: Some(data),
            sent,
        }
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        // The client polls the body only once it has a connection to write it to.
        this.sent.0.get_or_init(Instant::now);
        Poll::Ready(this.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.data.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

/// A vendor's answer as it arrives. Dropping it cancels the call.
///
/// Yields at most one error, and nothing after it. No limit on the whole duration: only on the time before
/// the first byte, or the first event where the reader waits for one, and on the silence between two reads.
pub struct Body {
    incoming: Option<Incoming>,
    /// Since the last progress: the request sent, or the last bytes read.
    silence: Silence,
    begun: bool,
    /// Bytes are no progress until the reader says that an event has come.
    awaits_event: bool,
    idle_timeout: Duration,
}

impl Body {
    /// `timer` may fire early (it is then armed anew), never later than `since + first_byte_timeout`.
    pub(super) fn new(
        incoming: Incoming,
        timer: Pin<Box<Sleep>>,
        since: Instant,
        first_byte_timeout: Duration,
        idle_timeout: Duration,
    ) -> Self {
        Self {
            incoming: Some(incoming),
            silence: Silence::since(since, first_byte_timeout, timer),
            begun: false,
            awaits_event: false,
            idle_timeout,
        }
    }

    /// From here the first-byte timeout runs on, whatever comes, until [`Self::event_came`]: a vendor that sends
    /// comments and no event has not answered.
    pub fn await_event(&mut self) {
        self.awaits_event = true;
    }

    /// The first event has come: only silence counts now.
    pub fn event_came(&mut self) {
        self.awaits_event = false;
        self.progressed();
    }

    /// When bytes came last, or the request was sent.
    pub fn last_progress(&self) -> Instant {
        self.silence.last()
    }

    /// Reads to the end, at most `limit` bytes.
    pub async fn read_to_end(mut self, limit: usize) -> Result<Bytes, UpstreamError> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            if whole.len().saturating_add(chunk.len()) > limit {
                return Err(UpstreamError::new(
                    ErrorKind::TooLarge,
                    format!("the vendor's answer is longer than {limit} bytes"),
                ));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    fn progressed(&mut self) {
        if self.begun {
            return self.silence.stir(Instant::now());
        }
        self.begun = true;
        self.silence.restart(self.idle_timeout);
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        ready!(self.silence.poll(cx));
        let (what, kind) = if self.begun {
            let what = "the vendor fell silent in the middle of its answer for";
            (what, ErrorKind::IdleTimeout)
        } else {
            ("the vendor sent no answer for", ErrorKind::FirstByteTimeout)
        };
        let text = format!("{what} {} ms", self.silence.limit().as_millis());
        Poll::Ready(UpstreamError::new(kind, text))
    }
}

impl Stream for Body {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Some(incoming) = this.incoming.as_mut() else {
                return Poll::Ready(None);
            };
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers carry nothing that the gateway passes on.
                    if let Ok(data) = frame.into_data() {
                        if !this.awaits_event {
                            this.progressed();
                        }
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(_cut))) => {
                    this.incoming = None;
                    return Poll::Ready(Some(Err(UpstreamError::new(
                        ErrorKind::Closed,
                        "the vendor closed the connection in the middle of its answer",
                    ))));
                }
                Poll::Ready(None) => {
                    this.incoming = None;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    let error = ready!(this.poll_timer(cx));
                    this.incoming = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}
