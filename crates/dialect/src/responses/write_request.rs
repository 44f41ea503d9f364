//! A request for a response, written from the hub (`https://platform.openai.com/docs/api-reference/responses/create`).
//!
//! Nothing is to be kept at the vendor (`store`): thoughts come back sealed, and go there again with the caller's next
//! request.

use std::borrow::Cow;

use crate::convert::{Back, Target};
use crate::dialect::{Caller, Dialect};
use crate::hub::arguments::object;
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::Refusal;
use crate::hub::json::Json;
use crate::hub::models::{self, ChatModel};
use crate::hub::names::{fitted, hash};
use crate::hub::seal::{self, Maker};
use crate::hub::{Choice, Effort, Kind, Outcome, Part, Request, Role, Source, Thinking, Turn};
use crate::openai::write_turns::url;

/// The longest name of a tool, id of a call and name of a user.
const LONGEST: usize = 64;

/// Writes the body for a target.
pub fn write(
    request: &Request<'_>,
    target: &Target<'_>,
    back: &mut Back,
) -> Result<Vec<u8>, Refusal> {
    let model = models::chat(target.model);
    let way = (target.from, Dialect::Responses);
    let extras = known::known(&request.extras, way, &mut back.notes)?;
    note(request, model, target.from, &mut back.notes);
    Ok(Json::object(|json| {
        json.text("model", target.model);
        json.flag("store", false);
        json.array("input", |json| {
            system(json, &request.system);
            request
                .turns
                .iter()
                .for_each(|turn| write_turn(json, turn, back));
        });
        parameters(json, request, model);
        form(json, request);
        tools(json, request, back);
        for (name, value) in extras {
            json.raw(name, value.get());
        }
    }))
}

/// What this model, or this dialect, has nothing for.
fn note(request: &Request<'_>, model: ChatModel, caller: Caller, notes: &mut Notes) {
    if request.has_cache_marks() {
        notes.drop(known::CACHE.of(caller));
    }
    if !request.stop.is_empty() {
        notes.drop(known::STOP.of(caller));
    }
    let thinks = !matches!(request.thinking, None | Some(Thinking::Off));
    if thinks && !model.effort {
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
        // less is refused
        json.number("max_output_tokens", most.max(16));
    }
    if model.sampling {
        json.maybe_raw("temperature", request.temperature);
        json.maybe_raw("top_p", request.top_p);
    }
    if request.stream {
        json.flag("stream", true);
    }
    if let Some(user) = &request.user {
        if user.chars().count() > LONGEST {
            json.text("user", &format!("{:016x}", hash(user)));
        } else {
            json.text("user", user);
        }
    }
    if !model.effort {
        return;
    }
    json.array("include", |json| {
        json.item_text("reasoning.encrypted_content");
    });
    let effort = match request.thinking {
        Some(Thinking::Effort(effort)) => Some(effort),
        Some(Thinking::Budget(tokens)) => Some(Effort::of_budget(tokens)),
        Some(Thinking::Free) => Some(Effort::Medium),
        Some(Thinking::Off) | None => None,
    };
    if let Some(effort) = effort {
        json.member("reasoning", |json| {
            let effort = effort.clamp(model.least, Effort::High);
            json.text("effort", effort.word());
            json.text("summary", "auto");
        });
    }
}

/// The form of the answer's text.
fn form(json: &mut Json, request: &Request<'_>) {
    if !request.json && request.schema.is_none() {
        return;
    }
    json.member("text", |json| {
        if let Some(schema) = &request.schema {
            json.member("format", |json| {
                json.text("type", "json_schema");
                json.text("name", schema.name.as_deref().unwrap_or("output"));
                json.raw("schema", schema.schema.get());
                json.flag("strict", false);
            });
        } else if request.json {
            json.member("format", |json| json.text("type", "json_object"));
        }
    });
}

fn tools(json: &mut Json, request: &Request<'_>, back: &mut Back) {
    if request.tools.is_empty() {
        return;
    }
    json.array("tools", |json| {
        for tool in &request.tools {
            json.item(|json| {
                json.text("type", "function");
                json.text("name", &back.names.out(&tool.name, LONGEST));
                json.maybe_text("description", tool.description.as_deref());
                json.raw("parameters", &object(tool.schema.as_deref()));
                // where nothing is said, this dialect is strict
                json.flag("strict", tool.strict.unwrap_or(false));
            });
        }
    });
    match &request.choice {
        None => {}
        Some(Choice::Auto) => json.text("tool_choice", "auto"),
        Some(Choice::None) => json.text("tool_choice", "none"),
        Some(Choice::Any) => json.text("tool_choice", "required"),
        Some(Choice::Named(name)) => json.member("tool_choice", |json| {
            json.text("type", "function");
            json.text("name", &back.names.out(name, LONGEST));
        }),
    }
    if let Some(parallel) = request.parallel {
        json.flag("parallel_tool_calls", parallel);
    }
}

