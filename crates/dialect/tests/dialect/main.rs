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
#[path = "../../../../fuzz/trials.rs"]
mod trials;

use modelgate_dialect::convert::Target;
use modelgate_dialect::{Caller, Dialect};
use serde_json::{Value, json};

/// Every way through the gateway on which the dialect changes.
fn ways() -> impl Iterator<Item = (Caller, Dialect)> {
    let from = |caller: Caller| Dialect::ALL.into_iter().map(move |vendor| (caller, vendor));
    let all = Caller::ALL.into_iter().flat_map(from);
    all.filter(|(caller, vendor)| !caller.is(*vendor))
}

/// A small request, without its model.
fn small(from: Caller) -> (&'static str, Value) {
    match from {
        Caller::Chat | Caller::Messages => {
            ("messages", json!([{ "role": "user", "content": "x" }]))
        }
        Caller::Responses => ("input", json!([{ "role": "user", "content": "x" }])),
        Caller::Gemini => (
            "contents",
            json!([{ "role": "user", "parts": [{ "text": "x" }] }]),
        ),
    }
}

/// Where a request of this caller goes.
fn target((from, to): (Caller, Dialect), model: &str) -> Target<'_> {
    Target {
        from,
        to,
        model,
        asked: "asked",
        stream: false,
        max_output: None,
        deployed: false,
        now_s: 1_700_000_000,
    }
}
