//! Usual answers to `/responses`, whole or as a stream.

use serde_json::{Map, Value, json};

use super::play::Usual;
use super::script::Reply;
use super::text;

/// The seal on all thoughts.
pub(super) const SEAL: &str = "b3BhcXVl";

/// The answer to a conversation; an error names the parameter that is missing.
pub(super) fn responses(body: &Value, reply: &Reply) -> Result<Usual, &'static str> {
    let prompt = prompt(body)?;
    let limit = body
        .get("max_output_tokens")
        .and_then(Value::as_u64)
        .unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let call = function_call(body, &prompt);
    let mut pieces = match &reply.text {
        Some(text) => text::split(text),
        None => text::pieces(&prompt, reply.tokens),
    };
    let cut = call.is_none() && limit < pieces.len();
    pieces.truncate(if cut { limit } else { pieces.len() });
    let mut output = Vec::new();
    if body.get("reasoning").is_some() {
        output.push(
            json!({ "id": "rs_1", "type": "reasoning", "encrypted_content": SEAL,
            "summary": [{ "type": "summary_text", "text": "Let me see." }] }),
        );
    }
    output.push(call.unwrap_or_else(|| {
        json!({ "id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
            "content": [{ "type": "output_text", "text": pieces.concat(), "annotations": [], "logprobs": [] }] })
    }));
    let counted = pieces.len() + reply.reasoning;
    let input = text::count(&prompt) + 4;
    let usage = json!({ "input_tokens": input, "input_tokens_details": { "cached_tokens": reply.cached },
        "output_tokens": counted, "output_tokens_details": { "reasoning_tokens": reply.reasoning },
        "total_tokens": input + counted });
    let why = if cut {
        json!({ "reason": "max_output_tokens" })
    } else {
        Value::Null
    };
    let whole = json!({ "id": format!("resp_{:016x}", text::hash(&prompt)), "object": "response",
        "created_at": 1_750_000_000, "status": if cut { "incomplete" } else { "completed" }, "error": null,
        "incomplete_details": why, "model": body.get("model"), "output": output, "usage": usage });
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        return Ok(Usual::Responses(events(&whole, &pieces)));
    }
    Ok(Usual::Plain(whole.to_string().into_bytes()))
}

fn events(whole: &Value, pieces: &[String]) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    let mut push = |kind: &str, mut fields: Value| {
        fields["type"] = json!(kind);
        fields["sequence_number"] = json!(events.len());
        events.push(format!("event: {kind}\ndata: {fields}\n\n"));
    };
    let mut begun = whole.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    push("response.created", json!({ "response": begun }));
    let output = whole.get("output").and_then(Value::as_array);
    for (at, item) in output.into_iter().flatten().enumerate() {
        let mut started = item.clone();
        for name in ["content", "summary"] {
            if started.get(name).is_some() {
                started[name] = json!([]);
            }
        }
        if started.get("arguments").is_some() {
            started["arguments"] = json!("");
        }
        push(
            "response.output_item.added",
            json!({ "output_index": at, "item": started }),
        );
        let id = item.get("id");
        if let Some(arguments) = item.get("arguments").and_then(Value::as_str) {
            for piece in text::split(arguments) {
                let name = "response.function_call_arguments.delta";
                push(
                    name,
                    json!({ "item_id": id, "output_index": at, "delta": piece }),
                );
            }
        } else if item.get("summary").is_some() {
            let name = "response.reasoning_summary_text.delta";
            push(
                name,
                json!({ "item_id": id, "output_index": at, "summary_index": 0, "delta": "Let me see." }),
            );
        } else {
            for piece in pieces {
                let name = "response.output_text.delta";
                push(
                    name,
                    json!({ "item_id": id, "output_index": at, "content_index": 0, "delta": piece }),
                );
            }
        }
        push(
            "response.output_item.done",
            json!({ "output_index": at, "item": item }),
        );
    }
    let end = if whole.get("status") == Some(&json!("completed")) {
        "response.completed"
    } else {
        "response.incomplete"
    };
    push(end, json!({ "response": whole }));
    events
}

fn prompt(body: &Value) -> Result<String, &'static str> {
    match body.get("input") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(items)) => Ok(items.last().map(said).unwrap_or_default()),
        _ => Err("input"),
    }
}

fn said(item: &Value) -> String {
    match item.get("content").or_else(|| item.get("output")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

/// The first function, or the one that must be called, unless the last item is a result.
fn function_call(body: &Value, prompt: &str) -> Option<Value> {
    let last = body.get("input").and_then(Value::as_array)?.last()?;
    let choice = body.get("tool_choice");
    let kind = last.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind.ends_with("_output") || choice.is_some_and(|c| c == "none") {
        return None;
    }
    let named = choice.and_then(|c| c.get("name"));
    let mut tools = body.get("tools").and_then(Value::as_array)?.iter();
    let tool = tools.find(|t| named.is_none_or(|n| t.get("name") == Some(n)))?;
    let properties = tool
        .pointer("/parameters/properties")
        .and_then(Value::as_object);
    let mut input = Map::new();
    for (name, property) in properties.into_iter().flatten() {
        let value = match property.get("type").and_then(Value::as_str) {
            Some("number" | "integer") => json!(7),
            _ => json!(prompt.chars().take(40).collect::<String>()),
        };
        input.insert(name.clone(), value);
    }
    Some(
        json!({ "id": "fc_1", "type": "function_call", "status": "completed",
        "call_id": format!("call_{:016x}", text::hash(prompt)), "name": tool.get("name")?,
        "arguments": Value::Object(input).to_string() }),
    )
}
