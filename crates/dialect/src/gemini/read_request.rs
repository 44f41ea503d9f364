//! A request to generate content, read into the hub. Its model and whether it streams stand in the address.
//!
//! Fields may be written as `camelCase` or `snake_case`, as the API takes both.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde_json::value::RawValue;

use super::schema;
use crate::dialect::Caller;
use crate::hub::features::{Notes, extras_at};
use crate::hub::fields::{Fields, Path, Refusal, list, text};
use crate::hub::seal::{self, Maker};
use crate::hub::{
    Call, Choice, Effort, Kind, Outcome, Part, Request, Role, Schema, Source, Thinking, Tool, Turn,
};

/// Reads a body. Whatever has no counterpart in any other dialect is noted, or refused, here.
pub fn read<'a>(body: &'a str, notes: &mut Notes) -> Result<Request<'a>, Refusal> {
    let at = &Path::ROOT;
    let mut fields = Fields::read(body, at)?.camel();
    fields.take("model");
    let mut request = Request {
        include_usage: true,
        hides_thoughts: true,
        ..Request::default()
    };
    if let Some(raw) = fields.take("systemInstruction") {
        let at = at.to("systemInstruction");
        request.system = system(raw, &at, notes)?;
    }
    contents(&mut fields, &mut request, notes)?;
    let here = at.to("tools");
    for (index, raw) in fields.list("tools", at)?.into_iter().enumerate() {
        tools(raw, &here.nth(index), &mut request, notes)?;
    }
    choice(&mut fields, &mut request, notes)?;
    generation(&mut fields, &mut request, notes)?;
    // who is asked for an answer of a kind that is not text, or for what lies at Google, is told so by the table
    let more = extras_at("", &fields, Caller::Gemini, notes);
    request.extras.extend(more);
    Ok(request)
}

fn system<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Vec<Part<'a>>, Refusal> {
    if raw.get().starts_with('"') {
        return Ok(vec![Kind::Text(text(raw, at)?).into()]);
    }
    let mut content = Fields::read(raw.get(), at)?;
    let mut parts = Vec::new();
    let mut calls = Calls::default();
    let here = at.to("parts");
    for (index, raw) in content.list("parts", at)?.into_iter().enumerate() {
        part(raw, &here.nth(index), &mut calls, notes, &mut parts)?;
    }
    Ok(parts)
}

/// The calls so far: results may name only the function, and then belong to the first call of it that has none.
#[derive(Default)]
struct Calls<'a> {
    made: usize,
    open: VecDeque<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Calls<'a> {
    /// The id of a call, which is made up where it has none: the same for the same place in the conversation.
    fn begin(&mut self, id: Option<Cow<'a, str>>, name: &Cow<'a, str>) -> Cow<'a, str> {
        let number = self.made;
        self.made = number.saturating_add(1);
        let id = id.filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| Cow::Owned(format!("call_{number}")));
        self.open.push_back((name.clone(), id.clone()));
        id
    }

    /// The id of the call that a result is for.
    fn end(&mut self, id: Option<Cow<'a, str>>, name: &str) -> Cow<'a, str> {
        let id = id.filter(|id| !id.is_empty());
        let found = self.open.iter().position(|(called, known)| match &id {
            Some(id) => known == id,
            None => called == name,
        });
        let known = found.and_then(|at| self.open.remove(at));
        let known = known.map(|(_, id)| id);
        id.or(known)
            .unwrap_or_else(|| Cow::Owned(format!("call_{name}")))
    }
}

fn contents<'a>(
    fields: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let all = root.to("contents");
    let raw = fields
        .take("contents")
        .ok_or_else(|| Refusal::missing(&all))?;
    let items = if raw.get().starts_with('{') {
        vec![raw]
    } else {
        list(raw, &all)?
    };
    if items.is_empty() {
        return Err(Refusal::missing(&all));
    }
    let mut calls = Calls::default();
    for (index, raw) in items.into_iter().enumerate() {
        let at = &all.nth(index);
        let mut content = Fields::read(raw.get(), at)?;
        let role = match content.text("role", at)?.as_deref() {
            None | Some("" | "user" | "function" | "tool") => Role::User,
            Some("model") => Role::Assistant,
            Some("system") => {
                request.say_system(system(raw, at, notes)?);
                continue;
            }
            Some(_) => return Err(Refusal::kind(&at.to("role"), "user or model")),
        };
        let mut parts = Vec::new();
        let here = at.to("parts");
        for (index, raw) in content.list("parts", at)?.into_iter().enumerate() {
            part(raw, &here.nth(index), &mut calls, notes, &mut parts)?;
        }
        notes.left("contents", &content);
        request.turns.push(Turn { role, parts });
    }
    Ok(())
}

