//! What an answer that came whole says: usage, finish reason, and whether it is an error in disguise.

use modelgate_domain::Usage;
use serde_json::Value;

use super::fault;
use super::usage::{self, Member};
use crate::estimate::Estimate;

/// The longest finish reason that is kept.
const MAX_REASON_BYTES: usize = 32;

/// What was found in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The vendor's own count.
    pub usage: Option<Usage>,
    /// The first choice's finish reason, empty where there is none.
    pub finish_reason: String,
    /// What the generated text weighs, where it was counted.
    pub text: Estimate,
}

/// Reads answers. Built once and kept: the finders inside are prepared for speed.
#[derive(Clone, Debug)]
pub struct Reader {
    usage: Member,
    finish_reason: Member,
    error: Member,
    base_resp: Member,
    choices: Member,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            usage: Member::new("\"usage\""),
            finish_reason: Member::new("\"finish_reason\""),
            error: Member::new("\"error\""),
            base_resp: Member::new("\"base_resp\""),
            choices: Member::new("\"choices\""),
        }
    }
}

impl Reader {
    /// Reads a whole answer, or the end of one that was too large to keep; its text is weighed only where the
    /// vendor did not count.
    pub fn read(&self, body: &[u8]) -> Findings {
        let usage = self.usage.values(body).filter_map(usage::read).last();
        let mut text = Estimate::default();
        if usage.is_none() {
            text.add_answer(body);
        }
        Findings {
            usage,
            finish_reason: self.reason(body).unwrap_or_default(),
            text,
        }
    }

    /// True where an answer, whatever its status says, is an error and nothing else: some vendors send errors with
    /// status 200.
    pub fn is_error(&self, json: &[u8]) -> bool {
        let says = |value: &[u8]| matches!(value.first(), Some(b'{' | b'"'));
        self.error.values(json).any(says) && fault::is_error(json)
    }

    /// The same for vendors that say how it went in an object of its own beside the answer.
    pub fn is_base_error(&self, json: &[u8]) -> bool {
        let says = |value: &[u8]| value.first() == Some(&b'{');
        self.base_resp.values(json).any(says) && fault::is_base_error(json)
    }

    /// Weighs the text that a chunk brings. It stands in `choices`: what is around that need not be looked at.
    pub(super) fn weigh(&self, json: &[u8], text: &mut Estimate) {
        match self.choices.values(json).next() {
            Some(choices) => text.add_first_value(choices),
            None => text.add_answer(json),
        }
    }

    pub(super) fn usage_in(&self, json: &[u8]) -> Option<Usage> {
        let mut objects = self.usage.values(json).filter(|v| v.starts_with(b"{"));
        objects.find_map(usage::read)
    }

    pub(super) fn reason(&self, json: &[u8]) -> Option<String> {
        self.finish_reason.values(json).find_map(reason_text)
    }
}

pub(crate) fn reason_text(value: &[u8]) -> Option<String> {
    let inner = value.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', inner.get(..MAX_REASON_BYTES).unwrap_or(inner))?;
    let text = std::str::from_utf8(inner.get(..end)?).ok()?;
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    (plain && !text.is_empty()).then(|| text.to_owned())
}

/// The longest message of a vendor that is passed on, in characters.
const MAX_MESSAGE_CHARS: usize = 2_000;

/// What an error body says in words, in this dialect or in one of the shapes near it: an error object, also in a list
/// (Google), `FastAPI`'s `detail`, a bare text. A page of a web server in between says nothing.
pub fn error_message(body: &[u8]) -> Option<String> {
    let said = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(list)) => message_in(list.first()?)?,
        Ok(json) => message_in(&json)?,
        Err(_no_json) => {
            let text = std::str::from_utf8(body).ok()?.trim();
            let cut_json = text.starts_with(['{', '[', '"']);
            Some(text).filter(|_| !cut_json)?.to_owned()
        }
    };
    let said = said.trim();
    let words = !said.is_empty() && !said.starts_with('<');
    words.then(|| said.chars().take(MAX_MESSAGE_CHARS).collect())
}

fn message_in(json: &Value) -> Option<String> {
    let text = |at: &str| json.pointer(at).and_then(Value::as_str);
    let said = text("")
        .or_else(|| text("/error/message"))
        .or_else(|| text("/error"))
        // the event that ends a response that failed
        .or_else(|| text("/response/error/message"))
        .or_else(|| text("/message"))
        .or_else(|| text("/detail"));
    let said = said.map(str::to_owned);
    let said = said.or_else(|| details(json.get("detail")?.as_array()?));
    said.or_else(|| text("/base_resp/status_msg").map(str::to_owned))
}

