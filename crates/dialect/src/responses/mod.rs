//! OpenAI's responses, the dialect of newer clients of OpenAI's: spoken with callers, not with vendors.

pub mod error;
pub mod read_request;
pub mod write_answer;
pub mod write_stream;
