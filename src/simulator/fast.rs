//! Prepared answers without script or books: a vendor that costs a benchmark next to nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::{self, Finder};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::http;

/// What the fast vendor answers.
#[derive(Clone, Copy, Debug)]
pub struct Fast {
    /// Content events of a stream.
    pub events: usize,
    /// Between two events.
    pub pace: Duration,
}

/// The bytes of the three possible answers.
#[derive(Debug)]
pub(super) struct Prepared {
    plain: Bytes,
    head: Bytes,
    event: Bytes,
    /// Finish event, `[DONE]`, last chunk.
    tail: Bytes,
    /// The same with the usage event.
    tail_with_usage: Bytes,
    options: Fast,
    end_of_head: Finder<'static>,
    stream: Finder<'static>,
    usage: Finder<'static>,
}

const TEXT: &str =
    "Measure first, change one thing, and measure again before you believe the result. ";

impl Prepared {
    pub(super) fn new(options: Fast) -> Self {
        let event = |delta: serde_json::Value, finish: Option<&str>| {
            let data = json!({"id": "chatcmpl-0123456789abcdef", "object": "chat.completion.chunk", "created": 1_750_000_000,
                "model": "sim-chat", "system_fingerprint": "fp_simulated",
                "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]});
            http::chunk(format!("data: {data}\n\n").as_bytes())
        };
        let usage = json!({"prompt_tokens": 128, "completion_tokens": 64, "total_tokens": 192,
            "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}});
        let plain = json!({"id": "chatcmpl-0123456789abcdef", "object": "chat.completion", "created": 1_750_000_000,
            "model": "sim-chat", "system_fingerprint": "fp_simulated", "usage": usage,
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "stop",
                "message": {"role": "assistant", "content": TEXT.repeat(3), "refusal": null}}]});
        let usage_event = json!({"id": "chatcmpl-0123456789abcdef", "object": "chat.completion.chunk",
            "created": 1_750_000_000, "model": "sim-chat", "choices": [], "usage": usage});
        let finish = event(json!({}), Some("stop"));
        let done = [&http::chunk(b"data: [DONE]\n\n")[..], http::LAST_CHUNK].concat();
        let usage_event = http::chunk(format!("data: {usage_event}\n\n").as_bytes());
        Self {
            plain: http::plain(200, &[], plain.to_string().as_bytes()),
            head: http::stream_head(200, &[]),
            event: event(json!({"content": " believe"}), None),
            tail: [&finish[..], &done].concat().into(),
            tail_with_usage: [&finish[..], &usage_event, &done].concat().into(),
            options,
            end_of_head: Finder::new(b"\r\n\r\n"),
            stream: Finder::new(b"\"stream\":true"),
            usage: Finder::new(b"\"include_usage\":true"),
        }
    }
}

/// Serves one connection until the client leaves.
pub(super) async fn connection(mut stream: TcpStream, prepared: Arc<Prepared>) {
    let mut buffer = BytesMut::with_capacity(8192);
    loop {
        let Some((head, length)) = wait_for_request(&mut stream, &mut buffer, &prepared).await
        else {
            return;
        };
        let body = buffer.get(head..head + length).unwrap_or_default();
        let streamed = prepared.stream.find(body).is_some();
        let usage = streamed && prepared.usage.find(body).is_some();
        buffer.advance(head + length);
        let written = if streamed {
            stream_out(&mut stream, &prepared, usage).await
        } else {
            stream.write_all(&prepared.plain).await
        };
        if written.is_err() {
            return;
        }
    }
}

/// The lengths of head and body once both have arrived. Bodies must bring a content-length.
async fn wait_for_request(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    prepared: &Prepared,
) -> Option<(usize, usize)> {
    loop {
        if let Some(end) = prepared.end_of_head.find(buffer) {
            let head = buffer.get(..end).unwrap_or_default();
            let length = content_length(head);
            if buffer.len() >= end + 4 + length {
                return Some((end + 4, length));
            }
        }
        match stream.read_buf(buffer).await {
            Ok(1..) => {}
            _ => return None,
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let name = b"content-length:";
    memchr::memchr_iter(b'\n', head)
        .filter_map(|place| head.get(place + 1..))
        .find(|line| {
            line.get(..name.len())
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        })
        .and_then(|line| {
            let line = line.get(name.len()..)?;
            let end = memmem::find(line, b"\r").unwrap_or(line.len());
            std::str::from_utf8(line.get(..end)?)
                .ok()?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

async fn stream_out(
    stream: &mut TcpStream,
    prepared: &Prepared,
    usage: bool,
) -> std::io::Result<()> {
    stream.write_all(&prepared.head).await?;
    let mut next = Instant::now();
    for _ in 0..prepared.options.events {
        if !prepared.options.pace.is_zero() {
            next += prepared.options.pace;
            tokio::time::sleep_until(next).await;
        }
        stream.write_all(&prepared.event).await?;
    }
    let tail = if usage {
        &prepared.tail_with_usage
    } else {
        &prepared.tail
    };
    stream.write_all(tail).await
}
