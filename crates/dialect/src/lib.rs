//! Wire formats: what a request says, where it must be changed, what a stream of answers carries.
//!
//! A request, an answer or a stream that has to change its dialect goes through [`hub`]: read in one, written in the other.
//!
//! Pure functions and explicit state machines over bytes: no I/O, no async, no clock. On the path where the
//! dialect does not change, bodies and events stay the bytes that came in; only the fields that the gateway
//! needs are read, and only the few spans that must differ are replaced.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod alike;
pub mod anthropic;
pub mod convert;
pub mod dialect;
pub mod docs;
pub mod estimate;
pub mod foreign;
pub mod gemini;
pub mod hub;
mod lenient;
pub mod ollama;
pub mod openai;
pub mod reader;
mod repeats;
pub mod responses;
pub mod shape;
pub mod splice;
pub mod sse;
pub mod stream;

pub use dialect::{Caller, Dialect};
