//! Ollama's own dialect: `/api/chat`, whose stream is one JSON object a line. Vendors only; nobody calls in it.
//!
//! From the public reference (`https://docs.ollama.com/api/chat`, `docs/api.md` and `api/types.go` of
//! `github.com/ollama/ollama`); read in an older version than the newest, so newer fields may be missing.

pub mod answer;
pub mod read_answer;
pub mod read_stream;
pub mod usage;
pub mod watch;
pub mod write_request;
