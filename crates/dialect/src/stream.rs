//! A vendor's stream on its way to the caller, in the caller's dialect.
//!
//! Where both speak the same one, whole events pass as the bytes that came: each is looked at only by prepared finders, and
//! parsed only where one of them hits; and where it is like the last one but for its text, only the text is. Otherwise each event is read into the hub's and written from there. Either way
//! nothing is held but an event whose end has not come.

use std::sync::Arc;

use bytes::Bytes;
use modelgate_domain::Usage;

use crate::alike::{Alike, Told};
use crate::anthropic::answer::unfinished;
use crate::convert::Back;
use crate::dialect::{Caller, Dialect};
use crate::estimate::{Estimate, answer_strings};
use crate::hub::Event;
use crate::openai::answer::{Findings, error_message};
use crate::openai::fault;
use crate::reader::Reader;
use crate::repeats::{self, Repeats};
use crate::sse::{self, EventTooLarge, Framer, Verdict};
use crate::{anthropic, gemini, ollama, openai, responses, shape};

/// What an error says that says nothing.
const UNTOLD: &str = "The model's provider broke the answer off.";

/// The state of one stream.
#[derive(Debug)]
pub struct Stream {
    framer: Framer,
    watch: Watch,
}

/// What was seen of a stream so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) events: u64,
    pub(crate) done: bool,
    pub(crate) error: Option<String>,
    /// The first event's data, where that is an error.
    pub(crate) refusal: Option<Bytes>,
    /// The first event is none of the vendor's dialect.
    pub(crate) foreign: bool,
    pub(crate) usage: Option<Usage>,
    /// The usage does not say yet how much came out.
    pub(crate) unfinished: bool,
    pub(crate) finish_reason: String,
    pub(crate) text: Estimate,
    pub(crate) repeats: Option<Repeats>,
}

impl Seen {
    pub(crate) fn look_for_repeats(&mut self, data: &[u8]) {
        if self.repeats.is_some() {
            self.said(repeats::said(data));
        }
    }

    fn said(&mut self, said: Option<&[u8]>) {
        if let (Some(repeats), Some(said)) = (&mut self.repeats, said) {
            repeats.count(said);
        }
    }
}

#[derive(Debug)]
struct Watch {
    reader: Arc<Reader>,
    vendor: Dialect,
    /// The gateway asked for usage and the caller did not.
    hide_usage: bool,
    memory: anthropic::watch::Memory,
    seen: Seen,
    alike: Alike,
    conversion: Option<Box<Conversion>>,
}

/// What a stream needs whose dialect changes.
#[derive(Debug)]
struct Conversion {
    back: Back,
    chat_in: openai::read_stream::Reader,
    messages_in: anthropic::read_stream::Reader,
    gemini_in: gemini::read_stream::Reader,
    responses_in: responses::read_stream::Reader,
    ollama_in: ollama::read_stream::Reader,
    writer: Writer,
    /// What goes to the caller with the present chunk.
    out: Vec<u8>,
    /// An event came that could not be read.
    odd: bool,
    /// What the vendor said of its failure, where it did not say so by an error event.
    failed: Option<String>,
}

/// Writes the events that the caller gets.
#[derive(Debug)]
enum Writer {
    Chat(openai::write_stream::Writer),
    Messages(anthropic::write_stream::Writer),
    Responses(responses::write_stream::Writer),
    Gemini(gemini::write_stream::Writer),
}

impl Writer {
    fn new(caller: Caller) -> Self {
        match caller {
            Caller::Chat => Self::Chat(openai::write_stream::Writer::default()),
            Caller::Messages => Self::Messages(anthropic::write_stream::Writer::default()),
            Caller::Responses => Self::Responses(responses::write_stream::Writer::default()),
            Caller::Gemini => Self::Gemini(gemini::write_stream::Writer::default()),
        }
    }

    fn write(&mut self, event: &Event<'_>, back: &Back, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.write(event, back, out),
            Self::Messages(writer) => writer.write(event, back, out),
            Self::Responses(writer) => writer.write(event, back, out),
            Self::Gemini(writer) => writer.write(event, back, out),
        }
    }

    fn is_too_large(&self) -> bool {
        match self {
            Self::Chat(_) | Self::Messages(_) => false,
            Self::Responses(writer) => writer.is_too_large(),
            Self::Gemini(writer) => writer.is_too_large(),
        }
    }
}

impl Conversion {
    fn new(back: Back) -> Self {
        Self {
            chat_in: openai::read_stream::Reader::default(),
            messages_in: anthropic::read_stream::Reader::default(),
            gemini_in: gemini::read_stream::Reader::default(),
            responses_in: responses::read_stream::Reader::default(),
            ollama_in: ollama::read_stream::Reader::default(),
            writer: Writer::new(back.caller),
            back,
            out: Vec::new(),
            odd: false,
            failed: None,
        }
    }

