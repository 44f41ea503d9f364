//! What a request says, and the few spans of it that change on the way to a vendor.
//!
//! A peek reads the named fields in one pass and leaves the rest unparsed. A field that is read and stands twice
//! in a body is refused: readers differ in which of the two they take, and an allow-list must not depend on it.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::opening::opening;
use crate::dialect::Caller;
use crate::estimate::Estimate;
use crate::splice::{self, Edit};

/// What the gateway needs to know of a request body. Spans are offsets into that body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// The model name, unescaped.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// What the caller's prompt weighs when nobody else counts it.
    pub prompt: Estimate,
    /// The most tokens that the caller lets an answer have, by those fields alone that the endpoint knows. A limit of 0 is
    /// none: vendors differ in what they make of it.
    pub max_output: Option<i64>,
    /// How many answers are asked for, at least 1: of completions, for every prompt as many as are made.
    pub choices: i64,
    /// Empty where the model stands in the address.
    model_span: Range<usize>,
    /// What stands before the model's name in the body.
    folder: &'static str,
    /// Where the conversation stands, or the prompt or input in its place.
    says_span: Range<usize>,
    usage: UsageRequest,
}

/// Whether the caller asked for usage in the stream, and what would have to change for it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum UsageRequest {
    /// It did, or no stream is asked for.
    Settled,
    /// `text` replaces `span`.
    Splice {
        span: Range<usize>,
        text: &'static str,
    },
}

/// Why a body cannot be served. The text says what is wrong and where; it never repeats the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// No byte came.
    #[error("The request body is empty. Send a JSON object with at least a \"model\".")]
    Empty,
    /// Not JSON.
    #[error("The request body is not valid JSON: {0}.")]
    Json(String),
    /// JSON, but no object.
    #[error("The request body must be a JSON object, such as {{\"model\": \"…\"}}.")]
    NotAnObject,
    /// A field that decides something stands twice.
    #[error("The field \"{0}\" stands more than once in the request body.")]
    Duplicate(&'static str),
    /// No model.
    #[error("You must provide a model: the field \"model\" is missing.")]
    NoModel,
    /// A model that is no name.
    #[error("The field \"model\" must be a text that is not empty.")]
    BadModel,
    /// `stream` that is neither true nor false.
    #[error("The field \"stream\" must be true or false.")]
    BadStream,
    /// `stream_options` that is no object.
    #[error("The field \"stream_options\" must be an object.")]
    BadStreamOptions,
}

impl BadRequest {
    /// The field that is at fault, for the error's `param`.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::Empty | Self::Json(_) | Self::NotAnObject => None,
            Self::Duplicate(field) => Some(field),
            Self::NoModel | Self::BadModel => Some("model"),
            Self::BadStream => Some("stream"),
            Self::BadStreamOptions => Some("stream_options"),
        }
    }

    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty | Self::Json(_) | Self::NotAnObject => "invalid_json",
            Self::Duplicate(_) => "duplicate_field",
            Self::NoModel => "missing_required_parameter",
            Self::BadModel | Self::BadStream | Self::BadStreamOptions => "invalid_type",
        }
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "raw")]
    model: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    stream: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    stream_options: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    system: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    prompt: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    input: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    tools: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    max_completion_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    instructions: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    n: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    best_of: Option<&'a RawValue>,
}

/// The endpoints whose bodies are read alike; each bounds its answers by fields of its own.
#[derive(Clone, Copy)]
enum Surface {
    Chat,
    Completions,
    Messages,
    Responses,
}

impl Wire<'_> {
    fn max_output(&self, surface: Surface) -> Option<i64> {
        let own = match surface {
            // vendors know one of the two: whichever names more
            Surface::Chat => [self.max_tokens, self.max_completion_tokens],
            Surface::Completions | Surface::Messages => [self.max_tokens, None],
            Surface::Responses => [self.max_output_tokens, None],
        };
        own.into_iter().filter_map(limit).max()
    }

    fn choices(&self, surface: Surface) -> i64 {
        let n = whole(self.n).unwrap_or(1).max(1);
        match surface {
            Surface::Chat => n,
            Surface::Completions => {
                let made = whole(self.best_of).unwrap_or(1).max(n);
                made.saturating_mul(prompts(self.prompt))
            }
            Surface::Messages | Surface::Responses => 1,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGemini<'a> {
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contents: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "system_instruction")]
    system_instruction: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "generation_config")]
    generation_config: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "generate_content_request")]
    generate_content_request: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGeneration<'a> {
    #[serde(borrow, default, alias = "max_output_tokens")]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "candidate_count")]
    candidate_count: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireStreamOptions<'a> {
    #[serde(borrow, default, deserialize_with = "raw")]
    include_usage: Option<&'a RawValue>,
}

