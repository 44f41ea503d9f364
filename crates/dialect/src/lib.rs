//! Wire formats: what a request says, where it must be changed, what a stream of answers carries.
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

pub mod estimate;
pub mod openai;
pub mod splice;
pub mod sse;