fn part<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    calls: &mut Calls<'a>,
    notes: &mut Notes,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), Refusal> {
    let mut part = Fields::read(raw.get(), at)?.camel();
    let thought = part.flag("thought", at)?.unwrap_or(false);
    if let Some(signature) = part.text("thoughtSignature", at)?
        && !signature.is_empty()
    {
        let signature = Cow::Owned(seal::marked(Maker::Gemini, &signature));
        let text = Cow::Borrowed("");
        parts.push(Kind::Thinking { text, signature }.into());
    }
    let before = parts.len();
    if let Some(text) = part.text("text", at)? {
        if thought {
            let signature = Cow::Borrowed("");
            parts.push(Kind::Thinking { text, signature }.into());
        } else {
            parts.push(Kind::Text(text).into());
        }
    }
    if let Some(data) = part.object("inlineData", at)? {
        parts.push(inline(data, &at.to("inlineData"))?.into());
    }
    if let Some(file) = part.object("fileData", at)? {
        parts.push(file_of(file, &at.to("fileData"))?.into());
    }
    if let Some(call) = part.object("functionCall", at)? {
        parts.push(call_of(call, &at.to("functionCall"), calls)?.into());
    }
    if let Some(result) = part.object("functionResponse", at)? {
        parts.push(result_of(result, &at.to("functionResponse"), calls)?.into());
    }
    let nothing = parts.len() == before;
    for name in ["executableCode", "codeExecutionResult"] {
        if part.take(name).is_some() {
            let what = "code that ran at Google";
            return Err(Refusal::unsupported(&at.to(name), what));
        }
    }
    if nothing && part.left().next().is_some() {
        let expected = "a part of text, inlineData, fileData, functionCall or functionResponse";
        return Err(Refusal::kind(at, expected));
    }
    notes.left("contents.parts", &part);
    Ok(())
}

fn is_picture(media: &str) -> bool {
    media.starts_with("image/")
}

fn inline<'a>(data: Fields<'a>, at: &Path<'_>) -> Result<Kind<'a>, Refusal> {
    let mut data = data.camel();
    let media = data.need_text("mimeType", at)?;
    if media.starts_with("audio/") || media.starts_with("video/") {
        return Err(sound(at));
    }
    let name = data.text("displayName", at)?;
    let picture = is_picture(&media);
    let data = data.need_text("data", at)?;
    let source = Source::Data { media, data };
    Ok(if picture {
        Kind::Image(source, None)
    } else {
        Kind::Document(source, name)
    })
}

fn sound(at: &Path<'_>) -> Refusal {
    Refusal::unsupported(&at.to("mimeType"), "sound or pictures that move")
}

/// A file by its address. What lies in Google's own store nobody else can read.
fn file_of<'a>(file: Fields<'a>, at: &Path<'_>) -> Result<Kind<'a>, Refusal> {
    let mut file = file.camel();
    let media = file.text("mimeType", at)?.unwrap_or_default();
    if media.starts_with("audio/") || media.starts_with("video/") {
        return Err(sound(at));
    }
    let uri = file.need_text("fileUri", at)?;
    let elsewhere =
        uri.starts_with("https://") && !uri.contains("generativelanguage.googleapis.com");
    if !elsewhere {
        return Err(Refusal::unsupported(
            &at.to("fileUri"),
            "a file that lies at Google",
        ));
    }
    let name = file.text("displayName", at)?;
    Ok(if is_picture(&media) {
        Kind::Image(Source::Url(uri), None)
    } else {
        Kind::Document(Source::Url(uri), name)
    })
}

