//! A whole message of an answer, written from the hub.

use modelgate_domain::Usage;

use super::write_turns::write_input;
use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::{Answer, Kind, Part, Stop};

/// Writes the body.
pub fn write(answer: &Answer<'_>, back: &Back) -> Vec<u8> {
    Json::object(|json| {
        head(json, &answer.id, &back.model);
        json.array("content", |json| {
            for part in &answer.parts {
                json.item(|json| block(json, part, back));
            }
        });
        ending(json, &answer.stop);
        json.member("usage", |json| {
            write_usage(json, &answer.usage.unwrap_or_default());
        });
    })
}

fn block(json: &mut Json, part: &Part<'_>, back: &Back) {
    match &part.kind {
        Kind::Text(text) => {
            json.text("type", "text");
            json.text("text", text);
        }
        Kind::Thinking { text, signature } => {
            json.text("type", "thinking");
            json.text("thinking", text);
            json.text("signature", signature);
        }
        Kind::Call(call) => {
            json.text("type", "tool_use");
            json.text("id", &call.id);
            json.text("name", back.names.back(&call.name));
            write_input(json, &call.arguments);
        }
        Kind::Sealed(data) => {
            json.text("type", "redacted_thinking");
            json.text("data", data);
        }
        // no vendor answers with these
        Kind::Image(..) | Kind::Document(..) | Kind::Result(_) => {
            json.text("type", "text");
            json.text("text", "");
        }
    }
}

/// What an answer begins with.
pub(super) fn head(json: &mut Json, id: &str, model: &str) {
    let rest = id.strip_prefix("chatcmpl-").unwrap_or(id);
    json.text("id", &format!("msg_{rest}"));
    json.text("type", "message");
    json.text("role", "assistant");
    json.text("model", model);
}

/// Why the answer ends.
pub(super) fn ending(json: &mut Json, stop: &Stop) {
    json.text("stop_reason", reason(stop));
    match stop {
        Stop::Sequence(text) if !text.is_empty() => json.text("stop_sequence", text),
        _ => json.null("stop_sequence"),
    }
}

fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        // there is no word for an answer that broke off; readers know that of one that is cut
        Stop::Length | Stop::Failed(_) => "max_tokens",
        Stop::Tools => "tool_use",
        Stop::Sequence(_) => "stop_sequence",
        Stop::Refused => "refusal",
        Stop::Paused => "pause_turn",
    }
}

/// The members of `usage`, whose counts do not overlap here.
pub(super) fn write_usage(json: &mut Json, usage: &Usage) {
    json.number("input_tokens", usage.prompt);
    json.number("cache_creation_input_tokens", usage.cache_write);
    json.number("cache_read_input_tokens", usage.cached);
    json.number("output_tokens", usage.output());
}
