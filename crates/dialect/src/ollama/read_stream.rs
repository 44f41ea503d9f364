//! The lines of a stream, read into the hub's events. Texts and thoughts come in pieces, calls of tools whole.

use serde_json::value::RawValue;

use super::read_answer::{ToolCall, Wire, made_of, stop};
use crate::hub::{Event, Stop};

/// Reads one stream.
#[derive(Debug, Default)]
pub struct Reader {
    started: bool,
    ended: bool,
    /// Made of the first line, and the ids of calls of it.
    id: String,
    calls: u32,
    stop: Option<Stop>,
}

impl Reader {
    /// Reads one line; `false` where it is not what this dialect sends.
    pub fn read(&mut self, data: &[u8], mut each: impl FnMut(Event<'_>)) -> bool {
        let Ok(wire) = serde_json::from_slice::<Wire<'_>>(data) else {
            return false;
        };
        if let Some(usage) = wire.usage() {
            each(Event::Usage(usage));
        }
        if !std::mem::replace(&mut self.started, true) {
            self.id = made_of(wire.created_at.as_deref());
            each(Event::Start { id: &self.id });
        }
        if let Some(message) = wire.message {
            let says = |text: &Option<std::borrow::Cow<'_, str>>| {
                text.as_deref().is_some_and(|text| !text.is_empty())
            };
            if says(&message.thinking) {
                each(Event::Thought(
                    message.thinking.as_deref().unwrap_or_default(),
                ));
            }
            if says(&message.content) {
                each(Event::Text(message.content.as_deref().unwrap_or_default()));
            }
            for call in message.tool_calls.into_iter().flatten() {
                self.call(&call, &mut each);
            }
        }
        if wire.done {
            let reason = wire.done_reason.as_deref().unwrap_or_default();
            self.stop = Some(stop(reason, self.calls > 0));
            self.end(each);
        }
        true
    }

    /// The stream has ended: the last events, unless they have come.
    pub fn end(&mut self, mut each: impl FnMut(Event<'_>)) {
        if !self.started || std::mem::replace(&mut self.ended, true) {
            return;
        }
        each(Event::Stop(self.stop.take().unwrap_or(Stop::End)));
        each(Event::End);
    }

    fn call(&mut self, call: &ToolCall<'_>, each: &mut impl FnMut(Event<'_>)) {
        let key = self.calls;
        self.calls = key.saturating_add(1);
        let number = usize::try_from(key).unwrap_or(usize::MAX);
        let id = &call.id_in(&self.id, number);
        let name = &call.function.name;
        each(Event::Call { key, id, name });
        let piece = call.function.arguments.map_or("{}", RawValue::get);
        each(Event::Arguments { key, piece });
        each(Event::CallEnd { key });
    }
}
