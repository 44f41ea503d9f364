//! A chat completion's request, written from the hub.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::convert::{Back, Target};
use crate::dialect::{Caller, Dialect};
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::{Path, Refusal};
use crate::hub::json::Json;
use crate::hub::models::{self, ChatModel};
use crate::hub::names::{fitted, hash};
use crate::hub::{
    Call, Choice, Effort, Kind, Outcome, Part, Request, Role, Source, Thinking, Tool, Turn,
};

/// The longest name of a tool.
const NAME: usize = 64;
/// The longest id of a call.
const ID: usize = 40;
/// The longest name of a user.
const USER: usize = 64;

/// Writes the body for a target.
pub fn write(
    request: &Request<'_>,
    target: &Target<'_>,
    back: &mut Back,
) -> Result<Vec<u8>, Refusal> {
    let model = models::chat(target.model);
    let extras = known::known(
        &request.extras,
        (target.from, Dialect::Chat),
        &mut back.notes,
    )?;
    note(request, model, target.from, &mut back.notes);
    let mut failed = None;
    let body = Json::object(|json| {
        json.text("model", target.model);
        json.array("messages", |json| {
            failed = messages(json, request, model, back).err();
        });
        parameters(json, request, model);
        tools(json, request, back);
        for (name, value) in extras {
            json.raw(name, value.get());
        }
    });
    match failed {
        Some(refusal) => Err(refusal),
        None => Ok(body),
    }
}

/// What this model, or this dialect, has nothing for.
fn note(request: &Request<'_>, model: ChatModel, caller: Caller, notes: &mut Notes) {
    let marked = request.tools.iter().any(|t| t.cache.is_some());
    let turns = request.turns.iter().flat_map(|t| &t.parts);
    if marked
        || request
            .system
            .iter()
            .chain(turns)
            .any(|p| p.cache.is_some())
    {
        notes.drop(known::CACHE.of(caller));
    }
    let asks = matches!(
        request.thinking,
        Some(Thinking::Effort(_) | Thinking::Budget(_) | Thinking::Free)
    );
    if asks && !model.effort && !model.switch {
        notes.drop(known::EFFORT.of(caller));
    }
    if !model.sampling {
        for (name, value) in [
            ("temperature", request.temperature),
            ("top_p", request.top_p),
        ] {
            if value.is_some_and(|value| !matches!(value.get(), "1" | "1.0")) {
                notes.drop(name);
            }
        }
    }
}

