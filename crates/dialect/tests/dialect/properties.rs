//! What holds for everything that may come.

use modelgate_dialect::convert;
use modelgate_dialect::{Caller, Dialect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::goldens::{back, streams, through};
use super::{target, trials, ways};

fn pieces<'t>(text: &'t [u8], cuts: &[usize]) -> Vec<&'t [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(text.len());
    let mut from = 0;
    let piece = |cut| {
        let piece = &text[from..cut];
        from = cut;
        piece
    };
    cuts.into_iter().map(piece).collect()
}

/// Every byte of every stream in a piece of its own.
#[test]
fn single_bytes_yield_the_same() {
    for way in ways() {
        for text in streams(way.1) {
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            let (whole, seen) = through(way, &[text.as_bytes()]);
            let (split, same) = through(way, &bytes);
            assert_eq!(whole, split);
            assert_eq!(seen.findings(), same.findings());
        }
    }
}

/// There and back again, a conversation that both dialects can say is the same one.
#[test]
fn what_both_can_say_survives_both_ways() {
    let body = json!({
        "model": "m", "max_tokens": 100, "stream": true, "temperature": 0.25, "stop_sequences": ["a", "b"],
        "system": "be kind", "metadata": { "user_id": "u" },
        "messages": [
            { "role": "user", "content": [
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } },
                { "type": "text", "text": "x" } ] },
            { "role": "assistant", "content": [
                { "type": "text", "text": "y" },
                { "type": "tool_use", "id": "t1", "name": "f", "input": { "z": 1, "a": [1.50, "é"] } },
                { "type": "tool_use", "id": "t2", "name": "f", "input": {} } ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": "r" },
                { "type": "tool_result", "tool_use_id": "t2", "content": "s" },
                { "type": "text", "text": "go on" } ] } ],
        "tools": [{ "name": "f", "description": "d", "input_schema": { "type": "object", "properties": { "z": {}, "a": {} } } }],
        "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
    });
    let there = convert::request(
        body.to_string().as_bytes(),
        &target((Caller::Messages, Dialect::Chat), "m"),
    );
    let (there, first) = there.unwrap();
    let (again, second) =
        convert::request(&there, &target((Caller::Chat, Dialect::Messages), "m")).unwrap();
    assert_eq!((first.dropped(), second.dropped()), (None, None));
    let again: Value = serde_json::from_slice(&again).unwrap();
    assert_eq!(again, body);
}

/// Schemas and arguments are the caller's: their fields stay in the order that models were told them in.
#[test]
fn schemas_and_arguments_keep_their_order_and_their_numbers() {
    let schema = r#"{"type": "object", "properties": {"zone": {"maximum": 1.10}, "city": {}}}"#;
    let input = r#"{"zone": 12345678901234567890123, "city": 1.50}"#;
    let body = format!(
        r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}},{{"role":"assistant","content":[
        {{"type":"tool_use","id":"t","name":"f","input":{input}}}]}}],"tools":[{{"name":"f","input_schema":{schema}}}]}}"#
    );
    let there = convert::request(
        body.as_bytes(),
        &target((Caller::Messages, Dialect::Chat), "m"),
    )
    .unwrap()
    .0;
    let text = String::from_utf8(there.clone()).unwrap();
    assert!(text.contains(schema), "{text}");
    let again = convert::request(&there, &target((Caller::Chat, Dialect::Messages), "m"))
        .unwrap()
        .0;
    let text = String::from_utf8(again).unwrap();
    assert!(text.contains(schema) && text.contains(input), "{text}");
}

/// Every way on which the dialect changes.
fn way() -> impl Strategy<Value = (Caller, Dialect)> {
    prop::sample::select(ways().collect::<Vec<_>>())
}

