//! The events of a streamed message, read into those of the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::read_answer::stop;
use super::usage::WireUsage;
use crate::hub::Event;
use crate::lenient;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: Option<u32>,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(default, deserialize_with = "lenient::object")]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::object")]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Cow<'a, str>>,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Reader {
    started: bool,
    ended: bool,
    /// The blocks that are calls and open, and what some vendors say of the input at their beginning.
    calls: Vec<(u32, Option<String>)>,
    usage: WireUsage,
}

impl Reader {
    /// Reads the data of one event; `false` where it is not what this dialect sends.
    pub fn read(&mut self, data: &[u8], mut each: impl FnMut(Event<'_>)) -> bool {
        let Ok(wire) = serde_json::from_slice::<Wire<'_>>(data) else {
            return false;
        };
        let index = wire.index.unwrap_or(0);
        match &*wire.kind {
            "message_start" => self.start(wire.message, &mut each),
            "content_block_start" => {
                if let Some(block) = &wire.content_block {
                    self.block(index, block, &mut each);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = &wire.delta {
                    self.delta(index, delta, &mut each);
                }
            }
            "content_block_stop" => {
                if let Some(at) = self.calls.iter().position(|open| open.0 == index) {
                    let (key, input) = self.calls.swap_remove(at);
                    if let Some(piece) = input.as_deref() {
                        each(Event::Arguments { key, piece });
                    }
                    each(Event::CallEnd { key });
                }
            }
            "message_delta" => self.message_delta(&wire, &mut each),
            "message_stop" => self.end(each),
            // pings and whatever is not known yet: the dialect says that such events are passed over
            _ => {}
        }
        true
    }

    /// The stream has ended: the last event, unless it has come.
    pub fn end(&mut self, mut each: impl FnMut(Event<'_>)) {
        if self.started && !std::mem::replace(&mut self.ended, true) {
            for (key, input) in std::mem::take(&mut self.calls) {
                if let Some(piece) = input.as_deref() {
                    each(Event::Arguments { key, piece });
                }
            }
            each(Event::End);
        }
    }

    fn start(&mut self, message: Option<Message<'_>>, each: &mut impl FnMut(Event<'_>)) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let id = message.as_ref().and_then(|m| m.id.as_deref());
        each(Event::Start {
            id: id.unwrap_or_default(),
        });
        if let Some(usage) = message.and_then(|m| m.usage) {
            self.counted(usage, each);
        }
    }

    fn counted(&mut self, usage: WireUsage, each: &mut impl FnMut(Event<'_>)) {
        self.usage.update(usage);
        if let Some(usage) = self.usage.into_usage() {
            each(Event::Usage(usage));
        }
    }

    fn block(&mut self, index: u32, block: &Block<'_>, each: &mut impl FnMut(Event<'_>)) {
        match (&*block.kind, &block.id, &block.name) {
            ("tool_use", Some(id), Some(name)) => {
                let input = block.input.map(RawValue::get);
                let input = input.filter(|input| says_something(input));
                self.calls.push((index, input.map(str::to_owned)));
                each(Event::Call {
                    key: index,
                    id,
                    name,
                });
            }
            ("text", ..) => say(block.text.as_deref(), Event::Text, each),
            ("thinking", ..) => say(block.thinking.as_deref(), Event::Thought, each),
            _ => {}
        }
    }

    fn delta(&mut self, index: u32, delta: &Delta<'_>, each: &mut impl FnMut(Event<'_>)) {
        say(delta.text.as_deref(), Event::Text, each);
        say(delta.thinking.as_deref(), Event::Thought, each);
        if let Some(piece) = delta.partial_json.as_deref().filter(|p| !p.is_empty()) {
            // what stood at the beginning comes again in pieces
            if let Some(call) = self.calls.iter_mut().find(|call| call.0 == index) {
                call.1 = None;
            }
            each(Event::Arguments { key: index, piece });
        }
    }

    fn message_delta(&mut self, wire: &Wire<'_>, each: &mut impl FnMut(Event<'_>)) {
        if let Some(usage) = wire.usage {
            self.counted(usage, each);
        }
        let delta = wire.delta.as_ref();
        if let Some(reason) = delta.and_then(|d| d.stop_reason.as_deref()) {
            let sequence = delta.and_then(|d| d.stop_sequence.as_deref());
            each(Event::Stop(stop(reason, sequence)));
        }
    }
}

/// Whether an input is more than the empty object that the dialect has in this place.
fn says_something(input: &str) -> bool {
    let inner = input.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.trim().is_empty())
}

fn say<'e>(
    text: Option<&'e str>,
    form: impl FnOnce(&'e str) -> Event<'e>,
    each: &mut impl FnMut(Event<'_>),
) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        each(form(text));
    }
}
