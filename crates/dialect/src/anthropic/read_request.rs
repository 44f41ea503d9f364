//! A request for messages, read into the hub.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::dialect::Caller;
use crate::hub::features::{self as known, Notes, extras};
use crate::hub::fields::{Fields, Path, Refusal, is_text, list, text};
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
        include_usage: true,
        ..Request::default()
    };
    if let Some(system) = fields.take("system") {
        request.system = content(system, &at.to("system"), notes)?;
    }
    messages(&mut fields, &mut request, notes)?;
    for (index, tool) in fields.list("tools", at)?.into_iter().enumerate() {
        let here = at.to("tools");
        request
            .tools
            .push(read_tool(tool, &here.nth(index), notes)?);
    }
    choice(&mut fields, &mut request)?;
    request.max_output = fields.count("max_tokens", at)?;
    request.temperature = fields.number("temperature", at)?;
    request.top_p = fields.number("top_p", at)?;
    let here = at.to("stop_sequences");
    let stop = fields.list("stop_sequences", at)?.into_iter();
    request.stop = stop
        .map(|one| text(one, &here))
        .collect::<Result<_, Refusal>>()?;
    if let Some(mut metadata) = fields.object("metadata", at)? {
        request.user = metadata.text("user_id", &at.to("metadata"))?;
        notes.left("metadata", &metadata);
    }
    request.thinking = thinking(&mut fields, notes)?;
    output(&mut fields, &mut request, notes)?;
    request.extras = extras(&fields, Caller::Messages, notes);
    Ok(request)
}

fn thinking(fields: &mut Fields<'_>, notes: &mut Notes) -> Result<Option<Thinking>, Refusal> {
    let root = Path::ROOT;
    let at = root.to("thinking");
    let Some(mut thinking) = fields.object("thinking", &root)? else {
        return Ok(None);
    };
    let form = thinking.need_text("type", &at)?;
    let read = match &*form {
        "disabled" => Thinking::Off,
        "adaptive" => Thinking::Free,
        "enabled" => {
            let budget = thinking.count("budget_tokens", &at)?;
            budget.map_or(Thinking::Free, Thinking::Budget)
        }
        _ => {
            return Err(Refusal::kind(
                &at.to("type"),
                "enabled, adaptive or disabled",
            ));
        }
    };
    thinking.take("budget_tokens");
    notes.left("thinking", &thinking);
    Ok(Some(read))
}

/// `output_config`: the effort, which goes before what `thinking` says, and the schema.
fn output<'a>(
    fields: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let at = root.to("output_config");
    let old = fields.object("output_format", &root)?;
    let mut config = fields.object("output_config", &root)?.unwrap_or_default();
    if let Some(word) = config.text("effort", &at)? {
        let expected = "one of low, medium, high, xhigh and max";
        let effort = Effort::parse(&word)
            .filter(|effort| *effort > Effort::Minimal)
            .ok_or_else(|| Refusal::kind(&at.to("effort"), expected))?;
        if request.thinking != Some(Thinking::Off) {
            request.thinking = Some(Thinking::Effort(effort));
        }
    }
    let format = match config.object("format", &at)? {
        Some(format) => Some(format),
        None => old,
    };
    if let Some(mut format) = format {
        let at = at.to("format");
        if format.need_text("type", &at)? != "json_schema" {
            return Err(Refusal::kind(&at.to("type"), "json_schema"));
        }
        let schema = format
            .take("schema")
            .ok_or_else(|| Refusal::missing(&at.to("schema")))?;
        let schema = Cow::Borrowed(schema);
        request.schema = Some(Schema { name: None, schema });
    }
    notes.left("output_config", &config);
    Ok(())
}

fn choice<'a>(fields: &mut Fields<'a>, request: &mut Request<'a>) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let at = root.to("tool_choice");
    let Some(mut choice) = fields.object("tool_choice", &root)? else {
        return Ok(());
    };
    request.choice = Some(match &*choice.need_text("type", &at)? {
        "auto" => Choice::Auto,
        "any" => Choice::Any,
        "none" => Choice::None,
        "tool" => Choice::Named(choice.need_text("name", &at)?),
        _ => return Err(Refusal::kind(&at.to("type"), "auto, any, tool or none")),
    });
    let alone = choice.flag("disable_parallel_tool_use", &at)?;
    request.parallel = alone.map(|alone| !alone);
    Ok(())
}

