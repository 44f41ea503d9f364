//! A whole answer, read into the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::WireUsage;
use crate::convert::Unreadable;
use crate::hub::seal::{self, Maker};
use crate::hub::{Answer, Call, Kind, Part, Stop};
use crate::lenient;
use crate::openai::read_answer::made_id;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    pub(super) response_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) candidates: Vec<Candidate<'a>>,
    #[serde(borrow, default)]
    pub(super) prompt_feedback: Option<Feedback<'a>>,
    #[serde(default, deserialize_with = "lenient::object")]
    pub(super) usage_metadata: Option<WireUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback<'a> {
    #[serde(borrow, default)]
    pub(super) block_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(default)]
    pub(super) index: Option<u32>,
    #[serde(borrow, default)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow, default)]
    pub(super) parts: Vec<WirePart<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePart<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) thought: Option<bool>,
    #[serde(borrow, default)]
    pub(super) thought_signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) function_call: Option<FunctionCall<'a>>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) args: Option<&'a RawValue>,
}

/// Reads a body.
pub fn read(body: &[u8]) -> Result<Answer<'_>, Unreadable> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(Unreadable::json)?;
    let id = wire.response_id.unwrap_or_default();
    let usage = wire.usage_metadata.and_then(WireUsage::into_usage);
    let mut candidates = wire.candidates.into_iter();
    let Some(candidate) = candidates.next() else {
        let blocked = wire.prompt_feedback.and_then(|told| told.block_reason);
        blocked.ok_or(Unreadable::NoAnswer)?;
        return Ok(Answer {
            id,
            parts: Vec::new(),
            stop: Stop::Refused,
            usage,
        });
    };
    let mut parts = Vec::new();
    let mut calls = 0;
    for part in candidate.content.into_iter().flat_map(|c| c.parts) {
        read_part(part, &id, &mut calls, &mut parts);
    }
    let reason = candidate.finish_reason.as_deref().unwrap_or_default();
    Ok(Answer {
        stop: stop(reason, calls > 0).unless_nothing_came(&parts)?,
        id,
        parts,
        usage,
    })
}

fn read_part<'a>(part: WirePart<'a>, answer: &str, calls: &mut usize, parts: &mut Vec<Part<'a>>) {
    let thought = part.thought == Some(true);
    let text = part.text.filter(|text| !text.is_empty());
    if let (true, Some(text)) = (thought, &text) {
        let (text, signature) = (text.clone(), Cow::Borrowed(""));
        parts.push(Kind::Thinking { text, signature }.into());
    }
    if let Some(sealed) = part.thought_signature.filter(|seal| !seal.is_empty()) {
        sign(parts, &sealed);
    }
    if let (false, Some(text)) = (thought, text) {
        parts.push(Kind::Text(text).into());
    }
    if let Some(call) = part.function_call {
        let number = *calls;
        *calls = number.saturating_add(1);
        let id = call.id.filter(|id| !id.is_empty());
        parts.push(
            Kind::Call(Call {
                id: id.unwrap_or_else(|| Cow::Owned(made_id(answer, number))),
                name: call.name,
                arguments: Cow::Borrowed(call.args.map_or("{}", RawValue::get)),
            })
            .into(),
        );
    }
}

/// Puts the seal on the thoughts right before it, or where there are none on empty ones.
fn sign(parts: &mut Vec<Part<'_>>, sealed: &str) {
    let marked = Cow::Owned(seal::marked(Maker::Gemini, sealed));
    match parts.last_mut().map(|part| &mut part.kind) {
        Some(Kind::Thinking { signature, .. }) if signature.is_empty() => *signature = marked,
        _ => {
            let (text, signature) = (Cow::Borrowed(""), marked);
            parts.push(Kind::Thinking { text, signature }.into());
        }
    }
}

/// What a finish reason means (`https://ai.google.dev/api/generate-content#FinishReason`).
pub(super) fn stop(reason: &str, called: bool) -> Stop {
    match reason {
        "MAX_TOKENS" => Stop::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "LANGUAGE"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Stop::Refused,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE"
        | "NO_IMAGE"
        | "IMAGE_OTHER"
        | "OTHER" => Stop::failed(reason),
        _ if called => Stop::Tools,
        _ => Stop::End,
    }
}
