//! The events of a streamed chat completion, read into those of the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::read_answer::{made_id, stop};
use super::usage::WireUsage;
use crate::hub::{Event, Stop};

/// More calls than this in one answer are not told apart.
const MOST_CALLS: usize = 256;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Option<u32>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

/// Texts stay raw: a vendor that sends something else in their place is passed over.
#[derive(Deserialize)]
struct Delta<'a> {
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
    #[serde(default)]
    index: Option<u32>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Reader {
    started: bool,
    id: String,
    calls: Vec<Known>,
    stop: Option<Stop>,
}

/// A call that has begun: the place in the list is its key.
#[derive(Debug)]
struct Known {
    /// The vendor's number of it.
    index: u32,
    /// A number of the vendor's id of it.
    id: u64,
}

impl Reader {
    /// Reads the data of one event; `false` where it is not what this dialect sends.
    pub fn read(&mut self, data: &[u8], mut each: impl FnMut(Event<'_>)) -> bool {
        if data == b"[DONE]" {
            self.end(each);
            return true;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
            return false;
        };
        if !std::mem::replace(&mut self.started, true) {
            let id = chunk.id.as_deref().unwrap_or_default();
            id.clone_into(&mut self.id);
            each(Event::Start { id: &self.id });
        }
        for choice in chunk.choices.into_iter().flatten() {
            // others were not asked for
            if choice.index.unwrap_or(0) == 0 {
                self.choice(choice, &mut each);
            }
        }
        if let Some(usage) = chunk.usage.and_then(WireUsage::into_usage) {
            each(Event::Usage(usage));
        }
        true
    }

    /// The stream has ended: the last events, unless they have come.
    pub fn end(&mut self, mut each: impl FnMut(Event<'_>)) {
        if !self.started {
            return;
        }
        let stop = self.stop.take().unwrap_or(if self.calls.is_empty() {
            Stop::End
        } else {
            Stop::Tools
        });
        each(Event::Stop(stop));
        each(Event::End);
    }

    fn choice(&mut self, choice: Choice<'_>, each: &mut impl FnMut(Event<'_>)) {
        if let Some(delta) = choice.delta {
            let thoughts = [delta.reasoning_content, delta.reasoning];
            if let Some(text) = thoughts.into_iter().flatten().find_map(text) {
                each(Event::Thought(&text));
            }
            for says in [delta.content, delta.refusal].into_iter().flatten() {
                if let Some(text) = text(says) {
                    each(Event::Text(&text));
                }
            }
            for call in delta.tool_calls.into_iter().flatten() {
                self.call(&call, each);
            }
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.stop = Some(stop(&reason, !self.calls.is_empty()));
        }
    }

    fn call(&mut self, call: &ToolCall<'_>, each: &mut impl FnMut(Event<'_>)) {
        let function = call.function.as_ref();
        let name = function.and_then(|f| f.name.as_deref());
        let name = name.filter(|name| !name.is_empty());
        let Some(key) = self.key(call, name, each) else {
            return;
        };
        let arguments = function.and_then(|f| f.arguments);
        let Some(raw) = arguments.filter(|raw| raw.get() != "null") else {
            return;
        };
        // a few vendors send the object itself
        let said = serde_json::from_str::<Text<'_>>(raw.get());
        let piece = said.map_or(Cow::Borrowed(raw.get()), |Text(text)| text);
        if !piece.is_empty() {
            each(Event::Arguments { key, piece: &piece });
        }
    }

    /// Which call a piece belongs to. A piece with a name begins one, unless that has begun: some vendors repeat the name
    /// in each piece, others give all calls the same index, or none.
    fn key(
        &mut self,
        call: &ToolCall<'_>,
        name: Option<&str>,
        each: &mut impl FnMut(Event<'_>),
    ) -> Option<u32> {
        let id = call.id.as_deref().unwrap_or_default();
        let number = crate::hub::names::hash(id);
        let known = self.calls.iter().rposition(|known| {
            let same_index = call.index.is_none_or(|index| index == known.index);
            same_index && (id.is_empty() || known.id == number)
        });
        // without index and id, only the name can say that another one begins
        let another = call.index.is_none() && id.is_empty() && name.is_some();
        let at = match (known.filter(|_| !another), name) {
            (Some(at), _) => at,
            (None, None) => self.calls.len().checked_sub(1)?,
            (None, Some(name)) => {
                let at = self.calls.len();
                if at >= MOST_CALLS {
                    return None;
                }
                let next = u32::try_from(at).ok()?;
                self.calls.push(Known {
                    index: call.index.unwrap_or(next),
                    id: number,
                });
                let made = id.is_empty().then(|| made_id(&self.id, at));
                let id = made.as_deref().unwrap_or(id);
                each(Event::Call {
                    key: next,
                    id,
                    name,
                });
                at
            }
        };
        u32::try_from(at).ok()
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A text that says something.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let Text(text) = serde_json::from_str(raw.get()).ok()?;
    (!text.is_empty()).then_some(text)
}
