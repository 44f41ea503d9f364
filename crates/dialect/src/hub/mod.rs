//! What the dialects have in common: one form of a request, an answer and the events of a stream, which each dialect is
//! read into and written from.
//!
//! Everything borrows from the body that was read. What only one dialect knows and another one may keep (schemas,
//! arguments of tools) stays the JSON that it was.

pub mod arguments;
mod carried;
pub mod features;
pub mod fields;
pub mod json;
pub mod models;
pub mod names;
mod order;
pub mod rows;
pub mod seal;
pub mod spaces;
pub mod whole;

use std::borrow::Cow;

use modelgate_domain::Usage;
use serde_json::value::RawValue;

use self::features::Extra;
use self::spaces::Spaces;
use crate::convert::Unreadable;

/// A request without its model: every target has its own name for that.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// What the system or the developer says before the conversation, in order.
    pub system: Vec<Part<'a>>,
    /// The conversation.
    pub turns: Vec<Turn<'a>>,
    /// What the model may call.
    pub tools: Vec<Tool<'a>>,
    /// The names of those whose arguments are one text, wrapped into an object here.
    pub customs: Vec<String>,
    /// Those that stand under a namespace, which are called by both names here.
    pub spaces: Spaces,
    /// Whether it may, or must.
    pub choice: Option<Choice<'a>>,
    /// Whether it may call several at once.
    pub parallel: Option<bool>,
    /// The most tokens of an answer.
    pub max_output: Option<i64>,
    /// As it was written.
    pub temperature: Option<&'a RawValue>,
    /// As it was written.
    pub top_p: Option<&'a RawValue>,
    /// What ends an answer.
    pub stop: Vec<Cow<'a, str>>,
    /// Whether the answer comes as events.
    pub stream: bool,
    /// Whether the events shall tell the usage, where that has to be asked for.
    pub include_usage: bool,
    /// Who the caller says that it asks for.
    pub user: Option<Cow<'a, str>>,
    /// How much to think.
    pub thinking: Option<Thinking>,
    /// Whether the caller does not want to be told the thoughts.
    pub hides_thoughts: bool,
    /// The form of the answer's text.
    pub schema: Option<Schema<'a>>,
    /// JSON of any form.
    pub json: bool,
    /// Parameters that some dialects know and others do not.
    pub extras: Vec<Extra<'a>>,
}

impl<'a> Request<'a> {
    /// Whether anything is marked as worth keeping of the prompt.
    pub fn has_cache_marks(&self) -> bool {
        let said = self.turns.iter().flat_map(|turn| &turn.parts);
        self.tools.iter().any(|tool| tool.cache.is_some())
            || self.system.iter().chain(said).any(|p| p.cache.is_some())
    }

    /// Adds what the system says: before the conversation where that has not begun.
    pub fn say_system(&mut self, parts: Vec<Part<'a>>) {
        let role = Role::System;
        match self.turns.last_mut() {
            None => self.system.extend(parts),
            Some(turn) if turn.role == role => turn.parts.extend(parts),
            Some(_) => self.turns.push(Turn { role, parts }),
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The caller, and the results of tools.
    User,
    /// The model.
    Assistant,
    /// The system or the developer, amid the conversation.
    System,
}

/// What one of them says before the other one does.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Who.
    pub role: Role,
    /// What, in order.
    pub parts: Vec<Part<'a>>,
}

impl<'a> Turn<'a> {
    /// The tools that are called in it, in order.
    pub fn calls(&self) -> impl Iterator<Item = &Call<'a>> {
        self.parts.iter().filter_map(|part| match &part.kind {
            Kind::Call(call) => Some(call),
            _ => None,
        })
    }
}

/// A piece of content.
#[derive(Debug)]
pub struct Part<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// A mark that the prompt up to here is worth keeping.
    pub cache: Option<&'a RawValue>,
}

impl<'a> From<Kind<'a>> for Part<'a> {
    fn from(kind: Kind<'a>) -> Self {
        Self { kind, cache: None }
    }
}

