//! The data plane: everything under `/v1`.
//!
//! Authenticates, admits, plans, calls a vendor, relays and settles. Never waits for the database, never parses
//! more of a body than it needs, never holds a whole stream.

mod authenticate;
mod body;
mod call;
mod caller;
mod conversion;
mod cors;
mod counting;
mod course;
mod endpoints;
mod error;
mod failure;
mod failures;
mod flow;
mod forward;
mod headers;
mod large;
mod overload;
mod planner;
mod readers;
mod relay;
mod retry;
mod settle;
mod state;
mod whole;

pub use endpoints::configure;
pub use error::ApiError;
pub use overload::Overload;
pub use state::{ProxyState, Settings};
