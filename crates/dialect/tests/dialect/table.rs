//! What the table says is what happens: each row that drops or refuses is tried.

use modelgate_dialect::Caller;
use modelgate_dialect::convert;
use modelgate_dialect::hub::features::{Fate, special};
use serde_json::{Value, json};

use super::{small, target, ways};

/// What uses a field, merged into a small request.
fn using(from: Caller, field: &str) -> Value {
    let says = if from == Caller::Responses {
        "input"
    } else {
        "messages"
    };
    let part = |part: Value| json!({ says: [{ "role": "user", "content": [part] }] });
    let item = |item: Value| json!({ "input": [item] });
    let source = |kind: &str, source: Value| part(json!({ "type": kind, "source": source }));
    match (from, field) {
        (Caller::Gemini, name) => of_gemini(name),
        (_, "parallel_tool_calls") => json!({ "parallel_tool_calls": false }),
        (_, "tool_choice.disable_parallel_tool_use") => {
            json!({ "tool_choice": { "type": "auto", "disable_parallel_tool_use": true } })
        }
        (Caller::Chat, "stop") => json!({ "stop": ["x"] }),
        (Caller::Messages, "stop_sequences") => json!({ "stop_sequences": ["x"] }),
        (_, "user") => json!({ "user": "ann" }),
        (_, "metadata.user_id") => json!({ "metadata": { "user_id": "ann" } }),
        (Caller::Chat, "tools.function.strict") => json!({ "tools": [
            { "type": "function", "function": { "name": "f", "strict": true } } ] }),
        (Caller::Messages, "tools.strict") => json!({ "tools": [{ "name": "f", "strict": true }] }),
        (Caller::Responses, "tools.strict") => json!({ "tools": [
            { "type": "function", "name": "f", "strict": true } ] }),
        (Caller::Chat, "messages.tool_calls.extra_content") => json!({ "messages": [
            { "role": "user", "content": "x" },
            { "role": "assistant", "tool_calls": [{ "id": "c", "type": "function",
                "function": { "name": "f", "arguments": "{}" },
                "extra_content": { "google": { "thought_signature": "s" } } }] } ] }),
        (_, "top_k") => json!({ "top_k": 3 }),
        (_, "service_tier") => json!({ "service_tier": "priority" }),
        (_, "cache_control") => part(json!({ "type": "text", "text": "x", "cache_control": {} })),
        (
            Caller::Chat,
            "logit_bias" | "metadata" | "prediction" | "audio" | "web_search_options",
        ) => {
            json!({ field: { "a": 1 } })
        }
        (Caller::Chat, "logprobs" | "store") => json!({ field: true }),
        (Caller::Chat, "functions") => json!({ field: [{ "name": "f" }] }),
        (Caller::Chat, "modalities") => json!({ field: ["text", "audio"] }),
        (Caller::Chat, "safety_identifier") => json!({ field: "x", "user": "y" }),
        (Caller::Chat, "n") => json!({ "n": 2 }),
        (Caller::Chat, "response_format.json_object") => {
            json!({ "response_format": { "type": "json_object" } })
        }
        (Caller::Chat, "tools.custom") => json!({ "tools": [{ "type": "custom", "custom": {} }] }),
        (Caller::Chat, "tool_choice.allowed_tools") => {
            json!({ "tool_choice": { "type": "allowed_tools" } })
        }
        (Caller::Chat, "messages.name") => {
            json!({ "messages": [{ "role": "user", "content": "x", "name": "ann" }] })
        }
        (Caller::Chat, "messages.reasoning_content") => json!({ "messages": [
            { "role": "user", "content": "x" },
            { "role": "assistant", "content": "y", "reasoning_content": "z" } ] }),
        (Caller::Chat, "messages.audio") => json!({ "messages": [
            { "role": "assistant", "content": "y", "audio": { "id": "z" } } ] }),
        (Caller::Chat, "messages.content.input_audio") => {
            part(json!({ "type": "input_audio", "input_audio": {} }))
        }
        (Caller::Chat, "messages.content.file.file_id") => {
            part(json!({ "type": "file", "file": { "file_id": "f" } }))
        }
        (Caller::Chat, "messages.content.image_url.detail") => part(
            json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==", "detail": "low" } }),
        ),
        (Caller::Messages, "container" | "mcp_servers" | "context_management") => {
            json!({ field: { "a": 1 } })
        }
        (Caller::Messages, "messages.content.source.file_id") => {
            source("image", json!({ "type": "file", "file_id": "f" }))
        }
        (Caller::Messages, "messages.content.source.url (documents)") => {
            source("document", json!({ "type": "url", "url": "https://a/b" }))
        }
        (Caller::Messages, "messages.content.citations") => part(json!({ "type": "document",
            "source": { "type": "text", "data": "x" }, "citations": { "enabled": true } })),
        (Caller::Messages, "messages.content.context") => part(json!({ "type": "document",
            "source": { "type": "text", "data": "x" }, "context": "y" })),
        (Caller::Messages, "messages.content.type") => part(json!({ "type": "search_result" })),
        (Caller::Messages, "tools.type") => {
            json!({ "tools": [{ "type": "bash_20250124", "name": "b" }] })
        }
        (Caller::Messages, "output_config.task_budget") => {
            json!({ "output_config": { "task_budget": { "total": 1 } } })
        }
        (Caller::Responses, "metadata" | "prompt" | "conversation" | "client_metadata") => {
            json!({ field: { "a": 1 } })
        }
        (Caller::Responses, "background") => json!({ field: true }),
        (Caller::Responses, "safety_identifier") => json!({ field: "x", "user": "y" }),
        (Caller::Responses, "tools.hosted") => json!({ "tools": [{ "type": "web_search" }] }),
        (Caller::Responses, "tools.local_shell, shell, apply_patch, computer") => {
            json!({ "tools": [{ "type": "local_shell" }] })
        }
        (Caller::Responses, "tools.format") => json!({ "tools": [
            { "type": "custom", "name": "p", "format": { "type": "grammar" } } ] }),
        (Caller::Responses, "text.verbosity") => json!({ "text": { "verbosity": "low" } }),
        (Caller::Responses, "text.format.json_object") => {
            json!({ "text": { "format": { "type": "json_object" } } })
        }
        (Caller::Responses, "tool_choice.allowed_tools") => {
            json!({ "tool_choice": { "type": "allowed_tools" } })
        }
        (Caller::Responses, "input.type") => item(json!({ "type": "item_reference" })),
        (Caller::Responses, "input.hosted") => {
            json!({ "input": [{ "role": "user", "content": "x" },
            { "type": "web_search_call", "id": "ws_1" }] })
        }
        (Caller::Responses, "input.compaction") => json!({ "input": [
            { "type": "compaction", "encrypted_content": "x" }, { "role": "user", "content": "x" }] }),
        (Caller::Responses, "input.reasoning.encrypted_content") => {
            json!({ "input": [{ "role": "user", "content": "x" },
                { "type": "reasoning", "summary": [], "encrypted_content": "x" }] })
        }
        (Caller::Responses, "input.reasoning.summary") => {
            json!({ "input": [{ "role": "user", "content": "x" },
                { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "x" }] }] })
        }
        (Caller::Responses, "input.content.file_id") => {
            part(json!({ "type": "input_image", "file_id": "f" }))
        }
        (Caller::Responses, "input.content.file_url") => {
            part(json!({ "type": "input_file", "file_url": "https://a/b" }))
        }
        (Caller::Responses, "input.content.detail") => part(
            json!({ "type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low" }),
        ),
        (Caller::Chat, "tool_choice.required") => json!({ "tool_choice": "required", "tools": [
            { "type": "function", "function": { "name": "f" } } ] }),
        (Caller::Messages, "tool_choice.any") => {
            json!({ "tool_choice": { "type": "any" }, "tools": [{ "name": "f" }] })
        }
        (Caller::Responses, "tool_choice.required") => {
            json!({ "tool_choice": "required", "tools": [
            { "type": "function", "name": "f" } ] })
        }
        (Caller::Chat, "messages.content.image_url.url (no data URL)") => {
            part(json!({ "type": "image_url", "image_url": { "url": "https://a/b" } }))
        }
        (Caller::Messages, "messages.content.source.url (pictures)") => {
            source("image", json!({ "type": "url", "url": "https://a/b" }))
        }
        (Caller::Responses, "input.content.image_url (no data URL)") => {
            part(json!({ "type": "input_image", "image_url": "https://a/b" }))
        }
        (Caller::Chat, "messages.content.file.file_data (PDF)") => {
            let data = "data:application/pdf;base64,AA==";
            part(json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": data } }))
        }
        (Caller::Messages, "messages.content.source (PDF)") => {
            let pdf = json!({ "type": "base64", "media_type": "application/pdf", "data": "AA==" });
            source("document", pdf)
        }
        (Caller::Responses, "input.content.file_data (PDF)") => {
            let data = "data:application/pdf;base64,AA==";
            part(json!({ "type": "input_file", "filename": "a.pdf", "file_data": data }))
        }
        _ => json!({ field: "something" }),
    }
}

