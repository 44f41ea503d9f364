//! A chat request, written from the hub. What tells a model how to answer stands in `options`.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::convert::{Back, Target};
use crate::dialect::{Caller, Dialect};
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::{Path, Refusal};
use crate::hub::json::Json;
use crate::hub::models::{self, OllamaThinking};
use crate::hub::{Choice, Effort, Kind, Outcome, Part, Request, Role, Source, Thinking, Turn};
use crate::openai::write_turns::unsigned_thoughts;

/// The longest name of a tool that is sent on: there is no bound, so that of the others.
const NAME: usize = 64;
/// In front of the names of parameters that stand in an object of their own.
const OPTIONS: &str = "options.";

/// Writes the body for a target.
pub fn write(
    request: &Request<'_>,
    target: &Target<'_>,
    back: &mut Back,
) -> Result<Vec<u8>, Refusal> {
    let way = (target.from, Dialect::Ollama);
    let extras = known::known(&request.extras, way, &mut back.notes)?;
    note(request, target.from, &mut back.notes);
    let mut refused = Ok(());
    let body = Json::object(|json| {
        json.text("model", target.model);
        json.array("messages", |json| {
            refused = messages(json, request, back);
        });
        tools(json, request, back);
        if let Some(schema) = &request.schema {
            json.raw("format", schema.schema.get());
        } else if request.json {
            json.text("format", "json");
        }
        if let Some(wanted) = request.thinking {
            think(json, wanted, target, &mut back.notes);
        }
        json.member("options", |json| options(json, request, &extras));
        json.flag("stream", target.stream);
    });
    refused.map(|()| body)
}

/// What this dialect has nothing for.
fn note(request: &Request<'_>, caller: Caller, notes: &mut Notes) {
    let said = request.turns.iter().flat_map(|turn| &turn.parts);
    if request.has_cache_marks() {
        notes.drop(known::CACHE.of(caller));
    }
    if request.tools.iter().any(|tool| tool.strict == Some(true)) {
        notes.drop(known::STRICT.of(caller));
    }
    if matches!(request.choice, Some(Choice::Any | Choice::Named(_))) {
        notes.drop(known::FORCED.of(caller));
    }
    if request.parallel == Some(false) {
        notes.drop(known::PARALLEL.of(caller));
    }
    if request.user.is_some() {
        notes.drop(known::USER.of(caller));
    }
    for part in said {
        if matches!(&part.kind, Kind::Image(_, Some(detail)) if detail != "auto") {
            notes.drop(known::DETAIL.of(caller));
        }
    }
}

fn messages(json: &mut Json, request: &Request<'_>, back: &mut Back) -> Result<(), Refusal> {
    let system = texts(request.system.iter());
    if !system.is_empty() {
        json.item(|json| {
            json.text("role", "system");
            json.text("content", &system);
        });
    }
    // the names of the tools by the ids of their calls, which some clients use again
    let mut names = HashMap::new();
    for turn in &request.turns {
        names.extend(turn.calls().map(|call| (&*call.id, &*call.name)));
        match turn.role {
            Role::User | Role::System => user(json, turn, &names, back)?,
            Role::Assistant => assistant(json, turn, back),
        }
    }
    Ok(())
}

/// The texts among parts, a line between them.
fn texts<'p>(parts: impl Iterator<Item = &'p Part<'p>>) -> Cow<'p, str> {
    let mut texts = parts.filter_map(|part| match &part.kind {
        Kind::Text(text) if !text.is_empty() => Some(&**text),
        _ => None,
    });
    let Some(first) = texts.next() else {
        return Cow::Borrowed("");
    };
    let more: Vec<&str> = texts.collect();
    if more.is_empty() {
        return Cow::Borrowed(first);
    }
    Cow::Owned([&[first], more.as_slice()].concat().join("\n"))
}

/// The results of tools, each in a message of its own, and then the rest of what the user says.
fn user(
    json: &mut Json,
    turn: &Turn<'_>,
    names: &HashMap<&str, &str>,
    back: &mut Back,
) -> Result<(), Refusal> {
    let mut rest: Vec<&Part<'_>> = Vec::new();
    for part in &turn.parts {
        let Kind::Result(outcome) = &part.kind else {
            rest.push(part);
            continue;
        };
        json.item(|json| result(json, outcome, names, back));
        let pictures = outcome.parts.iter();
        rest.extend(pictures.filter(|p| !matches!(p.kind, Kind::Text(_))));
    }
    if rest.is_empty() {
        return Ok(());
    }
    let mut images: Vec<&str> = Vec::new();
    for part in &rest {
        images.extend(image(part, back.caller)?);
    }
    json.item(|json| {
        json.text("role", "user");
        json.text("content", &texts(rest.into_iter()));
        if !images.is_empty() {
            json.array("images", |json| {
                for data in images {
                    json.item_text(data);
                }
            });
        }
    });
    Ok(())
}

