//! The events of a streamed chat completion, written from those of the hub.

use modelgate_domain::Usage;

use super::error::error_kind;
use super::write_answer::{finish, id, write_seal, write_usage};
use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::seal::{self, Maker};
use crate::hub::{Event, Stop};

/// The state of one stream. Holds nothing that grows with it but for the number of calls.
#[derive(Debug, Default)]
pub struct Writer {
    id: String,
    /// Keys of the calls that have begun, and whether they have arguments: the place is their index here.
    calls: Vec<(u32, bool)>,
    /// The seal that goes with the next call.
    seal: Option<String>,
    usage: Option<Usage>,
}

impl Writer {
    /// Writes what one event of the hub comes to.
    pub fn write(&mut self, event: &Event<'_>, back: &Back, out: &mut Vec<u8>) {
        match event {
            Event::Start { id: vendors } => {
                self.id = id(vendors);
                self.delta(back, out, |json| {
                    json.text("role", "assistant");
                    json.text("content", "");
                });
            }
            Event::Text(text) => {
                // what seals a text has no place here
                self.seal = None;
                self.delta(back, out, |json| json.text("content", text));
            }
            Event::Thought(text) => {
                self.delta(back, out, |json| json.text("reasoning_content", text));
            }
            Event::Seal(seal) => self.seal = seal::unmarked(Maker::Gemini, seal).map(str::to_owned),
            Event::Call { key, id, name } => self.begin(*key, id, name, back, out),
            Event::Arguments { key, piece } => self.arguments(*key, piece, back, out),
            Event::CallEnd { key } => {
                // readers parse the arguments, and an empty text is no JSON
                if self.calls.contains(&(*key, false)) {
                    self.arguments(*key, "{}", back, out);
                }
            }
            Event::Stop(stop) => self.stop(stop, back, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error { status, message } => error(error_kind(*status), message, out),
            Event::End => self.end(back, out),
        }
    }

    fn begin(&mut self, key: u32, id: &str, name: &str, back: &Back, out: &mut Vec<u8>) {
        let index = i64::try_from(self.calls.len()).unwrap_or(i64::MAX);
        self.calls.push((key, false));
        let seal = self.seal.take();
        self.call(index, back, out, |json| {
            json.text("id", id);
            json.text("type", "function");
            write_seal(json, seal.as_deref());
            json.member("function", |json| {
                json.text("name", back.names.back(name));
                json.text("arguments", "");
            });
        });
    }

    fn arguments(&mut self, key: u32, piece: &str, back: &Back, out: &mut Vec<u8>) {
        let Some(index) = self.calls.iter().position(|call| call.0 == key) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(index) {
            call.1 = true;
        }
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.call(index, back, out, |json| {
            json.member("function", |json| json.text("arguments", piece));
        });
    }

    fn call(&self, index: i64, back: &Back, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json)) {
        self.delta(back, out, |json| {
            json.array("tool_calls", |json| {
                json.item(|json| {
                    json.number("index", index);
                    fill(json);
                });
            });
        });
    }

    fn delta(&self, back: &Back, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json)) {
        self.chunk(back, out, |json| {
            json.array("choices", |json| {
                json.item(|json| {
                    json.number("index", 0);
                    json.member("delta", fill);
                    json.null("finish_reason");
                });
            });
        });
    }

    fn stop(&self, stop: &Stop, back: &Back, out: &mut Vec<u8>) {
        self.chunk(back, out, |json| {
            json.array("choices", |json| {
                json.item(|json| {
                    json.number("index", 0);
                    json.member("delta", |_| {});
                    json.text("finish_reason", finish(stop));
                });
            });
        });
    }

    fn end(&self, back: &Back, out: &mut Vec<u8>) {
        if let Some(usage) = self.usage.filter(|_| back.include_usage) {
            self.chunk(back, out, |json| {
                json.array("choices", |_| {});
                json.member("usage", |json| write_usage(json, &usage));
            });
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn chunk(&self, back: &Back, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json)) {
        out.extend_from_slice(b"data: ");
        *out = Json::append(std::mem::take(out), |json| {
            json.text("id", &self.id);
            json.text("object", "chat.completion.chunk");
            json.number("created", back.now_s);
            json.text("model", &back.model);
            fill(json);
        });
        out.extend_from_slice(b"\n\n");
    }
}

/// An error as an event.
fn error(kind: &str, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    *out = Json::append(std::mem::take(out), |json| {
        json.member("error", |json| {
            json.text("message", message);
            json.text("type", kind);
            json.null("param");
            json.null("code");
        });
    });
    out.extend_from_slice(b"\n\n");
}
