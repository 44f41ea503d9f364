//! What must hold for any bytes: nothing panics, what comes out is well formed, and how bytes are cut changes nothing.
//!
//! The fuzz targets call these with what the fuzzer finds, the tests of `crates/dialect` with what proptest makes up.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each target uses one; a failure is a finding"
)]

use std::sync::Arc;

use bytes::Bytes;
use modelgate_dialect::convert::{self, Back, Target};
use modelgate_dialect::gemini::array::Array;
use modelgate_dialect::openai::request::Peek;
use modelgate_dialect::reader::Reader;
use modelgate_dialect::stream::Stream;
use modelgate_dialect::{Caller, Dialect};
use serde_json::{Value, json};

fn ways() -> impl Iterator<Item = (Caller, Dialect)> {
    let from = |caller: Caller| Dialect::ALL.into_iter().map(move |vendor| (caller, vendor));
    let all = Caller::ALL.into_iter().flat_map(from);
    all.filter(|(caller, vendor)| !caller.is(*vendor))
}

fn target((from, to): (Caller, Dialect)) -> Target<'static> {
    Target {
        from,
        to,
        model: "m",
        asked: "asked",
        stream: true,
        max_output: None,
        deployed: false,
        now_s: 1_700_000_000,
    }
}

/// The way back of a small request.
fn back(way: (Caller, Dialect)) -> Back {
    let said = json!([{ "role": "user", "content": "x" }]);
    let body = match way.0 {
        Caller::Chat | Caller::Messages => json!({ "model": "m", "messages": said }),
        Caller::Responses => json!({ "model": "m", "input": said }),
        Caller::Gemini => json!({ "contents": [{ "parts": [{ "text": "x" }] }] }),
    };
    convert::request(body.to_string().as_bytes(), &target(way))
        .unwrap()
        .1
}

/// Requests, from every dialect into every other.
pub(crate) fn request(data: &[u8]) {
    for way in ways() {
        if let Ok((out, back)) = convert::request(data, &target(way)) {
            serde_json::from_slice::<Value>(&out).unwrap();
            assert!(back.dropped().is_none_or(|names| names.is_ascii()));
        }
    }
}

/// Whole answers.
pub(crate) fn answer(data: &[u8]) {
    let reader = Reader::default();
    for vendor in Dialect::ALL {
        reader.read(vendor, data);
        reader.is_error(vendor, data);
    }
    for way in ways() {
        if let Ok(out) = back(way).answer(data) {
            serde_json::from_slice::<Value>(&out).unwrap();
        }
    }
}

/// Streams: the first byte says into pieces of what size they are cut.
pub(crate) fn events(data: &[u8]) {
    let Some((size, data)) = data.split_first() else {
        return;
    };
    let size = usize::from(*size).max(1);
    let reader = Arc::new(Reader::default());
    let through = |mut stream: Stream, size: usize| {
        let mut out = Vec::new();
        for piece in data.chunks(size) {
            out.extend(stream.push(Bytes::copy_from_slice(piece)).unwrap());
        }
        if stream.is_complete() {
            out.extend(stream.end());
        }
        (out, stream.findings())
    };
    for way in ways() {
        let stream = || Stream::converting(Arc::clone(&reader), back(way));
        assert_eq!(
            through(stream(), size),
            through(stream(), data.len().max(1))
        );
    }
    for vendor in Dialect::ALL {
        let stream = || Stream::new(Arc::clone(&reader), vendor, true);
        assert_eq!(
            through(stream(), size),
            through(stream(), data.len().max(1))
        );
    }
    let mut array = Array::default();
    for piece in data.chunks(size) {
        array.push(Bytes::copy_from_slice(piece)).unwrap();
    }
}

/// The few fields that the gateway reads of every request.
pub(crate) fn peek(data: &[u8]) {
    for caller in Caller::ALL {
        if let Ok(peek) = Peek::read_as(caller, data) {
            let out = peek.body_for(data, "other \"name\"", true);
            serde_json::from_slice::<Value>(&out).unwrap();
            peek.opening(data);
        }
    }
    if let Ok(peek) = Peek::read_beside("m", true, data) {
        let out = peek.body_for(data, "models/other", true);
        serde_json::from_slice::<Value>(&out).unwrap();
        peek.opening(data);
    }
}

/// Errors of vendors.
pub(crate) fn error(data: &[u8]) {
    for caller in Caller::ALL {
        if let Some(out) = convert::error(data, caller, 500) {
            serde_json::from_str::<Value>(&out).unwrap();
        }
    }
}
