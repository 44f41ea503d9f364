//! A whole response, written from the hub.

use modelgate_domain::Usage;
use serde::Deserialize;

use super::error::failure;
use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::seal;
use crate::hub::whole::Whole;
use crate::hub::{Answer, BROKEN_OFF, Call, Kind, Stop};

/// Writes the body.
pub fn write(answer: &Answer<'_>, back: &Back) -> Vec<u8> {
    Json::object(|json| {
        head(json, &answer.id, back, State::of(&answer.stop));
        json.array("output", |json| {
            for item in items(answer) {
                json.item(|json| item.write(json, &answer.id, back, true));
            }
        });
        usage(json, answer.usage.as_ref());
    })
}

/// One item of an answer: texts that follow each other are one message.
fn items(answer: &Answer<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for part in &answer.parts {
        let number = items.len();
        match (&part.kind, items.last_mut().map(|item| &mut item.says)) {
            (Kind::Text(more), Some(Says::Text(text))) => text.push_str(more),
            (Kind::Text(text), _) => items.push(Item::new(number, Says::Text(text.to_string()))),
            (Kind::Thinking { text, signature }, _) => {
                let mut item = Item::new(number, Says::Thought(text.to_string()));
                item.seal = seal::is_marked(signature).then(|| signature.to_string());
                items.push(item);
            }
            (Kind::Call(call), _) => items.push(Item::new(number, Says::call(call))),
            _ => {}
        }
    }
    items
}

/// An item of the output, whole or under way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) number: usize,
    pub(super) says: Says,
    /// The vendor's seal of thoughts, as this dialect carries it.
    pub(super) seal: Option<String>,
}

/// What an item says.
#[derive(Debug)]
pub(super) enum Says {
    Text(String),
    Thought(String),
    Call {
        id: String,
        name: String,
        arguments: String,
    },
}

impl Says {
    fn call(call: &Call<'_>) -> Self {
        Self::Call {
            id: call.id.to_string(),
            name: call.name.to_string(),
            arguments: call.arguments.to_string(),
        }
    }
}

impl Item {
    pub(super) fn new(number: usize, says: Says) -> Self {
        let seal = None;
        Self { number, says, seal }
    }

    /// The item's own id.
    pub(super) fn id(&self, answer: &str) -> String {
        let kind = match self.says {
            Says::Text(_) => "msg",
            Says::Thought(_) => "rs",
            Says::Call { .. } => "fc",
        };
        format!("{kind}_{}_{}", bare(answer), self.number)
    }

    /// Whether the call is of a tool that takes one text.
    pub(super) fn is_custom(&self, back: &Back) -> bool {
        match &self.says {
            Says::Call { name, .. } => {
                let name = back.names.back(name);
                back.customs.iter().any(|custom| custom == name)
            }
            _ => false,
        }
    }

    /// The item's members; without what it says where it has only begun.
    pub(super) fn write(&self, json: &mut Json, answer: &str, back: &Back, whole: bool) {
        let custom = self.is_custom(back);
        json.text("id", &self.id(answer));
        match &self.says {
            Says::Text(text) => {
                json.text("type", "message");
                json.text("status", status(whole));
                json.text("role", "assistant");
                json.array("content", |json| {
                    if whole {
                        json.item(|json| text_part(json, text));
                    }
                });
            }
            Says::Thought(text) => {
                json.text("type", "reasoning");
                json.array("summary", |json| {
                    if whole && !text.is_empty() {
                        json.item(|json| summary_part(json, text));
                    }
                });
                match self.seal.as_deref().filter(|_| whole) {
                    Some(seal) => json.text("encrypted_content", seal),
                    None => json.null("encrypted_content"),
                }
            }
            Says::Call {
                id,
                name,
                arguments,
            } => {
                let kind = if custom {
                    "custom_tool_call"
                } else {
                    "function_call"
                };
                json.text("type", kind);
                if whole && is_cut(arguments) {
                    json.text("status", "incomplete");
                } else {
                    json.text("status", status(whole));
                }
                json.text("call_id", id);
                let (namespace, name) = back.tool(name);
                json.maybe_text("namespace", namespace);
                json.text("name", name);
                let said = match (whole, arguments.as_str()) {
                    (false, _) => "",
                    // readers parse the arguments, and an empty text is no JSON
                    (true, "") => "{}",
                    (true, said) => said,
                };
                if custom {
                    json.text("input", &one_text(said));
                } else {
                    json.text("arguments", said);
                }
            }
        }
    }
}

const fn status(whole: bool) -> &'static str {
    if whole { "completed" } else { "in_progress" }
}