/// What `FastAPI` finds wrong, and where; what it repeats of the request is left out
/// (`https://fastapi.tiangolo.com/tutorial/handling-errors/`).
fn details(list: &[Value]) -> Option<String> {
    let said = list.iter().filter_map(|problem| {
        let what = problem.get("msg")?.as_str()?;
        let place = problem.get("loc").and_then(Value::as_array);
        let place = place.into_iter().flatten().map(|step| match step {
            Value::String(name) => name.to_owned(),
            step => step.to_string(),
        });
        let place: Vec<String> = place.collect();
        Some(if place.is_empty() {
            what.to_owned()
        } else {
            format!("{}: {what}", place.join("."))
        })
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_is_read() {
        let body = br#"{"id":"c","choices":[{"message":{"role":"assistant","content":"hi \"usage\":{}"},
            "finish_reason":"stop"}],"usage": {"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
        let found = Reader::default().read(body);
        assert_eq!(found.usage, Some(Usage::from_openai(3, 0, 2, 0)));
        assert_eq!(found.finish_reason, "stop");
        assert_eq!(found.text.tokens(), 0);
    }

    #[test]
    fn text_is_weighed_where_nothing_was_counted() {
        let body = br#"{"choices":[{"message":{"content":"abcdefgh"},"finish_reason":null}],"usage":null}"#;
        let found = Reader::default().read(body);
        assert_eq!((found.usage, found.text.tokens()), (None, 2));
        assert_eq!(found.finish_reason, "");
    }

    #[test]
    fn a_finish_reason_is_a_short_plain_word() {
        for odd in [
            "\"\"",
            "7",
            "\"<script>\"",
            &format!("\"{}\"", "x".repeat(99)),
            "\"unfinished",
        ] {
            let body = format!("{{\"finish_reason\":{odd}");
            assert_eq!(
                Reader::default().read(body.as_bytes()).finish_reason,
                "",
                "{odd}"
            );
        }
    }

    #[test]
    fn errors_in_disguise_are_seen() {
        for yes in [
            r#" { "error" : {"message":"x"}}"#,
            r#"{"id":1,"error":{"code":429},"choices":[]}"#,
            r#"{"error":"overloaded","data":null}"#,
        ] {
            assert!(Reader::default().is_error(yes.as_bytes()), "{yes}");
        }
        for no in [
            r#"{"error":null}"#,
            r#"{"id":1,"error":{}}"#,
            r#"{"error":""}"#,
            r#"{"choices":[{"message":{"content":"\"error\":{}"}}]}"#,
            r#"{"choices":[{"error":{"message":"x"}}]}"#,
            r#"{"error":{"message":"late"},"choices":[{"delta":{}}]}"#,
            r#"{"error":{"message":"x"},"data":[{"embedding":[1]}]}"#,
            "",
            "[]",
            r#"{"errors":{}}"#,
        ] {
            assert!(!Reader::default().is_error(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn a_code_beside_the_answer_is_an_error_where_there_is_no_answer() {
        let said = |body: &str| Reader::default().is_base_error(body.as_bytes());
        assert!(said(
            r#"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"x"}}"#
        ));
        for no in [
            r#"{"choices":[{"index":0}],"base_resp":{"status_code":0,"status_msg":""}}"#,
            r#"{"base_resp":{"status_code":0}}"#,
            r#"{"choices":[{"index":0}],"base_resp":{"status_code":1008}}"#,
            r#"{"choices":[{"message":{"content":"\"base_resp\":{\"status_code\":1}"}}]}"#,
        ] {
            assert!(!said(no), "{no}");
        }
    }

    #[test]
    fn messages_are_found_in_the_usual_shapes() {
        for body in [
            r#"{"error":{"message":"m","code":7}}"#,
            r#"{"error":"m"}"#,
            r#"{"message":"m"}"#,
            r#"{"detail":"m"}"#,
            r#"{"type":"response.failed","response":{"error":{"code":"x","message":"m"}}}"#,
            r#"{"base_resp":{"status_code":1008,"status_msg":"m"}}"#,
            r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#,
            r#"{"error":{"message":["odd"]},"message":"m"}"#,
            r#"{"detail":[{"msg":"m","input":"what was sent"}]}"#,
            "\"m\"",
            " m\n",
        ] {
            assert_eq!(
                error_message(body.as_bytes()).as_deref(),
                Some("m"),
                "{body}"
            );
        }
        let fastapi = r#"{"detail":[{"type":"missing","loc":["body","messages",0,"role"],"msg":"Field required"},
            {"loc":["body"],"msg":"no"}]}"#;
        let said = "body.messages.0.role: Field required; body: no";
        assert_eq!(error_message(fastapi.as_bytes()).as_deref(), Some(said));
    }

    #[test]
    fn what_is_not_said_in_words_is_no_message() {
        for nothing in [
            "",
            "<html>",
            " <!DOCTYPE html>",
            r#"{"error":{}}"#,
            r#"{"error":{"message":"<html></html>"}}"#,
            r#"{"error":{"message":"cut"#,
            "[]",
            "[{",
            "null",
            "503",
            r#"{"detail":[]}"#,
            r#"{"detail":{}}"#,
        ] {
            assert_eq!(error_message(nothing.as_bytes()), None, "{nothing}");
        }
        assert_eq!(error_message(b"\xff\xfe"), None);
        let long = "ü".repeat(9_000);
        let said = error_message(long.as_bytes()).unwrap();
        assert_eq!(said.chars().count(), MAX_MESSAGE_CHARS);
    }
}
