//! Usual answers in Ollama's dialect: `/api/chat`, as lines or whole, and `/api/tags`.

use serde_json::{Value, json};

use super::chat::{content_text, tool_call};
use super::play::Usual;
use super::script::Reply;
use super::text;

const CREATED: &str = "2026-11-20T08:52:19.385406455Z";

/// True for the paths of this dialect.
pub(super) fn is_asked(path: &str) -> bool {
    path.contains("/api/")
}

/// An error as it is told.
pub(super) fn error(message: &str) -> Vec<u8> {
    json!({ "error": message }).to_string().into_bytes()
}

/// The models that are there.
pub(super) fn tags(names: &[&str]) -> Vec<u8> {
    let model = |name: &&str| {
        json!({ "name": name, "model": name, "modified_at": CREATED, "size": 3_338_801_804_u64,
            "digest": "a80c4f17acd5", "details": { "format": "gguf", "family": "llama", "parameter_size": "4.3B" } })
    };
    let models: Vec<Value> = names.iter().map(model).collect();
    json!({ "models": models }).to_string().into_bytes()
}

/// The answer to a conversation; an error names the parameter that is missing.
pub(super) fn chat(body: &Value, reply: &Reply) -> Result<Usual, &'static str> {
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.filter(|all| !all.is_empty()).ok_or("messages")?;
    let prompt = messages.last().map(content_text).unwrap_or_default();
    let call = tool_call(body, messages, &prompt);
    let limit = body
        .pointer("/options/num_predict")
        .and_then(Value::as_u64)
        .and_then(|limit| usize::try_from(limit).ok());
    let mut pieces = match (&call, &reply.text) {
        (Some(_), _) => Vec::new(),
        (None, Some(said)) => text::split(said),
        (None, None) => text::pieces(&prompt, reply.tokens),
    };
    let cut = limit.is_some_and(|limit| limit < pieces.len());
    pieces.truncate(limit.unwrap_or(usize::MAX));
    let mut messages_out: Vec<Value> = Vec::new();
    if body
        .get("think")
        .is_some_and(|think| *think != json!(false))
    {
        messages_out.push(json!({ "role": "assistant", "content": "", "thinking": "Let me see." }));
    }
    let said = pieces.iter();
    messages_out.extend(said.map(|piece| json!({ "role": "assistant", "content": piece })));
    if let Some(call) = &call {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        messages_out.push(json!({ "role": "assistant", "content": "", "tool_calls": [
            { "id": call.id, "function": { "index": 0, "name": call.name, "arguments": arguments } } ] }));
    }
    let input: usize = messages
        .iter()
        .map(|m| text::count(&content_text(m)) + 4)
        .sum();
    let model = body
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut last = json!({ "model": model, "created_at": CREATED, "done": true,
        "done_reason": if cut { "length" } else { "stop" }, "total_duration": 4_883_583_458_u64 });
    if !reply.no_usage {
        last["prompt_eval_count"] = json!(input);
        last["eval_count"] = json!(pieces.len() + reply.reasoning);
    }
    // streams unless it is told not to
    if body.get("stream") == Some(&json!(false)) {
        last["message"] = joined(&messages_out);
        return Ok(Usual::Plain(last.to_string().into_bytes()));
    }
    let line = |message: &Value| {
        let line =
            json!({ "model": model, "created_at": CREATED, "message": message, "done": false });
        format!("{line}\n")
    };
    let mut lines: Vec<String> = messages_out.iter().map(line).collect();
    last["message"] = json!({ "role": "assistant", "content": "" });
    lines.push(format!("{last}\n"));
    Ok(Usual::Lines(lines))
}

/// The pieces of an answer as one message.
fn joined(messages: &[Value]) -> Value {
    let texts = |name: &str| -> String {
        let pieces = messages.iter().filter_map(|m| m.get(name)?.as_str());
        pieces.collect()
    };
    let mut out = json!({ "role": "assistant", "content": texts("content") });
    let thinking = texts("thinking");
    if !thinking.is_empty() {
        out["thinking"] = json!(thinking);
    }
    if let Some(calls) = messages.iter().find_map(|m| m.get("tool_calls")) {
        out["tool_calls"] = calls.clone();
    }
    out
}
