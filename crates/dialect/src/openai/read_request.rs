//! A chat completion's request, read into the hub.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::Caller;
use crate::hub::features::{self as known, Notes, extras};
use crate::hub::fields::{Fields, Path, Refusal, is_text, list, text};
use crate::hub::seal::{self, Maker};
use crate::hub::{
    Call, Choice, Effort, Kind, Outcome, Part, Request, Role, Schema, Source, Thinking, Tool, Turn,
};

/// Reads a body. Whatever has no counterpart in any other dialect is noted, or refused, here.
pub fn read<'a>(body: &'a str, notes: &mut Notes) -> Result<Request<'a>, Refusal> {
    let at = &Path::ROOT;
    let mut fields = Fields::read(body, at)?;
    fields.take("model");
    let mut request = Request {
        stream: fields.flag("stream", at)?.unwrap_or(false),
        include_usage: include_usage(&mut fields)?,
        ..Request::default()
    };
    messages(&mut fields, &mut request, notes)?;
    for (index, tool) in fields.list("tools", at)?.into_iter().enumerate() {
        let here = at.to("tools");
        request
            .tools
            .push(read_tool(tool, &here.nth(index), notes)?);
    }
    if let Some(raw) = fields.take("tool_choice") {
        request.choice = Some(choice(raw, &at.to("tool_choice"))?);
    }
    request.parallel = fields.flag("parallel_tool_calls", at)?;
    let old = fields.count("max_tokens", at)?;
    request.max_output = fields.count("max_completion_tokens", at)?.or(old);
    request.temperature = fields.number("temperature", at)?;
    request.top_p = fields.number("top_p", at)?;
    request.stop = stop(&mut fields)?;
    request.user = fields.text("user", at)?;
    if request.user.is_none() {
        request.user = fields.text("safety_identifier", at)?;
    }
    request.thinking = thinking(&mut fields)?;
    request.schema = schema(&mut fields, &mut request.json)?;
    refuse_several(&mut fields)?;
    request.extras = extras(&fields, Caller::Chat, notes);
    Ok(request)
}

fn include_usage(fields: &mut Fields<'_>) -> Result<bool, Refusal> {
    let at = &Path::ROOT;
    let Some(mut options) = fields.object("stream_options", at)? else {
        return Ok(false);
    };
    let asked = options.flag("include_usage", &at.to("stream_options"))?;
    Ok(asked.unwrap_or(false))
}

/// One answer, of text: whatever else is asked for has no counterpart.
fn refuse_several(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    let at = &Path::ROOT;
    if fields.count("n", at)?.is_some_and(|n| n > 1) {
        return Err(Refusal::unsupported(&at.to("n"), "several answers"));
    }
    for form in fields.list("modalities", at)? {
        if form.get() != "\"text\"" {
            let here = at.to("modalities");
            return Err(Refusal::unsupported(&here, "an answer that is no text"));
        }
    }
    Ok(())
}

fn stop<'a>(fields: &mut Fields<'a>) -> Result<Vec<Cow<'a, str>>, Refusal> {
    let at = Path::ROOT.to("stop");
    match fields.take("stop") {
        None => Ok(Vec::new()),
        Some(one) if is_text(one) => Ok(vec![text(one, &at)?]),
        Some(several) => list(several, &at)?
            .into_iter()
            .map(|one| text(one, &at))
            .collect(),
    }
}

fn thinking(fields: &mut Fields<'_>) -> Result<Option<Thinking>, Refusal> {
    let Some(word) = fields.text("reasoning_effort", &Path::ROOT)? else {
        return Ok(None);
    };
    if word == "none" {
        return Ok(Some(Thinking::Off));
    }
    let effort = Effort::parse(&word).ok_or_else(|| {
        let at = Path::ROOT.to("reasoning_effort");
        Refusal::kind(&at, "one of none, minimal, low, medium, high and xhigh")
    })?;
    Ok(Some(Thinking::Effort(effort)))
}