fn call_of<'a>(
    mut call: Fields<'a>,
    at: &Path<'_>,
    calls: &mut Calls<'a>,
) -> Result<Kind<'a>, Refusal> {
    let name = call.need_text("name", at)?;
    let id = calls.begin(call.text("id", at)?, &name);
    let arguments = Cow::Borrowed(call.take("args").map_or("{}", RawValue::get));
    Ok(Kind::Call(Call {
        id,
        name,
        arguments,
    }))
}

/// What a function gave back: an object, of which `output` or `result` alone is what it says, and `error` that it failed.
fn result_of<'a>(
    mut result: Fields<'a>,
    at: &Path<'_>,
    calls: &mut Calls<'a>,
) -> Result<Kind<'a>, Refusal> {
    let name = result.need_text("name", at)?;
    let id = calls.end(result.text("id", at)?, &name);
    let mut parts = Vec::new();
    let mut failed = false;
    if let Some(raw) = result.take("response") {
        let here = at.to("response");
        let mut said = Fields::read(raw.get(), &here)?;
        let only = said.left().count() == 1;
        let found = ["output", "result", "error"]
            .into_iter()
            .find_map(|name| said.take(name).map(|raw| (name, raw)));
        let what = match found {
            Some((name, raw)) if only => {
                failed = name == "error";
                if raw.get().starts_with('"') {
                    text(raw, &here)?
                } else {
                    Cow::Borrowed(raw.get())
                }
            }
            _ => Cow::Borrowed(raw.get()),
        };
        parts.push(Kind::Text(what).into());
    }
    let here = at.to("parts");
    for (index, raw) in result.list("parts", at)?.into_iter().enumerate() {
        let at = here.nth(index);
        let mut part = Fields::read(raw.get(), &at)?.camel();
        let data = part.need_object("inlineData", &at)?;
        parts.push(inline(data, &at.to("inlineData"))?.into());
    }
    Ok(Kind::Result(Outcome { id, parts, failed }))
}

fn tools<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let mut tool = Fields::read(raw.get(), at)?.camel();
    let here = at.to("functionDeclarations");
    let declared = tool.list("functionDeclarations", at)?;
    for (index, raw) in declared.into_iter().enumerate() {
        let at = &here.nth(index);
        let mut function = Fields::read(raw.get(), at)?.camel();
        let schema = match function.take("parametersJsonSchema") {
            Some(raw) => Some(Cow::Borrowed(raw)),
            None => function
                .take("parameters")
                .map(|raw| schema::to_json_schema(raw, &at.to("parameters")))
                .transpose()?,
        };
        let read = Tool {
            name: function.need_text("name", at)?,
            description: function.text("description", at)?,
            schema,
            strict: None,
            cache: None,
        };
        // what comes back is described for the model only
        function.take("response");
        function.take("responseJsonSchema");
        notes.left("tools.functionDeclarations", &function);
        request.tools.push(read);
    }
    if let Some(name) = tool.names().first() {
        let what = "a tool that runs at Google";
        return Err(Refusal::unsupported(&at.to(name), what));
    }
    Ok(())
}

fn choice<'a>(
    fields: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let at = root.to("toolConfig");
    let Some(config) = fields.object("toolConfig", &root)? else {
        return Ok(());
    };
    let mut config = config.camel();
    let calling = config.object("functionCallingConfig", &at)?;
    notes.left("toolConfig", &config);
    let Some(calling) = calling else {
        return Ok(());
    };
    let at = at.to("functionCallingConfig");
    let mut calling = calling.camel();
    let mode = calling.text("mode", &at)?.unwrap_or_default();
    let here = at.to("allowedFunctionNames");
    let names = calling.list("allowedFunctionNames", &at)?;
    let allowed: Vec<Cow<'a, str>> = names
        .into_iter()
        .map(|raw| text(raw, &here))
        .collect::<Result<_, Refusal>>()?;
    let all = request
        .tools
        .iter()
        .all(|tool| allowed.contains(&tool.name));
    request.choice = Some(match (mode.to_ascii_uppercase().as_str(), &*allowed) {
        ("" | "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED", _) => Choice::Auto,
        ("NONE", _) => Choice::None,
        ("ANY", []) => Choice::Any,
        ("ANY", [one]) => Choice::Named(one.clone()),
        ("ANY", _) if all => Choice::Any,
        ("ANY", _) => {
            let what = "a choice among some of the tools";
            return Err(Refusal::unsupported(&here, what));
        }
        _ => {
            return Err(Refusal::kind(
                &at.to("mode"),
                "AUTO, ANY, NONE or VALIDATED",
            ));
        }
    });
    Ok(())
}

