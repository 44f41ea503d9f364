//! What a vendor shall do with a request: steps that wait in a queue until a request matches them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::record::Received;

/// One thing done to the connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Let time pass.
    Wait(Duration),
    /// One write.
    Send(Bytes),
    /// Say nothing until the client leaves.
    Stall,
    /// Close the connection in good order.
    Close,
    /// Tear the connection down (TCP reset).
    Reset,
}

/// How an answer ends. Counts are events of a stream; a plain body breaks off in its middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// As it should.
    #[default]
    Clean,
    /// The connection is closed before a byte of the answer.
    CloseAtOnce,
    /// The connection is reset before a byte of the answer.
    ResetAtOnce,
    /// Nothing is ever answered.
    StallAtOnce,
    /// Closed after so many events.
    Close(usize),
    /// Reset after so many events.
    Reset(usize),
    /// Silence after so many events.
    Stall(usize),
    /// An error event instead of the rest, then a clean end.
    Error(usize),
    /// A clean end of the body without `[DONE]`.
    NoDone,
}

/// The answer to one request; what is not set is as usual.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status; from 400 on the usual body is an error.
    pub status: u16,
    /// Further headers of the answer.
    pub headers: Vec<(String, String)>,
    /// Instead of the usual body.
    pub body: Option<Bytes>,
    /// Before the status line.
    pub delay: Duration,
    /// Between the header and the first event.
    pub first: Duration,
    /// Between two events.
    pub pace: Duration,
    /// The answer's text.
    pub text: Option<String>,
    /// How many tokens of made-up text.
    pub tokens: Option<usize>,
    /// Prompt tokens said to come from a cache.
    pub cached: usize,
    /// Hidden reasoning tokens said to have been made.
    pub reasoning: usize,
    /// Leave the usage out even where it was asked for.
    pub no_usage: bool,
    /// Cut the body of a stream into pieces of so many bytes, whatever they split.
    pub split: Option<usize>,
    /// How it ends.
    pub end: End,
    /// Instead of everything above: exactly this.
    pub acts: Option<Vec<Act>>,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: None,
            delay: Duration::ZERO,
            first: Duration::ZERO,
            pace: Duration::ZERO,
            text: None,
            tokens: None,
            cached: 0,
            reasoning: 0,
            no_usage: false,
            split: None,
            end: End::Clean,
            acts: None,
        }
    }
}

/// One entry of the script: a reply, and which requests it is for.
#[derive(Clone, Debug)]
pub struct Step {
    model: Option<String>,
    key: Option<String>,
    /// Times still to play; `None` for ever.
    left: Option<u32>,
    played: bool,
    reply: Reply,
}

impl Step {
    /// A reply to the next request of any kind.
    pub fn reply(reply: Reply) -> Self {
        Self {
            model: None,
            key: None,
            left: Some(1),
            played: false,
            reply,
        }
    }

    /// The usual answer, to be altered by the other methods.
    pub fn answer() -> Self {
        Self::reply(Reply::default())
    }

    /// An answer with `status` and, from 400 on, an error body in OpenAI's shape.
    pub fn status(status: u16) -> Self {
        Self::reply(Reply {
            status,
            ..Reply::default()
        })
    }

    /// An answer that ends like this.
    pub fn ending(end: End) -> Self {
        Self::reply(Reply {
            end,
            ..Reply::default()
        })
    }

    /// Exactly these acts and no others, status line included.
    pub fn acts(acts: Vec<Act>) -> Self {
        Self::reply(Reply {
            acts: Some(acts),
            ..Reply::default()
        })
    }

    /// A stream with exactly these pieces, each in a write and an HTTP chunk of its own.
    pub fn chunks<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = B>) -> Self {
        let mut acts = vec![Act::Send(super::http::stream_head(200, &[]))];
        for piece in pieces {
            acts.push(Act::Send(super::http::chunk(piece.as_ref())));
            acts.push(Act::Wait(super::play::SPLIT_GAP));
        }
        acts.push(Act::Send(Bytes::from_static(super::http::LAST_CHUNK)));
        Self::acts(acts)
    }

    /// Only for requests that name this model (the vendor's name for it).
    #[must_use]
    pub fn for_model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Only for requests that carry this vendor key.
    #[must_use]
    pub fn for_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Plays so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// Plays for every request that matches.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.left = None;
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.reply.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends this body instead of the usual one.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.reply.body = Some(body.into());
        self
    }

    /// Sends this JSON instead of the usual body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Waits before the status line.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.reply.delay = delay;
        self
    }

    /// Waits between the header and the first event.
    #[must_use]
    pub fn first(mut self, first: Duration) -> Self {
        self.reply.first = first;
        self
    }

    /// Waits between two events.
    #[must_use]
    pub fn pace(mut self, pace: Duration) -> Self {
        self.reply.pace = pace;
        self
    }

    /// Answers with this text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.reply.text = Some(text.to_owned());
        self
    }

    /// Answers with so many tokens of made-up text.
    #[must_use]
    pub fn tokens(mut self, tokens: usize) -> Self {
        self.reply.tokens = Some(tokens);
        self
    }

    /// Says that so many prompt tokens came from a cache.
    #[must_use]
    pub fn cached(mut self, tokens: usize) -> Self {
        self.reply.cached = tokens;
        self
    }

    /// Says that so many hidden reasoning tokens were made.
    #[must_use]
    pub fn reasoning(mut self, tokens: usize) -> Self {
        self.reply.reasoning = tokens;
        self
    }

    /// Leaves the usage out.
    #[must_use]
    pub fn no_usage(mut self) -> Self {
        self.reply.no_usage = true;
        self
    }

    /// Cuts the stream's body into pieces of so many bytes, whatever they split.
    #[must_use]
    pub fn split(mut self, bytes: usize) -> Self {
        self.reply.split = Some(bytes);
        self
    }

    /// Ends like this.
    #[must_use]
    pub fn end(mut self, end: End) -> Self {
        self.reply.end = end;
        self
    }

    fn matches(&self, request: &Received) -> bool {
        let model = self.model.as_deref().is_none_or(|m| request.model() == m);
        let key = self.key.as_deref().is_none_or(|k| request.key() == k);
        model && key
    }
}

/// The steps that wait.
#[derive(Debug, Default)]
pub(super) struct Script {
    steps: Vec<Step>,
}

impl Script {
    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }

    /// The reply of the first step that matches; a step that has played its times leaves.
    pub(super) fn take(&mut self, request: &Received) -> Option<Reply> {
        let place = self.steps.iter().position(|s| s.matches(request))?;
        let step = self.steps.get_mut(place)?;
        step.played = true;
        let reply = step.reply.clone();
        if let Some(left) = step.left.as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.steps.remove(place);
            }
        }
        Some(reply)
    }

    /// Steps that no request, or too few requests, have asked for.
    pub(super) fn unplayed(&self) -> usize {
        self.steps
            .iter()
            .filter(|s| s.left.is_some() || !s.played)
            .count()
    }
}