fn schema<'a>(fields: &mut Fields<'a>, json: &mut bool) -> Result<Option<Schema<'a>>, Refusal> {
    let root = Path::ROOT;
    let at = root.to("response_format");
    let Some(mut format) = fields.object("response_format", &root)? else {
        return Ok(None);
    };
    match &*format.need_text("type", &at)? {
        "text" => Ok(None),
        "json_object" => {
            *json = true;
            Ok(None)
        }
        "json_schema" => {
            let mut inner = format.need_object("json_schema", &at)?;
            let at = at.to("json_schema");
            let name = inner.text("name", &at)?;
            let schema = inner
                .take("schema")
                .ok_or_else(|| Refusal::missing(&at.to("schema")))?;
            let schema = Cow::Borrowed(schema);
            Ok(Some(Schema { name, schema }))
        }
        _ => Err(Refusal::kind(
            &at.to("type"),
            "text, json_object or json_schema",
        )),
    }
}

fn read_tool<'a>(raw: &'a RawValue, at: &Path<'_>, notes: &mut Notes) -> Result<Tool<'a>, Refusal> {
    let mut tool = Fields::read(raw.get(), at)?;
    let kind = tool.text("type", at)?;
    if kind.is_some_and(|kind| kind != "function") {
        let what = "a tool that is no function";
        return Err(Refusal::unsupported(&at.to("type"), what));
    }
    let mut function = tool.need_object("function", at)?;
    let cache = tool.take("cache_control");
    notes.left("tools", &tool);
    let at = at.to("function");
    let read = Tool {
        name: function.need_text("name", &at)?,
        description: function.text("description", &at)?,
        schema: function.take("parameters").map(Cow::Borrowed),
        strict: function.flag("strict", &at)?,
        cache,
    };
    notes.left("tools.function", &function);
    Ok(read)
}

fn choice<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Choice<'a>, Refusal> {
    let expected = "none, auto, required or a function";
    if is_text(raw) {
        return match &*text(raw, at)? {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" => Ok(Choice::Any),
            _ => Err(Refusal::kind(at, expected)),
        };
    }
    let mut choice = Fields::read(raw.get(), at)?;
    match &*choice.need_text("type", at)? {
        "function" => {
            let mut function = choice.need_object("function", at)?;
            let name = function.need_text("name", &at.to("function"))?;
            Ok(Choice::Named(name))
        }
        "allowed_tools" | "custom" => {
            let what = "a choice among some of the tools";
            Err(Refusal::unsupported(&at.to("type"), what))
        }
        _ => Err(Refusal::kind(at, expected)),
    }
}

fn messages<'a>(
    fields: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let all = root.to("messages");
    let list = fields.list("messages", &root)?;
    if list.is_empty() {
        return Err(Refusal::missing(&all));
    }
    for (index, raw) in list.into_iter().enumerate() {
        let at = &all.nth(index);
        let mut message = Fields::read(raw.get(), at)?;
        if message.take("name").is_some() {
            notes.drop(known::SPEAKER.chat);
        }
        match &*message.need_text("role", at)? {
            "system" | "developer" => {
                request.say_system(content(&mut message, at, notes)?);
            }
            "user" => request.turns.push(Turn {
                role: Role::User,
                parts: content(&mut message, at, notes)?,
            }),
            "assistant" => request.turns.push(assistant(&mut message, at, notes)?),
            "tool" => request.turns.push(result(&mut message, at, notes)?),
            _ => {
                let expected = "system, developer, user, assistant or tool";
                return Err(Refusal::kind(&at.to("role"), expected));
            }
        }
        notes.left("messages", &message);
    }
    Ok(())
}

