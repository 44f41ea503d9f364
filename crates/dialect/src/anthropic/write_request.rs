//! A request for messages, written from the hub.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::convert::{Back, Target};
use crate::dialect::{Caller, Dialect};
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::{Fields, Path, Refusal};
use crate::hub::json::Json;
use crate::hub::models::{self, MessagesModel, ThinkingForm};
use crate::hub::names::fitted;
use crate::hub::seal;
use crate::hub::{
    Call, Choice, Effort, Kind, Outcome, Part, Request, Role, Source, Thinking, Tool, Turn,
};

/// The longest name of a tool.
const NAME: usize = 128;
/// The longest id of a call.
const ID: usize = 64;
/// The most tokens of an answer where neither the caller nor the operator says a number: every model of today can do that.
const DEFAULT_MAX_TOKENS: i64 = 8_192;
/// The name under which arguments stand that are no JSON object.
const RAW: &str = "_raw";

/// Writes the body for a target.
pub fn write(
    request: &Request<'_>,
    target: &Target<'_>,
    back: &mut Back,
) -> Result<Vec<u8>, Refusal> {
    let model = models::messages(target.model);
    let notes = &mut back.notes;
    let mut extras = known::known(&request.extras, (target.from, Dialect::Messages), notes)?;
    let thinks = thinking(request, model, target.from, notes);
    if request.json {
        notes.drop(known::JSON_OBJECT.of(target.from));
    }
    if thinks.is_some() || !model.sampling {
        extras.retain(|(name, _)| *name != "top_k" || drops(notes, "top_k"));
    }
    check(request, target.from)?;
    let turns = merged(request, target.from, notes);
    let body = Json::object(|json| {
        json.text("model", target.model);
        limits(json, request, target, thinks);
        system(json, request);
        json.array("messages", |json| messages(json, &turns, back));
        sampling(json, request, model, thinks.is_some(), &mut back.notes);
        output(json, request, model, thinks, back);
        tools(json, request, model, back);
        for (name, value) in extras {
            json.raw(name, value.get());
        }
    });
    Ok(body)
}

/// Notes the name and keeps nothing.
fn drops(notes: &mut Notes, name: &'static str) -> bool {
    notes.drop(name);
    false
}

/// How the model is told to think, if it is.
#[derive(Clone, Copy)]
enum Thinks {
    Budget(i64),
    Adaptive(Option<Effort>),
}

fn thinking(
    request: &Request<'_>,
    model: MessagesModel,
    caller: Caller,
    notes: &mut Notes,
) -> Option<Thinks> {
    let wanted = match request.thinking? {
        Thinking::Off => return None,
        wanted => wanted,
    };
    let forced = matches!(request.choice, Some(Choice::Any | Choice::Named(_)));
    let after_tools = || {
        let last = request.turns.last();
        last.is_some_and(|turn| {
            let results = |part: &Part<'_>| matches!(part.kind, Kind::Result(_));
            turn.parts.iter().any(results)
        })
    };
    let found = match (model.thinking, wanted) {
        (ThinkingForm::None, _) => None,
        _ if forced => None,
        (ThinkingForm::Budget, _) if after_tools() => None,
        (ThinkingForm::Budget, Thinking::Budget(tokens)) => Some(Thinks::Budget(tokens.max(1_024))),
        (ThinkingForm::Budget, Thinking::Effort(effort)) => Some(Thinks::Budget(effort.budget())),
        (ThinkingForm::Budget, _) => Some(Thinks::Budget(Effort::Medium.budget())),
        (ThinkingForm::Adaptive, Thinking::Effort(effort)) => Some(Thinks::Adaptive(Some(effort))),
        (ThinkingForm::Adaptive, Thinking::Budget(tokens)) => {
            Some(Thinks::Adaptive(Some(Effort::of_budget(tokens))))
        }
        (ThinkingForm::Adaptive, _) => Some(Thinks::Adaptive(None)),
    };
    if found.is_none() {
        notes.drop(known::EFFORT.of(caller));
    }
    found
}

/// What the hub can hold and this dialect cannot.
fn check(request: &Request<'_>, caller: Caller) -> Result<(), Refusal> {
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        if let Kind::Document(Source::Data { media, .. }, _) = &part.kind
            && media != "application/pdf"
        {
            let at = Path::ROOT.to(match caller {
                Caller::Responses => "input.content.file_data",
                Caller::Gemini => "contents.parts.inlineData.mimeType",
                Caller::Chat | Caller::Messages => "messages.content.file.file_data",
            });
            return Err(Refusal::unsupported(&at, "a document that is no PDF"));
        }
    }
    Ok(())
}

fn limits(json: &mut Json, request: &Request<'_>, target: &Target<'_>, thinks: Option<Thinks>) {
    let most = request.max_output.or(target.max_output);
    let mut most = most.unwrap_or(DEFAULT_MAX_TOKENS);
    match thinks {
        Some(Thinks::Budget(budget)) => {
            if most <= budget {
                most = most.saturating_add(budget);
            }
            json.number("max_tokens", most);
            json.member("thinking", |json| {
                json.text("type", "enabled");
                json.number("budget_tokens", budget);
            });
        }
        Some(Thinks::Adaptive(_)) => {
            json.number("max_tokens", most);
            json.member("thinking", |json| json.text("type", "adaptive"));
        }
        None => json.number("max_tokens", most),
    }
    if request.stream {
        json.flag("stream", true);
    }
    if !request.stop.is_empty() {
        json.array("stop_sequences", |json| {
            request.stop.iter().for_each(|stop| json.item_text(stop));
        });
    }
    if let Some(user) = &request.user {
        json.member("metadata", |json| json.text("user_id", user));
    }
}

