//! The endpoints under `/v1`, and what holds for all of them.

mod chat_completions;
mod completions;
mod embeddings;
mod explain;
mod gemini;
mod messages;
mod models;
mod pages;
mod paging;
mod responses;
mod routes;

use std::borrow::Cow;

use actix_web::HttpRequest;
use modelgate_dialect::gemini::path::{Verb, path};
use modelgate_dialect::openai::request::{BadRequest, Peek};
use modelgate_dialect::{Caller, Dialect};
pub use routes::configure;

/// One API surface of a vendor.
pub(super) struct Endpoint {
    /// Its name in records and metrics.
    pub(super) name: &'static str,
    /// What is put behind the provider's base URL.
    pub(super) path: &'static str,
    /// The kind of model it serves.
    pub(super) kind: &'static str,
    /// Whether it knows `stream`.
    pub(super) streams: bool,
    /// How a stream goes to the caller.
    pub(super) form: Form,
    /// Whether a request may go out again although a vendor may have done what it asks for. True where doing it twice
    /// changes nothing at the vendor, as with all completions.
    pub(super) repeatable: bool,
    /// What it is written in.
    pub(super) dialect: Caller,
    /// What happens at a vendor who speaks another dialect.
    pub(super) abroad: Abroad,
    /// It goes on with texts, maybe several at once, and holds no conversation.
    pub(super) completes: bool,
    /// The members one of which an answer in the caller's dialect has; with a `?` where it may be an empty list.
    pub(super) answers: &'static [&'static str],
}

/// How a stream goes to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As events.
    Events,
    /// As one JSON array.
    Array,
}

/// What happens to a call at a vendor who speaks another dialect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Abroad {
    /// It is put into the other dialect, and the answer into the caller's.
    Convert,
    /// It only asks for the number of tokens: the gateway estimates.
    Estimate,
    /// No such vendor can serve it.
    Refuse,
}

impl Endpoint {
    /// What the gateway needs to know of a request.
    pub(super) fn peek(&self, request: &HttpRequest, body: &[u8]) -> Result<Peek, BadRequest> {
        match self.dialect {
            Caller::Gemini => Peek::read_beside(&gemini::asked(request), self.streams, body),
            _ if self.completes => Peek::read_completions(body),
            dialect => Peek::read_as(dialect, body),
        }
    }

    /// Where a vendor who speaks the same dialect is asked, behind its base address.
    pub(super) fn path_for(&self, model: &str) -> Cow<'static, str> {
        let verb = match self.dialect {
            Caller::Gemini if self.streams => Verb::Stream,
            Caller::Gemini if self.only_counts() => Verb::Count,
            Caller::Gemini => Verb::Generate,
            _ => return Cow::Borrowed(self.path),
        };
        Cow::Owned(path(model, verb))
    }

    /// The one protocol of providers that can serve it.
    pub(super) fn only(&self) -> Option<&'static str> {
        let native = self.dialect.native().map(Dialect::protocol);
        native.filter(|_| self.abroad == Abroad::Refuse)
    }

    /// It makes no answer, and owes nothing.
    pub(super) fn only_counts(&self) -> bool {
        self.abroad == Abroad::Estimate
    }
}