fn system(json: &mut Json, parts: &[Part<'_>]) {
    if parts.is_empty() {
        return;
    }
    json.item(|json| {
        json.text("role", "system");
        json.array("content", |json| {
            let parts = parts.iter();
            parts.for_each(|part| json.item(|json| content(json, part, "input_text")));
        });
    });
}

/// What one side says: messages, with calls and results between them as items of their own.
fn write_turn(json: &mut Json, turn: &Turn<'_>, back: &mut Back) {
    if turn.role == Role::System {
        return system(json, &turn.parts);
    }
    let mut said: Vec<&Part<'_>> = Vec::new();
    let mut shown: Vec<&Part<'_>> = Vec::new();
    for part in &turn.parts {
        match &part.kind {
            Kind::Text(text) if text.is_empty() => {}
            Kind::Call(call) => {
                message(json, turn.role, &mut said);
                json.item(|json| {
                    json.text("type", "function_call");
                    json.text("call_id", &id(&call.id));
                    json.text("name", &back.names.out(&call.name, LONGEST));
                    let arguments = if call.arguments.is_empty() {
                        "{}"
                    } else {
                        &call.arguments
                    };
                    json.text("arguments", arguments);
                });
            }
            Kind::Result(outcome) => {
                json.item(|json| result(json, outcome));
                let pictures = outcome.parts.iter();
                shown.extend(pictures.filter(|part| !matches!(part.kind, Kind::Text(_))));
            }
            Kind::Thinking { text, signature } => match seal::unmarked(Maker::OpenAi, signature) {
                Some(seal) => {
                    message(json, turn.role, &mut said);
                    json.item(|json| reasoning(json, text, seal));
                }
                None if signature.is_empty() && text.is_empty() => {}
                None => back.notes.drop(known::thoughts(back.caller, signature)),
            },
            Kind::Sealed(_) => back.notes.drop(known::SIGNED.of(back.caller)),
            _ => said.push(part),
        }
    }
    shown.append(&mut said);
    message(json, turn.role, &mut shown);
}

fn reasoning(json: &mut Json, text: &str, seal: &str) {
    json.text("type", "reasoning");
    json.array("summary", |json| {
        if !text.is_empty() {
            json.item(|json| {
                json.text("type", "summary_text");
                json.text("text", text);
            });
        }
    });
    json.text("encrypted_content", seal);
}

/// A message of the parts so far, which are gone then.
fn message(json: &mut Json, role: Role, parts: &mut Vec<&Part<'_>>) {
    if parts.is_empty() {
        return;
    }
    let (role, text) = match role {
        Role::User | Role::System => ("user", "input_text"),
        Role::Assistant => ("assistant", "output_text"),
    };
    json.item(|json| {
        json.text("role", role);
        json.array("content", |json| {
            for part in parts.drain(..) {
                json.item(|json| content(json, part, text));
            }
        });
    });
}

fn content(json: &mut Json, part: &Part<'_>, text_kind: &str) {
    match &part.kind {
        Kind::Text(text) => {
            json.text("type", text_kind);
            json.text("text", text);
        }
        Kind::Image(source, detail) => {
            json.text("type", "input_image");
            json.text("image_url", &url(source));
            json.text("detail", detail.as_deref().unwrap_or("auto"));
        }
        Kind::Document(Source::Url(address), _) => {
            json.text("type", "input_file");
            json.text("file_url", address);
        }
        Kind::Document(source, name) => {
            json.text("type", "input_file");
            json.text("filename", name.as_deref().unwrap_or("document.pdf"));
            json.text("file_data", &url(source));
        }
        // items of their own
        Kind::Call(_) | Kind::Result(_) | Kind::Thinking { .. } | Kind::Sealed(_) => {
            json.text("type", text_kind);
            json.text("text", "");
        }
    }
}

fn result(json: &mut Json, outcome: &Outcome<'_>) {
    json.text("type", "function_call_output");
    json.text("call_id", &id(&outcome.id));
    let texts = outcome.parts.iter().filter_map(|part| match &part.kind {
        Kind::Text(text) => Some(&**text),
        _ => None,
    });
    let said = texts.collect::<Vec<_>>().join("\n");
    if outcome.failed {
        json.text("output", &format!("Error: {said}"));
    } else {
        json.text("output", &said);
    }
}

/// The same for a call and its result.
fn id(id: &str) -> Cow<'_, str> {
    if id.len() <= LONGEST {
        return Cow::Borrowed(id);
    }
    fitted(id, LONGEST)
}