fn sampling(
    json: &mut Json,
    request: &Request<'_>,
    model: MessagesModel,
    thinks: bool,
    notes: &mut Notes,
) {
    let one = |raw: &&RawValue| matches!(raw.get(), "1" | "1.0");
    let temperature = request.temperature.filter(|raw| !one(raw));
    let top_p = request.top_p.filter(|raw| !one(raw));
    if let Some(raw) = temperature {
        let number: f64 = serde_json::from_str(raw.get()).unwrap_or(1.0);
        if thinks || !model.sampling || number > 1.0 {
            notes.drop("temperature");
        } else {
            json.raw("temperature", raw.get());
        }
    } else if request.temperature.is_some() && model.sampling {
        json.raw("temperature", "1");
    }
    if let Some(raw) = top_p {
        if thinks || !model.sampling || temperature.is_some() {
            notes.drop("top_p");
        } else {
            json.raw("top_p", raw.get());
        }
    }
}

fn output(
    json: &mut Json,
    request: &Request<'_>,
    model: MessagesModel,
    thinks: Option<Thinks>,
    back: &mut Back,
) {
    let effort = match thinks {
        Some(Thinks::Adaptive(effort)) => effort,
        _ => None,
    };
    let most = if model.extra_effort {
        Effort::Max
    } else {
        Effort::High
    };
    let effort = effort.map(|effort| effort.clamp(Effort::Low, most));
    let schema = request.schema.as_ref().filter(|_| model.schemas);
    if request.schema.is_some() && schema.is_none() {
        back.notes.drop(known::SCHEMA.of(back.caller));
    }
    if effort.is_none() && schema.is_none() {
        return;
    }
    json.member("output_config", |json| {
        json.maybe_text("effort", effort.map(Effort::word));
        if let Some(schema) = schema {
            json.member("format", |json| {
                json.text("type", "json_schema");
                json.raw("schema", schema.schema.get());
            });
        }
    });
}

fn tools(json: &mut Json, request: &Request<'_>, model: MessagesModel, back: &mut Back) {
    if request.tools.is_empty() {
        return;
    }
    json.array("tools", |json| {
        for tool in &request.tools {
            json.item(|json| write_tool(json, tool, model, back));
        }
    });
    let alone = request.parallel == Some(false) && request.choice != Some(Choice::None);
    let choice = match (&request.choice, alone) {
        (None, false) => return,
        (None, true) => &Choice::Auto,
        (Some(choice), _) => choice,
    };
    json.member("tool_choice", |json| {
        match choice {
            Choice::Auto => json.text("type", "auto"),
            Choice::None => json.text("type", "none"),
            Choice::Any => json.text("type", "any"),
            Choice::Named(name) => {
                json.text("type", "tool");
                json.text("name", &back.names.out(name, NAME));
            }
        }
        if alone {
            json.flag("disable_parallel_tool_use", true);
        }
    });
}

fn write_tool(json: &mut Json, tool: &Tool<'_>, model: MessagesModel, back: &mut Back) {
    json.text("name", &back.names.out(&tool.name, NAME));
    json.maybe_text("description", tool.description.as_deref());
    json.raw("input_schema", &schema(tool.schema.as_deref()));
    if let Some(strict) = tool.strict {
        if model.schemas {
            json.flag("strict", strict);
        } else if strict {
            back.notes.drop(known::STRICT.of(back.caller));
        }
    }
    json.maybe_raw("cache_control", tool.cache);
}

/// A schema says here that it is one of an object.
fn schema(raw: Option<&RawValue>) -> Cow<'_, str> {
    const NOTHING: &str = r#"{"type":"object","properties":{}}"#;
    let Some(raw) = raw else {
        return Cow::Borrowed(NOTHING);
    };
    let Ok(mut fields) = Fields::read(raw.get(), &Path::ROOT) else {
        return Cow::Borrowed(raw.get());
    };
    if fields.take("type").is_some() {
        return Cow::Borrowed(raw.get());
    }
    let inner = raw.get().strip_prefix('{').unwrap_or_default();
    if inner.trim_start().starts_with('}') {
        return Cow::Borrowed(NOTHING);
    }
    Cow::Owned(format!("{{\"type\":\"object\",{inner}"))
}

fn system(json: &mut Json, request: &Request<'_>) {
    let said: Vec<&Part<'_>> = request.system.iter().filter(|p| says(p)).collect();
    match said.as_slice() {
        [] => {}
        [
            Part {
                kind: Kind::Text(text),
                cache: None,
            },
        ] => json.text("system", text),
        parts => json.array("system", |json| {
            let texts = parts.iter().filter(|p| matches!(p.kind, Kind::Text(_)));
            texts.for_each(|part| json.item(|json| content(json, part)));
        }),
    }
}

/// Empty texts are refused.
fn says(part: &Part<'_>) -> bool {
    !matches!(&part.kind, Kind::Text(text) if text.is_empty())
}

/// Turns of the same side in one, without what cannot be sent; the user's comes first.
fn merged<'r>(
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
    out
}

fn messages(json: &mut Json, turns: &[(Role, Vec<&Part<'_>>)], back: &mut Back) {
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
                    Role::User => "user",
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

fn content(json: &mut Json, part: &Part<'_>) {
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
            json.text("media_type", media);
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
