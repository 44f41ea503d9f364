//! A request for a response, read into the hub.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::read_tools::{choice, name_of, tools};
use crate::dialect::Caller;
use crate::hub::features::{self as known, Notes, extras};
use crate::hub::fields::{Fields, Path, Refusal, is_text, list, text};
use crate::hub::seal;
use crate::hub::{
    Call, Effort, Kind, Outcome, Part, Request, Role, Schema, Source, Thinking, Turn,
};

/// Reads a body. Whatever has no counterpart in any other dialect is noted, or refused, here.
pub fn read<'a>(body: &'a str, notes: &mut Notes) -> Result<Request<'a>, Refusal> {
    let at = &Path::ROOT;
    let mut fields = Fields::read(body, at)?;
    fields.take("model");
    refuse_stored(&mut fields)?;
    let mut request = Request {
        stream: fields.flag("stream", at)?.unwrap_or(false),
        include_usage: true,
        ..Request::default()
    };
    if let Some(text) = fields.text("instructions", at)? {
        request.system.push(Kind::Text(text).into());
    }
    // before the conversation, whose calls are called as the tools are
    tools(&mut fields, &mut request, notes)?;
    input(&mut fields, &mut request, notes)?;
    if let Some(raw) = fields.take("tool_choice") {
        request.choice = Some(choice(raw, &at.to("tool_choice"), &mut request)?);
    }
    request.parallel = fields.flag("parallel_tool_calls", at)?;
    request.max_output = fields.count("max_output_tokens", at)?;
    request.temperature = fields.number("temperature", at)?;
    request.top_p = fields.number("top_p", at)?;
    request.user = fields.text("user", at)?;
    if request.user.is_none() {
        request.user = fields.text("safety_identifier", at)?;
    }
    request.thinking = thinking(&mut fields, notes)?;
    request.schema = format(&mut fields, &mut request.json, notes)?;
    passed_over(&mut fields)?;
    request.extras = extras(&fields, Caller::Responses, notes);
    Ok(request)
}

/// Nothing of earlier answers is kept here: what refers to them cannot be answered.
fn refuse_stored(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    for name in ["previous_response_id", "conversation"] {
        if fields.take(name).is_some() {
            let mut refusal = Refusal::unsupported(&Path::ROOT.to(name), "");
            refusal.message = format!(
                "This gateway keeps no answers: send the whole conversation as \"input\" instead of \"{name}\"."
            );
            return Err(refusal);
        }
    }
    Ok(())
}

/// What says the same as leaving it out, or says how to tell what is not told here.
fn passed_over(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    fields.take("include");
    fields.take("stream_options");
    // nothing is stored, whether that was asked for or not
    fields.take("store");
    let truncation = fields.text("truncation", &Path::ROOT)?;
    if truncation.is_some_and(|how| how != "disabled") {
        let what = "a conversation to be shortened";
        return Err(Refusal::unsupported(&Path::ROOT.to("truncation"), what));
    }
    Ok(())
}

fn thinking(fields: &mut Fields<'_>, notes: &mut Notes) -> Result<Option<Thinking>, Refusal> {
    let root = Path::ROOT;
    let at = root.to("reasoning");
    let Some(mut reasoning) = fields.object("reasoning", &root)? else {
        return Ok(None);
    };
    // thoughts are told wherever the vendor tells them
    reasoning.take("summary");
    reasoning.take("generate_summary");
    let word = reasoning.text("effort", &at)?;
    notes.left("reasoning", &reasoning);
    match word.as_deref() {
        None => Ok(None),
        Some("none") => Ok(Some(Thinking::Off)),
        Some(word) => {
            let expected = "one of none, minimal, low, medium, high and xhigh";
            let effort = Effort::parse(word);
            let effort = effort.ok_or_else(|| Refusal::kind(&at.to("effort"), expected))?;
            Ok(Some(Thinking::Effort(effort)))
        }
    }
}

fn format<'a>(
    fields: &mut Fields<'a>,
    json: &mut bool,
    notes: &mut Notes,
) -> Result<Option<Schema<'a>>, Refusal> {
    let root = Path::ROOT;
    let at = root.to("text");
    let Some(mut text) = fields.object("text", &root)? else {
        return Ok(None);
    };
    let format = text.object("format", &at)?;
    notes.left("text", &text);
    let at = at.to("format");
    let Some(mut format) = format else {
        return Ok(None);
    };
    match &*format.need_text("type", &at)? {
        "text" => Ok(None),
        "json_object" => {
            *json = true;
            Ok(None)
        }
        "json_schema" => {
            let name = format.text("name", &at)?;
            let schema = format
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

fn input<'a>(
    fields: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let all = root.to("input");
    let raw = fields.take("input").ok_or_else(|| Refusal::missing(&all))?;
    if is_text(raw) {
        let said = Kind::Text(text(raw, &all)?).into();
        push(request, Role::User, vec![said]);
        return Ok(());
    }
    for (index, raw) in list(raw, &all)?.into_iter().enumerate() {
        let at = &all.nth(index);
        let mut item = Fields::read(raw.get(), at)?;
        let kind = item.text("type", at)?;
        read_item(
            kind.as_deref().unwrap_or("message"),
            item,
            at,
            request,
            notes,
        )?;
    }
    Ok(())
}

/// What one side says in several items is one turn.
fn push<'a>(request: &mut Request<'a>, role: Role, mut parts: Vec<Part<'a>>) {
    match request.turns.last_mut() {
        Some(turn) if turn.role == role => turn.parts.append(&mut parts),
        _ => request.turns.push(Turn { role, parts }),
    }
}

