//! Turns a reply into acts on the connection and plays them.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;

use super::http;
use super::script::{Act, End, Reply};

/// Between the pieces of a split body, so that each arrives alone.
pub(super) const SPLIT_GAP: Duration = Duration::from_millis(2);
/// Before a reset, which discards what is not sent yet.
const RESET_GAP: Duration = Duration::from_millis(20);

/// What the route would answer if nothing went wrong.
pub(super) enum Usual {
    /// One body.
    Plain(Vec<u8>),
    /// Events of a stream, each with its `data: ` and its blank line.
    Events(Vec<String>),
    /// The same in Anthropic's dialect.
    Messages(Vec<String>),
    /// The same in Google's.
    Gemini(Vec<String>),
    /// Those of a response.
    Responses(Vec<String>),
    /// The lines of a stream of Ollama's.
    Lines(Vec<String>),
}

/// How the connection is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Ready for the next request.
    Open,
    /// To be closed.
    Close,
    /// To be reset.
    Reset,
}

/// The acts that make up an answer.
pub(super) fn acts(reply: Reply, usual: Usual) -> Vec<Act> {
    if let Some(acts) = reply.acts {
        return acts;
    }
    let mut out = Vec::new();
    if !reply.delay.is_zero() {
        out.push(Act::Wait(reply.delay));
    }
    match reply.end {
        End::CloseAtOnce => out.push(Act::Close),
        End::ResetAtOnce => out.push(Act::Reset),
        End::StallAtOnce => out.push(Act::Stall),
        _ => match usual {
            _ if reply.body.is_some() => {
                let body = reply.body.clone().unwrap_or_default();
                plain_acts(&reply, &body, &mut out);
            }
            Usual::Plain(body) => plain_acts(&reply, &body, &mut out),
            Usual::Events(events) => stream_acts(&reply, events, &chat_error(), &mut out),
            Usual::Messages(events) => stream_acts(&reply, events, MESSAGES_ERROR, &mut out),
            Usual::Responses(events) => stream_acts(&reply, events, RESPONSES_ERROR, &mut out),
            Usual::Gemini(events) => stream_acts(&reply, events, GEMINI_ERROR, &mut out),
            Usual::Lines(lines) => {
                let kind = ("content-type".to_owned(), "application/x-ndjson".to_owned());
                let headers = [reply.headers.clone(), vec![kind]].concat();
                let reply = Reply { headers, ..reply };
                stream_acts(&reply, lines, OLLAMA_ERROR, &mut out);
            }
        },
    }
    out
}

fn plain_acts(reply: &Reply, body: &[u8], out: &mut Vec<Act>) {
    let whole = http::plain(reply.status, &reply.headers, body);
    let kept = whole.len() - body.len() / 2;
    match reply.end {
        End::Close(_) => out.extend([Act::Send(whole.slice(..kept)), Act::Close]),
        End::Reset(_) => out.extend([
            Act::Send(whole.slice(..kept)),
            Act::Wait(RESET_GAP),
            Act::Reset,
        ]),
        End::Stall(_) => out.extend([Act::Send(whole.slice(..kept)), Act::Stall]),
        _ => out.push(Act::Send(whole)),
    }
}

const MESSAGES_ERROR: &str = concat!(
    "event: error\n",
    r#"data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    "\n\n"
);

const RESPONSES_ERROR: &str = concat!(
    "event: error\n",
    r#"data: {"type":"error","sequence_number":9,"code":"server_error","message":"The server had an error.","param":null}"#,
    "\n\n"
);

const GEMINI_ERROR: &str = concat!(
    r#"data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
    "\r\n\r\n"
);

const OLLAMA_ERROR: &str =
    "{\"error\":\"an error was encountered while running the model: unexpected EOF\"}\n";

fn chat_error() -> String {
    let error = json!({"error": {"message": "The server had an error while processing your request.",
        "type": "server_error", "param": null, "code": null}});
    format!("data: {error}\n\n")
}

fn stream_acts(reply: &Reply, mut events: Vec<String>, error: &str, out: &mut Vec<Act>) {
    match reply.end {
        End::Close(n) | End::Reset(n) | End::Stall(n) => events.truncate(n),
        End::Error(n) => {
            events.truncate(n);
            events.push(error.to_owned());
        }
        End::NoDone => {
            events.pop();
        }
        _ => {}
    }
    out.push(Act::Send(http::stream_head(reply.status, &reply.headers)));
    if !reply.first.is_zero() {
        out.push(Act::Wait(reply.first));
    }
    if let Some(size) = reply.split {
        for piece in events.concat().as_bytes().chunks(size.max(1)) {
            out.push(Act::Send(http::chunk(piece)));
            out.push(Act::Wait(SPLIT_GAP));
        }
    } else {
        for (place, event) in events.iter().enumerate() {
            if place > 0 && !reply.pace.is_zero() {
                out.push(Act::Wait(reply.pace));
            }
            out.push(Act::Send(http::chunk(event.as_bytes())));
        }
    }
    match reply.end {
        End::Close(_) => out.push(Act::Close),
        End::Reset(_) => out.extend([Act::Wait(RESET_GAP), Act::Reset]),
        End::Stall(_) => out.push(Act::Stall),
        _ => out.push(Act::Send(Bytes::from_static(http::LAST_CHUNK))),
    }
}

/// Does one act after the other.
pub(super) async fn play(writer: &mut WriteHalf<'_>, acts: Vec<Act>) -> io::Result<Left> {
    for act in acts {
        match act {
            Act::Wait(time) => tokio::time::sleep(time).await,
            Act::Send(bytes) => writer.write_all(&bytes).await?,
            Act::Stall => std::future::pending().await,
            Act::Close => return Ok(Left::Close),
            Act::Reset => return Ok(Left::Reset),
        }
    }
    Ok(Left::Open)
}