/// The base64 text of a picture; nothing of a text. Ollama fetches nothing and reads no documents.
fn image<'p>(part: &'p Part<'_>, caller: Caller) -> Result<Option<&'p str>, Refusal> {
    let refused = |name: &str, what: &str| {
        let name = name.split([' ', ',']).next().unwrap_or(name);
        Err(Refusal::unsupported(&Path::ROOT.to(name), what))
    };
    match &part.kind {
        Kind::Image(Source::Data { data, .. }, _) => Ok(Some(data)),
        Kind::Image(Source::Url(_), _) => refused(
            known::PICTURE_URL.of(caller),
            "a picture that lies somewhere else",
        ),
        Kind::Document(..) => refused(known::DOCUMENT.of(caller), "a document"),
        _ => Ok(None),
    }
}

fn result(json: &mut Json, outcome: &Outcome<'_>, names: &HashMap<&str, &str>, back: &mut Back) {
    json.text("role", "tool");
    let said = texts(outcome.parts.iter());
    if outcome.failed {
        json.text("content", &format!("Error: {said}"));
    } else if said.is_empty() && !outcome.parts.is_empty() {
        json.text("content", "The result follows.");
    } else {
        json.text("content", &said);
    }
    if let Some(name) = names.get(&*outcome.id) {
        json.text("tool_name", &back.names.out(name, NAME));
    }
    json.text("tool_call_id", &outcome.id);
}

fn assistant(json: &mut Json, turn: &Turn<'_>, back: &mut Back) {
    let thoughts = unsigned_thoughts(turn, back);
    let said = texts(turn.parts.iter());
    let calls: Vec<_> = turn.calls().collect();
    if said.is_empty() && thoughts.is_empty() && calls.is_empty() {
        return;
    }
    json.item(|json| {
        json.text("role", "assistant");
        json.text("content", &said);
        if !thoughts.is_empty() {
            json.text("thinking", &thoughts);
        }
        if calls.is_empty() {
            return;
        }
        json.array("tool_calls", |json| {
            for call in calls {
                json.item(|json| {
                    json.text("id", &call.id);
                    json.member("function", |json| {
                        json.text("name", &back.names.out(&call.name, NAME));
                        arguments(json, &call.arguments);
                    });
                });
            }
        });
    });
}

/// Arguments as an object; what is none is kept as a text, so that nothing of it is lost.
fn arguments(json: &mut Json, text: &str) {
    let trimmed = text.trim();
    let object = trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok();
    match (object, trimmed) {
        (true, _) => json.raw("arguments", trimmed),
        (_, "") => json.raw("arguments", "{}"),
        _ => json.member("arguments", |json| json.text("_raw", text)),
    }
}

fn tools(json: &mut Json, request: &Request<'_>, back: &mut Back) {
    // there is no word for it: a model that sees no tools calls none
    if request.tools.is_empty() || request.choice == Some(Choice::None) {
        return;
    }
    json.array("tools", |json| {
        for tool in &request.tools {
            json.item(|json| {
                json.text("type", "function");
                json.member("function", |json| {
                    json.text("name", &back.names.out(&tool.name, NAME));
                    json.maybe_text("description", tool.description.as_deref());
                    match tool.schema.as_deref() {
                        Some(schema) => json.raw("parameters", schema.get()),
                        None => json.raw("parameters", r#"{"type":"object","properties":{}}"#),
                    }
                });
            });
        }
    });
}

fn options(json: &mut Json, request: &Request<'_>, extras: &[(&'static str, &RawValue)]) {
    if let Some(most) = request.max_output {
        json.number("num_predict", most);
    }
    json.maybe_raw("temperature", request.temperature);
    json.maybe_raw("top_p", request.top_p);
    if !request.stop.is_empty() {
        json.array("stop", |json| {
            request.stop.iter().for_each(|stop| json.item_text(stop));
        });
    }
    for (name, value) in extras {
        json.raw(name.strip_prefix(OPTIONS).unwrap_or(name), value.get());
    }
}

/// Models that cannot think refuse to be asked for it, and not to be asked for none.
fn think(json: &mut Json, wanted: Thinking, target: &Target<'_>, notes: &mut Notes) {
    let thinks = models::ollama(target.model);
    let level = |effort: Effort| match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::Extra | Effort::Max => "high",
    };
    match (thinks, wanted) {
        (_, Thinking::Off) => json.flag("think", false),
        (OllamaThinking::None, _) => notes.drop(known::EFFORT.of(target.from)),
        (OllamaThinking::Level, Thinking::Effort(effort)) => json.text("think", level(effort)),
        (OllamaThinking::Level, Thinking::Budget(tokens)) => {
            json.text("think", level(Effort::of_budget(tokens)));
        }
        (OllamaThinking::Switch, _) | (_, Thinking::Free) => json.flag("think", true),
    }
}
