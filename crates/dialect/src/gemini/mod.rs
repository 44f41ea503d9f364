//! Google's dialect: `generateContent`, its stream, and its errors.
//!
//! From the public reference of the Gemini API (`https://ai.google.dev/api/generate-content`, `/api/caching#Content`,
//! `/api/tokens`, `/gemini-api/docs/thought-signatures`, `/gemini-api/docs/thinking`), as of November 2026.

pub mod answer;
pub mod array;
pub mod error;
pub mod path;
pub mod read_answer;
pub mod read_request;
pub mod read_stream;
pub mod schema;
pub mod usage;
pub mod watch;
pub mod write_answer;
pub mod write_request;
pub mod write_stream;
