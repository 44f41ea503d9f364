//! What the table says is what happens: each row that drops or refuses is tried.

use modelgate_dialect::Dialect;
use modelgate_dialect::convert;
use modelgate_dialect::hub::features::{Fate, special};
use serde_json::{Value, json};

use super::{other, target};

/// What uses a field, merged into a small request.
fn using(from: Dialect, field: &str) -> Value {
    let part = |part: Value| json!({ "messages": [{ "role": "user", "content": [part] }] });
    let source = |kind: &str, source: Value| part(json!({ "type": kind, "source": source }));
    match (from, field) {
        (_, "top_k") => json!({ "top_k": 3 }),
        (_, "service_tier") => json!({ "service_tier": "priority" }),
        (_, "cache_control") => part(json!({ "type": "text", "text": "x", "cache_control": {} })),
        (
            Dialect::Chat,
            "logit_bias" | "metadata" | "prediction" | "audio" | "web_search_options",
        ) => {
            json!({ field: { "a": 1 } })
        }
        (Dialect::Chat, "logprobs" | "store") => json!({ field: true }),
        (Dialect::Chat, "functions") => json!({ field: [{ "name": "f" }] }),
        (Dialect::Chat, "modalities") => json!({ field: ["text", "audio"] }),
        (Dialect::Chat, "safety_identifier") => json!({ field: "x", "user": "y" }),
        (Dialect::Chat, "n") => json!({ "n": 2 }),
        (Dialect::Chat, "response_format.json_object") => {
            json!({ "response_format": { "type": "json_object" } })
        }
        (Dialect::Chat, "tools.custom") => json!({ "tools": [{ "type": "custom", "custom": {} }] }),
        (Dialect::Chat, "tool_choice.allowed_tools") => {
            json!({ "tool_choice": { "type": "allowed_tools" } })
        }
        (Dialect::Chat, "messages.name") => {
            json!({ "messages": [{ "role": "user", "content": "x", "name": "ann" }] })
        }
        (Dialect::Chat, "messages.reasoning_content") => json!({ "messages": [
            { "role": "user", "content": "x" },
            { "role": "assistant", "content": "y", "reasoning_content": "z" } ] }),
        (Dialect::Chat, "messages.audio") => json!({ "messages": [
            { "role": "assistant", "content": "y", "audio": { "id": "z" } } ] }),
        (Dialect::Chat, "messages.content.input_audio") => {
            part(json!({ "type": "input_audio", "input_audio": {} }))
        }
        (Dialect::Chat, "messages.content.file.file_id") => {
            part(json!({ "type": "file", "file": { "file_id": "f" } }))
        }
        (Dialect::Chat, "messages.content.image_url.detail") => part(
            json!({ "type": "image_url", "image_url": { "url": "https://a/b", "detail": "low" } }),
        ),
        (Dialect::Messages, "container" | "mcp_servers" | "context_management") => {
            json!({ field: { "a": 1 } })
        }
        (Dialect::Messages, "messages.content.source.file_id") => {
            source("image", json!({ "type": "file", "file_id": "f" }))
        }
        (Dialect::Messages, "messages.content.source.url (documents)") => {
            source("document", json!({ "type": "url", "url": "https://a/b" }))
        }
        (Dialect::Messages, "messages.content.citations") => part(json!({ "type": "document",
            "source": { "type": "text", "data": "x" }, "citations": { "enabled": true } })),
        (Dialect::Messages, "messages.content.context") => part(json!({ "type": "document",
            "source": { "type": "text", "data": "x" }, "context": "y" })),
        (Dialect::Messages, "messages.content.type") => part(json!({ "type": "search_result" })),
        (Dialect::Messages, "tools.type") => {
            json!({ "tools": [{ "type": "bash_20250124", "name": "b" }] })
        }
        (Dialect::Messages, "output_config.task_budget") => {
            json!({ "output_config": { "task_budget": { "total": 1 } } })
        }
        _ => json!({ field: "something" }),
    }
}

#[test]
fn every_row_that_drops_or_refuses_does() {
    let mut tried = 0;
    for from in Dialect::ALL {
        let to = other(from);
        for feature in special() {
            let (name, fate) = (feature.name(from), feature.into(to));
            if name.is_empty() || matches!(fate, Fate::Kept | Fate::Changed(_)) {
                continue;
            }
            let mut body = json!({ "model": "m", "max_tokens": 9,
                "messages": [{ "role": "user", "content": "x" }] });
            let using = using(from, name);
            for (field, value) in using.as_object().unwrap() {
                body[field] = value.clone();
            }
            let done = convert::request(body.to_string().as_bytes(), &target(from, "m"));
            tried += 1;
            match (fate, done) {
                (Fate::Dropped, Ok((_, back))) => {
                    assert_eq!(back.dropped().as_deref(), Some(name), "{body}");
                }
                (Fate::Refused, Err(refusal)) => {
                    assert_eq!(refusal.code, "unsupported_parameter", "{name}");
                    let mut shown = refusal.field;
                    for index in ["[0]", "[1]"] {
                        shown = shown.replace(index, "");
                    }
                    let top = name.split(['.', ' ']).next().unwrap();
                    assert!(shown.starts_with(top), "{name}: {shown}");
                }
                (fate, done) => panic!("{name} is {fate:?}, and {done:?}"),
            }
        }
    }
    assert!(tried > 30, "{tried}");
}
