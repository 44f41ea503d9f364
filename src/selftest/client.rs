//! One call as a client of some dialect makes it, and what came back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use modelgate_dialect::convert::{self, Back, Target};
use modelgate_dialect::openai::answer::error_message;
use modelgate_dialect::reader::Reader;
use modelgate_dialect::stream::Stream;
use modelgate_dialect::{Caller, Dialect};
use modelgate_domain::RequestId;
use reqwest::header::{CONTENT_TYPE, HeaderMap, USER_AGENT};
use serde_json::{Value, json};

use super::cases::Case;
use super::heard::{self, Heard};
use super::{AGENT, Gate};
use crate::upstream::scrub;

/// An answer that is not there by then will not come.
const PATIENCE: Duration = Duration::from_mins(2);
/// No answer is read further.
const MOST: usize = 4 * 1024 * 1024;
/// So many characters of what was sent and received are kept.
const SHOWN: usize = 4_000;
/// So many of one text in what was sent.
const SHOWN_TEXT: usize = 300;
/// The most tokens of an answer, for dialects in which a client must say so.
const ENOUGH: i64 = 2_048;

/// What came back.
pub(super) struct Answer {
    pub(super) heard: Result<Heard, String>,
    pub(super) status: u16,
    pub(super) id: Option<RequestId>,
    /// The fields that the gateway left out.
    pub(super) dropped: String,
    pub(super) sent: String,
    pub(super) received: String,
}

/// A request in the client's dialect.
struct Asked {
    path: String,
    body: Vec<u8>,
    stream: bool,
    /// The way back to chat completions; absent for a client of those.
    back: Option<Back>,
}

/// Makes the call of a case.
pub(super) async fn ask(gate: &Gate, case: &Case, client: Caller, model: &str) -> Answer {
    let body = (case.body)();
    let mut answer = Answer {
        heard: Err("nothing was sent".to_owned()),
        status: 0,
        id: None,
        dropped: String::new(),
        sent: String::new(),
        received: String::new(),
    };
    let mut asked = match asked(client, model, body) {
        Ok(asked) => asked,
        Err(why) => {
            answer.heard = Err(why);
            return answer;
        }
    };
    call(gate, case, client, &asked, &mut answer).await;
    if client == Caller::Chat && wants_other_limit(&answer) {
        // newer models of some vendors take the limit under another name only, and say so
        if rename_limit(&mut asked.body) {
            call(gate, case, client, &asked, &mut answer).await;
        }
    }
    answer
}

fn asked(client: Caller, model: &str, mut body: Value) -> Result<Asked, String> {
    body["model"] = json!(model);
    let stream = body["stream"].as_bool().unwrap_or(false);
    let chat = body.to_string().into_bytes();
    let to = client.native().unwrap_or(Dialect::Chat);
    let path = to.path(model, stream);
    // a client's base URL ends in the version where its dialect's own paths do not begin with it
    let path = if path.starts_with("/v1") {
        path.into_owned()
    } else {
        format!("/v1{path}")
    };
    if to == Dialect::Chat {
        let back = None;
        return Ok(Asked {
            path,
            body: chat,
            stream,
            back,
        });
    }
    let target = Target {
        from: Caller::Chat,
        to,
        model,
        asked: model,
        stream,
        max_output: Some(ENOUGH),
        deployed: false,
        now_s: 0,
    };
    let (body, back) = convert::request(&chat, &target).map_err(|refusal| refusal.message)?;
    Ok(Asked {
        path,
        body,
        stream,
        back: Some(back),
    })
}

fn wants_other_limit(answer: &Answer) -> bool {
    answer.status == 400 && answer.received.contains("max_completion_tokens")
}

fn rename_limit(body: &mut Vec<u8>) -> bool {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return false;
    };
    let Some(limit) = fields.remove("max_tokens") else {
        return false;
    };
    fields.insert("max_completion_tokens".to_owned(), limit);
    *body = Value::Object(fields).to_string().into_bytes();
    true
}

