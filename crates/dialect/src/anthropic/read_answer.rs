//! A whole message of an answer, read into the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::WireUsage;
use crate::convert::Unreadable;
use crate::hub::{Answer, Call, Kind, Part, Stop};
use crate::lenient;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::object")]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// Reads a body.
pub fn read(body: &[u8]) -> Result<Answer<'_>, Unreadable> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(Unreadable::json)?;
    let stop = stop(
        wire.stop_reason.as_deref().unwrap_or_default(),
        wire.stop_sequence.as_deref(),
    );
    Ok(Answer {
        id: wire.id.unwrap_or_default(),
        parts: wire.content.into_iter().filter_map(part).collect(),
        stop,
        usage: wire.usage.and_then(WireUsage::into_usage),
    })
}

/// Blocks of a kind that is not known here belong to what cannot be asked for through a conversion.
fn part(block: Block<'_>) -> Option<Part<'_>> {
    let kind = match &*block.kind {
        "text" => Kind::Text(block.text?),
        "thinking" => Kind::Thinking {
            text: block.thinking.unwrap_or_default(),
            signature: block.signature.unwrap_or_default(),
        },
        "redacted_thinking" => Kind::Sealed(block.data?),
        "tool_use" => Kind::Call(Call {
            id: block.id?,
            name: block.name?,
            arguments: Cow::Borrowed(block.input.map_or("{}", RawValue::get)),
        }),
        _ => return None,
    };
    Some(kind.into())
}

/// What a stop reason means.
pub(super) fn stop(reason: &str, sequence: Option<&str>) -> Stop {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "tool_use" => Stop::Tools,
        "stop_sequence" => Stop::Sequence(sequence.unwrap_or_default().to_owned()),
        "refusal" => Stop::Refused,
        "pause_turn" => Stop::Paused,
        _ => Stop::End,
    }
}