    fn event(&mut self, data: &[u8]) {
        let (back, out, writer) = (&self.back, &mut self.out, &mut self.writer);
        let failed = &mut self.failed;
        let write = |event: Event<'_>| {
            note_failure(&event, failed);
            writer.write(&event, back, out);
        };
        let read = match back.vendor {
            Dialect::Chat => self.chat_in.read(data, write),
            Dialect::Messages => self.messages_in.read(data, write),
            Dialect::Gemini => self.gemini_in.read(data, write),
            Dialect::Responses => self.responses_in.read(data, write),
            Dialect::Ollama => self.ollama_in.read(data, write),
        };
        self.odd |= !read || self.writer.is_too_large();
    }

    fn write(&mut self, event: &Event<'_>) {
        self.writer.write(event, &self.back, &mut self.out);
    }

    fn end(&mut self) {
        let (back, out, writer) = (&self.back, &mut self.out, &mut self.writer);
        let failed = &mut self.failed;
        let write = |event: Event<'_>| {
            note_failure(&event, failed);
            writer.write(&event, back, out);
        };
        match back.vendor {
            Dialect::Chat => self.chat_in.end(write),
            Dialect::Messages => self.messages_in.end(write),
            Dialect::Gemini => self.gemini_in.end(write),
            Dialect::Responses => self.responses_in.end(write),
            Dialect::Ollama => self.ollama_in.end(write),
        }
    }

    fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.out))
    }
}

fn note_failure(event: &Event<'_>, failed: &mut Option<String>) {
    if let Event::Error { message, .. } = event {
        failed.get_or_insert_with(|| (*message).to_owned());
    }
}

impl Stream {
    /// For a caller who speaks the vendor's dialect. `hide_usage` where the gateway asked for usage and the caller did not.
    pub fn new(reader: Arc<Reader>, vendor: Dialect, hide_usage: bool) -> Self {
        Self {
            framer: if vendor.streams_lines() {
                Framer::of_lines()
            } else {
                Framer::default()
            },
            watch: Watch {
                reader,
                vendor,
                hide_usage,
                memory: anthropic::watch::Memory::default(),
                seen: Seen::default(),
                alike: Alike::default(),
                conversion: None,
            },
        }
    }

    /// For a caller who speaks another dialect.
    pub fn converting(reader: Arc<Reader>, back: Back) -> Self {
        let mut stream = Self::new(reader, back.vendor, false);
        stream.watch.conversion = Some(Box::new(Conversion::new(back)));
        stream
    }

    /// Looks for so many events in a row that say the same.
    #[must_use]
    pub fn guarded(mut self, most: u64) -> Self {
        self.watch.seen.repeats = Some(Repeats::new(most));
        self
    }

    /// True once they have come.
    pub fn repeats_itself(&self) -> bool {
        let repeats = self.watch.seen.repeats.as_ref();
        repeats.is_some_and(Repeats::found)
    }

    /// Takes a chunk from the vendor and returns what goes to the caller now: whole events, possibly none.
    pub fn push(&mut self, chunk: Bytes) -> Result<Bytes, EventTooLarge> {
        let watch = &mut self.watch;
        let passed = self.framer.push(chunk, |event| watch.event(event));
        match &mut self.watch.conversion {
            None => passed,
            Some(conversion) => passed.map(|_hidden| conversion.take()),
        }
    }

    /// The vendor's body has ended: a last line is whole, although no end of the line came behind it. What goes to the caller now.
    pub fn close(&mut self) -> Bytes {
        if !self.watch.vendor.streams_lines() {
            return Bytes::new();
        }
        let last = self.framer.finish();
        if self.watch.event(&last) == Verdict::Forward {
            return last;
        }
        let conversion = self.watch.conversion.as_mut();
        conversion.map(|c| c.take()).unwrap_or_default()
    }

    /// The vendor's stream has ended, completely: what goes to the caller yet.
    pub fn end(&mut self) -> Bytes {
        match &mut self.watch.conversion {
            Some(conversion) if !self.watch.seen.done && self.watch.seen.error.is_none() => {
                conversion.end();
                self.watch.seen.error = conversion.failed.take();
                conversion.take()
            }
            _ => Bytes::new(),
        }
    }

    /// True once an event with data has come; comments do not count.
    pub fn has_begun(&self) -> bool {
        self.watch.seen.events > 0
    }

    /// True once the vendor said that this was all.
    pub fn is_done(&self) -> bool {
        self.watch.seen.done
    }

    /// True where an end of the stream now would be the end of the answer and not of the connection: the vendor said so,
    /// or, from vendors that never do, there was a reason to finish and no half event after it.
    pub fn is_complete(&self) -> bool {
        let seen = &self.watch.seen;
        let finished = !seen.finish_reason.is_empty() || seen.error.is_some();
        seen.done || (finished && !self.framer.holds_partial())
    }

    /// The message of an error that the vendor sent as an event.
    pub fn vendor_error(&self) -> Option<&str> {
        self.watch.seen.error.as_deref()
    }

    /// The body of an error that came instead of a first event.
    pub fn refusal(&self) -> Option<&Bytes> {
        self.watch.seen.refusal.as_ref()
    }

