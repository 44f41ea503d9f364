//! The events of a streamed message, written from those of the hub.
//!
//! A block begins when there is something to put into it. Text and thoughts end when something else begins; a call ends
//! then as well, if its arguments are whole, and otherwise stays open beside what follows, since some vendors send the
//! pieces of several calls in turns.

use modelgate_domain::Usage;

use super::error::error_kind;
use super::write_answer::{ending, head, write_usage};
use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::whole::Whole;
use crate::hub::{Event, Stop};

/// The state of one stream. Holds nothing that grows with it but for the number of calls.
#[derive(Debug, Default)]
pub struct Writer {
    /// The index of the next block.
    next: i64,
    /// The block of text or thoughts that is open.
    open: Option<(i64, Plain)>,
    calls: Vec<OpenCall>,
    usage: Option<Usage>,
    stop: Option<Stop>,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Text,
    Thought,
}

#[derive(Debug)]
struct OpenCall {
    key: u32,
    index: i64,
    arguments: Whole,
}

impl Writer {
    /// Writes what one event of the hub comes to.
    pub fn write(&mut self, event: &Event<'_>, back: &Back, out: &mut Vec<u8>) {
        match event {
            Event::Start { id } => self.start(id, back, out),
            Event::Text(text) => {
                let index = self.plain(Plain::Text, out);
                delta(index, out, |json| {
                    json.text("type", "text_delta");
                    json.text("text", text);
                });
            }
            Event::Thought(text) => {
                let index = self.plain(Plain::Thought, out);
                delta(index, out, |json| {
                    json.text("type", "thinking_delta");
                    json.text("thinking", text);
                });
            }
            Event::Seal(seal) => {
                let index = self.plain(Plain::Thought, out);
                delta(index, out, |json| {
                    json.text("type", "signature_delta");
                    json.text("signature", seal);
                });
                self.open = None;
                close(index, out);
            }
            Event::Call { key, id, name } => self.begin(*key, id, back.names.back(name), out),
            Event::Arguments { key, piece } => self.arguments(*key, piece, out),
            Event::CallEnd { key } => {
                if let Some(at) = self.calls.iter().position(|call| call.key == *key) {
                    let call = self.calls.remove(at);
                    close(call.index, out);
                }
            }
            Event::Stop(stop) => self.stop = Some(stop.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error { status, message } => {
                self.ended = true;
                error(error_kind(*status), message, out);
            }
            Event::End => self.end(out),
        }
    }

    fn start(&self, id: &str, back: &Back, out: &mut Vec<u8>) {
        event("message_start", out, |json| {
            json.member("message", |json| {
                head(json, id, &back.model);
                json.array("content", |_| {});
                json.null("stop_reason");
                json.null("stop_sequence");
                json.member("usage", |json| {
                    write_usage(json, &self.usage.unwrap_or_default());
                });
            });
        });
    }

    /// The index of the open block of this kind, which is begun where there is none.
    fn plain(&mut self, kind: Plain, out: &mut Vec<u8>) -> i64 {
        if let Some((index, open)) = self.open
            && open == kind
        {
            return index;
        }
        self.close_whole(out);
        let index = self.number();
        self.open = Some((index, kind));
        event("content_block_start", out, |json| {
            json.number("index", index);
            json.member("content_block", |json| match kind {
                Plain::Text => {
                    json.text("type", "text");
                    json.text("text", "");
                }
                Plain::Thought => {
                    json.text("type", "thinking");
                    json.text("thinking", "");
                    json.text("signature", "");
                }
            });
        });
        index
    }

    fn number(&mut self) -> i64 {
        let index = self.next;
        self.next = index.saturating_add(1);
        index
    }

    fn begin(&mut self, key: u32, id: &str, name: &str, out: &mut Vec<u8>) {
        self.close_whole(out);
        let index = self.number();
        self.calls.push(OpenCall {
            key,
            index,
            arguments: Whole::default(),
        });
        event("content_block_start", out, |json| {
            json.number("index", index);
            json.member("content_block", |json| {
                json.text("type", "tool_use");
                json.text("id", id);
                json.text("name", name);
                json.member("input", |_| {});
            });
        });
    }

    fn arguments(&mut self, key: u32, piece: &str, out: &mut Vec<u8>) {
        let Some(call) = self.calls.iter_mut().find(|call| call.key == key) else {
            return;
        };
        call.arguments.take(piece);
        delta(call.index, out, |json| {
            json.text("type", "input_json_delta");
            json.text("partial_json", piece);
        });
    }

    /// Ends the blocks that nothing more can come for.
    fn close_whole(&mut self, out: &mut Vec<u8>) {
        if let Some((index, _)) = self.open.take() {
            close(index, out);
        }
        self.calls.retain(|call| {
            if call.arguments.is_whole() {
                close(call.index, out);
            }
            !call.arguments.is_whole()
        });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.close_whole(out);
        for call in self.calls.drain(..) {
            close(call.index, out);
        }
        event("message_delta", out, |json| {
            json.member("delta", |json| {
                ending(json, self.stop.as_ref().unwrap_or(&Stop::End));
            });
            json.member("usage", |json| {
                write_usage(json, &self.usage.unwrap_or_default());
            });
        });
        event("message_stop", out, |_| {});
    }
}

fn event(name: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    *out = Json::append(std::mem::take(out), |json| {
        json.text("type", name);
        fill(json);
    });
    out.extend_from_slice(b"\n\n");
}

fn delta(index: i64, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json)) {
    event("content_block_delta", out, |json| {
        json.number("index", index);
        json.member("delta", fill);
    });
}

fn close(index: i64, out: &mut Vec<u8>) {
    event("content_block_stop", out, |json| {
        json.number("index", index);
    });
}

fn error(kind: &str, message: &str, out: &mut Vec<u8>) {
    event("error", out, |json| {
        json.member("error", |json| {
            json.text("type", kind);
            json.text("message", message);
        });
    });
}
