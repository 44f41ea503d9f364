//! Golden files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use modelgate_dialect::Dialect;
use modelgate_dialect::convert::{self, Back};
use modelgate_dialect::reader::Reader;
use modelgate_dialect::stream::Stream;
use serde_json::{Value, json};

use super::{other, target};

fn folder(kind: &str, dialect: Dialect) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialect");
    root.join(kind).join(dialect.protocol())
}

/// The cases of a folder, by name, with their text.
fn cases(kind: &str, dialect: Dialect, ending: &str) -> Vec<(PathBuf, String)> {
    let listed = fs::read_dir(folder(kind, dialect)).unwrap();
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

fn check(case: &Path, to: Dialect, ending: &str, found: &str) {
    let file = case.with_extension(format!("{}{ending}", to.protocol()));
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
    for from in Dialect::ALL {
        for (path, body) in cases("requests", from, ".json") {
            let model: Value = serde_json::from_str(&body).unwrap();
            let target = target(from, model["model"].as_str().unwrap());
            let found = match convert::request(body.as_bytes(), &target) {
                Ok((body, back)) => {
                    let body: Value = serde_json::from_slice(&body).unwrap();
                    json!({ "dropped": back.dropped(), "body": body })
                }
                Err(refusal) => json!({ "refused": {
                    "field": refusal.field, "code": refusal.code, "message": refusal.message,
                } }),
            };
            check(&path, other(from), ".json", &pretty(&found));
        }
    }
}

/// The way back of a request whose caller speaks the other dialect and wants to know the usage.
pub(super) fn back(vendor: Dialect) -> Back {
    let body = json!({ "model": "m", "max_tokens": 1, "messages": [{ "role": "user", "content": "x" }],
        "stream_options": { "include_usage": true } });
    let target = target(other(vendor), "m");
    convert::request(body.to_string().as_bytes(), &target)
        .unwrap()
        .1
}

#[test]
fn answers() {
    for vendor in Dialect::ALL {
        for (path, body) in cases("answers", vendor, ".json") {
            let found = match back(vendor).answer(body.as_bytes()) {
                Ok(body) => serde_json::from_slice(&body).unwrap(),
                Err(error) => json!({ "unreadable": error.to_string() }),
            };
            check(&path, other(vendor), ".json", &pretty(&found));
        }
    }
}

/// A vendor's stream in the other dialect, in one piece or in several.
pub(super) fn through(vendor: Dialect, pieces: &[&[u8]]) -> (String, Stream) {
    let mut stream = Stream::converting(Arc::new(Reader::default()), back(vendor));
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(stream.push(Bytes::copy_from_slice(piece)).unwrap());
    }
    if stream.is_complete() {
        out.extend(stream.end());
    }
    (String::from_utf8(out).unwrap(), stream)
}

/// The streams of a vendor.
pub(super) fn streams(vendor: Dialect) -> Vec<String> {
    let cases = cases("streams", vendor, ".sse");
    cases.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn events() {
    for vendor in Dialect::ALL {
        for (path, text) in cases("streams", vendor, ".sse") {
            let (found, stream) = through(vendor, &[text.as_bytes()]);
            assert!(stream.is_complete(), "{}", path.display());
            check(&path, other(vendor), ".sse", &found);
        }
    }
}