    /// True where an event came that is not of the vendor's dialect, so that it could not be put into another one; where
    /// the dialect stays the same, only the first event is looked at.
    pub fn is_unreadable(&self) -> bool {
        let conversion = self.watch.conversion.as_ref();
        self.watch.seen.foreign || conversion.is_some_and(|c| c.odd)
    }

    /// What the stream has said of itself so far.
    pub fn findings(&self) -> Findings {
        let seen = &self.watch.seen;
        let usage = match seen.usage {
            Some(usage) if seen.unfinished => Some(unfinished(usage, seen.text)),
            usage => usage,
        };
        Findings {
            usage,
            finish_reason: seen.finish_reason.clone(),
            text: seen.text,
        }
    }
}

impl Watch {
    fn event(&mut self, event: &[u8]) -> Verdict {
        let data = if self.vendor.streams_lines() {
            Some(event.trim_ascii()).filter(|line| !line.is_empty())
        } else {
            // an event without data is none, by the specification of server-sent events
            sse::data(event).filter(|data| !data.trim_ascii().is_empty())
        };
        let Some(data) = data else {
            return Verdict::Forward;
        };
        self.seen.events = self.seen.events.saturating_add(1);
        let verdict = match self.alike.told(data) {
            Some(Told { text, said }) => {
                self.seen.text.add_string(text);
                self.seen.said(said);
                Verdict::Forward
            }
            None => match self.read(data) {
                Some(verdict) => verdict,
                None => return Verdict::Forward,
            },
        };
        match &mut self.conversion {
            None => verdict,
            // whatever follows an error is no answer
            Some(_) if self.seen.error.is_some() => Verdict::Hide,
            Some(conversion) => {
                conversion.event(data);
                if let Some(failed) = conversion.failed.take() {
                    self.seen.error.get_or_insert(failed);
                }
                Verdict::Hide
            }
        }
    }

    /// Takes in all that an event says; nothing comes back where it is an error.
    fn read(&mut self, data: &[u8]) -> Option<Verdict> {
        let first = self.seen.events == 1;
        if self.is_error(data, first) {
            self.error(data, first);
            return None;
        }
        if first && self.conversion.is_none() && !shape::opens(self.vendor, data) {
            self.seen.foreign = true;
        }
        if self.alike.learns(data) {
            self.learn(data);
        }
        let memory = &mut self.memory;
        Some(look(
            self.vendor,
            &self.reader,
            memory,
            self.hide_usage,
            data,
            &mut self.seen,
        ))
    }

    /// Remembers an event that says nothing but a piece of text.
    fn learn(&mut self, data: &[u8]) {
        let mut alone = Seen::default();
        let mut memory = anthropic::watch::Memory::default();
        let verdict = look(
            self.vendor,
            &self.reader,
            &mut memory,
            self.hide_usage,
            data,
            &mut alone,
        );
        let mut texts = Vec::new();
        answer_strings(data, |inner| texts.push(inner));
        if texts.len() > 1 {
            texts.retain(|text| !text.is_empty());
        }
        let [text] = texts[..] else { return };
        let mut weight = Estimate::default();
        weight.add_string(text);
        let plain = !alone.done && alone.usage.is_none() && alone.finish_reason.is_empty();
        if plain && verdict == Verdict::Forward && weight == alone.text {
            self.alike.remember(data, text, repeats::said(data));
        }
    }

    fn is_error(&self, data: &[u8], first: bool) -> bool {
        match self.vendor {
            Dialect::Chat => {
                let reader = &self.reader.chat;
                reader.is_error(data) || (first && reader.is_base_error(data))
            }
            Dialect::Messages => self.reader.messages.is_error(data),
            Dialect::Gemini => self.reader.gemini.is_error(data),
            Dialect::Responses => self.reader.responses.is_error(data),
            Dialect::Ollama => self.reader.ollama.is_error(data),
        }
    }

    fn error(&mut self, data: &[u8], first: bool) {
        if first {
            self.seen.refusal = Some(Bytes::copy_from_slice(data));
        }
        let message = error_message(data).unwrap_or_else(|| UNTOLD.to_owned());
        // some vendors tell it by two events
        let untold = self.seen.error.is_none();
        if let Some(conversion) = self.conversion.as_mut().filter(|_| untold) {
            let status = fault::status(data);
            let message = &message;
            conversion.write(&Event::Error { status, message });
        }
        self.seen.error.get_or_insert(message);
    }
}

/// Takes in what an event says that is no error.
fn look(
    vendor: Dialect,
    reader: &Reader,
    memory: &mut anthropic::watch::Memory,
    hide_usage: bool,
    data: &[u8],
    seen: &mut Seen,
) -> Verdict {
    match vendor {
        Dialect::Chat => openai::watch::look(&reader.chat, hide_usage, data, seen),
        Dialect::Messages => memory.look(&reader.messages, data, seen),
        Dialect::Gemini => gemini::watch::look(&reader.gemini, data, seen),
        Dialect::Responses => responses::watch::look(&reader.responses, data, seen),
        Dialect::Ollama => ollama::watch::look(&reader.ollama, data, seen),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