fn read_tool<'a>(raw: &'a RawValue, at: &Path<'_>, notes: &mut Notes) -> Result<Tool<'a>, Refusal> {
    let mut tool = Fields::read(raw.get(), at)?;
    let kind = tool.text("type", at)?;
    if kind.is_some_and(|kind| kind != "custom") {
        let what = "a tool that runs at Anthropic";
        return Err(Refusal::unsupported(&at.to("type"), what));
    }
    let read = Tool {
        name: tool.need_text("name", at)?,
        description: tool.text("description", at)?,
        schema: tool.take("input_schema").map(Cow::Borrowed),
        strict: tool.flag("strict", at)?,
        cache: tool.take("cache_control"),
    };
    notes.left("tools", &tool);
    Ok(read)
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
        let role = message.need_text("role", at)?;
        let says = message
            .take("content")
            .ok_or_else(|| Refusal::missing(&at.to("content")))?;
        let parts = content(says, &at.to("content"), notes)?;
        let role = match &*role {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            // amid a conversation, as newer models take it
            "system" => {
                request.say_system(parts);
                continue;
            }
            _ => return Err(Refusal::kind(&at.to("role"), "user or assistant")),
        };
        notes.left("messages", &message);
        request.turns.push(Turn { role, parts });
    }
    Ok(())
}

fn content<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Vec<Part<'a>>, Refusal> {
    if is_text(raw) {
        return Ok(vec![Kind::Text(text(raw, at)?).into()]);
    }
    let mut parts = Vec::new();
    for (index, raw) in list(raw, at)?.into_iter().enumerate() {
        block(raw, &at.nth(index), notes, &mut parts)?;
    }
    Ok(parts)
}

fn block<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    notes: &mut Notes,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), Refusal> {
    let mut block = Fields::read(raw.get(), at)?;
    let cache = block.take("cache_control");
    let kind = match &*block.need_text("type", at)? {
        "text" => Kind::Text(block.need_text("text", at)?),
        "image" => Kind::Image(source(&mut block, at)?, None),
        "document" => return document(block, at, cache, notes, parts),
        "tool_use" => {
            block.take("caller");
            Kind::Call(Call {
                id: block.need_text("id", at)?,
                name: block.need_text("name", at)?,
                arguments: Cow::Borrowed(block.take("input").map_or("{}", RawValue::get)),
            })
        }
        "tool_result" => Kind::Result(Outcome {
            id: block.need_text("tool_use_id", at)?,
            failed: block.flag("is_error", at)?.unwrap_or(false),
            parts: match block.take("content") {
                Some(raw) => content(raw, &at.to("content"), notes)?,
                None => Vec::new(),
            },
        }),
        "thinking" => Kind::Thinking {
            text: block.text("thinking", at)?.unwrap_or_default(),
            signature: block.text("signature", at)?.unwrap_or_default(),
        },
        "redacted_thinking" => Kind::Sealed(block.need_text("data", at)?),
        _ => {
            let what = "a kind of content that only Anthropic has";
            return Err(Refusal::unsupported(&at.to("type"), what));
        }
    };
    notes.left("messages.content", &block);
    parts.push(Part { kind, cache });
    Ok(())
}

fn source<'a>(block: &mut Fields<'a>, at: &Path<'_>) -> Result<Source<'a>, Refusal> {
    let mut source = block.need_object("source", at)?;
    of_source(&mut source, &at.to("source"))
}

fn of_source<'a>(source: &mut Fields<'a>, at: &Path<'_>) -> Result<Source<'a>, Refusal> {
    match &*source.need_text("type", at)? {
        "base64" => Ok(Source::Data {
            media: source.need_text("media_type", at)?,
            data: source.need_text("data", at)?,
        }),
        "url" => Ok(Source::Url(source.need_text("url", at)?)),
        "file" => {
            let what = "a file that lies at Anthropic";
            Err(Refusal::unsupported(&at.to("file_id"), what))
        }
        _ => Err(Refusal::kind(&at.to("type"), "base64, url or file")),
    }
}

/// A document of plain text is text; one of blocks is these blocks.
fn document<'a>(
    mut block: Fields<'a>,
    at: &Path<'_>,
    cache: Option<&'a RawValue>,
    notes: &mut Notes,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), Refusal> {
    if let Some(mut citations) = block.object("citations", at)?
        && citations.flag("enabled", at)? == Some(true)
    {
        notes.drop(known::CITATIONS.messages);
    }
    if block.take("context").is_some() {
        notes.drop(known::CONTEXT.messages);
    }
    let title = block.text("title", at)?;
    let raw = block
        .take("source")
        .ok_or_else(|| Refusal::missing(&at.to("source")))?;
    let here = at.to("source");
    let mut inner = Fields::read(raw.get(), &here)?;
    match &*inner.need_text("type", &here)? {
        "text" => {
            let text = inner.need_text("data", &here)?;
            let kind = Kind::Text(text);
            parts.push(Part { kind, cache });
        }
        "content" => {
            let raw = inner
                .take("content")
                .ok_or_else(|| Refusal::missing(&here.to("content")))?;
            parts.extend(content(raw, &here.to("content"), notes)?);
        }
        _ => {
            let mut whole = Fields::read(raw.get(), &here)?;
            let kind = Kind::Document(of_source(&mut whole, &here)?, title);
            parts.push(Part { kind, cache });
        }
    }
    Ok(())
}
