//! A request for messages, written from the hub.

use serde_json::value::RawValue;

use super::schema::strict;
use super::write_turns::{NAME, content, merged, messages, says};
use crate::convert::{Back, Target};
use crate::dialect::{Caller, Dialect};
use crate::hub::arguments::object;
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::{Path, Refusal};
use crate::hub::json::Json;
use crate::hub::models::{self, MessagesModel, ThinkingForm};
use crate::hub::{Choice, Effort, Kind, Part, Request, Source, Thinking, Tool};

/// The most tokens of an answer where neither the caller nor the operator says a number: every model of today can do that.
const DEFAULT_MAX_TOKENS: i64 = 8_192;
/// Where thought and what was asked for are more than a model can say, one part in so many is kept for what is said.
const SAID: i64 = 4;

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
    if request.stop.iter().any(|stop| stop.trim().is_empty()) {
        notes.drop(known::STOP.of(target.from));
    }
    if thinks.is_some() || !model.sampling {
        extras.retain(|(name, _)| *name != "top_k" || drops(notes, "top_k"));
    }
    check(request, target.from)?;
    let turns = merged(request, target.from, notes);
    let body = Json::object(|json| {
        json.text("model", target.model);
        limits(json, request, target, (model, thinks));
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

/// The most tokens of an answer and, of them, of thought.
fn most(
    request: &Request<'_>,
    target: &Target<'_>,
    largest: i64,
    budget: Option<i64>,
) -> (i64, Option<i64>) {
    let asked = request.max_output.or(target.max_output);
    let asked = asked.unwrap_or(DEFAULT_MAX_TOKENS);
    let Some(budget) = budget else {
        return (asked.min(largest), None);
    };
    let raised = if asked <= budget {
        asked.saturating_add(budget)
    } else {
        asked
    };
    if raised <= largest {
        return (raised, Some(budget));
    }
    let said = asked.min(largest.checked_div(SAID).unwrap_or_default());
    (largest, Some(budget.min(largest.saturating_sub(said))))
}

fn limits(
    json: &mut Json,
    request: &Request<'_>,
    target: &Target<'_>,
    (model, thinks): (MessagesModel, Option<Thinks>),
) {
    let budget = match thinks {
        Some(Thinks::Budget(budget)) => Some(budget),
        Some(Thinks::Adaptive(_)) | None => None,
    };
    let (most, budget) = most(request, target, model.largest, budget);
    json.number("max_tokens", most);
    if let Some(budget) = budget {
        json.member("thinking", |json| {
            json.text("type", "enabled");
            json.number("budget_tokens", budget);
        });
    } else if thinks.is_some() {
        json.member("thinking", |json| json.text("type", "adaptive"));
    }
    if request.stream {
        json.flag("stream", true);
    }
    // such of blanks alone are refused
    let mut stop = request.stop.iter().filter(|stop| !stop.trim().is_empty());
    if let Some(first) = stop.next() {
        json.array("stop_sequences", |json| {
            json.item_text(first);
            stop.for_each(|stop| json.item_text(stop));
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
    } else if request.temperature.is_some() && model.sampling && (thinks || top_p.is_none()) {
        // beside a `top_p` the usual temperature is not said: one of the two is refused
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
                let (strict, open) = strict(&schema.schema);
                if open {
                    back.notes.drop(known::SCHEMA.of(back.caller));
                }
                json.raw("schema", &strict);
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
    let wants = tool.strict == Some(true) && model.schemas;
    match tool.schema.as_deref().filter(|_| wants) {
        Some(schema) => json.raw("input_schema", &strict(schema).0),
        None => json.raw("input_schema", &object(tool.schema.as_deref())),
    }
    if let Some(strict) = tool.strict {
        if model.schemas {
            json.flag("strict", strict);
        } else if strict {
            back.notes.drop(known::STRICT.of(back.caller));
        }
    }
    json.maybe_raw("cache_control", tool.cache);
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