/// Keeps a value raw also where it is `null`, whose span may have to be replaced.
fn raw<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Peek {
    /// Reads a body of a dialect.
    pub fn read_as(caller: Caller, body: &[u8]) -> Result<Self, BadRequest> {
        let mut peek = match caller {
            Caller::Chat | Caller::Gemini => Self::read(body),
            Caller::Messages => Self::read_of(Surface::Messages, body),
            Caller::Responses => Self::read_of(Surface::Responses, body),
        }?;
        if caller != Caller::Chat {
            // the others tell the usage of a stream unasked
            peek.usage = UsageRequest::Settled;
        }
        Ok(peek)
    }

    /// Reads a body of chat completions, or of embeddings, which has nothing else in it that matters here.
    pub fn read(body: &[u8]) -> Result<Self, BadRequest> {
        Self::read_of(Surface::Chat, body)
    }

    /// Reads a body of completions, which may ask for the answers to several prompts.
    pub fn read_completions(body: &[u8]) -> Result<Self, BadRequest> {
        Self::read_of(Surface::Completions, body)
    }

    fn read_of(surface: Surface, body: &[u8]) -> Result<Self, BadRequest> {
        match body.trim_ascii_start().first() {
            None => return Err(BadRequest::Empty),
            // serde would take an array for a struct
            Some(b'[') => return Err(BadRequest::NotAnObject),
            Some(_) => {}
        }
        let wire: Wire<'_> = serde_json::from_slice(body).map_err(|e| explain(&e))?;
        let raw_model = wire.model.ok_or(BadRequest::NoModel)?;
        let model = text(raw_model).ok_or(BadRequest::BadModel)?.into_owned();
        let model_span = span_in(body, raw_model).ok_or(BadRequest::BadModel)?;
        let stream = boolean(wire.stream).ok_or(BadRequest::BadStream)?;
        let usage = if stream {
            usage_request(body, wire.stream_options, model_span.end)?
        } else {
            UsageRequest::Settled
        };
        let mut prompt = Estimate::default();
        for part in [
            wire.system,
            wire.instructions,
            wire.messages,
            wire.prompt,
            wire.input,
            wire.tools,
        ] {
            prompt.add_json(part.map_or("", RawValue::get).as_bytes());
        }
        let says = wire.messages.or(wire.prompt).or(wire.input);
        let says_span = says.and_then(|raw| span_in(body, raw)).unwrap_or(0..0);
        Ok(Self {
            model,
            stream,
            prompt,
            max_output: wire.max_output(surface),
            choices: wire.choices(surface),
            model_span,
            folder: "",
            says_span,
            usage,
        })
    }

    /// Reads a body of Google's dialect, whose model stands in the address, as does whether it streams.
    pub fn read_beside(model: &str, stream: bool, body: &[u8]) -> Result<Self, BadRequest> {
        match body.trim_ascii_start().first() {
            None => return Err(BadRequest::Empty),
            Some(b'[') => return Err(BadRequest::NotAnObject),
            Some(_) => {}
        }
        let outer: WireGemini<'_> = serde_json::from_slice(body).map_err(|e| explain(&e))?;
        let inner = outer.generate_content_request.map(RawValue::get);
        let inner = inner.and_then(|raw| serde_json::from_str::<WireGemini<'_>>(raw).ok());
        let wire = inner.as_ref().unwrap_or(&outer);
        let mut prompt = Estimate::default();
        for part in [wire.system_instruction, wire.contents, wire.tools] {
            prompt.add_json(part.map_or("", RawValue::get).as_bytes());
        }
        let config = wire.generation_config.map(RawValue::get);
        let config = config.and_then(|raw| serde_json::from_str::<WireGeneration<'_>>(raw).ok());
        let config = config.unwrap_or_default();
        let model_span = wire
            .model
            .or(outer.model)
            .and_then(|raw| span_in(body, raw));
        let says_span = wire.contents.and_then(|raw| span_in(body, raw));
        Ok(Self {
            model: model.to_owned(),
            stream,
            prompt,
            max_output: limit(config.max_output_tokens),
            choices: whole(config.candidate_count).unwrap_or(1).max(1),
            model_span: model_span.unwrap_or(0..0),
            folder: "models/",
            says_span: says_span.unwrap_or(0..0),
            usage: UsageRequest::Settled,
        })
    }

    /// What the conversation begins with, in raw pieces that later turns leave as they are; the whole prompt or
    /// input where there are no messages. `body` is the one that was read.
    pub fn opening<'b>(&self, body: &'b [u8]) -> Vec<&'b [u8]> {
        let says = body.get(self.says_span.clone()).unwrap_or_default();
        let messages = opening(says);
        if messages.is_empty() {
            return vec![says];
        }
        messages.into_iter().map(str::as_bytes).collect()
    }

    /// True where a stream is asked for without usage: [`Peek::body_for`] asks, and the answer is hidden.
    pub fn must_ask_for_usage(&self) -> bool {
        self.usage != UsageRequest::Settled
    }

    /// The body for a vendor that calls the model `upstream_model`; all other bytes stay as they came.
    /// `ask_for_usage` applies to streams whose caller did not ask itself.
    pub fn body_for(&self, body: &[u8], upstream_model: &str, ask_for_usage: bool) -> Vec<u8> {
        if self.model_span.is_empty() {
            return body.to_vec();
        }
        let name = upstream_model
            .strip_prefix(self.folder)
            .unwrap_or(upstream_model);
        let name = serde_json::Value::from(format!("{}{name}", self.folder)).to_string();
        let model = Edit {
            span: self.model_span.clone(),
            with: name.as_bytes(),
        };
        match &self.usage {
            UsageRequest::Splice { span, text } if ask_for_usage => {
                let options = Edit {
                    span: span.clone(),
                    with: text.as_bytes(),
                };
                if span.start < self.model_span.start {
                    splice::apply(body, &[options, model])
                } else {
                    splice::apply(body, &[model, options])
                }
            }
            _ => splice::apply(body, &[model]),
        }
    }
}

