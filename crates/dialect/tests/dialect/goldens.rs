//! Golden files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use modelgate_dialect::convert::{self, Back};
use modelgate_dialect::reader::Reader;
use modelgate_dialect::stream::Stream;
use modelgate_dialect::{Caller, Dialect};
use serde_json::{Value, json};

use super::{small, target, ways};

/// The cases of a folder, by name, with their text.
fn cases(kind: &str, of: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialect");
    let listed = fs::read_dir(root.join(kind).join(of)).unwrap();
    let mut cases: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(ending) && name.matches('.').count() == 1
    });
    cases.sort();
    assert!(!cases.is_empty());
    let text = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    cases.into_iter().map(text).collect()
}

fn check(case: &Path, to: &str, ending: &str, found: &str) {
    let file = case.with_extension(format!("{to}{ending}"));
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(&file, found).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, expected, "{}", file.display());
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap();
    text.push('\n');
    text
}

#[test]
fn requests() {
    for (from, to) in ways() {
        for (path, body) in cases("requests", from.name(), ".json") {
            let model: Value = serde_json::from_str(&body).unwrap();
            let target = target((from, to), model["model"].as_str().unwrap());
            let found = match convert::request(body.as_bytes(), &target) {
                Ok((body, back)) => {
                    let body: Value = serde_json::from_slice(&body).unwrap();
                    json!({ "dropped": back.dropped(), "body": body })
                }
                Err(refusal) => json!({ "refused": {
                    "field": refusal.field, "code": refusal.code, "message": refusal.message,
                } }),
            };
            check(&path, to.protocol(), ".json", &pretty(&found));
        }
    }
}

/// The way back of a request whose caller wants to know the usage.
pub(super) fn back(way: (Caller, Dialect)) -> Back {
    let body = json!({ "model": "m", "stream_options": { "include_usage": true } });
    let mut body = body;
    let (says, said) = small(way.0);
    body[says] = said;
    if way.0 == Caller::Responses {
        body["tools"] = json!([{ "type": "custom", "name": "patch" }]);
    }
    if way.0 == Caller::Gemini {
        body["generationConfig"] = json!({ "thinkingConfig": { "includeThoughts": true } });
    }
    let target = target(way, "m");
    convert::request(body.to_string().as_bytes(), &target)
        .unwrap()
        .1
}

#[test]
fn answers() {
    for (caller, vendor) in ways() {
        for (path, body) in cases("answers", vendor.protocol(), ".json") {
            let found = match back((caller, vendor)).answer(body.as_bytes()) {
                Ok(body) => serde_json::from_slice(&body).unwrap(),
                Err(error) => json!({ "unreadable": error.to_string() }),
            };
            check(&path, caller.name(), ".json", &pretty(&found));
        }
    }
}

#[test]
fn a_call_of_a_tool_in_a_namespace_comes_back_with_it() {
    let body = json!({ "model": "m", "input": "x", "tools": [
        { "type": "namespace", "name": "mcp__a", "tools": [
            { "type": "function", "name": "go", "parameters": {} }, { "type": "custom", "name": "say" } ] },
        { "type": "function", "name": "go", "parameters": {} } ] });
    let way = (Caller::Responses, Dialect::Chat);
    let (sent, back) = convert::request(body.to_string().as_bytes(), &target(way, "m")).unwrap();
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    let tools = sent["tools"].as_array().unwrap().iter();
    let names: Vec<&str> = tools
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["go", "mcp__a__go", "mcp__a__say"]);
    let calls: Vec<Value> = (0..)
        .zip(names)
        .map(|(index, name)| {
            json!({ "index": index, "id": name, "type": "function",
            "function": { "name": name, "arguments": "{\"input\":\"x\"}" } })
        })
        .collect();
    let told = |item: &Value| {
        let part = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", part("type"), part("namespace"), part("name"))
    };
    let expected = [
        "function_call - go",
        "function_call mcp__a go",
        "custom_tool_call mcp__a say",
    ];
    let answer = json!({ "id": "1", "choices": [{ "finish_reason": "tool_calls", "message": { "tool_calls": calls } }] });
    let answer = back.answer(answer.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let found: Vec<String> = answer["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    assert_eq!(found, expected);
    let event = json!({ "id": "1", "choices": [{ "delta": { "tool_calls": calls } }] });
    let end = json!({ "id": "1", "choices": [{ "delta": {}, "finish_reason": "tool_calls" }] });
    let mut stream = Stream::converting(Arc::new(Reader::default()), back);
    let events = format!("data: {event}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    let mut out = stream.push(Bytes::from(events)).unwrap().to_vec();
    out.extend(stream.close());
    out.extend(stream.end());
    let out = String::from_utf8(out).unwrap();
    let events = out.lines().filter_map(|line| line.strip_prefix("data: "));
    let items: Vec<Value> = events
        .filter_map(|event| serde_json::from_str(event).ok())
        .collect();
    for kind in ["response.output_item.added", "response.output_item.done"] {
        let found: Vec<String> = items
            .iter()
            .filter(|e| e["type"] == kind)
            .map(|e| told(&e["item"]))
            .collect();
        assert_eq!(found, expected, "{kind}");
    }
}

/// A vendor's stream in the caller's dialect, in one piece or in several.
pub(super) fn through(way: (Caller, Dialect), pieces: &[&[u8]]) -> (String, Stream) {
    let mut stream = Stream::converting(Arc::new(Reader::default()), back(way));
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(stream.push(Bytes::copy_from_slice(piece)).unwrap());
    }
    out.extend(stream.close());
    if stream.is_complete() {
        out.extend(stream.end());
    }
    (String::from_utf8(out).unwrap(), stream)
}

/// How a file with a vendor's stream ends.
fn ending(vendor: Dialect) -> &'static str {
    if vendor.streams_lines() {
        ".ndjson"
    } else {
        ".sse"
    }
}

/// The streams of a vendor.
pub(super) fn streams(vendor: Dialect) -> Vec<String> {
    let cases = cases("streams", vendor.protocol(), ending(vendor));
    cases.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn events() {
    for (caller, vendor) in ways() {
        for (path, text) in cases("streams", vendor.protocol(), ending(vendor)) {
            let (found, stream) = through((caller, vendor), &[text.as_bytes()]);
            assert!(stream.is_complete(), "{}", path.display());
            check(&path, caller.name(), ".sse", &found);
        }
    }
}
