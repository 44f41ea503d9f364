//! Usual answers of `/chat/completions` and the older `/completions`, whole or as a stream.

use serde_json::{Map, Value, json};

use super::play::Usual;
use super::script::Reply;
use super::text;
use crate::clock::Clock;

/// What both forms of an answer are made from.
struct Answer<'a> {
    id: String,
    created: i64,
    model: &'a str,
    pieces: Vec<String>,
    tool: Option<Tool>,
    finish: &'static str,
    usage: Option<Value>,
    /// `stream_options.include_usage`.
    include_usage: bool,
}

/// The tool that the answer calls.
pub(super) struct Tool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// The answer to a chat; an error names the parameter that is missing.
pub(super) fn chat(body: &Value, reply: &Reply) -> Result<Usual, &'static str> {
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.filter(|m| !m.is_empty()).ok_or("messages")?;
    let prompt = messages.last().map(content_text).unwrap_or_default();
    let prompt_tokens = messages
        .iter()
        .map(|m| text::count(&content_text(m)) + 4)
        .sum();
    let tool = tool_call(body, messages, &prompt);
    let answer = answer(body, reply, &prompt, prompt_tokens, tool);
    if asked_for_stream(body) {
        return Ok(Usual::Events(chat_events(&answer)));
    }
    let (content, calls) = match &answer.tool {
        Some(tool) => (Value::Null, json!([tool_object(tool, None)])),
        None => (Value::from(answer.pieces.concat()), Value::Null),
    };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if let (Value::Array(_), Some(object)) = (&calls, message.as_object_mut()) {
        object.insert("tool_calls".to_owned(), calls);
    }
    let choice =
        json!({"index": 0, "message": message, "logprobs": null, "finish_reason": answer.finish});
    Ok(whole(&answer, "chat.completion", &choice))
}

/// The answer to an old-style completion.
pub(super) fn legacy(body: &Value, reply: &Reply) -> Result<Usual, &'static str> {
    let prompt = match body.get("prompt") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => return Err("prompt"),
    };
    let answer = answer(body, reply, &prompt, text::count(&prompt), None);
    let choice = |text: &str, finish: Value| json!({"text": text, "index": 0, "logprobs": null, "finish_reason": finish});
    if !asked_for_stream(body) {
        let choice = choice(&answer.pieces.concat(), Value::from(answer.finish));
        return Ok(whole(&answer, "text_completion", &choice));
    }
    let mut events = Vec::with_capacity(answer.pieces.len() + 3);
    for piece in &answer.pieces {
        let choices = json!([choice(piece, Value::Null)]);
        events.push(event(&answer, "text_completion", choices));
    }
    let last = json!([choice("", Value::from(answer.finish))]);
    events.push(event(&answer, "text_completion", last));
    finish_stream(&answer, "text_completion", &mut events);
    Ok(Usual::Events(events))
}

fn answer<'a>(
    body: &'a Value,
    reply: &Reply,
    prompt: &str,
    prompt_tokens: usize,
    tool: Option<Tool>,
) -> Answer<'a> {
    let limit = body
        .get("max_completion_tokens")
        .or_else(|| body.get("max_tokens"))
        .and_then(Value::as_u64)
        .and_then(|n| usize::try_from(n).ok());
    let mut pieces = match (&tool, &reply.text) {
        (Some(tool), _) => text::split(&tool.arguments),
        (None, Some(text)) => text::split(text),
        (None, None) => text::pieces(prompt, reply.tokens),
    };
    let cut = tool.is_none() && limit.is_some_and(|l| l < pieces.len());
    if cut {
        pieces.truncate(limit.unwrap_or_default());
    }
    let completion = pieces.len() + reply.reasoning;
    let usage = json!({
        "prompt_tokens": prompt_tokens.max(reply.cached),
        "completion_tokens": completion,
        "total_tokens": prompt_tokens.max(reply.cached) + completion,
        "prompt_tokens_details": {"cached_tokens": reply.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    });
    let wanted = body.pointer("/stream_options/include_usage");
    Answer {
        id: format!("chatcmpl-{:016x}", text::hash(prompt)),
        created: Clock::system().now_ms() / 1000,
        model: body.get("model").and_then(Value::as_str).unwrap_or(""),
        pieces,
        finish: match (&tool, cut) {
            (Some(_), _) => "tool_calls",
            (None, true) => "length",
            (None, false) => "stop",
        },
        tool,
        usage: (!reply.no_usage).then_some(usage),
        include_usage: wanted.and_then(Value::as_bool).unwrap_or(false),
    }
}

fn asked_for_stream(body: &Value) -> bool {
    body.get("stream").and_then(Value::as_bool).unwrap_or(false)
}

