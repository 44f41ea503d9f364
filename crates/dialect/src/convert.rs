//! From one dialect into another: requests on the way to a vendor, answers and errors on the way back.

use std::borrow::Cow;

use modelgate_domain::Usage;

use crate::dialect::{Caller, Dialect};
use crate::hub::Request;
use crate::hub::features::Notes;
use crate::hub::fields::{Path, Refusal};
use crate::hub::models;
use crate::hub::names::Names;
use crate::hub::spaces::Spaces;
use crate::openai::answer::error_message;
use crate::openai::error::error_kind as chat_kind;
use crate::{anthropic, gemini, ollama, openai, responses};

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    /// What the caller speaks.
    pub from: Caller,
    /// The vendor's dialect, another one.
    pub to: Dialect,
    /// The vendor's name for the model.
    pub model: &'t str,
    /// The caller's name for it, which the answer shows.
    pub asked: &'t str,
    /// Whether a stream is asked for, which not every dialect says in the body.
    pub stream: bool,
    /// The most tokens of an answer, where the operator has said so.
    pub max_output: Option<i64>,
    /// Whether its name for the model is one that the operator has given there, as Azure's deployments have.
    pub deployed: bool,
    /// The time that answers carry, epoch seconds.
    pub now_s: i64,
}

/// What the way back needs to know of the way there.
#[derive(Clone, Debug)]
pub struct Back {
    /// What the caller speaks.
    pub caller: Caller,
    /// The vendor's dialect.
    pub vendor: Dialect,
    /// What the answer calls the model.
    pub model: String,
    /// The time that it carries, epoch seconds.
    pub now_s: i64,
    /// Whether the caller wants events to tell the usage.
    pub include_usage: bool,
    /// Whether the caller does not want to be told the thoughts.
    pub hides_thoughts: bool,
    /// The names that had to be changed.
    pub names: Names,
    /// The tools that the caller calls with one text.
    pub customs: Vec<String>,
    /// The tools that the caller knows under a namespace.
    pub spaces: Spaces,
    /// What was left out.
    pub notes: Notes,
}

/// What came as an answer cannot be read as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not of the vendor's dialect.
    #[error("the answer is not of the vendor's dialect: {0}")]
    Json(String),
    /// No answer in it.
    #[error("the answer holds no answer")]
    NoAnswer,
    /// The vendor failed before it said anything, which is told in these words.
    #[error("{0}")]
    Failed(String),
}

impl Unreadable {
    /// Says where, and not what stands there.
    #[allow(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(crate) fn json(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        Self::Json(format!("line {line}, column {column}"))
    }
}

/// Puts a request into the target's dialect.
pub fn request(body: &[u8], target: &Target<'_>) -> Result<(Vec<u8>, Back), Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|_error| Refusal::kind(&Path::ROOT.to("body"), "UTF-8 text"))?;
    let mut notes = Notes::default();
    let mut request: Request<'_> = match target.from {
        Caller::Chat => openai::read_request::read(text, &mut notes)?,
        Caller::Messages => anthropic::read_request::read(text, &mut notes)?,
        Caller::Responses => responses::read_request::read(text, &mut notes)?,
        Caller::Gemini => Request {
            stream: target.stream,
            ..gemini::read_request::read(text, &mut notes)?
        },
    };
    put_in_order(&mut request, target);
    let mut back = Back {
        caller: target.from,
        vendor: target.to,
        model: target.asked.to_owned(),
        now_s: target.now_s,
        include_usage: request.include_usage,
        hides_thoughts: request.hides_thoughts,
        names: Names::default(),
        customs: request.customs.clone(),
        spaces: request.spaces.clone(),
        notes,
    };
    let body = match target.to {
        Dialect::Chat => openai::write_request::write(&request, target, &mut back)?,
        Dialect::Messages => anthropic::write_request::write(&request, target, &mut back)?,
        Dialect::Gemini => gemini::write_request::write(&request, target, &mut back)?,
        Dialect::Responses => responses::write_request::write(&request, target, &mut back)?,
        Dialect::Ollama => ollama::write_request::write(&request, target, &mut back)?,
    };
    Ok((body, back))
}

/// Turns and what is in them, as the target wants them to follow each other.
fn put_in_order(request: &mut Request<'_>, target: &Target<'_>) {
    let amid = match target.to {
        Dialect::Responses => true,
        Dialect::Chat => models::chat(target.model).amid,
        Dialect::Messages | Dialect::Gemini | Dialect::Ollama => false,
    };
    if !amid {
        request.hoist();
    }
    request.settle();
    if target.to == Dialect::Messages {
        request.trim_begun();
    }
}

impl Back {
    /// Puts a whole answer into the caller's dialect.
    pub fn answer(&self, body: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let answer = match self.vendor {
            Dialect::Chat => openai::read_answer::read(body)?,
            Dialect::Messages => anthropic::read_answer::read(body)?,
            Dialect::Gemini => gemini::read_answer::read(body)?,
            Dialect::Responses => responses::read_answer::read(body)?,
            Dialect::Ollama => ollama::read_answer::read(body)?,
        };
        Ok(match self.caller {
            Caller::Chat => openai::write_answer::write(&answer, self),
            Caller::Messages => anthropic::write_answer::write(&answer, self),
            Caller::Responses => responses::write_answer::write(&answer, self),
            Caller::Gemini => gemini::write_answer::write(&answer, self),
        })
    }

    /// The namespace, if there is one, and the name that the caller has for a tool that the vendor calls so.
    pub fn tool<'n>(&'n self, name: &'n str) -> (Option<&'n str>, &'n str) {
        let name = self.names.back(name);
        match self.spaces.split(name) {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, name),
        }
    }

    /// The names of what was left out, as a header has them; nothing where all went over.
    pub fn dropped(&self) -> Option<String> {
        self.notes.header()
    }
}

/// Puts a vendor's error body into another dialect: its own words, and the class that belongs to its status. `None`
/// where no words can be read.
pub fn error(body: &[u8], caller: Caller, status: u16) -> Option<String> {
    let message: Cow<'_, str> = error_message(body)?.into();
    Some(error_of(&message, caller, status))
}

/// An error of these words as a vendor of the dialect would send it.
pub fn error_of(message: &str, caller: Caller, status: u16) -> String {
    let body = match caller {
        Caller::Chat | Caller::Responses => serde_json::json!({"error": {
            "message": message, "type": chat_kind(status), "param": null, "code": null,
        }}),
        Caller::Messages => serde_json::json!({"type": "error", "error": {
            "type": anthropic::error::error_kind(status), "message": message,
        }}),
        Caller::Gemini => gemini::error::plain(message, status),
    };
    body.to_string()
}

/// The answer to a question for the number of tokens.
pub fn token_count(usage: &Usage, caller: Caller) -> String {
    let tokens = usage.input();
    let body = match caller {
        Caller::Gemini => serde_json::json!({ "totalTokens": tokens }),
        Caller::Chat | Caller::Messages | Caller::Responses => {
            serde_json::json!({ "input_tokens": tokens })
        }
    };
    body.to_string()
}