fn of_gemini(name: &str) -> Value {
    let part = |part: Value| json!({ "contents": [{ "role": "user", "parts": [part] }] });
    let told = |part: Value| {
        json!({ "contents": [{ "role": "user", "parts": [{ "text": "x" }] },
            { "role": "model", "parts": [{ "text": "y" }, part] }] })
    };
    if let Some(name) = name.strip_prefix("generationConfig.") {
        let value = match name {
            "topK" | "seed" | "candidateCount" | "logprobs" => json!(3),
            "stopSequences" => json!(["x"]),
            "responseModalities" => json!(["TEXT", "AUDIO"]),
            "responseMimeType" => json!("application/json"),
            "frequencyPenalty" | "presencePenalty" => json!(0.5),
            "speechConfig" | "imageConfig" | "routingConfig" => json!({ "a": 1 }),
            "responseLogprobs" => json!(true),
            _ => json!("something"),
        };
        return json!({ "generationConfig": { name: value } });
    }
    match name {
        "toolConfig.functionCallingConfig.mode.ANY" => json!({
            "tools": [{ "functionDeclarations": [{ "name": "f" }] }],
            "toolConfig": { "functionCallingConfig": { "mode": "ANY" } } }),
        "contents.parts.fileData (pictures)" => {
            part(json!({ "fileData": { "mimeType": "image/png", "fileUri": "https://a/b.png" } }))
        }
        "contents.parts.inlineData (documents)" => {
            part(json!({ "inlineData": { "mimeType": "application/pdf", "data": "AA==" } }))
        }
        "safetySettings" => json!({ name: [{ "category": "c", "threshold": "t" }] }),
        "labels" => json!({ name: { "a": "b" } }),
        "contents.parts.thought" => told(json!({ "text": "z", "thought": true })),
        "contents.parts.thoughtSignature" => told(json!({ "text": "z", "thoughtSignature": "s" })),
        "contents.parts.inlineData (sound, video)" => {
            part(json!({ "inlineData": { "mimeType": "audio/wav", "data": "AA==" } }))
        }
        "contents.parts.fileData.fileUri (at Google)" => {
            part(json!({ "fileData": { "mimeType": "image/png", "fileUri": "gs://a/b" } }))
        }
        "contents.parts.fileData (documents)" => {
            part(json!({ "fileData": { "mimeType": "application/pdf", "fileUri": "https://a/b" } }))
        }
        "contents.parts (executableCode, codeExecutionResult)" => {
            part(json!({ "executableCode": { "code": "1" } }))
        }
        "toolConfig.functionCallingConfig.allowedFunctionNames" => json!({
            "tools": [{ "functionDeclarations": [{ "name": "a" }, { "name": "b" }, { "name": "c" }] }],
            "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["a", "b"] } } }),
        "tools (all but functionDeclarations)" => json!({ "tools": [{ "googleSearch": {} }] }),
        _ => json!({ name: "something" }),
    }
}

#[test]
fn every_row_that_drops_or_refuses_does() {
    let mut tried = 0;
    for (from, to) in ways() {
        for feature in special() {
            let (name, fate) = (feature.of(from), feature.into(to));
            if name.is_empty() || matches!(fate, Fate::Kept | Fate::Changed(_)) {
                continue;
            }
            let mut body = json!({ "model": "m" });
            let (says, said) = small(from);
            body[says] = said;
            let using = using(from, name);
            for (field, value) in using.as_object().unwrap() {
                body[field] = value.clone();
            }
            let done = convert::request(body.to_string().as_bytes(), &target((from, to), "m"));
            tried += 1;
            match (fate, done) {
                (Fate::Dropped, Ok((_, back))) => {
                    let dropped = back.dropped().unwrap_or_default();
                    // what stands in for the user is read only where there is none
                    let dropped = dropped.replace("safety_identifier, user", "safety_identifier");
                    assert_eq!(dropped, name, "{body}");
                }
                (Fate::Refused, Err(refusal)) => {
                    assert_eq!(refusal.code, "unsupported_parameter", "{name}");
                    let mut shown = refusal.field;
                    for index in ["[0]", "[1]"] {
                        shown = shown.replace(index, "");
                    }
                    let top = name.split(['.', ' ', ',']).next().unwrap();
                    assert!(shown.starts_with(top), "{name}: {shown}");
                }
                (fate, done) => panic!("{name} is {fate:?}, and {done:?}"),
            }
        }
    }
    assert!(tried > 60, "{tried}");
}
