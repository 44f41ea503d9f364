//! OpenAI's responses, the dialect of newer clients of OpenAI's.
//!
//! From the public reference (`https://platform.openai.com/docs/api-reference/responses`), as of November 2026.

pub mod answer;
pub mod error;
pub mod read_answer;
pub mod read_request;
pub mod read_stream;
mod read_tools;
pub mod usage;
pub mod watch;
pub mod write_answer;
pub mod write_request;
pub mod write_stream;
