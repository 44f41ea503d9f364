//! Anthropic's dialect: messages, and its errors.

pub mod answer;
pub mod error;
pub mod read_answer;
pub mod read_request;
pub mod read_stream;
mod schema;
pub mod usage;
pub mod watch;
pub mod write_answer;
pub mod write_request;
pub mod write_stream;
mod write_turns;