/// What OpenAI's own tools have done, and what came of it: nothing else in a conversation refers to these.
const HOSTED_ITEMS: [&str; 16] = [
    "web_search_call",
    "file_search_call",
    "image_generation_call",
    "code_interpreter_call",
    "computer_call",
    "computer_call_output",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_list_tools",
    "mcp_call",
    "tool_search_call",
    "tool_search_output",
];
/// What OpenAI made of a conversation that was too long, which only OpenAI can read.
const COMPACTED: [&str; 2] = ["compaction", "compaction_summary"];

fn read_item<'a>(
    kind: &str,
    mut item: Fields<'a>,
    at: &Path<'_>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    match kind {
        "message" => {
            let role = item.need_text("role", at)?;
            let parts = content(&mut item, "content", at, notes)?;
            match &*role {
                "system" | "developer" => request.say_system(parts),
                "user" => push(request, Role::User, parts),
                "assistant" => push(request, Role::Assistant, parts),
                _ => {
                    let expected = "system, developer, user or assistant";
                    return Err(Refusal::kind(&at.to("role"), expected));
                }
            }
        }
        "function_call" => {
            let call = Call {
                id: item.need_text("call_id", at)?,
                name: name_of(&mut item, at, request)?,
                arguments: item.text("arguments", at)?.unwrap_or_default(),
            };
            push(request, Role::Assistant, vec![Kind::Call(call).into()]);
        }
        "custom_tool_call" => {
            let said = item.take("input").map_or("\"\"", RawValue::get);
            let call = Call {
                id: item.need_text("call_id", at)?,
                name: name_of(&mut item, at, request)?,
                arguments: Cow::Owned(format!("{{\"input\":{said}}}")),
            };
            push(request, Role::Assistant, vec![Kind::Call(call).into()]);
        }
        "function_call_output" | "custom_tool_call_output" => {
            let outcome = Outcome {
                id: item.need_text("call_id", at)?,
                parts: content(&mut item, "output", at, notes)?,
                failed: false,
            };
            push(request, Role::User, vec![Kind::Result(outcome).into()]);
        }
        "reasoning" => thoughts(&mut item, at, request, notes)?,
        kind if COMPACTED.contains(&kind) => notes.drop(known::COMPACTION.responses),
        kind if HOSTED_ITEMS.contains(&kind) => notes.drop(known::HOSTED_ITEM.responses),
        _ => {
            let what = "a kind of item that only OpenAI has";
            return Err(Refusal::unsupported(&at.to("type"), what));
        }
    }
    Ok(())
}

/// Thoughts that this gateway has told, with the seal that Gemini put on them; those sealed by OpenAI are for OpenAI alone.
fn thoughts<'a>(
    item: &mut Fields<'a>,
    at: &Path<'_>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    if let Some(signature) = item.text("encrypted_content", at)? {
        if seal::is_marked(&signature) {
            let text = Cow::Borrowed("");
            let part = Kind::Thinking { text, signature }.into();
            push(request, Role::Assistant, vec![part]);
        } else {
            notes.drop(known::SEALED.responses);
        }
        return Ok(());
    }
    // the thoughts themselves, where the model that had them tells them, go before what they come to
    let told = item.list("content", at)?;
    let summary = item.list("summary", at)?;
    let (name, pieces) = if told.is_empty() {
        ("summary", summary)
    } else {
        ("content", told)
    };
    let here = at.to(name);
    for (index, raw) in pieces.into_iter().enumerate() {
        let at = here.nth(index);
        let mut piece = Fields::read(raw.get(), &at)?;
        let text = piece.need_text("text", &at)?;
        let signature = Cow::Borrowed("");
        let part = Kind::Thinking { text, signature }.into();
        push(request, Role::Assistant, vec![part]);
    }
    Ok(())
}

fn content<'a>(
    item: &mut Fields<'a>,
    name: &str,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Vec<Part<'a>>, Refusal> {
    let at = at.to(name);
    let Some(raw) = item.take(name) else {
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
    let at_openai = || Refusal::unsupported(&at.to("file_id"), "a file that lies at OpenAI");
    let kind = match &*part.need_text("type", at)? {
        "input_text" | "output_text" | "text" | "summary_text" => {
            part.take("annotations");
            part.take("logprobs");
            Kind::Text(part.need_text("text", at)?)
        }
        "refusal" => Kind::Text(part.need_text("refusal", at)?),
        "input_image" => {
            if part.take("file_id").is_some() {
                return Err(at_openai());
            }
            let detail = part.text("detail", at)?;
            let url = part.need_text("image_url", at)?;
            Kind::Image(Source::of_url(url), detail)
        }
        "input_file" => {
            if part.take("file_id").is_some() {
                return Err(at_openai());
            }
            let name = part.text("filename", at)?;
            let source = match part.text("file_url", at)? {
                Some(url) => Source::Url(url),
                None => Source::of_url(part.need_text("file_data", at)?),
            };
            Kind::Document(source, name)
        }
        _ => {
            let expected = "input_text, input_image, input_file, output_text or refusal";
            return Err(Refusal::kind(&at.to("type"), expected));
        }
    };
    notes.left("input.content", &part);
    Ok(kind.into())
}
