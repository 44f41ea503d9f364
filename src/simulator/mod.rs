//! The one scriptable vendor: speaks OpenAI's, Anthropic's and Google's dialects over plain TCP for tests, `demo` and the benchmark.
//!
//! Owns what a vendor may do to a gateway: usual answers, exact chunk boundaries, delays, stalls, errors,
//! broken bodies, cut connections. Knows nothing of the gateway; nothing that serves real calls may use it.

mod chat;
mod deaf;
mod directive;
mod embeddings;
mod fast;
mod gemini;
mod http;
mod messages;
mod ollama;
mod play;
mod record;
mod responses;
mod routes;
mod script;
mod server;
mod text;

pub use deaf::Deaf;
pub use fast::Fast;
pub use record::{Abandoned, Received, Stats};
pub use script::{Act, End, Reply, Step};
pub use server::{Options, Simulator};

#[cfg(test)]
mod server_tests;
