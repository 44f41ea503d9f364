#![allow(dead_code, unreachable_pub, reason = "wip")]
//! `modelgate apply` and `modelgate export`: declarative provisioning in TOML.
//!
//! A file is parsed ([`file`]), laid over the present state ([`merge`]), compared ([`diff`]) and written in
//! one transaction. What a file does not name is left alone.

mod diff;
mod document;
mod file;
mod merge;
mod state;

pub use diff::{Attribute, Difference, Mark};
pub use document::{Document, Place, Problem};
