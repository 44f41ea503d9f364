//! What a change of dialect costs by itself: CPU time for each request and for each event of a stream, from every dialect
//! into every other and beside the same dialect, as a Markdown table. One thread, no network.
//!
//! `scripts/bench --dialects` builds and runs it.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a tool of the benchmark, not a part of the gateway"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use modelgate_dialect::convert::{self, Back, Target};
use modelgate_dialect::openai::request::Peek;
use modelgate_dialect::reader::Reader;
use modelgate_dialect::stream::Stream;
use modelgate_dialect::{Caller, Dialect};
use serde_json::{Value, json};

/// Events of content in a stream.
const EVENTS: usize = 256;
/// How often each figure is measured, and how long: the quickest counts, since others share the machine.
const ROUNDS: usize = 12;
const LONG: Duration = Duration::from_millis(30);

fn target(from: Caller, to: Dialect) -> Target<'static> {
    Target {
        from,
        to,
        model: "m",
        asked: "m",
        stream: true,
        max_output: None,
        deployed: false,
        now_s: 1_700_000_000,
    }
}

/// A conversation of ten turns with a tool, in the caller's dialect.
fn request(caller: Caller) -> String {
    let said = "Measure first, change one thing, and measure again before you believe the result. ";
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let turns = |role: &str, form: &dyn Fn(&str, &str) -> Value| -> Value {
        let roles = (0..10).map(|at| if at % 2 == 0 { "user" } else { role });
        roles.map(|role| form(role, said)).collect()
    };
    let plain = |role: &str, said: &str| json!({ "role": role, "content": said });
    let parts = |role: &str, said: &str| json!({ "role": role, "parts": [{ "text": said }] });
    let body = match caller {
        Caller::Chat => {
            json!({ "model": "m", "stream": true, "messages": turns("assistant", &plain),
            "tools": [{ "type": "function", "function": { "name": "w", "parameters": schema } }] })
        }
        Caller::Messages => json!({ "model": "m", "stream": true, "max_tokens": 100,
            "messages": turns("assistant", &plain), "tools": [{ "name": "w", "input_schema": schema }] }),
        Caller::Responses => {
            json!({ "model": "m", "stream": true, "input": turns("assistant", &plain),
            "tools": [{ "type": "function", "name": "w", "parameters": schema }] })
        }
        Caller::Gemini => json!({ "contents": turns("model", &parts),
            "tools": [{ "functionDeclarations": [{ "name": "w", "parametersJsonSchema": schema }] }] }),
    };
    body.to_string()
}

fn back(caller: Caller, vendor: Dialect) -> Back {
    let body = request(caller);
    let made = convert::request(body.as_bytes(), &target(caller, vendor));
    made.expect("a request that can be converted").1
}

/// A stream of chat completions.
fn chat_stream() -> Bytes {
    let event = |delta: Value, finish: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        let data = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] });
        format!("data: {data}\n\n")
    };
    let mut text = event(json!({ "role": "assistant", "content": "" }), Value::Null);
    for _ in 0..EVENTS {
        text.push_str(&event(json!({ "content": "result. " }), Value::Null));
    }
    text.push_str(&event(json!({}), json!("stop")));
    text.push_str("data: [DONE]\n\n");
    text.into()
}

/// The same in lines, as Ollama sends it.
fn lines() -> Bytes {
    let line = |content: &str, done: bool| {
        let message = json!({ "role": "assistant", "content": content });
        let line = json!({ "model": "m", "created_at": "2026-11-20T08:52:19.385406455Z", "message": message, "done": done });
        format!("{line}\n")
    };
    let mut text = String::new();
    for _ in 0..EVENTS {
        text.push_str(&line("result. ", false));
    }
    text.push_str(&line("", true));
    text.into()
}

/// The same in a vendor's dialect.
fn stream_of(vendor: Dialect) -> Bytes {
    let caller = Caller::ALL.into_iter().find(|caller| caller.is(vendor));
    let Some(caller) = caller else {
        return lines();
    };
    if caller == Caller::Chat {
        return chat_stream();
    }
    let reader = Arc::new(Reader::default());
    let mut stream = Stream::converting(reader, back(caller, Dialect::Chat));
    stream.push(chat_stream()).expect("small events")
}

/// Nanoseconds for one turn of `work`.
fn measure(mut work: impl FnMut()) -> f64 {
    work();
    let mut round = || {
        let begun = Instant::now();
        let mut turns = 0_u32;
        while begun.elapsed() < LONG {
            work();
            turns = turns.saturating_add(1);
        }
        begun.elapsed().as_nanos() as f64 / f64::from(turns)
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn per_event(reader: &Arc<Reader>, caller: Caller, vendor: Dialect, stream: &Bytes) -> f64 {
    let back = (!caller.is(vendor)).then(|| back(caller, vendor));
    // as they come over a network: each event in a piece of its own
    let text = std::str::from_utf8(stream).expect("UTF-8");
    let pieces: Vec<Bytes> = text
        .split_inclusive(if vendor.streams_lines() { "\n" } else { "\n\n" })
        .map(|piece| Bytes::copy_from_slice(piece.as_bytes()))
        .collect();
    let whole = measure(|| {
        let reader = Arc::clone(reader);
        let mut stream = match &back {
            Some(back) => Stream::converting(reader, back.clone()),
            None => Stream::new(reader, vendor, false),
        };
        for piece in &pieces {
            black_box(stream.push(piece.clone()).expect("small events"));
        }
        black_box(stream.end());
    });
    whole / pieces.len() as f64
}

fn per_request(caller: Caller, vendor: Dialect) -> f64 {
    let body = request(caller);
    let body = body.as_bytes();
    measure(|| {
        if !caller.is(vendor) {
            black_box(convert::request(body, &target(caller, vendor)).is_ok());
        } else if caller == Caller::Gemini {
            let peek = Peek::read_beside("m", true, body).expect("a request");
            black_box(peek.body_for(body, "other", true));
        } else {
            let peek = Peek::read_as(caller, body).expect("a request");
            black_box(peek.body_for(body, "other", true));
        }
    })
}

fn main() {
    let reader = Arc::new(Reader::default());
    let plain = per_event(&reader, Caller::Chat, Dialect::Chat, &chat_stream());
    println!("| client | vendor | request, µs | event, ns | against the same dialect |");
    println!("|---|---|---|---|---|");
    for vendor in Dialect::ALL {
        let stream = stream_of(vendor);
        let own = Caller::ALL.into_iter().find(|caller| caller.is(vendor));
        // nobody calls in Ollama's: held against chat completions
        let same = own.map_or(plain, |own| per_event(&reader, own, vendor, &stream));
        for caller in Caller::ALL {
            let event = per_event(&reader, caller, vendor, &stream);
            let request = per_request(caller, vendor) / 1_000.0;
            println!(
                "| {} | {} | {request:.1} | {event:.0} | {:.1}× |",
                caller.title(),
                vendor.title(),
                event / same
            );
        }
    }
}
