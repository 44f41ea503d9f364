//! The events of a streamed response, read into those of the hub.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::read_answer::{Item, Wire, stop};
use super::usage::WireUsage;
use crate::hub::Event;
use crate::hub::fields::is_text;
use crate::hub::seal::{self, Maker};

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    output_index: Option<u32>,
    /// Raw: what is no text belongs to events that are passed over.
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    response: Wire<'a>,
}

#[derive(Deserialize)]
struct OfItem<'a> {
    #[serde(borrow)]
    item: Item<'a>,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Reader {
    started: bool,
    ended: bool,
    /// The calls that have begun, and whether their arguments have.
    calls: Vec<(u32, bool)>,
    /// The items whose text or thoughts have come in pieces.
    told: BTreeSet<u32>,
}

impl Reader {
    /// Reads the data of one event; `false` where it is not what this dialect sends.
    pub fn read(&mut self, data: &[u8], mut each: impl FnMut(Event<'_>)) -> bool {
        let Ok(told) = serde_json::from_slice::<Told<'_>>(data) else {
            return false;
        };
        let key = told.output_index.unwrap_or(0);
        let piece = told.delta.filter(|raw| is_text(raw));
        let piece = piece.and_then(|raw| serde_json::from_str::<Text<'_>>(raw.get()).ok());
        let piece = piece.as_ref().map(|Text(piece)| &**piece);
        match (&*told.kind, piece.filter(|piece| !piece.is_empty())) {
            ("response.created", _) => return self.start(data, &mut each),
            ("response.output_text.delta" | "response.refusal.delta", Some(text)) => {
                self.told.insert(key);
                each(Event::Text(text));
            }
            (
                "response.reasoning_summary_text.delta" | "response.reasoning_text.delta",
                Some(text),
            ) => {
                self.told.insert(key);
                each(Event::Thought(text));
            }
            ("response.function_call_arguments.delta", Some(piece)) => {
                self.piece(key, piece, &mut each);
            }
            ("response.output_item.added", _) => return self.begin(key, data, &mut each),
            ("response.output_item.done", _) => return self.item_ends(key, data, &mut each),
            ("response.completed" | "response.incomplete", _) => {
                return self.finish(data, &mut each);
            }
            // what only repeats, and whatever is not known yet
            _ => {}
        }
        true
    }

    /// The stream has ended: the last event, unless it has come.
    pub fn end(&mut self, mut each: impl FnMut(Event<'_>)) {
        if self.started && !std::mem::replace(&mut self.ended, true) {
            each(Event::End);
        }
    }

    fn start(&mut self, data: &[u8], each: &mut impl FnMut(Event<'_>)) -> bool {
        let Ok(whole) = serde_json::from_slice::<Whole<'_>>(data) else {
            return false;
        };
        if !std::mem::replace(&mut self.started, true) {
            let id = whole.response.id.unwrap_or_default();
            each(Event::Start { id: &id });
        }
        true
    }

    fn begin(&mut self, key: u32, data: &[u8], each: &mut impl FnMut(Event<'_>)) -> bool {
        let Ok(OfItem { item }) = serde_json::from_slice(data) else {
            return false;
        };
        if item.kind == "function_call" {
            self.call(key, &item, each);
        }
        true
    }

    fn call(&mut self, key: u32, item: &Item<'_>, each: &mut impl FnMut(Event<'_>)) {
        self.calls.push((key, false));
        let id = item.call_id.as_deref().unwrap_or_default();
        let name = item.name.as_deref().unwrap_or_default();
        each(Event::Call { key, id, name });
    }

    fn piece(&mut self, key: u32, piece: &str, each: &mut impl FnMut(Event<'_>)) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.0 == key) {
            call.1 = true;
            each(Event::Arguments { key, piece });
        }
    }

    fn item_ends(&mut self, key: u32, data: &[u8], each: &mut impl FnMut(Event<'_>)) -> bool {
        let Ok(OfItem { item }) = serde_json::from_slice(data) else {
            return false;
        };
        self.item(key, &item, each);
        true
    }

    /// A whole item: what of it has not come in pieces.
    fn item(&mut self, key: u32, item: &Item<'_>, each: &mut impl FnMut(Event<'_>)) {
        let whole = self.told.insert(key);
        match &*item.kind {
            "message" if whole => {
                for piece in item.content.iter().flatten() {
                    let texts = [&piece.text, &piece.refusal].into_iter().flatten();
                    texts.for_each(|text| say(text, Event::Text, each));
                }
            }
            "function_call" => {
                if !self.calls.iter().any(|call| call.0 == key) {
                    self.call(key, item, each);
                }
                let piece = item.arguments.as_deref().unwrap_or_default();
                if self.calls.contains(&(key, false)) && !piece.is_empty() {
                    self.piece(key, piece, each);
                }
                each(Event::CallEnd { key });
            }
            "reasoning" => {
                if whole {
                    let said = item.summary.iter().flatten();
                    let said: Vec<&str> = said.filter_map(|piece| piece.text.as_deref()).collect();
                    say(&said.join("\n\n"), Event::Thought, each);
                }
                let sealed = item.encrypted_content.as_deref();
                if let Some(sealed) = sealed.filter(|sealed| !sealed.is_empty()) {
                    each(Event::Seal(&seal::marked(Maker::OpenAi, sealed)));
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, data: &[u8], each: &mut impl FnMut(Event<'_>)) -> bool {
        let Ok(Whole { response }) = serde_json::from_slice(data) else {
            return false;
        };
        if let Some(usage) = response.usage.and_then(WireUsage::into_usage) {
            each(Event::Usage(usage));
        }
        if self.told.is_empty() && self.calls.is_empty() {
            for (key, item) in (0..).zip(response.output.iter().flatten()) {
                self.item(key, item, each);
            }
        }
        let called = !self.calls.is_empty();
        each(Event::Stop(stop(
            response.incomplete_details.as_ref(),
            called,
        )));
        self.end(each);
        true
    }
}

fn say<'e>(
    text: &'e str,
    form: impl FnOnce(&'e str) -> Event<'e>,
    each: &mut impl FnMut(Event<'_>),
) {
    if !text.is_empty() {
        each(form(text));
    }
}
