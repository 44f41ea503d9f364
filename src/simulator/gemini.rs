//! Usual answers in Google's dialect: `:generateContent`, `:streamGenerateContent` and `:countTokens`.

use serde_json::{Map, Value, json};

use super::play::Usual;
use super::script::Reply;
use super::text;

/// The seal on every call of a function.
pub(super) const SEAL: &str = "c2VhbGVk";

/// The model and what is wanted of it, where a path of this dialect names both.
pub(super) fn asked(path: &str) -> Option<(&str, &str)> {
    let (_, rest) = path.split_once("/models/")?;
    rest.rsplit_once(':')
}

/// True where a call of a model that checks them comes back without its seal.
pub(super) fn misses_seal(body: &Value) -> bool {
    let contents = body.get("contents").and_then(Value::as_array);
    contents.into_iter().flatten().any(|content| {
        let parts = content.get("parts").and_then(Value::as_array);
        let mut calls = parts
            .into_iter()
            .flatten()
            .filter(|p| p.get("functionCall").is_some());
        calls
            .next()
            .is_some_and(|first| first.get("thoughtSignature").is_none())
    })
}

/// The answer to a conversation; an error names the parameter that is missing.
pub(super) fn generate(
    (model, verb): (&str, &str),
    body: &Value,
    reply: &Reply,
) -> Result<Usual, &'static str> {
    let prompt = prompt(body)?;
    let config = body.get("generationConfig");
    if verb == "countTokens" {
        let count = json!({ "totalTokens": input_tokens(body) });
        return Ok(Usual::Plain(count.to_string().into_bytes()));
    }
    let limit = config
        .and_then(|c| c.get("maxOutputTokens"))
        .and_then(Value::as_u64);
    let limit = usize::try_from(limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let call = function_call(body, &prompt);
    let mut pieces = match &reply.text {
        Some(text) => text::split(text),
        None => text::pieces(&prompt, reply.tokens),
    };
    let cut = call.is_none() && limit < pieces.len();
    pieces.truncate(if cut { limit } else { pieces.len() });
    let mut parts: Vec<Value> = Vec::new();
    if config.and_then(|c| c.pointer("/thinkingConfig/includeThoughts")) == Some(&json!(true)) {
        parts.push(json!({ "text": "Let me see.", "thought": true }));
    }
    match call {
        Some(call) => parts.push(json!({ "functionCall": call, "thoughtSignature": SEAL })),
        None => parts.extend(pieces.iter().map(|piece| json!({ "text": piece }))),
    }
    let usage = json!({ "promptTokenCount": input_tokens(body), "cachedContentTokenCount": reply.cached,
        "candidatesTokenCount": pieces.len(), "thoughtsTokenCount": reply.reasoning,
        "totalTokenCount": input_tokens(body) + pieces.len() + reply.reasoning });
    let ids = (model, format!("g{:016x}", text::hash(&prompt)));
    let stop = if cut { "MAX_TOKENS" } else { "STOP" };
    if verb != "streamGenerateContent" {
        let told = joined(&parts);
        return Ok(Usual::Plain(
            chunk(&ids, &told, Some(stop), &usage)
                .to_string()
                .into_bytes(),
        ));
    }
    let mut events: Vec<String> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let stop = (at + 1 == parts.len()).then_some(stop);
        let data = chunk(&ids, std::slice::from_ref(part), stop, &usage);
        events.push(format!("data: {data}\r\n\r\n"));
    }
    Ok(Usual::Gemini(events))
}

/// Texts that follow each other as one part, as whole answers have them.
fn joined(parts: &[Value]) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for part in parts {
        let text = part.get("text").and_then(Value::as_str);
        match (out.last_mut(), text) {
            (Some(last), Some(more))
                if last.get("thought") == part.get("thought") && last.get("text").is_some() =>
            {
                let before = last["text"].as_str().unwrap_or_default().to_owned();
                last["text"] = json!(before + more);
            }
            _ => out.push(part.clone()),
        }
    }
    out
}

fn chunk(
    (model, id): &(&str, String),
    parts: &[Value],
    stop: Option<&str>,
    usage: &Value,
) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if let Some(stop) = stop {
        candidate["finishReason"] = json!(stop);
    }
    json!({ "candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": id })
}

fn said(content: &Value) -> String {
    let parts = content.get("parts").and_then(Value::as_array);
    let texts = parts.into_iter().flatten();
    texts
        .filter_map(|part| part.get("text").and_then(Value::as_str))
        .collect()
}

fn contents(body: &Value) -> Option<&Vec<Value>> {
    let inner = body.get("generateContentRequest").unwrap_or(body);
    inner.get("contents").and_then(Value::as_array)
}

fn prompt(body: &Value) -> Result<String, &'static str> {
    contents(body)
        .and_then(|all| all.last())
        .map(said)
        .ok_or("contents")
}

fn input_tokens(body: &Value) -> usize {
    let all = contents(body).into_iter().flatten();
    all.map(|content| text::count(&said(content)) + 4).sum()
}

/// The first function, or the one that must be called, unless the last turn brings a result.
fn function_call(body: &Value, prompt: &str) -> Option<Value> {
    let last = body.get("contents").and_then(Value::as_array)?.last()?;
    let mut parts = last
        .get("parts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let config = body.pointer("/toolConfig/functionCallingConfig");
    let none = config.is_some_and(|c| c.get("mode").is_some_and(|mode| mode == "NONE"));
    if none || parts.any(|part| part.get("functionResponse").is_some()) {
        return None;
    }
    let named = config.and_then(|c| c.pointer("/allowedFunctionNames/0"));
    let tools = body.get("tools").and_then(Value::as_array)?.iter();
    let mut all = tools
        .filter_map(|tool| tool.get("functionDeclarations")?.as_array())
        .flatten();
    let function = all.find(|f| named.is_none_or(|n| f.get("name") == Some(n)))?;
    // the API takes names of fields in both forms, and Google's own SDKs mix them
    let schema = [
        "parametersJsonSchema",
        "parameters_json_schema",
        "parameters",
    ];
    let schema = schema.iter().find_map(|name| function.get(*name));
    let properties = schema
        .and_then(|s| s.get("properties"))
        .and_then(Value::as_object);
    let mut args = Map::new();
    for (name, property) in properties.into_iter().flatten() {
        let kind = property
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let value = match kind.to_ascii_lowercase().as_str() {
            "number" | "integer" => json!(7),
            "boolean" => json!(true),
            "array" => json!([]),
            "object" => json!({}),
            _ => json!(prompt.chars().take(40).collect::<String>()),
        };
        args.insert(name.clone(), value);
    }
    Some(json!({ "name": function.get("name")?, "args": args }))
}