async fn call(gate: &Gate, case: &Case, client: Caller, asked: &Asked, answer: &mut Answer) {
    answer.sent = shown(&asked.body);
    let mut request = gate
        .http
        .post(format!("{}{}", gate.url, asked.path))
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .bearer_auth(gate.key.expose())
        .timeout(PATIENCE);
    if client == Caller::Messages {
        request = request.header("anthropic-version", "2023-06-01");
    }
    let response = match request.body(asked.body.clone()).send().await {
        Ok(response) => response,
        Err(error) => {
            answer.heard = Err(format!("no answer: {}", error.without_url()));
            return;
        }
    };
    answer.status = response.status().as_u16();
    answer.id = told(response.headers(), "x-request-id").parse().ok();
    answer.dropped = told(response.headers(), "x-modelgate-dropped");
    let body = read(response, case.leaves).await;
    let (body, problem) = match body {
        Ok(body) => (body, None),
        Err((body, why)) => (body, Some(why)),
    };
    let text = String::from_utf8_lossy(&body).replace(gate.key.expose(), "sk-…");
    answer.received = scrub::bounded(&text, SHOWN);
    answer.heard = match problem {
        Some(why) => Err(why),
        None if answer.status != 200 => Err(refused(answer.status, &body)),
        None if case.leaves => Ok(Heard::default()),
        None => understood(asked, &body),
    };
}

fn told(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn refused(status: u16, body: &[u8]) -> String {
    let said = error_message(body).unwrap_or_default();
    format!("status {status}: {}", scrub::plain(&said))
}

/// The body; of a client who leaves, what there was until the first event. An error has what came before it.
async fn read(response: reqwest::Response, leaves: bool) -> Result<Vec<u8>, (Vec<u8>, String)> {
    let leaves = leaves && response.status().is_success();
    let mut body = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        match part {
            Ok(part) if body.len().saturating_add(part.len()) > MOST => {
                return Err((body, "the answer is too long".to_owned()));
            }
            Ok(part) => body.extend_from_slice(&part),
            Err(error) => {
                return Err((
                    body,
                    format!("the answer broke off: {}", error.without_url()),
                ));
            }
        }
        if leaves && body.windows(5).any(|at| at == b"data:") {
            return Ok(body);
        }
    }
    Ok(body)
}

/// What the answer says, read as a client of its dialect.
fn understood(asked: &Asked, body: &[u8]) -> Result<Heard, String> {
    match (&asked.back, asked.stream) {
        (None, false) => heard::whole(body),
        (None, true) => heard::stream(body),
        (Some(back), false) => {
            let chat = back.answer(body).map_err(|error| error.to_string())?;
            heard::whole(&chat)
        }
        (Some(back), true) => {
            let mut stream = Stream::converting(Arc::new(Reader::default()), back.clone());
            let pushed = stream.push(Bytes::copy_from_slice(body));
            let mut chat = pushed.map_err(|error| error.to_string())?.to_vec();
            if let Some(error) = stream.vendor_error() {
                return Err(format!("an error in the stream: {error}"));
            }
            if stream.is_unreadable() {
                return Err("an event of the stream cannot be read".to_owned());
            }
            if !stream.is_complete() {
                return Err("the stream ended before the answer was complete".to_owned());
            }
            chat.extend_from_slice(&stream.end());
            heard::stream(&chat)
        }
    }
}

/// A body with its long texts cut.
fn shown(body: &[u8]) -> String {
    let Ok(mut json) = serde_json::from_slice::<Value>(body) else {
        return String::new();
    };
    shorten(&mut json);
    scrub::bounded(&json.to_string(), SHOWN)
}

fn shorten(json: &mut Value) {
    match json {
        Value::String(text) if text.chars().count() > SHOWN_TEXT => {
            let length = text.chars().count();
            *text = format!(
                "{}… ({length} characters)",
                scrub::bounded(text, SHOWN_TEXT / 3)
            );
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::CASES;
    use super::*;

    #[test]
    fn every_case_can_be_asked_in_every_dialect() {
        for case in &CASES {
            for client in Caller::ALL {
                let asked = asked(client, "acme/gpt-x", (case.body)()).unwrap();
                assert!(asked.path.starts_with("/v1"), "{}", asked.path);
                let text = shown(&asked.body);
                assert!(text.chars().count() <= SHOWN + 1 && text.starts_with('{'));
            }
        }
    }

    #[test]
    fn a_limit_goes_under_another_name_where_the_vendor_says_so() {
        let mut body = br#"{"max_tokens":16}"#.to_vec();
        assert!(rename_limit(&mut body));
        assert_eq!(body, br#"{"max_completion_tokens":16}"#);
        assert!(!rename_limit(&mut body) && !rename_limit(&mut b"x".to_vec()));
    }

    #[test]
    fn long_texts_are_cut_and_say_how_long_they_were() {
        let long = "x".repeat(1_000);
        let body = json!({ "a": [{ "b": long }], "c": "short" }).to_string();
        let text = shown(body.as_bytes());
        assert!(text.contains("(1000 characters)") && text.contains("\"short\""));
        assert!(text.len() < 400, "{text}");
    }
}