fn parameters(json: &mut Json, request: &Request<'_>, model: ChatModel) {
    if let Some(most) = request.max_output {
        let name = if model.max_completion_tokens {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        json.number(name, most);
    }
    if model.sampling {
        json.maybe_raw("temperature", request.temperature);
        json.maybe_raw("top_p", request.top_p);
    }
    if !request.stop.is_empty() {
        json.array("stop", |json| {
            request.stop.iter().for_each(|stop| json.item_text(stop));
        });
    }
    if request.stream {
        json.flag("stream", true);
        json.member("stream_options", |json| json.flag("include_usage", true));
    }
    if let Some(user) = &request.user {
        if user.chars().count() > USER {
            json.text("user", &format!("{:016x}", hash(user)));
        } else {
            json.text("user", user);
        }
    }
    let effort = match request.thinking {
        Some(Thinking::Effort(effort)) => Some(effort.min(Effort::High)),
        Some(Thinking::Budget(tokens)) => Some(Effort::of_budget(tokens)),
        Some(Thinking::Off | Thinking::Free) | None => None,
    };
    if let Some(effort) = effort.filter(|_| model.effort) {
        json.text("reasoning_effort", effort.word());
    }
    if let Some(thinking) = request.thinking.filter(|_| model.switch) {
        let kind = match thinking {
            Thinking::Off => "disabled",
            Thinking::Effort(_) | Thinking::Budget(_) | Thinking::Free => "enabled",
        };
        json.member("thinking", |json| json.text("type", kind));
    }
    if request.json {
        json.member("response_format", |json| json.text("type", "json_object"));
    }
    if let Some(schema) = &request.schema {
        json.member("response_format", |json| {
            json.text("type", "json_schema");
            json.member("json_schema", |json| {
                json.text("name", schema.name.as_deref().unwrap_or("output"));
                json.raw("schema", schema.schema.get());
            });
        });
    }
}

fn tools(json: &mut Json, request: &Request<'_>, back: &mut Back) {
    if request.tools.is_empty() {
        return;
    }
    json.array("tools", |json| {
        for tool in &request.tools {
            json.item(|json| write_tool(json, tool, back));
        }
    });
    match &request.choice {
        None => {}
        Some(Choice::Auto) => json.text("tool_choice", "auto"),
        Some(Choice::None) => json.text("tool_choice", "none"),
        Some(Choice::Any) => json.text("tool_choice", "required"),
        Some(Choice::Named(name)) => json.member("tool_choice", |json| {
            json.text("type", "function");
            let name = back.names.out(name, NAME);
            json.member("function", |json| json.text("name", &name));
        }),
    }
    if let Some(parallel) = request.parallel {
        json.flag("parallel_tool_calls", parallel);
    }
}

fn write_tool(json: &mut Json, tool: &Tool<'_>, back: &mut Back) {
    json.text("type", "function");
    json.member("function", |json| {
        json.text("name", &back.names.out(&tool.name, NAME));
        json.maybe_text("description", tool.description.as_deref());
        json.maybe_raw("parameters", tool.schema.as_deref());
        if let Some(strict) = tool.strict {
            json.flag("strict", strict);
        }
    });
}

fn messages(
    json: &mut Json,
    request: &Request<'_>,
    model: ChatModel,
    back: &mut Back,
) -> Result<(), Refusal> {
    let wants_thoughts = model.wants_thoughts
        && request.thinking != Some(Thinking::Off)
        && request
            .turns
            .iter()
            .any(|turn| calls(turn).next().is_some());
    if !request.system.is_empty() {
        json.item(|json| {
            json.text("role", "system");
            texts(json, &request.system);
        });
    }
    for turn in &request.turns {
        match turn.role {
            Role::User => user(json, turn, back.caller)?,
            Role::Assistant => assistant(json, turn, wants_thoughts, back),
        }
    }
    Ok(())
}

/// The results of tools, each in a message of its own, and then the rest of what the user says.
fn user(json: &mut Json, turn: &Turn<'_>, caller: Caller) -> Result<(), Refusal> {
    let mut rest: Vec<&Part<'_>> = Vec::new();
    for part in &turn.parts {
        let Kind::Result(outcome) = &part.kind else {
            rest.push(part);
            continue;
        };
        json.item(|json| result(json, outcome));
        let pictures = outcome.parts.iter();
        rest.extend(pictures.filter(|p| !matches!(p.kind, Kind::Text(_))));
    }
    if rest.is_empty() {
        return Ok(());
    }
    let mut failed = None;
    json.item(|json| {
        json.text("role", "user");
        if let [
            Part {
                kind: Kind::Text(text),
                ..
            },
        ] = rest.as_slice()
        {
            return json.text("content", text);
        }
        json.array("content", |json| {
            failed = rest
                .into_iter()
                .try_for_each(|p| content(json, p, caller))
                .err();
        });
    });
    failed.map_or(Ok(()), Err)
}

/// A message's texts: one as it is, several as parts.
fn texts(json: &mut Json, parts: &[Part<'_>]) {
    let texts: Vec<&str> = parts.iter().filter_map(plain).collect();
    match texts.as_slice() {
        [one] => json.text("content", one),
        several => json.array("content", |json| {
            for text in several {
                json.item(|json| {
                    json.text("type", "text");
                    json.text("text", text);
                });
            }
        }),
    }
}

fn plain<'p>(part: &'p Part<'_>) -> Option<&'p str> {
    match &part.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}

fn result(json: &mut Json, outcome: &Outcome<'_>) {
    json.text("role", "tool");
    json.text("tool_call_id", &fitted_id(&outcome.id));
    let mut all: Vec<&str> = outcome.parts.iter().filter_map(plain).collect();
    if outcome.failed {
        all.insert(0, "Error: ");
    } else if all.is_empty() && !outcome.parts.is_empty() {
        all.push("The result follows.");
    }
    if let (false, [one]) = (outcome.failed, all.as_slice()) {
        return json.text("content", one);
    }
    let separator = if outcome.failed { "" } else { "\n" };
    json.text("content", &all.join(separator));
}

fn content(json: &mut Json, part: &Part<'_>, caller: Caller) -> Result<(), Refusal> {
    let mut refused = Ok(());
    json.item(|json| match &part.kind {
        Kind::Image(source, detail) => {
            json.text("type", "image_url");
            json.member("image_url", |json| {
                json.text("url", &url(source));
                json.maybe_text("detail", detail.as_deref());
            });
        }
        Kind::Document(source @ Source::Data { .. }, name) => {
            json.text("type", "file");
            json.member("file", |json| {
                json.text("filename", name.as_deref().unwrap_or("document.pdf"));
                json.text("file_data", &url(source));
            });
        }
        Kind::Document(Source::Url(_), _) => {
            let name = known::DOCUMENT_URL.of(caller);
            let at = Path::ROOT.to(name.split(' ').next().unwrap_or(name));
            refused = Err(Refusal::unsupported(
                &at,
                "a document that lies somewhere else",
            ));
        }
        Kind::Text(text) => {
            json.text("type", "text");
            json.text("text", text);
        }
        // not on this side of a conversation
        Kind::Call(_) | Kind::Result(_) | Kind::Thinking { .. } | Kind::Sealed(_) => {
            json.text("type", "text");
            json.text("text", "");
        }
    });
    refused
}

pub(crate) fn url<'s>(source: &'s Source<'_>) -> Cow<'s, str> {
    match source {
        Source::Url(url) => Cow::Borrowed(url),
        Source::Data { media, data } => {
            let mut url = String::with_capacity(data.len().saturating_add(64));
            // writing to a text cannot fail
            let _written = write!(url, "data:{media};base64,{data}");
            Cow::Owned(url)
        }
    }
}

fn calls<'t>(turn: &'t Turn<'_>) -> impl Iterator<Item = &'t Call<'t>> {
    turn.parts.iter().filter_map(|part| match &part.kind {
        Kind::Call(call) => Some(call),
        _ => None,
    })
}

fn assistant(json: &mut Json, turn: &Turn<'_>, wants_thoughts: bool, back: &mut Back) {
    let mut thoughts = String::new();
    for part in &turn.parts {
        match &part.kind {
            Kind::Thinking { text, signature } if signature.is_empty() => {
                thoughts.push_str(text);
            }
            Kind::Thinking { .. } | Kind::Sealed(_) => {
                back.notes.drop(known::signed(back.caller));
            }
            _ => {}
        }
    }
    let says = turn.parts.iter().any(|p| plain(p).is_some());
    if !says && thoughts.is_empty() && calls(turn).next().is_none() {
        return;
    }
    json.item(|json| {
        json.text("role", "assistant");
        if says {
            texts(json, &turn.parts);
        } else {
            json.null("content");
        }
        if wants_thoughts || !thoughts.is_empty() {
            json.text("reasoning_content", &thoughts);
        }
        if calls(turn).next().is_none() {
            return;
        }
        json.array("tool_calls", |json| {
            for call in calls(turn) {
                json.item(|json| {
                    json.text("id", &fitted_id(&call.id));
                    json.text("type", "function");
                    json.member("function", |json| {
                        json.text("name", &back.names.out(&call.name, NAME));
                        json.text("arguments", &call.arguments);
                    });
                });
            }
        });
    });
}

/// The same for a call and its result: the caller's ids stay but where they are too long. Letters that others refuse
/// are no trouble here.
fn fitted_id(id: &str) -> Cow<'_, str> {
    if id.len() <= ID {
        return Cow::Borrowed(id);
    }
    fitted(id, ID)
}
