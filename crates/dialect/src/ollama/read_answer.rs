//! A whole answer, read into the hub; a line of a stream has the same form.

use std::borrow::Cow;

use modelgate_domain::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::Counts;
use crate::convert::Unreadable;
use crate::hub::names::hash;
use crate::hub::{Answer, Call, Kind, Stop};
use crate::lenient;
use crate::openai::read_answer::made_id;

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    /// Nothing else tells one answer from another.
    #[serde(borrow, default)]
    pub(super) created_at: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) message: Option<Message<'a>>,
    #[serde(default)]
    pub(super) done: bool,
    #[serde(borrow, default)]
    pub(super) done_reason: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::count")]
    pub(super) prompt_eval_count: Option<i64>,
    #[serde(default, deserialize_with = "lenient::count")]
    pub(super) eval_count: Option<i64>,
}

impl Wire<'_> {
    pub(super) fn usage(&self) -> Option<Usage> {
        Counts::new(self.prompt_eval_count, self.eval_count).into_usage()
    }
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct ToolCall<'a> {
    /// Absent in older versions.
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) function: Function<'a>,
}

#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    /// An object.
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
}

impl ToolCall<'_> {
    /// What its result will refer to: the vendor's id, or one made of the answer's.
    pub(super) fn id_in(&self, answer: &str, number: usize) -> String {
        let own = self.id.as_deref().filter(|id| !id.is_empty());
        own.map_or_else(|| made_id(answer, number), str::to_owned)
    }
}

/// An id for an answer, which has none: made of when it was.
pub(super) fn made_of(created_at: Option<&str>) -> String {
    format!("{:016x}", hash(created_at.unwrap_or_default()))
}

/// Reads a body.
pub fn read(body: &[u8]) -> Result<Answer<'_>, Unreadable> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(Unreadable::json)?;
    let usage = wire.usage();
    let message = wire.message.ok_or(Unreadable::NoAnswer)?;
    let id = made_of(wire.created_at.as_deref());
    let mut parts = Vec::new();
    if let Some(text) = message.thinking.filter(|text| !text.is_empty()) {
        let signature = Cow::Borrowed("");
        parts.push(Kind::Thinking { text, signature }.into());
    }
    if let Some(text) = message.content.filter(|text| !text.is_empty()) {
        parts.push(Kind::Text(text).into());
    }
    let calls = message.tool_calls.unwrap_or_default();
    let called = !calls.is_empty();
    for (number, call) in calls.into_iter().enumerate() {
        let call = Call {
            id: call.id_in(&id, number).into(),
            arguments: call.function.arguments.map_or("{}", RawValue::get).into(),
            name: call.function.name,
        };
        parts.push(Kind::Call(call).into());
    }
    Ok(Answer {
        id: Cow::Owned(id),
        stop: stop(wire.done_reason.as_deref().unwrap_or_default(), called),
        parts,
        usage,
    })
}

/// What a reason means. `stop` is said where tools are to be called, too.
pub(super) fn stop(reason: &str, called: bool) -> Stop {
    match reason {
        "length" => Stop::Length,
        _ if called => Stop::Tools,
        _ => Stop::End,
    }
}
