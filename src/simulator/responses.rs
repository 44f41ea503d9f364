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

/// A stream's events, numbered.
struct Events(Vec<String>);

impl Events {
    fn push(&mut self, kind: &str, mut fields: Value) {
        fields["type"] = json!(kind);
        fields["sequence_number"] = json!(self.0.len());
        self.0.push(format!("event: {kind}\ndata: {fields}\n\n"));
    }

    /// An item of the output, part by part.
    fn item(&mut self, at: usize, item: &Value, pieces: &[String]) {
        let mut started = item.clone();
        for name in ["content", "summary"] {
            if started.get(name).is_some() {
                started[name] = json!([]);
            }
        }
        for name in ["arguments", "input"] {
            if started.get(name).is_some() {
                started[name] = json!("");
            }
        }
        let added = json!({ "output_index": at, "item": started });
        self.push("response.output_item.added", added);
        let place = json!({ "item_id": item.get("id"), "output_index": at });
        match item.get("type").and_then(Value::as_str) {
            Some("function_call") => {
                let name = "response.function_call_arguments";
                self.texts(name, &place, ("arguments", item.get("arguments")));
            }
            Some("custom_tool_call") => {
                let name = "response.custom_tool_call_input";
                self.texts(name, &place, ("input", item.get("input")));
            }
            Some("reasoning") => self.thought(&place, item),
            _ => self.said(place, item, pieces),
        }
        let done = json!({ "output_index": at, "item": item });
        self.push("response.output_item.done", done);
    }

    /// A text in pieces, and then the whole as the field `name`.
    fn texts(&mut self, kind: &str, place: &Value, (name, whole): (&str, Option<&Value>)) {
        let whole = whole.and_then(Value::as_str).unwrap_or_default();
        for piece in text::split(whole) {
            self.push(&format!("{kind}.delta"), with(place, "delta", &piece));
        }
        self.push(&format!("{kind}.done"), with(place, name, whole));
    }

    fn thought(&mut self, place: &Value, item: &Value) {
        let mut place = place.clone();
        place["summary_index"] = json!(0);
        let text = item.pointer("/summary/0/text").and_then(Value::as_str);
        let text = text.unwrap_or_default();
        for (kind, name, value) in [
            (
                "part.added",
                "part",
                json!({ "type": "summary_text", "text": "" }),
            ),
            ("text.delta", "delta", json!(text)),
            ("text.done", "text", json!(text)),
            (
                "part.done",
                "part",
                json!({ "type": "summary_text", "text": text }),
            ),
        ] {
            let mut fields = place.clone();
            fields[name] = value;
            self.push(&format!("response.reasoning_summary_{kind}"), fields);
        }
    }

    fn said(&mut self, mut place: Value, item: &Value, pieces: &[String]) {
        place["content_index"] = json!(0);
        let whole = item.pointer("/content/0").cloned().unwrap_or_default();
        let mut part = whole.clone();
        part["text"] = json!("");
        let mut fields = place.clone();
        fields["part"] = part;
        self.push("response.content_part.added", fields);
        for piece in pieces {
            self.push("response.output_text.delta", with(&place, "delta", piece));
        }
        let text = pieces.concat();
        self.push("response.output_text.done", with(&place, "text", &text));
        let mut fields = place;
        fields["part"] = whole;
        self.push("response.content_part.done", fields);
    }
}

fn with(place: &Value, name: &str, text: &str) -> Value {
    let mut fields = place.clone();
    fields[name] = json!(text);
    fields
}

fn events(whole: &Value, pieces: &[String]) -> Vec<String> {
    let mut events = Events(Vec::new());
    let mut begun = whole.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    events.push("response.created", json!({ "response": begun }));
    let output = whole.get("output").and_then(Value::as_array);
    for (at, item) in output.into_iter().flatten().enumerate() {
        events.item(at, item, pieces);
    }
    let end = if whole.get("status") == Some(&json!("completed")) {
        "response.completed"
    } else {
        "response.incomplete"
    };
    events.push(end, json!({ "response": whole }));
    events.0
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
    let input = body.get("input")?;
    let last = input.as_array().and_then(|items| items.last());
    let kind = last.and_then(|item| item.get("type")?.as_str());
    let choice = body.get("tool_choice");
    if kind.is_some_and(|kind| kind.ends_with("_output")) || choice.is_some_and(|c| c == "none") {
        return None;
    }
    let named = choice.and_then(|c| c.get("name"));
    let mut tools = body.get("tools").and_then(Value::as_array)?.iter();
    let tool = tools.find(|t| named.is_none_or(|n| t.get("name") == Some(n)))?;
    let id = format!("call_{:016x}", text::hash(prompt));
    if tool.get("type").is_some_and(|kind| kind == "custom") {
        return Some(
            json!({ "id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": id,
                "name": tool.get("name")?, "input": prompt }),
        );
    }
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
        "call_id": id, "name": tool.get("name")?,
        "arguments": Value::Object(input).to_string() }),
    )
}
