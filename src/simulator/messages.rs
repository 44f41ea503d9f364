//! Usual answers in Anthropic's dialect: `/messages`, whole or as a stream, and `/messages/count_tokens`.

use serde_json::{Map, Value, json};

use super::play::Usual;
use super::script::Reply;
use super::text;

/// What both forms of an answer are made from.
struct Answer<'a> {
    id: String,
    model: &'a str,
    pieces: Vec<String>,
    /// Id, name and input of the tool that is called.
    tool: Option<(String, String, Value)>,
    stop: &'static str,
    usage: Value,
    thinks: bool,
}

/// The answer to a conversation; an error names the parameter that is missing.
pub(super) fn messages(body: &Value, reply: &Reply) -> Result<Usual, &'static str> {
    let limit = body.get("max_tokens").and_then(Value::as_u64);
    let limit = limit.ok_or("max_tokens")?;
    let prompt = prompt(body)?;
    let tool = tool_call(body, &prompt);
    let mut pieces = match (&tool, &reply.text) {
        (Some((.., input)), _) => text::split(&input.to_string()),
        (None, Some(text)) => text::split(text),
        (None, None) => text::pieces(&prompt, reply.tokens),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let cut = tool.is_none() && limit < pieces.len();
    pieces.truncate(if cut { limit } else { pieces.len() });
    let output = pieces.len() + reply.reasoning;
    let usage = json!({"input_tokens": input_tokens(body), "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached, "output_tokens": output, "service_tier": "standard"});
    let answer = Answer {
        id: format!("msg_{:016x}", text::hash(&prompt)),
        model: body.get("model").and_then(Value::as_str).unwrap_or(""),
        pieces,
        stop: match (&tool, cut) {
            (Some(_), _) => "tool_use",
            (None, true) => "max_tokens",
            (None, false) => "end_turn",
        },
        tool,
        usage,
        thinks: body
            .pointer("/thinking/type")
            .is_some_and(|t| t != "disabled"),
    };
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        return Ok(Usual::Messages(events(&answer)));
    }
    Ok(Usual::Plain(whole(&answer)))
}

/// How many tokens go in.
pub(super) fn count(body: &Value) -> Result<Usual, &'static str> {
    prompt(body)?;
    let count = json!({ "input_tokens": input_tokens(body) });
    Ok(Usual::Plain(count.to_string().into_bytes()))
}

fn input_tokens(body: &Value) -> usize {
    let all = body.get("messages").and_then(Value::as_array);
    let counted = all.into_iter().flatten().map(|m| text::count(&said(m)) + 4);
    counted.sum()
}

fn prompt(body: &Value) -> Result<String, &'static str> {
    let messages = body.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|m| m.last()).ok_or("messages")?;
    Ok(said(last))
}

/// A message's text; of a list of blocks, the texts joined.
fn said(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => blocks
            .iter()
            .filter_map(|b| b.get("text").and_then(Value::as_str))
            .collect(),
        _ => String::new(),
    }
}

fn whole(answer: &Answer<'_>) -> Vec<u8> {
    let mut content = Vec::new();
    if answer.thinks {
        content
            .push(json!({"type": "thinking", "thinking": "Let me see.", "signature": "c2lnbmVk"}));
    }
    content.push(match &answer.tool {
        Some((id, name, input)) => {
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
        None => json!({"type": "text", "text": answer.pieces.concat()}),
    });
    json!({"id": answer.id, "type": "message", "role": "assistant", "model": answer.model, "content": content,
        "stop_reason": answer.stop, "stop_sequence": null, "usage": answer.usage})
    .to_string()
    .into_bytes()
}

fn events(answer: &Answer<'_>) -> Vec<String> {
    let mut events = Vec::with_capacity(answer.pieces.len() + 10);
    let mut push = |kind: &str, mut fields: Value| {
        if let Some(object) = fields.as_object_mut() {
            object.insert("type".to_owned(), kind.into());
        }
        events.push(format!("event: {kind}\ndata: {fields}\n\n"));
    };
    let mut begun = answer.usage.clone();
    if let Some(usage) = begun.as_object_mut() {
        usage.insert("output_tokens".to_owned(), 1.into());
    }
    let message = json!({"id": answer.id, "type": "message", "role": "assistant", "model": answer.model,
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": begun});
    push("message_start", json!({ "message": message }));
    push("ping", json!({}));
    let mut index = 0;
    if answer.thinks {
        let block = json!({"type": "thinking", "thinking": "", "signature": ""});
        push(
            "content_block_start",
            json!({"index": 0, "content_block": block}),
        );
        for delta in [
            json!({"type": "thinking_delta", "thinking": "Let me see."}),
            json!({"type": "signature_delta", "signature": "c2lnbmVk"}),
        ] {
            push("content_block_delta", json!({"index": 0, "delta": delta}));
        }
        push("content_block_stop", json!({"index": 0}));
        index = 1;
    }
    let block = match &answer.tool {
        Some((id, name, _)) => json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
        None => json!({"type": "text", "text": ""}),
    };
    push(
        "content_block_start",
        json!({"index": index, "content_block": block}),
    );
    for piece in &answer.pieces {
        let delta = match answer.tool {
            Some(_) => json!({"type": "input_json_delta", "partial_json": piece}),
            None => json!({"type": "text_delta", "text": piece}),
        };
        push(
            "content_block_delta",
            json!({"index": index, "delta": delta}),
        );
    }
    push("content_block_stop", json!({ "index": index }));
    let ending = json!({"stop_reason": answer.stop, "stop_sequence": null});
    let counted = json!({"output_tokens": answer.usage.get("output_tokens")});
    push("message_delta", json!({"delta": ending, "usage": counted}));
    push("message_stop", json!({}));
    events
}

/// The first tool, or the one that `tool_choice` names, unless the last message brings a tool's result.
fn tool_call(body: &Value, prompt: &str) -> Option<(String, String, Value)> {
    let tools = body.get("tools").and_then(Value::as_array)?;
    let last = body.get("messages").and_then(Value::as_array)?.last()?;
    let blocks = last.get("content").and_then(Value::as_array);
    let mut blocks = blocks.into_iter().flatten();
    let choice = body.get("tool_choice");
    let none = choice.is_some_and(|c| c.get("type").is_some_and(|t| t == "none"));
    if none || blocks.any(|b| b.get("type").is_some_and(|t| t == "tool_result")) {
        return None;
    }
    let named = choice.and_then(|c| c.get("name"));
    let tool = tools
        .iter()
        .find(|t| named.is_none_or(|n| t.get("name") == Some(n)))?;
    let properties = tool.pointer("/input_schema/properties");
    let mut input = Map::new();
    for (name, property) in properties.and_then(Value::as_object).into_iter().flatten() {
        let value = match property.get("type").and_then(Value::as_str) {
            Some("number" | "integer") => json!(7),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => json!(prompt.chars().take(40).collect::<String>()),
        };
        input.insert(name.clone(), value);
    }
    Some((
        format!("toolu_{:016x}", text::hash(prompt)),
        tool.get("name")?.as_str()?.to_owned(),
        Value::Object(input),
    ))
}
