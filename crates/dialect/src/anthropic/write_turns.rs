//! The turns of a request for messages, and what they are made of.

use serde_json::value::RawValue;

use crate::convert::Back;
use crate::dialect::Caller;
use crate::hub::features::{self as known, Notes};
use crate::hub::json::Json;
use crate::hub::names::fitted;
use crate::hub::seal;
use crate::hub::{Call, Kind, Outcome, Part, Request, Role, Source, Turn, media_type};

/// The longest name of a tool.
pub(super) const NAME: usize = 128;
/// The longest id of a call.
const ID: usize = 64;
/// The name under which arguments stand that are no JSON object.
const RAW: &str = "_raw";

/// Texts of nothing but blanks are refused.
pub(super) fn says(part: &Part<'_>) -> bool {
    !matches!(&part.kind, Kind::Text(text) if text.trim().is_empty())
}

/// Turns of the same side in one, without what cannot be sent; the user's comes first, and calls come last.
pub(super) fn merged<'r>(
    request: &'r Request<'r>,
    caller: Caller,
    notes: &mut Notes,
) -> Vec<(Role, Vec<&'r Part<'r>>)> {
    let mut out: Vec<(Role, Vec<&Part<'_>>)> = Vec::new();
    for Turn { role, parts } in &request.turns {
        let mut kept: Vec<&Part<'_>> = Vec::with_capacity(parts.len());
        for part in parts.iter().filter(|p| says(p)) {
            let foreign = |signature: &str| signature.is_empty() || seal::is_marked(signature);
            if let Kind::Thinking { signature, .. } = &part.kind
                && foreign(signature)
            {
                notes.drop(known::thoughts(caller, signature));
            } else {
                kept.push(part);
            }
            if matches!(&part.kind, Kind::Image(_, Some(detail)) if detail != "auto") {
                notes.drop(known::DETAIL.of(caller));
            }
        }
        match out.last_mut() {
            _ if kept.is_empty() => {}
            Some((last, before)) if last == role => before.append(&mut kept),
            _ => out.push((*role, kept)),
        }
    }
    for (_, parts) in out.iter_mut().filter(|(role, _)| *role == Role::Assistant) {
        parts.sort_by_key(|part| matches!(part.kind, Kind::Call(_)));
    }
    out
}

pub(super) fn messages(json: &mut Json, turns: &[(Role, Vec<&Part<'_>>)], back: &mut Back) {
    if turns
        .first()
        .is_none_or(|(role, _)| *role == Role::Assistant)
    {
        json.item(|json| {
            json.text("role", "user");
            json.text("content", "...");
        });
    }
    for (role, parts) in turns {
        json.item(|json| {
            json.text(
                "role",
                match role {
                    Role::User | Role::System => "user",
                    Role::Assistant => "assistant",
                },
            );
            if let [
                Part {
                    kind: Kind::Text(text),
                    cache: None,
                },
            ] = parts.as_slice()
            {
                return json.text("content", text);
            }
            json.array("content", |json| {
                for part in parts {
                    json.item(|json| block(json, part, back));
                }
            });
        });
    }
}

fn block(json: &mut Json, part: &Part<'_>, back: &mut Back) {
    match &part.kind {
        Kind::Call(call) => {
            write_call(json, call, back);
            json.maybe_raw("cache_control", part.cache);
        }
        _ => content(json, part),
    }
}

pub(super) fn content(json: &mut Json, part: &Part<'_>) {
    match &part.kind {
        Kind::Text(text) => {
            json.text("type", "text");
            json.text("text", text);
        }
        Kind::Image(source, _) => {
            json.text("type", "image");
            write_source(json, source);
        }
        Kind::Document(source, name) => {
            json.text("type", "document");
            write_source(json, source);
            json.maybe_text("title", name.as_deref());
        }
        Kind::Result(outcome) => result(json, outcome),
        Kind::Thinking { text, signature } => {
            json.text("type", "thinking");
            json.text("thinking", text);
            json.text("signature", signature);
        }
        Kind::Sealed(data) => {
            json.text("type", "redacted_thinking");
            json.text("data", data);
        }
        Kind::Call(_) => {}
    }
    json.maybe_raw("cache_control", part.cache);
}

fn write_source(json: &mut Json, source: &Source<'_>) {
    json.member("source", |json| match source {
        Source::Data { media, data } => {
            json.text("type", "base64");
            json.text("media_type", media_type(media));
            json.text("data", data);
        }
        Source::Url(url) => {
            json.text("type", "url");
            json.text("url", url);
        }
    });
}

fn result(json: &mut Json, outcome: &Outcome<'_>) {
    json.text("type", "tool_result");
    json.text("tool_use_id", &fitted(&outcome.id, ID));
    let said: Vec<&Part<'_>> = outcome.parts.iter().filter(|p| says(p)).collect();
    if let [
        Part {
            kind: Kind::Text(text),
            ..
        },
    ] = said.as_slice()
    {
        json.text("content", text);
    } else if !said.is_empty() {
        json.array("content", |json| {
            for part in said {
                json.item(|json| content(json, part));
            }
        });
    }
    if outcome.failed {
        json.flag("is_error", true);
    }
}

fn write_call(json: &mut Json, call: &Call<'_>, back: &mut Back) {
    json.text("type", "tool_use");
    json.text("id", &fitted(&call.id, ID));
    json.text("name", &back.names.out(&call.name, NAME));
    write_input(json, &call.arguments);
}

/// Arguments as an object; what is none is kept as a text, so that nothing of it is lost.
pub(super) fn write_input(json: &mut Json, arguments: &str) {
    let trimmed = arguments.trim();
    if trimmed.is_empty() {
        return json.raw("input", "{}");
    }
    let object = trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok();
    if object {
        json.raw("input", trimmed);
    } else {
        json.member("input", |json| json.text(RAW, arguments));
    }
}
