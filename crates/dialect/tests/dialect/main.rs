//! Conversions between dialects: golden files, and what must hold for every request, answer and stream.
//!
//! `requests`, `answers` and `streams` hold what a client or a vendor sends, and beside it, with the other dialect in the
//! name, what comes out. `UPDATE_GOLDENS=1` writes these anew, to be read before they are committed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::too_many_lines,
    clippy::format_collect,
    reason = "tests"
)]

mod goldens;
mod page;
mod properties;
mod table;

use modelgate_dialect::Dialect;
use modelgate_dialect::convert::Target;

/// The other dialect.
fn other(dialect: Dialect) -> Dialect {
    match dialect {
        Dialect::Chat => Dialect::Messages,
        Dialect::Messages => Dialect::Chat,
    }
}

/// A target for requests of a dialect in the other one.
fn target(from: Dialect, model: &str) -> Target<'_> {
    Target {
        from,
        to: other(from),
        model,
        asked: "asked",
        max_output: None,
        now_s: 1_700_000_000,
    }
}
