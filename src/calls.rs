//! How a page calls a model for the holder of a key: the door that the data plane opens to it.
//!
//! Rules, limits, routing, price and record are those of `/v1`; only the key comes from the session instead of a
//! header. Pages know this trait, never the data plane itself.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
pub use modelgate_dialect::Caller;
use modelgate_domain::RequestId;

use crate::catalog::ApiKey;

/// An answer of a model that a page asks for.
#[derive(Clone, Debug)]
pub struct Call {
    /// In whose name.
    pub key: Arc<ApiKey>,
    /// What it is written in, which says whose endpoint it would go to: `/v1/chat/completions`, `/v1/messages` …
    pub dialect: Caller,
    /// Which model; Google's dialect names it beside the body.
    pub model: String,
    /// What would be the body there.
    pub body: Bytes,
    /// What the record calls the caller's program.
    pub agent: &'static str,
}

/// What `/v1` would have answered.
#[derive(Debug)]
pub struct Answered {
    /// The request in the log.
    pub id: RequestId,
    /// The answer, whole or as a stream. Dropping it cancels the call.
    pub response: HttpResponse,
}

/// The data plane, as far as pages may reach it. One for each serving thread.
pub trait Calls {
    /// Makes a call; `request` is the page's, for the caller's address. Dropping the future cancels the call.
    fn make(&self, request: HttpRequest, call: Call) -> LocalBoxFuture<'static, Answered>;
}

/// How pages hold it.
pub type Door = Box<dyn Calls>;
