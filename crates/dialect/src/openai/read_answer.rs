//! A whole chat completion, read into the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::WireUsage;
use crate::convert::Unreadable;
use crate::hub::fields::is_text;
use crate::hub::{Answer, Call, Kind, Part, Stop};

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
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
    let thought = [message.reasoning_content, message.reasoning];
    if let Some(text) = thought.into_iter().flatten().find_map(text_of) {
        let signature = Cow::Borrowed("");
        parts.push(Kind::Thinking { text, signature }.into());
    }
    if let Some(content) = message.content {
        parts.extend(content_of(content));
    }
    if let Some(text) = message.refusal.and_then(text_of) {
        parts.push(Kind::Text(text).into());
    }
    let calls = message.tool_calls.unwrap_or_default();
    let called = !calls.is_empty();
    for (index, call) in calls.into_iter().enumerate() {
        parts.push(Kind::Call(call_of(call, &id, index)).into());
    }
    Ok(Answer {
        stop: stop(choice.finish_reason.as_deref().unwrap_or_default(), called),
        id,
        parts,
        usage: wire.usage.and_then(WireUsage::into_usage),
    })
}

/// The text of a value that is one and says something.
fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text: Cow<'_, str> = if is_text(raw) {
        serde_json::from_str::<String>(raw.get()).ok()?.into()
    } else {
        return None;
    };
    (!text.is_empty()).then_some(text)
}

/// A text, or the texts of a list of parts.
fn content_of(raw: &RawValue) -> Vec<Part<'_>> {
    #[derive(Deserialize)]
    struct Piece {
        #[serde(default)]
        text: Option<String>,
    }
    if let Some(text) = text_of(raw) {
        return vec![Kind::Text(text).into()];
    }
    let pieces: Vec<Piece> = serde_json::from_str(raw.get()).unwrap_or_default();
    let texts = pieces.into_iter().filter_map(|piece| piece.text);
    texts
        .map(|text| Kind::Text(Cow::Owned(text)).into())
        .collect()
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

/// What a finish reason means. Some vendors say `stop` where tools are to be called.
pub(super) fn stop(reason: &str, called: bool) -> Stop {
    match reason {
        "length" | "max_tokens" => Stop::Length,
        "tool_calls" | "function_call" => Stop::Tools,
        "content_filter" => Stop::Refused,
        _ if called => Stop::Tools,
        _ => Stop::End,
    }
}
