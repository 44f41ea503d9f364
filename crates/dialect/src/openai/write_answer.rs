//! A whole chat completion, written from the hub.

use modelgate_domain::Usage;

use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::seal::{self, Maker};
use crate::hub::{Answer, Kind, Stop};

/// Writes the body.
pub fn write(answer: &Answer<'_>, back: &Back) -> Vec<u8> {
    Json::object(|json| {
        json.text("id", &id(&answer.id));
        json.text("object", "chat.completion");
        json.number("created", back.now_s);
        json.text("model", &back.model);
        json.array("choices", |json| {
            json.item(|json| {
                json.number("index", 0);
                json.member("message", |json| message(json, answer, back));
                json.null("logprobs");
                json.text("finish_reason", finish(&answer.stop));
            });
        });
        if let Some(usage) = &answer.usage {
            json.member("usage", |json| write_usage(json, usage));
        }
    })
}

fn message(json: &mut Json, answer: &Answer<'_>, back: &Back) {
    let (mut text, mut thoughts) = (String::new(), String::new());
    let mut calls = Vec::new();
    let mut sealed = None;
    for part in &answer.parts {
        match &part.kind {
            Kind::Text(piece) => {
                // what seals a text has no place here
                sealed = None;
                text.push_str(piece);
            }
            Kind::Thinking {
                text: piece,
                signature,
            } => {
                sealed = seal::unmarked(Maker::Gemini, signature);
                thoughts.push_str(piece);
            }
            Kind::Call(call) => calls.push((call, sealed.take())),
            _ => {}
        }
    }
    json.text("role", "assistant");
    if text.is_empty() && !calls.is_empty() {
        json.null("content");
    } else {
        json.text("content", &text);
    }
    json.null("refusal");
    if !thoughts.is_empty() {
        json.text("reasoning_content", &thoughts);
    }
    if calls.is_empty() {
        return;
    }
    json.array("tool_calls", |json| {
        for (call, sealed) in calls {
            json.item(|json| {
                json.text("id", &call.id);
                json.text("type", "function");
                write_seal(json, sealed);
                json.member("function", |json| {
                    json.text("name", back.names.back(&call.name));
                    json.text("arguments", &call.arguments);
                });
            });
        }
    });
}

/// The seal of a call, as Google's own surface of this dialect tells it.
pub(super) fn write_seal(json: &mut Json, seal: Option<&str>) {
    if let Some(seal) = seal {
        json.member("extra_content", |json| {
            json.member("google", |json| json.text("thought_signature", seal));
        });
    }
}

/// The answer's id in the form that this dialect has.
pub(super) fn id(vendors: &str) -> String {
    format!(
        "chatcmpl-{}",
        vendors.strip_prefix("msg_").unwrap_or(vendors)
    )
}

/// The finish reason.
pub(super) fn finish(stop: &Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::Paused => "stop",
        // there is no word for an answer that broke off; readers know that of one that is cut
        Stop::Length | Stop::Failed(_) => "length",
        Stop::Tools => "tool_calls",
        Stop::Refused => "content_filter",
    }
}

/// The members of `usage`, whose counts overlap here.
pub(super) fn write_usage(json: &mut Json, usage: &Usage) {
    json.number("prompt_tokens", usage.input());
    json.number("completion_tokens", usage.output());
    json.number("total_tokens", usage.total());
    json.member("prompt_tokens_details", |json| {
        json.number("cached_tokens", usage.cached);
    });
    json.member("completion_tokens_details", |json| {
        json.number("reasoning_tokens", usage.reasoning);
    });
}