/// The kinds of content.
#[derive(Debug)]
pub enum Kind<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A picture, and how closely to look at it.
    Image(Source<'a>, Option<Cow<'a, str>>),
    /// A document and its name.
    Document(Source<'a>, Option<Cow<'a, str>>),
    /// The model calls a tool.
    Call(Call<'a>),
    /// What a tool gave back.
    Result(Outcome<'a>),
    /// What the model thought. Who signed it may be shown it again, unchanged.
    Thinking {
        /// The thoughts.
        text: Cow<'a, str>,
        /// The vendor's seal, empty where there is none.
        signature: Cow<'a, str>,
    },
    /// Thoughts that only the vendor can read.
    Sealed(Cow<'a, str>),
}

/// Where a picture or document is.
#[derive(Debug)]
pub enum Source<'a> {
    /// In the request, in base64.
    Data {
        /// Its media type.
        media: Cow<'a, str>,
        /// The base64 text.
        data: Cow<'a, str>,
    },
    /// Somewhere else.
    Url(Cow<'a, str>),
}

impl<'a> Source<'a> {
    /// A data URL's media type and data, or the address as it stands.
    pub fn of_url(url: Cow<'a, str>) -> Self {
        // between the type and the mark may stand parameters, such as a charset
        let inner = |url: &str| -> Option<(usize, usize)> {
            let about = url.strip_prefix("data:")?.split(',').next()?;
            let start = about.strip_suffix(";base64")?;
            let media = start.split(';').next()?.len();
            let start = "data:".len().checked_add(about.len())?.checked_add(1)?;
            Some((media.checked_add("data:".len())?, start))
        };
        let Some((end, start)) = inner(&url) else {
            return Self::Url(url);
        };
        match url {
            Cow::Borrowed(url) => Self::Data {
                media: Cow::Borrowed(url.get("data:".len()..end).unwrap_or_default()),
                data: Cow::Borrowed(url.get(start..).unwrap_or_default()),
            },
            Cow::Owned(url) => Self::Data {
                media: Cow::Owned(url.get("data:".len()..end).unwrap_or_default().to_owned()),
                data: Cow::Owned(url.get(start..).unwrap_or_default().to_owned()),
            },
        }
    }
}

/// A media type as it is registered, where clients often write another one.
pub fn media_type(media: &str) -> &str {
    match media {
        "image/jpg" => "image/jpeg",
        _ => media,
    }
}

/// A call of a tool.
#[derive(Debug)]
pub struct Call<'a> {
    /// What its result refers to.
    pub id: Cow<'a, str>,
    /// The tool.
    pub name: Cow<'a, str>,
    /// A JSON text.
    pub arguments: Cow<'a, str>,
}

/// The result of a call.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The call.
    pub id: Cow<'a, str>,
    /// Texts and pictures.
    pub parts: Vec<Part<'a>>,
    /// The tool failed.
    pub failed: bool,
}

/// A tool that the model may call.
#[derive(Debug)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What it does.
    pub description: Option<Cow<'a, str>>,
    /// The JSON schema of its arguments.
    pub schema: Option<Cow<'a, RawValue>>,
    /// Whether the arguments must keep to the schema.
    pub strict: Option<bool>,
    /// As in [`Part`].
    pub cache: Option<&'a RawValue>,
}

/// Whether tools are called.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The model decides.
    Auto,
    /// None may be.
    None,
    /// At least one must be.
    Any,
    /// This one must be.
    Named(Cow<'a, str>),
}

/// How much the model shall think before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Off,
    /// So much.
    Effort(Effort),
    /// So many tokens at most.
    Budget(i64),
    /// As much as it thinks right.
    Free,
}

/// Steps of effort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Next to nothing.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More.
    Extra,
    /// As much as there is.
    Max,
}

impl Effort {
    const NAMES: [(&'static str, Self); 6] = [
        ("minimal", Self::Minimal),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("xhigh", Self::Extra),
        ("max", Self::Max),
    ];

    /// By the word that dialects have for it.
    pub fn parse(word: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == word);
        found.map(|(_, effort)| *effort)
    }