/// The one text that a tool without a schema is called with: as far as it goes where the answer was cut.
pub(super) fn one_text(arguments: &str) -> String {
    #[derive(Deserialize)]
    struct Wrapped {
        input: String,
    }
    let read: Result<Wrapped, _> = serde_json::from_str(arguments);
    let text = read.map(|wrapped| wrapped.input).ok();
    let text = text.or_else(|| cut_text(arguments));
    text.unwrap_or_else(|| arguments.to_owned())
}

/// What has come of the text in an object that is cut.
fn cut_text(arguments: &str) -> Option<String> {
    let mut rest = arguments;
    for step in ["{", "\"input\"", ":", "\""] {
        rest = rest.trim_start().strip_prefix(step)?;
    }
    // the longest escape is a pair of six characters each
    let longest = rest.len().saturating_sub(11);
    let ends = (longest..=rest.len()).rev();
    let mut texts = ends.filter_map(|end| {
        let quoted = format!("\"{}\"", rest.get(..end)?);
        let mut values = serde_json::Deserializer::from_str(&quoted).into_iter::<String>();
        values.next()?.ok()
    });
    texts.next()
}

/// Whether arguments end before their end.
fn is_cut(arguments: &str) -> bool {
    let mut form = Whole::default();
    form.take(arguments);
    arguments.trim_start().starts_with('{') && !form.is_whole()
}

/// A part of a message.
pub(super) fn text_part(json: &mut Json, text: &str) {
    json.text("type", "output_text");
    json.text("text", text);
    json.array("annotations", |_| {});
    json.array("logprobs", |_| {});
}

/// A part of thoughts.
pub(super) fn summary_part(json: &mut Json, text: &str) {
    json.text("type", "summary_text");
    json.text("text", text);
}

/// A vendor's id of an answer without what its dialect puts before it.
fn bare(id: &str) -> &str {
    let id = id.strip_prefix("chatcmpl-").unwrap_or(id);
    id.strip_prefix("msg_").unwrap_or(id)
}

/// How far a response is.
#[derive(Clone, Copy, Debug)]
pub(super) enum State<'s> {
    Running,
    Ended(&'s Stop),
    /// The status that stands for it, and what is said of it.
    Failed(u16, &'s str),
}

impl<'s> State<'s> {
    pub(super) fn of(stop: &'s Stop) -> Self {
        match stop {
            Stop::Failed(message) => Self::Failed(BROKEN_OFF, message),
            stop => Self::Ended(stop),
        }
    }

    /// What the event is called that ends a stream so.
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Failed(..) => "response.failed",
            Self::Ended(stop) if incomplete(stop).is_some() => "response.incomplete",
            Self::Ended(_) | Self::Running => "response.completed",
        }
    }
}

/// What a response begins with.
pub(super) fn head(json: &mut Json, id: &str, back: &Back, state: State<'_>) {
    json.text("id", &format!("resp_{}", bare(id)));
    json.text("object", "response");
    json.number("created_at", back.now_s);
    let reason = match state {
        State::Ended(stop) => incomplete(stop),
        State::Running | State::Failed(..) => None,
    };
    let status = match state {
        State::Running => "in_progress",
        State::Failed(..) => "failed",
        State::Ended(_) if reason.is_some() => "incomplete",
        State::Ended(_) => "completed",
    };
    json.text("status", status);
    match state {
        State::Failed(status, message) => json.member("error", |json| {
            json.text("code", failure(status));
            json.text("message", message);
        }),
        State::Running | State::Ended(_) => json.null("error"),
    }
    match reason {
        Some(reason) => json.member("incomplete_details", |json| json.text("reason", reason)),
        None => json.null("incomplete_details"),
    }
    json.null("instructions");
    json.null("previous_response_id");
    json.text("model", &back.model);
    json.flag("store", false);
    json.flag("parallel_tool_calls", true);
    json.text("tool_choice", "auto");
    json.array("tools", |_| {});
    json.member("metadata", |_| {});
}

/// Why an answer is not whole.
fn incomplete(stop: &Stop) -> Option<&'static str> {
    match stop {
        Stop::Length => Some("max_output_tokens"),
        Stop::Refused => Some("content_filter"),
        Stop::End | Stop::Tools | Stop::Sequence(_) | Stop::Paused | Stop::Failed(_) => None,
    }
}

/// The member `usage`, whose counts overlap here.
pub(super) fn usage(json: &mut Json, usage: Option<&Usage>) {
    let Some(usage) = usage else {
        return json.null("usage");
    };
    json.member("usage", |json| {
        json.number("input_tokens", usage.input());
        json.member("input_tokens_details", |json| {
            json.number("cached_tokens", usage.cached);
        });
        json.number("output_tokens", usage.output());
        json.member("output_tokens_details", |json| {
            json.number("reasoning_tokens", usage.reasoning);
        });
        json.number("total_tokens", usage.total());
    });
}
