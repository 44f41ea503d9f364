//! A chat completion's request, written from the hub.

use serde_json::value::RawValue;

use super::write_turns::messages;
use crate::convert::{Back, Target};
use crate::dialect::{Caller, Dialect};
use crate::hub::arguments::object;
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::Refusal;
use crate::hub::json::Json;
use crate::hub::models::{self, ChatModel, ChatSwitch};
use crate::hub::names::hash;
use crate::hub::{Choice, Effort, Request, Thinking, Tool};

/// The longest name of a tool.
pub(super) const NAME: usize = 64;
/// The longest name of a user.
const USER: usize = 64;

/// What those that are not told how to sample refuse as well.
const PENALTIES: [&str; 3] = ["frequency_penalty", "presence_penalty", "logit_bias"];

/// Writes the body for a target.
pub fn write(
    request: &Request<'_>,
    target: &Target<'_>,
    back: &mut Back,
) -> Result<Vec<u8>, Refusal> {
    let model = models::chat(target.model);
    let mut extras = known::known(
        &request.extras,
        (target.from, Dialect::Chat),
        &mut back.notes,
    )?;
    note(request, model, target.from, &mut back.notes);
    if !model.sampling {
        extras.retain(|(name, _)| {
            let kept = !PENALTIES.contains(name);
            if !kept {
                back.notes.drop(known::of_chat(name, target.from));
            }
            kept
        });
    }
    let mut failed = None;
    let body = Json::object(|json| {
        json.text("model", target.model);
        json.array("messages", |json| {
            failed = messages(json, request, model, back).err();
        });
        parameters(json, request, model, target.deployed);
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
    if request.has_cache_marks() {
        notes.drop(known::CACHE.of(caller));
    }
    let asks = matches!(
        request.thinking,
        Some(Thinking::Effort(_) | Thinking::Budget(_) | Thinking::Free)
    );
    let cannot = !model.effort && model.switch == ChatSwitch::None;
    if asks && (cannot || thinking(request, model) == Some(Thinking::Off)) {
        notes.drop(known::EFFORT.of(caller));
    }
    if request.stop.len() > model.stops {
        notes.drop(known::STOP.of(caller));
    }
    if model.narrow && above_one(request.temperature) {
        notes.drop("temperature");
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

/// Whether the model is to think: not where it must call a tool and cannot do both.
pub(super) fn thinking(request: &Request<'_>, model: ChatModel) -> Option<Thinking> {
    let is_forced = matches!(request.choice, Some(Choice::Any | Choice::Named(_)));
    if model.unforced && is_forced {
        return Some(Thinking::Off);
    }
    request.thinking
}

fn above_one(temperature: Option<&RawValue>) -> bool {
    temperature.is_some_and(|raw| raw.get().parse().is_ok_and(|number: f64| number > 1.0))
}

fn temperature(json: &mut Json, request: &Request<'_>, model: ChatModel) {
    let is_zero = |raw: &RawValue| raw.get().parse().is_ok_and(|number: f64| number <= 0.0);
    match request.temperature {
        Some(raw) if model.narrow && is_zero(raw) => json.raw("temperature", "0.01"),
        raw if model.narrow && above_one(raw) => {}
        raw => json.maybe_raw("temperature", raw),
    }
}

fn parameters(json: &mut Json, request: &Request<'_>, model: ChatModel, deployed: bool) {
    if let Some(most) = request.max_output {
        let name = if model.max_completion_tokens || deployed {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        json.number(name, most);
    }
    if model.sampling {
        temperature(json, request, model);
        json.maybe_raw("top_p", request.top_p);
    }
    if !request.stop.is_empty() && model.stops > 0 {
        json.array("stop", |json| {
            let stops = request.stop.iter().take(model.stops);
            stops.for_each(|stop| json.item_text(stop));
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
    let thinking = thinking(request, model);
    let effort = match thinking {
        Some(Thinking::Effort(effort)) => Some(effort),
        Some(Thinking::Budget(tokens)) => Some(Effort::of_budget(tokens)),
        Some(Thinking::Off | Thinking::Free) | None => None,
    };
    if let Some(effort) = effort.filter(|_| model.effort) {
        let effort = effort.clamp(model.least, Effort::High);
        json.text("reasoning_effort", effort.word());
    }
    if let Some(thinking) = thinking {
        switch(json, thinking, model.switch);
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

fn switch(json: &mut Json, thinking: Thinking, told: ChatSwitch) {
    let thinks = thinking != Thinking::Off;
    match told {
        ChatSwitch::None => {}
        ChatSwitch::Type => {
            let kind = if thinks { "enabled" } else { "disabled" };
            json.member("thinking", |json| json.text("type", kind));
        }
        ChatSwitch::Enable => {
            json.flag("enable_thinking", thinks);
            if let Thinking::Budget(tokens) = thinking {
                json.number("thinking_budget", tokens);
            }
        }
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
        if let Some(schema) = tool.schema.as_deref() {
            json.raw("parameters", &object(Some(schema)));
        }
        if let Some(strict) = tool.strict {
            json.flag("strict", strict);
        }
    });
}