    /// The word.
    pub fn word(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, effort)| *effort == self);
        found.map_or("high", |(name, _)| name)
    }

    /// About so many tokens of thought.
    pub const fn budget(self) -> i64 {
        match self {
            Self::Minimal => 1_024,
            Self::Low => 2_048,
            Self::Medium => 8_192,
            Self::High => 16_384,
            Self::Extra => 24_576,
            Self::Max => 32_768,
        }
    }

    /// The step that so many tokens of thought amount to.
    pub fn of_budget(tokens: i64) -> Self {
        match tokens {
            ..4_096 => Self::Low,
            4_096..16_384 => Self::Medium,
            _ => Self::High,
        }
    }
}

/// The form that the answer's text must have.
#[derive(Debug)]
pub struct Schema<'a> {
    /// What it is called, where a dialect has a name for it.
    pub name: Option<Cow<'a, str>>,
    /// The JSON schema.
    pub schema: Cow<'a, RawValue>,
}

/// Why an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model has said what it had to say.
    End,
    /// The answer is as long as it may be.
    Length,
    /// Tools are to be called.
    Tools,
    /// One of the texts that end an answer came; empty where the vendor does not say which.
    Sequence(String),
    /// The vendor does not want to answer.
    Refused,
    /// The vendor paused a long turn.
    Paused,
    /// The vendor failed on the way, which is told in these words.
    Failed(String),
}

impl Stop {
    /// The vendor failed, with its own word for it.
    pub fn failed(word: &str) -> Self {
        Self::Failed(format!(
            "The model's provider broke the answer off: {word}."
        ))
    }

    /// The same, unless nothing came before it failed: that is no answer.
    pub(crate) fn unless_nothing_came(self, parts: &[Part<'_>]) -> Result<Self, Unreadable> {
        match self {
            Self::Failed(how) if parts.is_empty() => Err(Unreadable::Failed(how)),
            stop => Ok(stop),
        }
    }

    /// Shows the events that end a stream so.
    pub(crate) fn end(self, mut each: impl FnMut(Event<'_>)) {
        match self {
            Self::Failed(message) => each(Event::Error {
                status: BROKEN_OFF,
                message: &message,
            }),
            stop => {
                each(Event::Stop(stop));
                each(Event::End);
            }
        }
    }
}

/// The status that stands for an answer that the vendor broke off.
pub const BROKEN_OFF: u16 = 502;

/// A whole answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The vendor's id of it.
    pub id: Cow<'a, str>,
    /// Text, thoughts and calls, in order.
    pub parts: Vec<Part<'a>>,
    /// Why it ends.
    pub stop: Stop,
    /// What it used.
    pub usage: Option<Usage>,
}

/// One step of an answer that comes in events.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'e> {
    /// It begins.
    Start {
        /// The vendor's id of it.
        id: &'e str,
    },
    /// A piece of text.
    Text(&'e str),
    /// A piece of thought.
    Thought(&'e str),
    /// The seal of the thoughts before, which the vendor wants back with what follows.
    Seal(&'e str),
    /// A call of a tool begins.
    Call {
        /// Which one: what the arguments refer to.
        key: u32,
        /// What its result will refer to.
        id: &'e str,
        /// The tool.
        name: &'e str,
    },
    /// A piece of the JSON text of a call's arguments.
    Arguments {
        /// Which call.
        key: u32,
        /// The piece.
        piece: &'e str,
    },
    /// The arguments of a call are whole.
    CallEnd {
        /// Which call.
        key: u32,
    },
    /// Why the answer ends.
    Stop(Stop),
    /// What is known of the usage now.
    Usage(Usage),
    /// The vendor broke off.
    Error {
        /// The status that stands for it.
        status: u16,
        /// What the vendor says.
        message: &'e str,
    },
    /// The answer is whole.
    End,
}
