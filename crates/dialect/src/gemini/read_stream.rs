//! The events of a streamed answer, read into those of the hub. Each is an answer of its own with what has been added; a
//! call of a function comes whole.

use serde_json::value::RawValue;

use super::read_answer::{Wire, WirePart, stop};
use super::usage::WireUsage;
use crate::hub::seal::{self, Maker};
use crate::hub::{Event, Stop};
use crate::openai::read_answer::made_id;

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Reader {
    started: bool,
    ended: bool,
    id: String,
    calls: u32,
    stop: Option<Stop>,
}

impl Reader {
    /// Reads the data of one event; `false` where it is not what this dialect sends.
    pub fn read(&mut self, data: &[u8], mut each: impl FnMut(Event<'_>)) -> bool {
        let Ok(wire) = serde_json::from_slice::<Wire<'_>>(data) else {
            return false;
        };
        // first of all, so that the beginning can say what went in
        if let Some(usage) = wire.usage_metadata.and_then(WireUsage::into_usage) {
            each(Event::Usage(usage));
        }
        if !std::mem::replace(&mut self.started, true) {
            let id = wire.response_id.as_deref().unwrap_or_default();
            id.clone_into(&mut self.id);
            each(Event::Start { id: &self.id });
        }
        for candidate in wire.candidates {
            // others were not asked for
            if candidate.index.unwrap_or(0) > 0 {
                continue;
            }
            for part in candidate.content.into_iter().flat_map(|c| c.parts) {
                self.part(&part, &mut each);
            }
            if let Some(reason) = candidate.finish_reason.filter(|reason| !reason.is_empty()) {
                self.stop = Some(stop(&reason, self.calls > 0));
            }
        }
        let blocked = wire.prompt_feedback.and_then(|told| told.block_reason);
        if blocked.is_some() {
            self.stop = Some(Stop::Refused);
        }
        true
    }

    /// The stream has ended: the last events, unless they have come.
    pub fn end(&mut self, each: impl FnMut(Event<'_>)) {
        if !self.started || std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.stop.take().unwrap_or(Stop::End).end(each);
    }

    fn part(&mut self, part: &WirePart<'_>, each: &mut impl FnMut(Event<'_>)) {
        let thought = part.thought == Some(true);
        let text = part.text.as_deref().filter(|text| !text.is_empty());
        if let (true, Some(text)) = (thought, text) {
            each(Event::Thought(text));
        }
        let sealed = part.thought_signature.as_deref();
        if let Some(sealed) = sealed.filter(|seal| !seal.is_empty()) {
            each(Event::Seal(&seal::marked(Maker::Gemini, sealed)));
        }
        if let (false, Some(text)) = (thought, text) {
            each(Event::Text(text));
        }
        let Some(call) = &part.function_call else {
            return;
        };
        let key = self.calls;
        self.calls = key.saturating_add(1);
        let number = usize::try_from(key).unwrap_or(usize::MAX);
        let id = call.id.as_deref().filter(|id| !id.is_empty());
        let made = id.is_none().then(|| made_id(&self.id, number));
        let id = id.or(made.as_deref()).unwrap_or_default();
        let name = &call.name;
        each(Event::Call { key, id, name });
        let piece = call.args.map_or("{}", RawValue::get);
        each(Event::Arguments { key, piece });
        each(Event::CallEnd { key });
    }
}