fn whole(answer: &Answer<'_>, object: &str, choice: &Value) -> Usual {
    let mut out = json!({"id": answer.id, "object": object, "created": answer.created, "model": answer.model,
        "choices": [choice], "service_tier": "default", "system_fingerprint": "fp_simulated"});
    if let (Some(usage), Some(object)) = (&answer.usage, out.as_object_mut()) {
        object.insert("usage".to_owned(), usage.clone());
    }
    Usual::Plain(out.to_string().into_bytes())
}

fn chat_events(answer: &Answer<'_>) -> Vec<String> {
    let kind = "chat.completion.chunk";
    let push = |delta: Value, finish: Value| {
        let choices =
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        event(answer, kind, choices)
    };
    let mut events = Vec::with_capacity(answer.pieces.len() + 4);
    if let Some(tool) = &answer.tool {
        let call = json!({"role": "assistant", "content": null, "tool_calls": [tool_object(tool, Some(0))]});
        events.push(push(call, Value::Null));
        for piece in &answer.pieces {
            let more = json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
            events.push(push(more, Value::Null));
        }
    } else {
        let opening = json!({"role": "assistant", "content": "", "refusal": null});
        events.push(push(opening, Value::Null));
        for piece in &answer.pieces {
            events.push(push(json!({"content": piece}), Value::Null));
        }
    }
    events.push(push(json!({}), Value::from(answer.finish)));
    finish_stream(answer, kind, &mut events);
    events
}

/// The usage event where it was asked for, and `[DONE]`.
fn finish_stream(answer: &Answer<'_>, kind: &str, events: &mut Vec<String>) {
    if let (true, Some(usage)) = (answer.include_usage, &answer.usage) {
        let mut last = base(answer, kind, json!([]));
        last.insert("usage".to_owned(), usage.clone());
        events.push(format!("data: {}\n\n", Value::Object(last)));
    }
    events.push("data: [DONE]\n\n".to_owned());
}

/// One event; once usage was asked for, every event but the last carries a null one, as OpenAI's do.
fn event(answer: &Answer<'_>, kind: &str, choices: Value) -> String {
    let mut out = base(answer, kind, choices);
    if answer.include_usage && answer.usage.is_some() {
        out.insert("usage".to_owned(), Value::Null);
    }
    format!("data: {}\n\n", Value::Object(out))
}

fn base(answer: &Answer<'_>, kind: &str, choices: Value) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("id".to_owned(), Value::from(answer.id.as_str()));
    out.insert("object".to_owned(), Value::from(kind));
    out.insert("created".to_owned(), Value::from(answer.created));
    out.insert("model".to_owned(), Value::from(answer.model));
    out.insert("choices".to_owned(), choices);
    out
}

/// A whole call, or the opening of a streamed one, whose arguments follow.
fn tool_object(tool: &Tool, index: Option<u32>) -> Value {
    match index {
        None => json!({"id": tool.id, "type": "function",
            "function": {"name": tool.name, "arguments": tool.arguments}}),
        Some(index) => json!({"index": index, "id": tool.id, "type": "function",
            "function": {"name": tool.name, "arguments": ""}}),
    }
}

/// The first tool, or the one that `tool_choice` names, unless the last message brings a tool's result.
pub(super) fn tool_call(body: &Value, messages: &[Value], prompt: &str) -> Option<Tool> {
    let tools = body.get("tools").and_then(Value::as_array)?;
    let last_role = messages.last().and_then(|m| m.get("role"));
    let choice = body.get("tool_choice");
    if last_role.is_some_and(|r| r == "tool") || choice.is_some_and(|c| c == "none") {
        return None;
    }
    let named = choice.and_then(|c| c.pointer("/function/name"));
    let tool = tools
        .iter()
        .find(|t| named.is_none_or(|n| t.pointer("/function/name") == Some(n)))?;
    let schema = tool.pointer("/function/parameters/properties");
    let mut arguments = Map::new();
    for (name, property) in schema.and_then(Value::as_object).into_iter().flatten() {
        let value = match property.get("type").and_then(Value::as_str) {
            Some("number" | "integer") => json!(7),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => property
                .pointer("/enum/0")
                .cloned()
                .unwrap_or_else(|| json!(prompt.chars().take(40).collect::<String>())),
        };
        arguments.insert(name.clone(), value);
    }
    Some(Tool {
        id: format!("call_{:016x}", text::hash(prompt)),
        name: tool.pointer("/function/name")?.as_str()?.to_owned(),
        arguments: Value::Object(arguments).to_string(),
    })
}

/// A message's text; of a list of parts, the texts joined.
pub(super) fn content_text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|p| p.get("text").and_then(Value::as_str))
            .collect(),
        _ => String::new(),
    }
}
