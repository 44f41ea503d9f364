//! A whole chat completion, read into the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::said::{Said, each, text};
use super::tags::split;
use super::usage::WireUsage;
use crate::convert::Unreadable;
use crate::hub::{Answer, Call, Kind, Part, Stop};
use crate::lenient;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(default, deserialize_with = "lenient::object")]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Message<'a>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// Reads a body.
pub fn read(body: &[u8]) -> Result<Answer<'_>, Unreadable> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(Unreadable::json)?;
    let id = wire.id.unwrap_or_default();
    let mut choices = wire.choices.into_iter();
    let choice = choices.next().ok_or(Unreadable::NoAnswer)?;
    let message = choice.message;
    let mut parts = Vec::new();
    let thoughts = [message.reasoning_content, message.reasoning];
    if let Some(text) = thoughts.into_iter().flatten().find_map(text) {
        parts.push(thought(text));
    }
    if let Some(content) = message.content {
        each(content, |said| match said {
            Said::Text(text) => parts.extend(with_thoughts(text)),
            Said::Thought(text) => parts.push(thought(text)),
        });
    }
    if let Some(text) = message.refusal.and_then(text) {
        parts.push(Kind::Text(text).into());
    }
    let calls = message.tool_calls.unwrap_or_default();
    let called = !calls.is_empty();
    for (index, call) in calls.into_iter().enumerate() {
        parts.push(Kind::Call(call_of(call, &id, index)).into());
    }
    let stop = stop(choice.finish_reason.as_deref().unwrap_or_default(), called);
    Ok(Answer {
        stop: stop.unless_nothing_came(&parts)?,
        id,
        parts,
        usage: wire.usage.and_then(WireUsage::into_usage),
    })
}

fn thought(text: Cow<'_, str>) -> Part<'_> {
    let signature = Cow::Borrowed("");
    Kind::Thinking { text, signature }.into()
}

/// A text, and before it the thoughts that it begins with.
fn with_thoughts(text: Cow<'_, str>) -> Vec<Part<'_>> {
    let Some((thoughts, said)) = split(&text) else {
        return vec![Kind::Text(text).into()];
    };
    let mut parts = Vec::new();
    if !thoughts.is_empty() {
        parts.push(thought(thoughts.to_owned().into()));
    }
    if !said.is_empty() {
        parts.push(Kind::Text(said.to_owned().into()).into());
    }
    parts
}

fn call_of<'a>(call: ToolCall<'a>, answer: &str, index: usize) -> Call<'a> {
    let arguments = call.function.arguments.map(|raw| {
        // a few vendors send the object itself
        let text = serde_json::from_str::<String>(raw.get());
        text.map_or(Cow::Borrowed(raw.get()), Cow::Owned)
    });
    Call {
        id: call
            .id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| Cow::Owned(made_id(answer, index))),
        name: call.function.name,
        arguments: arguments.unwrap_or_default(),
    }
}

/// An id for a call whose vendor gave none: results must be able to refer to it.
pub(crate) fn made_id(answer: &str, index: usize) -> String {
    format!("call_{:016x}_{index}", crate::hub::names::hash(answer))
}

/// What a finish reason means. Some vendors say `stop` where tools are to be called; Mistral says `model_length` and `error`,
/// `DeepSeek` `insufficient_system_resource`, GLM `sensitive`, `network_error` and `model_context_window_exceeded`
/// (`https://docs.bigmodel.cn/api-reference`).
pub(super) fn stop(reason: &str, called: bool) -> Stop {
    match reason {
        "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => Stop::Length,
        "tool_calls" | "function_call" => Stop::Tools,
        "content_filter" | "sensitive" => Stop::Refused,
        "error" | "insufficient_system_resource" | "network_error" => Stop::failed(reason),
        _ if called => Stop::Tools,
        _ => Stop::End,
    }
}