/// JSON that is near enough to what dialects say to get far, with nonsense in every place.
fn nonsense() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "user",
            "assistant",
            "tool",
            "system",
            "text",
            "image",
            "tool_use",
            "tool_result",
            "thinking",
            "function",
            "image_url",
            "base64",
            "url",
            "file",
            "document",
            "model",
            "OBJECT",
            "json_schema",
            "enabled",
            "auto",
            "é\u{0}\"",
            "data:image/png;base64,AA==",
            "{\"a\":1}",
            "{",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let name = prop::sample::select(vec![
            "role",
            "content",
            "type",
            "text",
            "messages",
            "tool_calls",
            "function",
            "name",
            "arguments",
            "id",
            "input",
            "source",
            "media_type",
            "data",
            "url",
            "image_url",
            "tool_use_id",
            "tool_call_id",
            "tools",
            "tool_choice",
            "thinking",
            "system",
            "response_format",
            "json_schema",
            "schema",
            "parameters",
            "input_schema",
            "file",
            "choices",
            "delta",
            "message",
            "usage",
            "index",
            "finish_reason",
            "content_block",
            "stop_reason",
            "parts",
            "thought",
            "thoughtSignature",
            "functionCall",
            "functionResponse",
            "inlineData",
            "mimeType",
            "args",
            "response",
            "functionDeclarations",
            "candidates",
            "finishReason",
            "usageMetadata",
            "generationConfig",
            "odd",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name, inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// What the fuzz targets call.
const TRIALS: [fn(&[u8]); 5] = [
    trials::request,
    trials::answer,
    trials::events,
    trials::peek,
    trials::error,
];

proptest! {
    #[test]
    fn any_split_yields_the_same(
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        way in way(),
        which in any::<prop::sample::Index>(),
    ) {
        let all = streams(way.1);
        let text = all[which.index(all.len())].replace('\n', ending);
        let (whole, seen) = through(way, &[text.as_bytes()]);
        let (split, same) = through(way, &pieces(text.as_bytes(), &cuts));
        prop_assert_eq!(whole, split);
        prop_assert_eq!(seen.findings(), same.findings());
        prop_assert_eq!(seen.is_complete(), same.is_complete());
    }

    #[test]
    fn no_request_makes_it_panic_and_what_comes_out_is_json(
        messages in nonsense(), tools in nonsense(), rest in nonsense(), way in way(),
    ) {
        let mut body = json!({ "model": "m", "messages": messages, "input": messages, "contents": messages, "tools": tools });
        for (name, value) in rest.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        if let Ok((out, _)) = convert::request(body.to_string().as_bytes(), &target(way, "m")) {
            let out: Value = serde_json::from_slice(&out).unwrap();
            prop_assert!(["messages", "contents", "input"].iter().any(|says| out[says].is_array()));
        }
    }

    #[test]
    fn no_answer_makes_it_panic(body in nonsense(), way in way()) {
        if let Ok(out) = back(way).answer(body.to_string().as_bytes()) {
            prop_assert!(serde_json::from_slice::<Value>(&out).is_ok());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for trial in TRIALS {
            trial(&body);
        }
    }

    #[test]
    fn no_json_makes_it_panic(body in nonsense()) {
        for trial in TRIALS {
            trial(body.to_string().as_bytes());
        }
    }

    #[test]
    fn no_events_make_it_panic(size in any::<u8>(), events in prop::collection::vec(nonsense(), 0..8)) {
        let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let mut data = vec![size];
        data.extend(text.bytes());
        trials::events(&data);
    }

    #[test]
    fn events_are_whole_whatever_the_vendor_says(
        events in prop::collection::vec(nonsense(), 0..8), way in way(),
    ) {
        let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let (out, _) = through(way, &[text.as_bytes()]);
        for event in out.split_terminator("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            prop_assert!(data == "[DONE]" || serde_json::from_str::<Value>(data).is_ok(), "{data}");
        }
    }

    #[test]
    fn calls_keep_their_indices_however_they_come(
        order in prop::collection::vec((0_usize..4, 0_usize..3), 1..40),
    ) {
        // pieces of calls, text and thoughts in any order; each call's arguments are `[[[…` so that none is ever whole
        let mut said: Vec<String> = vec![String::new(); 4];
        let mut text = String::new();
        let event = |delta: Value| format!("data: {}\n\n", json!({ "id": "1", "choices": [{ "index": 0, "delta": delta }] }));
        for (call, kind) in order {
            let delta = match kind {
                0 => json!({ "content": "t" }),
                1 => json!({ "reasoning_content": "r" }),
                _ => {
                    let piece = format!("[{call}");
                    said[call].push_str(&piece);
                    json!({ "tool_calls": [{ "index": call, "id": format!("id{call}"),
                        "function": { "name": format!("f{call}"), "arguments": piece } }] })
                }
            };
            text.push_str(&event(delta));
        }
        text.push_str("data: [DONE]\n\n");
        let (out, _) = through((Caller::Messages, Dialect::Chat), &[text.as_bytes()]);
        let mut blocks: Vec<(String, String, bool)> = Vec::new();
        for event in out.split_terminator("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            let index = data["index"].as_u64().map(|i| usize::try_from(i).unwrap());
            match data["type"].as_str().unwrap() {
                "content_block_start" => {
                    prop_assert_eq!(index, Some(blocks.len()));
                    let id = data["content_block"]["id"].as_str().unwrap_or_default();
                    blocks.push((id.to_owned(), String::new(), true));
                }
                "content_block_delta" => {
                    let block = &mut blocks[index.unwrap()];
                    prop_assert!(block.2);
                    block.1.push_str(data["delta"]["partial_json"].as_str().unwrap_or_default());
                }
                "content_block_stop" => {
                    let block = &mut blocks[index.unwrap()];
                    prop_assert!(std::mem::take(&mut block.2));
                }
                _ => {}
            }
        }
        prop_assert!(blocks.iter().all(|block| !block.2));
        for (call, said) in said.iter().enumerate().filter(|(_, said)| !said.is_empty()) {
            let block = blocks.iter().find(|block| block.0 == format!("id{call}"));
            prop_assert_eq!(&block.unwrap().1, said);
        }
    }
}
