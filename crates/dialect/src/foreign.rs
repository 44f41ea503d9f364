//! What other vendors' models have left in a conversation that goes on to a vendor of the caller's own dialect: thoughts
//! that nobody signed, and seals that somebody else made. Whoever checks them refuses the whole request.
//!
//! A body without a trace of such things is not parsed. Of others only the arrays that change are written anew, from the
//! pieces that stay.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::Caller;
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::{Fields, Path};
use crate::hub::json::Json;
use crate::hub::models::{self, ThinkingForm};
use crate::hub::seal;
use crate::splice::{self, Edit};

/// The body without what its target would refuse, and the names of what is gone; nothing where all of it may go.
pub fn without(caller: Caller, model: &str, body: &[u8]) -> Option<(Vec<u8>, Notes)> {
    if !may_hold(caller, body) {
        return None;
    }
    let whole: &RawValue = serde_json::from_slice(body).ok()?;
    let notes = RefCell::new(Notes::default());
    let edits = match caller {
        Caller::Messages => of_messages(whole, model, &notes),
        Caller::Responses => of_responses(whole, model, &notes),
        Caller::Chat => of_chat(whole, model, &notes),
        Caller::Gemini => of_gemini(whole, &notes),
    };
    if edits.is_empty() {
        return None;
    }
    // only blanks stand before the object
    let lead = body.iter().position(|byte| *byte == b'{')?;
    let mut spans: Vec<Edit<'_>> = Vec::with_capacity(edits.len());
    for (span, with) in &edits {
        let span = span.start.checked_add(lead)?..span.end.checked_add(lead)?;
        let with = with.as_bytes();
        spans.push(Edit { span, with });
    }
    spans.sort_by_key(|edit| edit.span.start);
    Some((splice::apply(body, &spans), notes.into_inner()))
}

/// Whether the bytes hold a mark of this gateway's, or an empty seal.
fn may_hold(caller: Caller, body: &[u8]) -> bool {
    static MARKS: LazyLock<Vec<Finder<'_>>> =
        LazyLock::new(|| seal::marks().map(Finder::new).collect());
    static THOUGHT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"thought_signature\""));
    let marked = || MARKS.iter().any(|mark| mark.find(body).is_some());
    match caller {
        Caller::Messages => holds(body, "\"signature\"", "\"\"") || marked(),
        Caller::Responses => holds(body, "\"encrypted_content\"", "null") || marked(),
        Caller::Chat => THOUGHT.find(body).is_some(),
        Caller::Gemini => marked(),
    }
}

/// Whether a member of this name has this value anywhere.
fn holds(body: &[u8], name: &str, value: &str) -> bool {
    memmem::find_iter(body, name).any(|at| {
        let after = at.saturating_add(name.len());
        let after = body.get(after..).unwrap_or_default().trim_ascii_start();
        let after = after.strip_prefix(b":").unwrap_or_default();
        after.trim_ascii_start().starts_with(value.as_bytes())
    })
}

/// What becomes of a value.
enum Fate {
    Stays,
    Goes,
    Becomes(String),
}

/// Changes to an object's members: where, and what stands there then.
type Edits = Vec<(Range<usize>, String)>;

/// A list of what stays of it; it goes where nothing does.
fn each(list: &RawValue, mut fate: impl FnMut(&RawValue) -> Fate) -> Fate {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
        return Fate::Stays;
    };
    let mut kept = String::new();
    let mut changed = false;
    for item in items {
        let fate = fate(item);
        changed |= !matches!(fate, Fate::Stays);
        let text = match &fate {
            Fate::Stays => item.get(),
            Fate::Becomes(text) => text,
            Fate::Goes => continue,
        };
        kept.push(if kept.is_empty() { '[' } else { ',' });
        kept.push_str(text);
    }
    match (changed, kept.is_empty()) {
        (false, _) => Fate::Stays,
        (true, true) => Fate::Goes,
        (true, false) => Fate::Becomes(kept + "]"),
    }
}