fn generation<'a>(
    fields: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let at = root.to("generationConfig");
    let Some(config) = fields.object("generationConfig", &root)? else {
        return Ok(());
    };
    let mut config = config.camel();
    request.max_output = config.count("maxOutputTokens", &at)?;
    request.temperature = config.number("temperature", &at)?;
    request.top_p = config.number("topP", &at)?;
    let here = at.to("stopSequences");
    let stop = config.list("stopSequences", &at)?.into_iter();
    request.stop = stop
        .map(|one| text(one, &here))
        .collect::<Result<_, Refusal>>()?;
    thinking(&mut config, request, notes)?;
    form(&mut config, request)?;
    if config.count("candidateCount", &at)?.is_some_and(|n| n > 1) {
        let what = "several answers";
        return Err(Refusal::unsupported(&at.to("candidateCount"), what));
    }
    for kind in config.list("responseModalities", &at)? {
        if !kind.get().eq_ignore_ascii_case("\"text\"") {
            let what = "an answer that is no text";
            return Err(Refusal::unsupported(&at.to("responseModalities"), what));
        }
    }
    request.extras = extras_at("generationConfig.", &config, Caller::Gemini, notes);
    Ok(())
}

fn thinking<'a>(
    config: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let at = root.to("generationConfig");
    let Some(thinking) = config.object("thinkingConfig", &at)? else {
        return Ok(());
    };
    let at = at.to("thinkingConfig");
    let mut thinking = thinking.camel();
    request.hides_thoughts = thinking.flag("includeThoughts", &at)? != Some(true);
    if let Some(raw) = thinking.take("thinkingBudget") {
        let budget: i64 = raw
            .get()
            .parse()
            .map_err(|_error| Refusal::kind(&at.to("thinkingBudget"), "a whole number"))?;
        request.thinking = Some(match budget {
            0 => Thinking::Off,
            ..0 => Thinking::Free,
            tokens => Thinking::Budget(tokens),
        });
    }
    if let Some(level) = thinking.text("thinkingLevel", &at)? {
        let word = level.to_ascii_lowercase();
        let expected = "MINIMAL, LOW, MEDIUM or HIGH";
        request.thinking = match word.as_str() {
            "thinking_level_unspecified" => request.thinking,
            word => {
                Some(Thinking::Effort(Effort::parse(word).ok_or_else(|| {
                    Refusal::kind(&at.to("thinkingLevel"), expected)
                })?))
            }
        };
    }
    notes.left("generationConfig.thinkingConfig", &thinking);
    Ok(())
}

/// The form of the answer's text.
fn form<'a>(config: &mut Fields<'a>, request: &mut Request<'a>) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let at = root.to("generationConfig");
    let media = config.text("responseMimeType", &at)?.unwrap_or_default();
    let own = config.take("responseSchema");
    let json = ["responseJsonSchema", "_responseJsonSchema"];
    let json = json.into_iter().find_map(|name| config.take(name));
    let schema = match (json, own) {
        (Some(raw), _) => Some(Cow::Borrowed(raw)),
        (None, Some(raw)) => Some(schema::to_json_schema(raw, &at.to("responseSchema"))?),
        (None, None) => None,
    };
    match (&*media, schema) {
        ("" | "application/json", Some(schema)) => {
            request.schema = Some(Schema { name: None, schema });
        }
        ("application/json", None) => request.json = true,
        ("" | "text/plain", None) => {}
        _ => {
            let what = "a form that is neither text nor JSON";
            return Err(Refusal::unsupported(&at.to("responseMimeType"), what));
        }
    }
    Ok(())
}
