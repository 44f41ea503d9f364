//! The events of a streamed answer, written from those of the hub.
//!
//! A call of a function goes out whole: its arguments are held until they are, up to a bound.

use modelgate_domain::Usage;

use super::error::plain;
use super::usage;
use super::write_answer::{reason, write_call};
use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::whole::Whole;
use crate::hub::{Event, Stop};

/// More than the arguments of all calls in one answer.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Writer {
    id: String,
    /// The calls that have not gone out yet, in the order in which they began.
    calls: Vec<Held>,
    held: usize,
    usage: Option<Usage>,
    stop: Option<Stop>,
    ended: bool,
}

#[derive(Debug)]
struct Held {
    key: u32,
    id: String,
    name: String,
    arguments: String,
    form: Whole,
}

impl Writer {
    /// Writes what one event of the hub comes to.
    pub fn write(&mut self, event: &Event<'_>, back: &Back, out: &mut Vec<u8>) {
        match event {
            Event::Start { id } => (*id).clone_into(&mut self.id),
            Event::Text(text) => {
                self.release(false, back, out);
                self.part(back, out, |json| json.text("text", text));
            }
            Event::Thought(text) if !back.hides_thoughts => self.part(back, out, |json| {
                json.text("text", text);
                json.flag("thought", true);
            }),
            Event::Thought(_) | Event::Seal(_) => {}
            Event::Call { key, id, name } => {
                self.release(false, back, out);
                self.calls.push(Held {
                    key: *key,
                    id: (*id).to_owned(),
                    name: (*name).to_owned(),
                    arguments: String::new(),
                    form: Whole::default(),
                });
            }
            Event::Arguments { key, piece } => self.arguments(*key, piece),
            Event::CallEnd { key } => {
                if let Some(at) = self.calls.iter().position(|call| call.key == *key) {
                    let call = self.calls.remove(at);
                    self.call(&call, back, out);
                }
            }
            Event::Stop(stop) => self.stop = Some(stop.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error { status, message } => {
                self.ended = true;
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(plain(message, *status).to_string().as_bytes());
                out.extend_from_slice(b"\n\n");
            }
            Event::End => self.end(back, out),
        }
    }

    /// True where the calls are larger than what can be held.
    pub fn is_too_large(&self) -> bool {
        self.held > MOST_BYTES
    }

    fn arguments(&mut self, key: u32, piece: &str) {
        self.held = self.held.saturating_add(piece.len());
        if self.is_too_large() {
            return;
        }
        if let Some(call) = self.calls.iter_mut().find(|call| call.key == key) {
            call.form.take(piece);
            call.arguments.push_str(piece);
        }
    }

    /// Lets the calls out that nothing more can come for.
    fn release(&mut self, all: bool, back: &Back, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.calls);
        for call in held {
            if all || call.form.is_whole() {
                self.call(&call, back, out);
            } else {
                self.calls.push(call);
            }
        }
    }

    fn call(&self, call: &Held, back: &Back, out: &mut Vec<u8>) {
        let name = back.names.back(&call.name);
        self.part(back, out, |json| {
            write_call(json, &call.id, name, &call.arguments);
        });
    }

    fn part(&self, back: &Back, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json)) {
        self.chunk(back, out, fill, None);
    }

    fn end(&mut self, back: &Back, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.release(true, back, out);
        let stop = self.stop.take().unwrap_or(Stop::End);
        self.chunk(back, out, |json| json.text("text", ""), Some(&stop));
    }

    fn chunk(
        &self,
        back: &Back,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Json),
        stop: Option<&Stop>,
    ) {
        out.extend_from_slice(b"data: ");
        *out = Json::append(std::mem::take(out), |json| {
            json.array("candidates", |json| {
                json.item(|json| {
                    json.member("content", |json| {
                        json.array("parts", |json| json.item(fill));
                        json.text("role", "model");
                    });
                    if let Some(stop) = stop {
                        json.text("finishReason", reason(stop));
                    }
                    json.number("index", 0);
                });
            });
            if let Some(usage) = self.usage.filter(|_| stop.is_some()) {
                json.member("usageMetadata", |json| usage::write(json, &usage));
            }
            json.text("modelVersion", &back.model);
            json.text("responseId", &self.id);
        });
        out.extend_from_slice(b"\n\n");
    }
}
