//! A whole answer, written from the hub.

use serde_json::value::RawValue;

use super::usage;
use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::{Answer, Kind, Part, Stop};

/// The name under which arguments stand that are no JSON object.
const RAW: &str = "_raw";

/// Writes the body.
pub fn write(answer: &Answer<'_>, back: &Back) -> Vec<u8> {
    Json::object(|json| {
        json.array("candidates", |json| {
            json.item(|json| {
                json.member("content", |json| {
                    json.array("parts", |json| {
                        let told = answer.parts.iter().filter(|part| is_told(part, back));
                        told.for_each(|part| json.item(|json| write_part(json, part, back)));
                    });
                    json.text("role", "model");
                });
                json.text("finishReason", reason(&answer.stop));
                json.number("index", 0);
            });
        });
        if let Some(usage) = &answer.usage {
            json.member("usageMetadata", |json| usage::write(json, usage));
        }
        json.text("modelVersion", &back.model);
        json.text("responseId", &answer.id);
    })
}

fn is_told(part: &Part<'_>, back: &Back) -> bool {
    match &part.kind {
        Kind::Text(_) | Kind::Call(_) => true,
        Kind::Thinking { text, .. } => !back.hides_thoughts && !text.is_empty(),
        _ => false,
    }
}

fn write_part(json: &mut Json, part: &Part<'_>, back: &Back) {
    match &part.kind {
        Kind::Text(text) => json.text("text", text),
        Kind::Thinking { text, .. } => {
            json.text("text", text);
            json.flag("thought", true);
        }
        Kind::Call(call) => {
            write_call(json, &call.id, back.names.back(&call.name), &call.arguments);
        }
        // not told
        _ => {}
    }
}

/// A call of a function.
pub(super) fn write_call(json: &mut Json, id: &str, name: &str, arguments: &str) {
    json.member("functionCall", |json| {
        json.text("id", id);
        json.text("name", name);
        write_args(json, arguments);
    });
}

/// Arguments as an object; what is none is kept as a text, so that nothing of it is lost.
pub(super) fn write_args(json: &mut Json, arguments: &str) {
    let trimmed = arguments.trim();
    if trimmed.is_empty() {
        return json.raw("args", "{}");
    }
    let object = trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok();
    if object {
        json.raw("args", trimmed);
    } else {
        json.member("args", |json| json.text(RAW, arguments));
    }
}

/// The finish reason.
pub(super) fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Tools | Stop::Sequence(_) | Stop::Paused => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Refused => "SAFETY",
        Stop::Failed(_) => "OTHER",
    }
}
