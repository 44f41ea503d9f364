//! What survives the way from one dialect into another: the table that the conversions obey and that
//! `docs/dialects.md` is made from.

use std::borrow::Cow;

use serde_json::value::RawValue;

pub use super::carried::{CARRIED, special};
use super::fields::{Fields, Path, Refusal};
pub use super::rows::*;
use crate::dialect::{Caller, Dialect};

/// What happens to a field on its way into a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It means the same there.
    Kept,
    /// It is put into another form, as the text says.
    Changed(&'static str),
    /// It is left out, and the answer's header says so.
    Dropped,
    /// A request that uses it is answered with status 400, which names it.
    Refused,
}

/// A field of a dialect, or several that belong together.
#[derive(Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its place in chat completions, empty where it has none.
    pub chat: &'static str,
    /// Its place in messages, empty where it has none.
    pub messages: &'static str,
    /// Its place in responses, empty where it has none.
    pub responses: &'static str,
    /// Its place in Google's dialect, empty where it has none.
    pub gemini: &'static str,
    /// Its place in Ollama's dialect, empty where it has none.
    pub ollama: &'static str,
    /// What becomes of it in chat completions.
    pub to_chat: Fate,
    /// What becomes of it in messages.
    pub to_messages: Fate,
    /// What becomes of it in Google's dialect.
    pub to_gemini: Fate,
    /// What becomes of it in responses.
    pub to_responses: Fate,
    /// What becomes of it in Ollama's dialect.
    pub to_ollama: Fate,
}

impl Feature {
    /// Its place in what a caller sends, empty where it has none.
    pub fn of(&self, caller: Caller) -> &'static str {
        match caller {
            Caller::Chat => self.chat,
            Caller::Messages => self.messages,
            Caller::Responses => self.responses,
            Caller::Gemini => self.gemini,
        }
    }

    /// Its place in what a vendor gets, empty where it has none.
    pub fn name(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Chat => self.chat,
            Dialect::Messages => self.messages,
            Dialect::Gemini => self.gemini,
            Dialect::Responses => self.responses,
            Dialect::Ollama => self.ollama,
        }
    }

    /// What becomes of it in chat completions, where that is more than a word.
    pub(super) const fn said(mut self, fate: Fate) -> Self {
        self.to_chat = fate;
        self
    }

    /// The same feature, where Ollama's dialect has it as well, or does something with it.
    pub(super) const fn oll(mut self, name: &'static str, fate: Fate) -> Self {
        self.ollama = name;
        self.to_ollama = fate;
        self
    }

    /// What becomes of it in responses, where that is not what becomes of it in the others.
    pub(super) const fn out(mut self, fate: Fate) -> Self {
        self.to_responses = fate;
        self
    }

    /// The same feature, where Google's dialect has it as well, or does something with it.
    pub(super) const fn gem(mut self, name: &'static str, fate: Fate) -> Self {
        self.gemini = name;
        self.to_gemini = fate;
        self
    }

    /// The same feature, where responses have it as well.
    pub(super) const fn and(mut self, responses: &'static str) -> Self {
        self.responses = responses;
        self
    }

    /// What becomes of it there.
    pub fn into(&self, dialect: Dialect) -> Fate {
        match dialect {
            Dialect::Chat => self.to_chat,
            Dialect::Messages => self.to_messages,
            Dialect::Gemini => self.to_gemini,
            Dialect::Responses => self.to_responses,
            Dialect::Ollama => self.to_ollama,
        }
    }
}

use Fate::{Changed, Dropped, Kept, Refused};

/// A parameter that the hub has no field for.
#[derive(Clone, Copy, Debug)]
pub struct Extra<'a> {
    /// The row of the table; absent where nothing is known of it.
    feature: Option<&'static Feature>,
    /// As it was written.
    value: &'a RawValue,
}

/// What is left out on the way, by the names that the caller knows.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    dropped: Vec<Cow<'static, str>>,
}

/// More names than this are not listed.
const MOST_NOTES: usize = 32;
const MOST_NAME_CHARS: usize = 64;

impl Notes {
    /// The names, each once.
    pub fn dropped(&self) -> &[Cow<'static, str>] {
        &self.dropped
    }

    /// The names as a header has them; nothing where nothing was left out.
    pub fn header(&self) -> Option<String> {
        (!self.dropped.is_empty()).then(|| self.dropped.join(", "))
    }

    /// What was left out as a refusal that names the first of it; nothing where nothing was.
    pub fn refusal(&self) -> Option<Refusal> {
        let name = self.dropped.first()?;
        Some(Refusal {
            field: name.to_string(),
            message: format!(
                "The field \"{name}\" would be left out, since this model's provider has no counterpart for it; this API key refuses that."
            ),
            code: "unsupported_parameter",
        })
    }

    /// Notes a name.
    pub fn drop(&mut self, name: impl Into<Cow<'static, str>>) {
        let name = name.into();
        if self.dropped.len() < MOST_NOTES && !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
    }

    /// Notes a field that nothing is known of. Its name is the caller's: only what fits into a header is shown.
    pub fn unknown(&mut self, at: &str, name: &str) {
        let fits = |c: &char| c.is_ascii_alphanumeric() || "_.-".contains(*c);
        let shown: String = name.chars().filter(fits).take(MOST_NAME_CHARS).collect();
        let name = match (at, shown.as_str()) {
            (_, "") => "unknown".to_owned(),
            ("", _) => shown,
            (at, _) => format!("{at}.{shown}"),
        };
        self.drop(name);
    }

    /// Notes what is left of an object that stands at `at`.
    pub fn left(&mut self, at: &str, fields: &Fields<'_>) {
        for (name, _) in fields.left() {
            self.unknown(at, name);
        }
    }
}

/// Sorts what is left of a request in a dialect.
pub fn extras<'a>(fields: &Fields<'a>, from: Caller, notes: &mut Notes) -> Vec<Extra<'a>> {
    extras_at("", fields, from, notes)
}

/// The same for an object in it, whose name and a dot are `at`.
pub fn extras_at<'a>(
    at: &str,
    fields: &Fields<'a>,
    from: Caller,
    notes: &mut Notes,
) -> Vec<Extra<'a>> {
    let mut found = Vec::new();
    for (name, value) in fields.left() {
        let is = |feature: &&Feature| feature.of(from).strip_prefix(at) == Some(name);
        let feature = PARAMETERS.iter().find(is);
        if feature.is_none() {
            notes.unknown(at.trim_end_matches('.'), name);
        }
        found.push(Extra { feature, value });
    }
    found
}

/// What of the extras a dialect knows, by its own names; the rest is noted or refused.
pub fn known<'a>(
    extras: &[Extra<'a>],
    (from, to): (Caller, Dialect),
    notes: &mut Notes,
) -> Result<Vec<(&'static str, &'a RawValue)>, Refusal> {
    let mut kept = Vec::new();
    for extra in extras {
        let Some(feature) = extra.feature else {
            continue;
        };
        let name = feature.of(from);
        match feature.into(to) {
            Kept | Changed(_) => kept.push((feature.name(to), extra.value)),
            Dropped if is_usual(extra.value) => {}
            Dropped => notes.drop(name),
            Refused => {
                return Err(Refusal::unsupported(
                    &Path::ROOT.to(name),
                    "something special",
                ));
            }
        }
    }
    Ok(kept)
}

/// What means the same as leaving the field out.
fn is_usual(value: &RawValue) -> bool {
    matches!(value.get(), "\"auto\"" | "\"default\"")
}
