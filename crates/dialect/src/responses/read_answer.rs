//! A whole response, read into the hub.

use std::borrow::Cow;

use serde::Deserialize;

use super::usage::WireUsage;
use crate::convert::Unreadable;
use crate::hub::seal::{self, Maker};
use crate::hub::{Answer, Call, Kind, Part, Stop};
use crate::lenient;

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) output: Option<Vec<Item<'a>>>,
    #[serde(borrow, default)]
    pub(super) incomplete_details: Option<Incomplete<'a>>,
    #[serde(default, deserialize_with = "lenient::object")]
    pub(super) usage: Option<WireUsage>,
}

#[derive(Deserialize)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) content: Option<Vec<Piece<'a>>>,
    #[serde(borrow, default)]
    pub(super) summary: Option<Vec<Piece<'a>>>,
    #[serde(borrow, default)]
    pub(super) encrypted_content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) call_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Piece<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) refusal: Option<Cow<'a, str>>,
}

/// Reads a body.
pub fn read(body: &[u8]) -> Result<Answer<'_>, Unreadable> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(Unreadable::json)?;
    let items = wire.output.ok_or(Unreadable::NoAnswer)?;
    let mut parts = Vec::new();
    let mut called = false;
    for item in items {
        called |= item.kind == "function_call";
        read_item(item, &mut parts);
    }
    Ok(Answer {
        id: wire.id.unwrap_or_default(),
        parts,
        stop: stop(wire.incomplete_details.as_ref(), called),
        usage: wire.usage.and_then(WireUsage::into_usage),
    })
}

/// Items of a kind that is not known here belong to what cannot be asked for through a conversion.
fn read_item<'a>(item: Item<'a>, parts: &mut Vec<Part<'a>>) {
    match &*item.kind {
        "message" => {
            for piece in item.content.into_iter().flatten() {
                let texts = [piece.text, piece.refusal].into_iter().flatten();
                parts.extend(texts.map(|text| Kind::Text(text).into()));
            }
        }
        "reasoning" => {
            let said = item.summary.into_iter().flatten();
            let said: Vec<Cow<'a, str>> = said.filter_map(|piece| piece.text).collect();
            let text = Cow::Owned(said.join("\n\n"));
            let sealed = item
                .encrypted_content
                .map(|seal| seal::marked(Maker::OpenAi, &seal));
            let signature = Cow::Owned(sealed.unwrap_or_default());
            parts.push(Kind::Thinking { text, signature }.into());
        }
        "function_call" => parts.push(
            Kind::Call(Call {
                id: item.call_id.unwrap_or_default(),
                name: item.name.unwrap_or_default(),
                arguments: item.arguments.unwrap_or_default(),
            })
            .into(),
        ),
        _ => {}
    }
}

/// Why the answer ends.
pub(super) fn stop(incomplete: Option<&Incomplete<'_>>, called: bool) -> Stop {
    match incomplete.and_then(|why| why.reason.as_deref()) {
        Some("content_filter") => Stop::Refused,
        Some(_) => Stop::Length,
        None if called => Stop::Tools,
        None => Stop::End,
    }
}
