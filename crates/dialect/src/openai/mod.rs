//! OpenAI's dialect: chat completions, completions, embeddings, and its errors.

pub mod answer;
pub mod error;
pub mod fault;
pub mod opening;
pub mod request;
pub mod stream;
pub mod usage;