fn usage_request(
    body: &[u8],
    options: Option<&RawValue>,
    after_model: usize,
) -> Result<UsageRequest, BadRequest> {
    let Some(raw) = options else {
        return Ok(UsageRequest::Splice {
            span: after_model..after_model,
            text: r#","stream_options":{"include_usage":true}"#,
        });
    };
    let span = span_in(body, raw).ok_or(BadRequest::BadStreamOptions)?;
    if raw.get() == "null" {
        return Ok(UsageRequest::Splice {
            span,
            text: r#"{"include_usage":true}"#,
        });
    }
    let Some(inner) = raw.get().strip_prefix('{') else {
        return Err(BadRequest::BadStreamOptions);
    };
    let wire: WireStreamOptions<'_> = serde_json::from_str(raw.get()).map_err(|e| explain(&e))?;
    if let Some(value) = wire.include_usage {
        let asked = value.get() == "true";
        let span = span_in(body, value).ok_or(BadRequest::BadStreamOptions)?;
        return Ok(if asked {
            UsageRequest::Settled
        } else {
            UsageRequest::Splice { span, text: "true" }
        });
    }
    let at = span.start.saturating_add(1);
    let empty = inner.trim_ascii_start().starts_with('}');
    let text = if empty {
        r#""include_usage":true"#
    } else {
        r#""include_usage":true,"#
    };
    Ok(UsageRequest::Splice { span: at..at, text })
}

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    let Borrowed(text) = serde_json::from_str(raw.get()).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

fn boolean(raw: Option<&RawValue>) -> Option<bool> {
    match raw.map(RawValue::get) {
        Some("true") => Some(true),
        None | Some("false" | "null") => Some(false),
        Some(_) => None,
    }
}

/// A whole number that is not negative; anything else is the vendor's to refuse.
fn whole(raw: Option<&RawValue>) -> Option<i64> {
    let number: i64 = raw?.get().parse().ok()?;
    (number >= 0).then_some(number)
}

/// A limit that limits.
fn limit(raw: Option<&RawValue>) -> Option<i64> {
    whole(raw).filter(|most| *most > 0)
}

/// How many prompts stand in the field: one text, one list of tokens, or a list of either.
fn prompts(raw: Option<&RawValue>) -> i64 {
    let text = raw.map_or("", RawValue::get);
    let inner = text.strip_prefix('[').unwrap_or_default().trim_start();
    if !inner.starts_with(['"', '[']) {
        return 1;
    }
    let all: Result<Vec<serde::de::IgnoredAny>, _> = serde_json::from_str(text);
    let count = all.map_or(1, |all| all.len());
    i64::try_from(count).unwrap_or(i64::MAX).max(1)
}

/// Where `raw` stands in the body that it was borrowed from.
fn span_in(body: &[u8], raw: &RawValue) -> Option<Range<usize>> {
    let start = raw
        .get()
        .as_ptr()
        .addr()
        .checked_sub(body.as_ptr().addr())?;
    let end = start.checked_add(raw.get().len())?;
    (end <= body.len()).then_some(start..end)
}

/// Names of [`Wire`] and [`WireStreamOptions`], to tell which one stands twice.
const FIELDS: [&str; 19] = [
    "contents",
    "systemInstruction",
    "generationConfig",
    "generateContentRequest",
    "model",
    "stream",
    "stream_options",
    "system",
    "messages",
    "prompt",
    "input",
    "tools",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "instructions",
    "n",
    "best_of",
    "include_usage",
];

fn explain(error: &serde_json::Error) -> BadRequest {
    let message = error.to_string();
    if error.is_data() {
        let twice = FIELDS
            .iter()
            .find(|f| message.starts_with(&format!("duplicate field `{f}`")));
        return twice.map_or(BadRequest::NotAnObject, |f| BadRequest::Duplicate(f));
    }
    BadRequest::Json(message)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