/// An object whose member has changed; it goes with it.
fn inside(object: &RawValue, name: &str, fate: impl FnOnce(&RawValue) -> Fate) -> Fate {
    let Ok(mut fields) = Fields::read(object.get(), &Path::ROOT) else {
        return Fate::Stays;
    };
    let Some(value) = fields.take(name) else {
        return Fate::Stays;
    };
    match fate(value) {
        Fate::Becomes(text) => match span(object, value) {
            Some(span) => {
                let with = text.as_bytes();
                let edit = Edit { span, with };
                let out = splice::apply(object.get().as_bytes(), &[edit]);
                String::from_utf8(out).map_or(Fate::Stays, Fate::Becomes)
            }
            None => Fate::Stays,
        },
        other => other,
    }
}

/// An object without one of its members.
fn bare(object: &RawValue, name: &str) -> Fate {
    let Ok(fields) = Fields::read(object.get(), &Path::ROOT) else {
        return Fate::Stays;
    };
    let json = Json::object(|json| {
        for (member, value) in fields.all().filter(|(member, _)| *member != name) {
            json.raw(member, value.get());
        }
    });
    String::from_utf8(json).map_or(Fate::Stays, Fate::Becomes)
}

/// Where a value stands in the text that it was read from.
fn span(outer: &RawValue, inner: &RawValue) -> Option<Range<usize>> {
    let start = inner.get().as_ptr().addr();
    let start = start.checked_sub(outer.get().as_ptr().addr())?;
    Some(start..start.checked_add(inner.get().len())?)
}

/// A member of the body, put anew; an empty list where nothing stays of it.
fn edit(edits: &mut Edits, body: &RawValue, value: &RawValue, fate: Fate) {
    let with = match fate {
        Fate::Stays => return,
        Fate::Goes => "[]".to_owned(),
        Fate::Becomes(text) => text,
    };
    edits.extend(span(body, value).map(|span| (span, with)));
}

/// Reads what an object says of itself; nothing where it is no such object.
fn read<'a, T: Deserialize<'a> + Default>(object: &'a RawValue) -> T {
    serde_json::from_str(object.get()).unwrap_or_default()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    r#type: String,
    role: String,
    signature: Option<String>,
}

/// Blocks of thoughts that a model with seals of its own would not know again.
fn of_messages(body: &RawValue, model: &str, notes: &RefCell<Notes>) -> Edits {
    let mut edits = Vec::new();
    let model = models::messages(model);
    let Ok(mut fields) = Fields::read(body.get(), &Path::ROOT) else {
        return edits;
    };
    let Some(messages) = fields.take("messages") else {
        return edits;
    };
    let went = Cell::new(false);
    // whether thoughts are gone from a turn that is still under way
    let lacks = Cell::new(false);
    let fate = each(messages, |message| {
        went.set(false);
        let results = Cell::new(false);
        let fate = inside(message, "content", |content| {
            each(content, |raw| {
                let block: Block = read(raw);
                results.set(results.get() || block.r#type == "tool_result");
                let signature = block.signature.unwrap_or_default();
                let foreign = seal::is_marked(&signature) || (model.seals && signature.is_empty());
                if block.r#type != "thinking" || !foreign {
                    return Fate::Stays;
                }
                went.set(true);
                notes.borrow_mut().drop(known::SIGNED.messages);
                Fate::Goes
            })
        });
        if went.get() {
            lacks.set(true);
        } else if read::<Block>(message).role == "user" {
            lacks.set(lacks.get() && results.get());
        }
        fate
    });
    edit(&mut edits, body, messages, fate);
    // such models want a turn with tools to begin with thoughts of theirs, or not to think
    if lacks.get()
        && model.thinking == ThinkingForm::Budget
        && let Some(thinking) = fields.take("thinking")
        && read::<Block>(thinking).r#type != "disabled"
    {
        notes.borrow_mut().drop(known::EFFORT.messages);
        let off = Fate::Becomes(r#"{"type":"disabled"}"#.to_owned());
        edit(&mut edits, body, thinking, off);
        unmanaged(&mut edits, body, &mut fields, notes);
    }
    edits
}

/// What clears thoughts away is refused where nobody thinks.
fn unmanaged(edits: &mut Edits, body: &RawValue, fields: &mut Fields<'_>, notes: &RefCell<Notes>) {
    let Some(management) = fields.take("context_management") else {
        return;
    };
    let fate = inside(management, "edits", |list| {
        let kept = each(list, |one| {
            if read::<Block>(one).r#type.starts_with("clear_thinking") {
                notes.borrow_mut().drop("context_management");
                return Fate::Goes;
            }
            Fate::Stays
        });
        match kept {
            Fate::Goes => Fate::Becomes("[]".to_owned()),
            other => other,
        }
    });
    edit(edits, body, management, fate);
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    r#type: String,
    id: Option<String>,
    encrypted_content: Option<String>,
}

