//! The messages of a chat completion's request.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::tags;
use super::write_request::{NAME, thinking};
use crate::convert::Back;
use crate::dialect::Caller;
use crate::hub::features as known;
use crate::hub::fields::{Path, Refusal};
use crate::hub::json::Json;
use crate::hub::models::ChatModel;
use crate::hub::names::fitted;
use crate::hub::{Kind, Outcome, Part, Request, Role, Source, Thinking, Turn};

/// The longest id of a call.
const ID: usize = 40;

pub(super) fn messages(
    json: &mut Json,
    request: &Request<'_>,
    model: ChatModel,
    back: &mut Back,
) -> Result<(), Refusal> {
    let wants_thoughts = model.wants_thoughts
        && thinking(request, model) != Some(Thinking::Off)
        && request
            .turns
            .iter()
            .any(|turn| turn.calls().next().is_some());
    system(json, &request.system);
    for turn in &request.turns {
        match turn.role {
            Role::System => system(json, &turn.parts),
            Role::User => user(json, turn, back.caller)?,
            Role::Assistant if model.tagged => tagged(json, turn, back),
            Role::Assistant => assistant(json, turn, wants_thoughts, back),
        }
    }
    Ok(())
}

fn system(json: &mut Json, parts: &[Part<'_>]) {
    if parts.iter().any(|part| plain(part).is_some()) {
        json.item(|json| {
            json.text("role", "system");
            json.text("content", &texts(parts.iter()));
        });
    }
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
        if rest.iter().all(|part| plain(part).is_some()) {
            return json.text("content", &texts(rest.into_iter()));
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

/// A message's texts as one, a line between them: many vendors read no lists of texts.
fn texts<'p>(parts: impl Iterator<Item = &'p Part<'p>>) -> Cow<'p, str> {
    let texts: Vec<&str> = parts.filter_map(plain).collect();
    match texts.as_slice() {
        [one] => Cow::Borrowed(one),
        several => Cow::Owned(several.join("\n")),
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

/// The thoughts of a turn that this gateway may show again: those that nobody signed. The others are noted.
pub(crate) fn unsigned_thoughts(turn: &Turn<'_>, back: &mut Back) -> String {
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
    thoughts
}

fn assistant(json: &mut Json, turn: &Turn<'_>, wants_thoughts: bool, back: &mut Back) {
    let thoughts = unsigned_thoughts(turn, back);
    let says = turn.parts.iter().any(|p| plain(p).is_some());
    if !says && thoughts.is_empty() && turn.calls().next().is_none() {
        return;
    }
    json.item(|json| {
        json.text("role", "assistant");
        if says {
            json.text("content", &texts(turn.parts.iter()));
        } else {
            json.null("content");
        }
        if wants_thoughts || !thoughts.is_empty() {
            json.text("reasoning_content", &thoughts);
        }
        calls(json, turn, back);
    });
}

/// The same for a model that has its thoughts in its answer.
fn tagged(json: &mut Json, turn: &Turn<'_>, back: &mut Back) {
    let thoughts = unsigned_thoughts(turn, back);
    let said: Vec<&str> = turn.parts.iter().filter_map(plain).collect();
    let says = !said.is_empty() || !thoughts.is_empty();
    if !says && turn.calls().next().is_none() {
        return;
    }
    json.item(|json| {
        json.text("role", "assistant");
        let said = said.join("\n");
        if !says {
            json.null("content");
        } else if thoughts.is_empty() {
            json.text("content", &said);
        } else {
            json.text("content", &tags::joined(&thoughts, &said));
        }
        calls(json, turn, back);
    });
}

fn calls(json: &mut Json, turn: &Turn<'_>, back: &mut Back) {
    if turn.calls().next().is_none() {
        return;
    }
    json.array("tool_calls", |json| {
        for call in turn.calls() {
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
}

/// The same for a call and its result: the caller's ids stay but where they are too long. Letters that others refuse
/// are no trouble here.
fn fitted_id(id: &str) -> Cow<'_, str> {
    if id.len() <= ID {
        return Cow::Borrowed(id);
    }
    fitted(id, ID)
}