fn assistant<'a>(
    message: &mut Fields<'a>,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Turn<'a>, Refusal> {
    let mut parts = Vec::new();
    let thought = match message.text("reasoning_content", at)? {
        Some(thought) => Some(thought),
        None => message.text("reasoning", at)?,
    };
    if let Some(text) = thought.filter(|text| !text.is_empty()) {
        let signature = Cow::Borrowed("");
        parts.push(Kind::Thinking { text, signature }.into());
    }
    parts.extend(content(message, at, notes)?);
    if let Some(refusal) = message.text("refusal", at)? {
        parts.push(Kind::Text(refusal).into());
    }
    if message.take("audio").is_some() {
        notes.drop(known::SPOKEN.chat);
    }
    if message.take("function_call").is_some() {
        let what = "the older form of calling tools";
        return Err(Refusal::unsupported(&at.to("function_call"), what));
    }
    let calls = at.to("tool_calls");
    for (index, raw) in message.list("tool_calls", at)?.into_iter().enumerate() {
        let at = calls.nth(index);
        let mut call = Fields::read(raw.get(), &at)?;
        let mut function = call.need_object("function", &at)?;
        let inner = at.to("function");
        if let Some(sealed) = call.take("extra_content").and_then(sealed) {
            parts.push(sealed.into());
        }
        let call = Call {
            id: call.need_text("id", &at)?,
            name: function.need_text("name", &inner)?,
            arguments: function.text("arguments", &inner)?.unwrap_or_default(),
        };
        parts.push(Kind::Call(call).into());
    }
    Ok(Turn {
        role: Role::Assistant,
        parts,
    })
}

/// The seal of a call, where Google's own surface of this dialect carries it
/// (`https://ai.google.dev/gemini-api/docs/thought-signatures`).
fn sealed(extra: &RawValue) -> Option<Kind<'_>> {
    #[derive(Deserialize)]
    struct Extra {
        google: Google,
    }
    #[derive(Deserialize)]
    struct Google {
        thought_signature: String,
    }
    let read: Extra = serde_json::from_str(extra.get()).ok()?;
    Some(Kind::Thinking {
        text: Cow::Borrowed(""),
        signature: Cow::Owned(seal::marked(Maker::Gemini, &read.google.thought_signature)),
    })
}

fn result<'a>(
    message: &mut Fields<'a>,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Turn<'a>, Refusal> {
    let outcome = Outcome {
        id: message.need_text("tool_call_id", at)?,
        parts: content(message, at, notes)?,
        failed: false,
    };
    Ok(Turn {
        role: Role::User,
        parts: vec![Kind::Result(outcome).into()],
    })
}

fn content<'a>(
    message: &mut Fields<'a>,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Vec<Part<'a>>, Refusal> {
    let at = at.to("content");
    let Some(raw) = message.take("content") else {
        return Ok(Vec::new());
    };
    if is_text(raw) {
        return Ok(vec![Kind::Text(text(raw, &at)?).into()]);
    }
    let parts = list(raw, &at)?.into_iter().enumerate();
    parts
        .map(|(index, raw)| part(raw, &at.nth(index), notes))
        .collect()
}

fn part<'a>(raw: &'a RawValue, at: &Path<'_>, notes: &mut Notes) -> Result<Part<'a>, Refusal> {
    let mut part = Fields::read(raw.get(), at)?;
    let cache = part.take("cache_control");
    let kind = match &*part.need_text("type", at)? {
        "text" => Kind::Text(part.need_text("text", at)?),
        "refusal" => Kind::Text(part.need_text("refusal", at)?),
        "image_url" => {
            let at = at.to("image_url");
            let mut image = part.need_object("image_url", &at)?;
            let detail = image.text("detail", &at)?;
            Kind::Image(Source::of_url(image.need_text("url", &at)?), detail)
        }
        "file" => {
            let mut file = part.need_object("file", at)?;
            let at = at.to("file");
            if file.take("file_id").is_some() {
                let what = "a file that lies at OpenAI";
                return Err(Refusal::unsupported(&at.to("file_id"), what));
            }
            let name = file.text("filename", &at)?;
            Kind::Document(Source::of_url(file.need_text("file_data", &at)?), name)
        }
        "input_audio" => {
            let what = "sound to be understood";
            return Err(Refusal::unsupported(&at.to("type"), what));
        }
        _ => {
            let expected = "text, image_url, file, input_audio or refusal";
            return Err(Refusal::kind(&at.to("type"), expected));
        }
    };
    notes.left("messages.content", &part);
    Ok(Part { kind, cache })
}
