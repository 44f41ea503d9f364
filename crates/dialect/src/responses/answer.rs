//! What a response that came whole says: usage, how it ended, and whether it is an error.

use std::borrow::Cow;

use modelgate_domain::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage;
use crate::estimate::Estimate;
use crate::openai::answer::{Findings, reason_text};
use crate::openai::usage::Member;

/// Reads answers. Built once and kept: the finders inside are prepared for speed.
#[derive(Clone, Debug)]
pub struct Reader {
    usage: Member,
    error: Member,
    output: Member,
    reason: Member,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            usage: Member::new("\"usage\""),
            error: Member::new("\"error\""),
            output: Member::new("\"output\""),
            reason: Member::new("\"reason\""),
        }
    }
}

/// What the last event of a stream is called, and whether it is the whole answer.
const ENDS: [&str; 2] = ["response.completed", "response.incomplete"];

impl Reader {
    /// Reads a whole answer, or the end of one that was too large to keep; its text is weighed only where the vendor did
    /// not count.
    pub fn read(&self, body: &[u8]) -> Findings {
        let usage = self.usage_in(body);
        let mut text = Estimate::default();
        if usage.is_none()
            && let Some(output) = self.output.values(body).next()
        {
            text.add_first_value(output);
        }
        Findings {
            usage,
            finish_reason: self.ending(body),
            text,
        }
    }

    /// True where an answer or event, whatever its status says, is an error and nothing else.
    pub fn is_error(&self, json: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow, default)]
            error: Option<&'a RawValue>,
            #[serde(default)]
            output: Option<Vec<serde::de::IgnoredAny>>,
        }
        if Self::kind(json).is_some_and(|kind| matches!(&*kind, "error" | "response.failed")) {
            return true;
        }
        let says = |value: &[u8]| value.first() == Some(&b'{');
        if !self.error.values(json).any(says) {
            return false;
        }
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(json) else {
            return false;
        };
        let told = answer
            .error
            .is_some_and(|error| error.get().starts_with('{'));
        told && answer.output.is_none_or(|output| output.is_empty())
    }

    /// What an event is called. `OpenAI` says it first of all, which spares the parsing.
    pub(super) fn kind(json: &[u8]) -> Option<Cow<'_, str>> {
        #[derive(Deserialize)]
        struct Event<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
        }
        if let Some(rest) = json.strip_prefix(b"{\"type\":\"") {
            let end = memchr::memchr(b'"', rest)?;
            return Some(Cow::Borrowed(std::str::from_utf8(rest.get(..end)?).ok()?));
        }
        let event: Event<'_> = serde_json::from_slice(json).ok()?;
        Some(event.kind)
    }

    /// True for the last event of a stream.
    pub(super) fn is_end(kind: &str) -> bool {
        ENDS.contains(&kind)
    }

    pub(super) fn usage_in(&self, json: &[u8]) -> Option<Usage> {
        self.usage.values(json).filter_map(usage::read).last()
    }

    /// Why the answer is not whole, or that it is.
    pub(super) fn ending(&self, json: &[u8]) -> String {
        let why = self.reason.values(json).filter_map(reason_text);
        let known = |why: &String| matches!(why.as_str(), "max_output_tokens" | "content_filter");
        why.filter(known)
            .last()
            .unwrap_or_else(|| "completed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_is_read() {
        let body = br#"{"id":"resp_1","status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"},
            "output":[{"type":"message","content":[{"type":"output_text","text":"say \"usage\":{}"}]}],
            "usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}"#;
        let found = Reader::default().read(body);
        assert_eq!(found.usage, Some(Usage::from_openai(3, 0, 2, 0)));
        assert_eq!(found.finish_reason, "max_output_tokens");
        let uncounted = br#"{"status":"completed","output":[{"content":[{"type":"output_text","text":"abcdefgh"}]}],"id":"x"}"#;
        let found = Reader::default().read(uncounted);
        assert_eq!(
            (found.text.tokens(), found.finish_reason.as_str()),
            (2, "completed")
        );
    }

    #[test]
    fn errors_are_told_from_answers() {
        let error = |json: &str| Reader::default().is_error(json.as_bytes());
        for yes in [
            r#"{"error":{"message":"x","type":"y"}}"#,
            r#"{"type":"error","code":"x","message":"y","param":null}"#,
            r#"{"type":"response.failed","response":{"error":{"code":"x","message":"y"},"output":[]}}"#,
            r#"{"id":"r","status":"failed","error":{"code":"x","message":"y"},"output":[]}"#,
        ] {
            assert!(error(yes), "{yes}");
        }
        for no in [
            r#"{"id":"r","error":null,"output":[{"type":"message"}]}"#,
            r#"{"type":"response.output_text.delta","delta":"\"error\":{}"}"#,
            r#"{"type":"response.created","response":{"error":null}}"#,
            "",
        ] {
            assert!(!error(no), "{no}");
        }
    }
}
