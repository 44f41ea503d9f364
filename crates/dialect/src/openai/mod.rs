//! OpenAI's dialect: chat completions, completions, embeddings, and its errors.

pub mod answer;
pub mod error;
pub mod fault;
pub mod opening;
pub mod read_answer;
pub mod read_request;
pub mod read_stream;
pub mod request;
mod said;
mod tags;
pub mod usage;
pub mod watch;
pub mod write_answer;
pub mod write_request;
pub mod write_stream;
pub(crate) mod write_turns;
