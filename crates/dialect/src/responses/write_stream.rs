//! The events of a streamed response, written from those of the hub.
//!
//! This dialect repeats at the end of each item, and of the answer, what was said piece by piece: what the writer holds
//! grows with the answer, up to a bound.

use modelgate_domain::Usage;

use super::error::failure;
use super::write_answer::{Item, Says, State, head, one_text, summary_part, text_part, usage};
use crate::convert::Back;
use crate::hub::json::Json;
use crate::hub::whole::Whole;
use crate::hub::{Event, Stop};

/// More than any model says in one answer.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Writer {
    id: String,
    number: i64,
    /// Everything said so far, in the order in which it began.
    items: Vec<Item>,
    /// Places of the items that are not whole yet: a text or thoughts.
    open: Option<usize>,
    /// The calls that are not whole yet.
    calls: Vec<OpenCall>,
    usage: Option<Usage>,
    stop: Option<Stop>,
    held: usize,
    ended: bool,
}

#[derive(Debug)]
struct OpenCall {
    key: u32,
    at: usize,
    arguments: Whole,
}

impl Writer {
    /// Writes what one event of the hub comes to.
    pub fn write(&mut self, event: &Event<'_>, back: &Back, out: &mut Vec<u8>) {
        match event {
            Event::Start { id } => {
                (*id).clone_into(&mut self.id);
                for name in ["response.created", "response.in_progress"] {
                    self.event(name, out, |json, this| {
                        json.member("response", |json| {
                            head(json, &this.id, back, State::Running);
                            json.array("output", |_| {});
                            json.null("usage");
                        });
                    });
                }
            }
            Event::Text(piece) => self.text(piece, back, out),
            Event::Thought(piece) => self.thought(piece, back, out),
            Event::Seal(seal) => self.sealed(seal, back, out),
            Event::Call { key, id, name } => self.call(*key, (id, name), back, out),
            Event::Arguments { key, piece } => self.arguments(*key, piece, back, out),
            Event::CallEnd { key } => {
                if let Some(found) = self.calls.iter().position(|call| call.key == *key) {
                    let call = self.calls.remove(found);
                    self.close(call.at, back, out);
                }
            }
            Event::Stop(stop) => self.stop = Some(stop.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error { status, message } => self.error(*status, message, back, out),
            Event::End => self.end(back, out),
        }
    }

    /// True where the answer is larger than what can be held.
    pub fn is_too_large(&self) -> bool {
        self.held > MOST_BYTES
    }

    fn event(&mut self, name: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json, &Self)) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        let number = self.number;
        self.number = number.saturating_add(1);
        *out = Json::append(std::mem::take(out), |json| {
            json.text("type", name);
            json.number("sequence_number", number);
            fill(json, self);
        });
        out.extend_from_slice(b"\n\n");
    }

    /// An event about an item.
    fn about(
        &mut self,
        name: &str,
        at: usize,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Json, &Item),
    ) {
        self.event(name, out, |json, this| {
            let Some(item) = this.items.get(at) else {
                return;
            };
            json.text("item_id", &item.id(&this.id));
            json.number("output_index", i64::try_from(at).unwrap_or(i64::MAX));
            fill(json, item);
        });
    }

    fn begin(&mut self, says: Says, back: &Back, out: &mut Vec<u8>) -> usize {
        let at = self.items.len();
        self.items.push(Item::new(at, says));
        self.item("response.output_item.added", at, false, back, out);
        at
    }

    fn item(&mut self, name: &str, at: usize, whole: bool, back: &Back, out: &mut Vec<u8>) {
        self.event(name, out, |json, this| {
            json.number("output_index", i64::try_from(at).unwrap_or(i64::MAX));
            if let Some(item) = this.items.get(at) {
                json.member("item", |json| item.write(json, &this.id, back, whole));
            }
        });
    }

    fn say(&mut self, at: usize, piece: &str) {
        self.held = self.held.saturating_add(piece.len());
        if self.is_too_large() {
            return;
        }
        if let Some(Item {
            says:
                Says::Text(said)
                | Says::Thought(said)
                | Says::Call {
                    arguments: said, ..
                },
            ..
        }) = self.items.get_mut(at)
        {
            said.push_str(piece);
        }
    }

    fn text(&mut self, piece: &str, back: &Back, out: &mut Vec<u8>) {
        let is_text = |item: &Item| matches!(item.says, Says::Text(_));
        let at = match self.open {
            Some(at) if self.items.get(at).is_some_and(is_text) => at,
            _ => {
                self.close_whole(back, out);
                let at = self.begin(Says::Text(String::new()), back, out);
                self.open = Some(at);
                self.about("response.content_part.added", at, out, |json, _| {
                    json.number("content_index", 0);
                    json.member("part", |json| text_part(json, ""));
                });
                at
            }
        };
        self.say(at, piece);
        self.about("response.output_text.delta", at, out, |json, _| {
            json.number("content_index", 0);
            json.text("delta", piece);
            json.array("logprobs", |_| {});
        });
    }

    fn thought(&mut self, piece: &str, back: &Back, out: &mut Vec<u8>) {
        let is_thought = |item: &Item| matches!(item.says, Says::Thought(_));
        let at = match self.open {
            Some(at) if self.items.get(at).is_some_and(is_thought) => at,
            _ => {
                self.close_whole(back, out);
                let at = self.begin(Says::Thought(String::new()), back, out);
                self.open = Some(at);
                self.about(
                    "response.reasoning_summary_part.added",
                    at,
                    out,
                    |json, _| {
                        json.number("summary_index", 0);
                        json.member("part", |json| summary_part(json, ""));
                    },
                );
                at
            }
        };
        self.say(at, piece);
        self.about(
            "response.reasoning_summary_text.delta",
            at,
            out,
            |json, _| {
                json.number("summary_index", 0);
                json.text("delta", piece);
            },
        );
    }

    /// The seal of the thoughts that are open, or of thoughts that are not told.
    fn sealed(&mut self, seal: &str, back: &Back, out: &mut Vec<u8>) {
        let is_thought = |item: &Item| matches!(item.says, Says::Thought(_));
        let open = self.open.take();
        let at = match open {
            Some(at) if self.items.get(at).is_some_and(is_thought) => at,
            _ => {
                self.open = open;
                self.close_whole(back, out);
                self.begin(Says::Thought(String::new()), back, out)
            }
        };
        if let Some(item) = self.items.get_mut(at) {
            item.seal = Some(seal.to_owned());
        }
        self.close(at, back, out);
    }

    fn call(&mut self, key: u32, (id, name): (&str, &str), back: &Back, out: &mut Vec<u8>) {
        self.close_whole(back, out);
        let says = Says::Call {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: String::new(),
        };
        let at = self.begin(says, back, out);
        self.calls.push(OpenCall {
            key,
            at,
            arguments: Whole::default(),
        });
    }

    fn arguments(&mut self, key: u32, piece: &str, back: &Back, out: &mut Vec<u8>) {
        let Some(call) = self.calls.iter_mut().find(|call| call.key == key) else {
            return;
        };
        call.arguments.take(piece);
        let at = call.at;
        self.say(at, piece);
        // the one text of a custom tool can be told only once it is whole
        if !self.items.get(at).is_some_and(|item| item.is_custom(back)) {
            let name = "response.function_call_arguments.delta";
            self.about(name, at, out, |json, _| json.text("delta", piece));
        }
    }

    /// Ends what nothing more can come for.
    fn close_whole(&mut self, back: &Back, out: &mut Vec<u8>) {
        if let Some(at) = self.open.take() {
            self.close(at, back, out);
        }
        let all = std::mem::take(&mut self.calls);
        let (whole, open): (Vec<OpenCall>, Vec<OpenCall>) =
            all.into_iter().partition(|call| call.arguments.is_whole());
        self.calls = open;
        for call in whole {
            self.close(call.at, back, out);
        }
    }

    fn close(&mut self, at: usize, back: &Back, out: &mut Vec<u8>) {
        let custom = self.items.get(at).is_some_and(|item| item.is_custom(back));
        if let Some(Item {
            says: Says::Call { arguments, .. },
            ..
        }) = self.items.get_mut(at)
            && arguments.is_empty()
        {
            "{}".clone_into(arguments);
        }
        let untold = |item: &Item| matches!(&item.says, Says::Thought(text) if text.is_empty());
        if self.items.get(at).is_some_and(untold) {
            return self.item("response.output_item.done", at, true, back, out);
        }
        let name = match self.items.get(at).map(|item| &item.says) {
            Some(Says::Text(_)) => "response.output_text.done",
            Some(Says::Thought(_)) => "response.reasoning_summary_text.done",
            Some(Says::Call { .. }) if custom => "response.custom_tool_call_input.done",
            Some(Says::Call { .. }) => "response.function_call_arguments.done",
            None => return,
        };
        self.about(name, at, out, |json, item| match &item.says {
            Says::Text(text) => {
                json.number("content_index", 0);
                json.text("text", text);
                json.array("logprobs", |_| {});
            }
            Says::Thought(text) => {
                json.number("summary_index", 0);
                json.text("text", text);
            }
            Says::Call { arguments, .. } if custom => json.text("input", &one_text(arguments)),
            Says::Call {
                arguments, name, ..
            } => {
                json.text("name", back.tool(name).1);
                json.text("arguments", arguments);
            }
        });
        let part = match self.items.get(at).map(|item| &item.says) {
            Some(Says::Text(_)) => Some(("response.content_part.done", "content_index")),
            Some(Says::Thought(_)) => {
                Some(("response.reasoning_summary_part.done", "summary_index"))
            }
            _ => None,
        };
        if let Some((name, index)) = part {
            self.about(name, at, out, |json, item| {
                json.number(index, 0);
                json.member("part", |json| match &item.says {
                    Says::Text(text) => text_part(json, text),
                    Says::Thought(text) => summary_part(json, text),
                    Says::Call { .. } => {}
                });
            });
        }
        self.item("response.output_item.done", at, true, back, out);
    }

    fn end(&mut self, back: &Back, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.close_whole(back, out);
        for call in std::mem::take(&mut self.calls) {
            self.close(call.at, back, out);
        }
        let stop = self.stop.take().unwrap_or(Stop::End);
        self.last(State::of(&stop), back, out);
    }

    /// The event with the whole response.
    fn last(&mut self, state: State<'_>, back: &Back, out: &mut Vec<u8>) {
        self.event(state.event(), out, |json, this| {
            json.member("response", |json| {
                head(json, &this.id, back, state);
                json.array("output", |json| {
                    for item in &this.items {
                        json.item(|json| item.write(json, &this.id, back, true));
                    }
                });
                usage(json, this.usage.as_ref());
            });
        });
    }

    /// Some readers wait for the one event, others (Codex) for the other.
    fn error(&mut self, status: u16, message: &str, back: &Back, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.event("error", out, |json, _| {
            json.text("code", failure(status));
            json.text("message", message);
            json.null("param");
        });
        self.last(State::Failed(status, message), back, out);
    }
}
