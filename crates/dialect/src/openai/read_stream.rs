//! The events of a streamed chat completion, read into those of the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::error_message;
use super::read_answer::{made_id, stop};
use super::said::{Said, each as each_said, text};
use super::tags::Tags;
use super::usage::WireUsage;
use crate::hub::names::hash;
use crate::hub::whole::Whole;
use crate::hub::{Event, Stop};
use crate::lenient;

/// More calls than this in one answer are not told apart.
const MOST_CALLS: usize = 256;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default, deserialize_with = "lenient::object")]
    usage: Option<WireUsage>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Option<u32>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
    /// Kimi tells it here.
    #[serde(default, deserialize_with = "lenient::object")]
    usage: Option<WireUsage>,
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
    tags: Tags,
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
    /// A number of its name.
    name: u64,
    /// Whether they have come to their end.
    arguments: Whole,
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
        let mut usage = chunk.usage;
        let failure = chunk.error.and_then(|_told| error_message(data));
        for mut choice in chunk.choices.into_iter().flatten() {
            // others were not asked for
            if choice.index.unwrap_or(0) == 0 {
                usage = usage.or(choice.usage.take());
                self.choice(choice, &mut each);
            }
        }
        // beside `finish_reason` `error` stands what went wrong
        if let (Some(Stop::Failed(how)), Some(said)) = (&mut self.stop, failure) {
            *how = said;
        }
        if let Some(usage) = usage.and_then(WireUsage::into_usage) {
            each(Event::Usage(usage));
        }
        true
    }

    /// The stream has ended: the last events, unless they have come.
    pub fn end(&mut self, mut each: impl FnMut(Event<'_>)) {
        if !self.started {
            return;
        }
        self.tags.end(&mut each);
        let stop = self.stop.take().unwrap_or(if self.calls.is_empty() {
            Stop::End
        } else {
            Stop::Tools
        });
        stop.end(each);
    }

    fn choice(&mut self, choice: Choice<'_>, each: &mut impl FnMut(Event<'_>)) {
        if let Some(delta) = choice.delta {
            let thoughts = [delta.reasoning_content, delta.reasoning];
            if let Some(text) = thoughts.into_iter().flatten().find_map(text) {
                each(Event::Thought(&text));
            }
            for says in [delta.content, delta.refusal].into_iter().flatten() {
                each_said(says, |said| match said {
                    Said::Text(text) => self.tags.read(&text, each),
                    Said::Thought(thought) => each(Event::Thought(&thought)),
                });
            }
            for call in delta.tool_calls.into_iter().flatten() {
                self.tags.end(each);
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
        let arguments = function.and_then(|f| f.arguments);
        let arguments = arguments.filter(|raw| raw.get() != "null");
        // a few vendors send the object itself
        let piece = arguments.map(|raw| {
            let said = serde_json::from_str::<Cow<'_, str>>(raw.get());
            said.unwrap_or(Cow::Borrowed(raw.get()))
        });
        let piece = piece.as_deref().unwrap_or_default();
        let Some(at) = self.place(call, name, piece, each) else {
            return;
        };
        if let Some(known) = self.calls.get_mut(at) {
            known.arguments.take(piece);
        }
        let key = u32::try_from(at).unwrap_or(u32::MAX);
        if !piece.is_empty() {
            each(Event::Arguments { key, piece });
        }
    }

    /// Which call a piece belongs to. A piece with a name begins one, unless that has begun: some vendors repeat the name
    /// in each piece, others give all calls the same index, or none.
    fn place(
        &mut self,
        call: &ToolCall<'_>,
        name: Option<&str>,
        piece: &str,
        each: &mut impl FnMut(Event<'_>),
    ) -> Option<usize> {
        let id = call.id.as_deref().unwrap_or_default();
        let number = hash(id);
        let known = self.calls.iter().rposition(|known| {
            let same_index = call.index.is_none_or(|index| index == known.index);
            same_index && (id.is_empty() || known.id == number)
        });
        let another = |known: &Known| id.is_empty() && known.is_over(call.index, name, piece);
        let known = known.filter(|at| !self.calls.get(*at).is_some_and(another));
        match (known, name) {
            (Some(at), _) => Some(at),
            (None, None) => self.calls.len().checked_sub(1),
            (None, Some(name)) => self.begin(call.index, id, name, each),
        }
    }

    fn begin(
        &mut self,
        index: Option<u32>,
        id: &str,
        name: &str,
        each: &mut impl FnMut(Event<'_>),
    ) -> Option<usize> {
        let at = self.calls.len();
        if at >= MOST_CALLS {
            return None;
        }
        let key = u32::try_from(at).ok()?;
        self.calls.push(Known {
            index: index.unwrap_or(key),
            id: hash(id),
            name: hash(name),
            arguments: Whole::default(),
        });
        let made = id.is_empty().then(|| made_id(&self.id, at));
        let id = made.as_deref().unwrap_or(id);
        each(Event::Call { key, id, name });
        Some(at)
    }
}

impl Known {
    /// Whether a piece without an id belongs to another call. Without an index only its name can say so; with the same one
    /// a name does behind arguments that are whole, if it is another name or other arguments begin.
    fn is_over(&self, index: Option<u32>, name: Option<&str>, piece: &str) -> bool {
        name.is_some_and(|name| {
            let begins = self.name != hash(name) || piece.trim_start().starts_with('{');
            index.is_none() || (self.arguments.is_whole() && begins)
        })
    }
}
