//! The endpoints under `/v1`, and what holds for all of them.

mod chat_completions;
mod completions;
mod embeddings;
mod explain;
mod models;
mod routes;

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
    /// Whether a request may go out again although a vendor may have done what it asks for. True where doing it twice
    /// changes nothing at the vendor, as with all completions.
    pub(super) repeatable: bool,
}