impl Item {
    /// Whether a vendor who seals thoughts would not know these again: nobody sealed them, and none of its ids stands
    /// for what it may have kept.
    fn is_strange(&self, seals: bool) -> bool {
        let made_here = |id: &str| {
            let counted = id.rsplit_once('_').filter(|(rest, _)| rest.contains('_'));
            counted.is_some_and(|(_, number)| number.parse::<u16>().is_ok())
        };
        match self.encrypted_content.as_deref() {
            Some(seal) if seal::is_marked(seal) => true,
            Some(seal) if !seal.is_empty() => false,
            _ => seals && self.id.as_deref().is_none_or(made_here),
        }
    }
}

fn of_responses(body: &RawValue, model: &str, notes: &RefCell<Notes>) -> Edits {
    let mut edits = Vec::new();
    let seals = models::chat(model).seals;
    let Ok(mut fields) = Fields::read(body.get(), &Path::ROOT) else {
        return edits;
    };
    if let Some(input) = fields.take("input") {
        let fate = each(input, |raw| {
            let item: Item = read(raw);
            if item.r#type != "reasoning" || !item.is_strange(seals) {
                return Fate::Stays;
            }
            let name = match item.encrypted_content {
                Some(_) => known::SEALED.responses,
                None => known::THOUGHTS.responses,
            };
            notes.borrow_mut().drop(name);
            Fate::Goes
        });
        edit(&mut edits, body, input, fate);
    }
    edits
}

/// Seals of Gemini's, which stand at calls of tools: only its own models know the member that holds them.
fn of_chat(body: &RawValue, model: &str, notes: &RefCell<Notes>) -> Edits {
    let mut edits = Vec::new();
    if models::chat(model).google {
        return edits;
    }
    let Ok(mut fields) = Fields::read(body.get(), &Path::ROOT) else {
        return edits;
    };
    if let Some(messages) = fields.take("messages") {
        let fate = each(messages, |message| {
            inside(message, "tool_calls", |calls| {
                each(calls, |call| {
                    if !call.get().contains("\"thought_signature\"") {
                        return Fate::Stays;
                    }
                    notes.borrow_mut().drop(known::EXTRA.chat);
                    bare(call, "extra_content")
                })
            })
        });
        edit(&mut edits, body, messages, fate);
    }
    edits
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GeminiPart {
    #[serde(alias = "thought_signature")]
    thought_signature: Option<String>,
}

fn of_gemini(body: &RawValue, notes: &RefCell<Notes>) -> Edits {
    let mut edits = Vec::new();
    let Ok(mut fields) = Fields::read(body.get(), &Path::ROOT) else {
        return edits;
    };
    if let Some(contents) = fields.take("contents") {
        let fate = each(contents, |content| {
            inside(content, "parts", |parts| {
                each(parts, |raw| {
                    let part: GeminiPart = read(raw);
                    let foreign = |seal: String| seal::is_marked(&seal);
                    if !part.thought_signature.is_some_and(foreign) {
                        return Fate::Stays;
                    }
                    notes.borrow_mut().drop(known::SEAL.gemini);
                    match bare(raw, "thoughtSignature") {
                        Fate::Becomes(text) => match RawValue::from_string(text) {
                            Ok(raw) => bare(&raw, "thought_signature"),
                            Err(_) => Fate::Stays,
                        },
                        other => other,
                    }
                })
            })
        });
        edit(&mut edits, body, contents, fate);
    }
    edits
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
