//! What an answer that came whole says: usage, finish reason, and whether it is an error.

use modelgate_domain::Usage;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::usage;
use crate::estimate::Estimate;
use crate::openai::answer::{Findings, reason_text};
use crate::openai::usage::Member;

/// Reads answers. Built once and kept: the finders inside are prepared for speed.
#[derive(Clone, Debug)]
pub struct Reader {
    usage: Member,
    finish_reason: Member,
    block_reason: Member,
    error: Member,
    candidates: Member,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            usage: Member::new("\"usageMetadata\""),
            finish_reason: Member::new("\"finishReason\""),
            block_reason: Member::new("\"blockReason\""),
            error: Member::new("\"error\""),
            candidates: Member::new("\"candidates\""),
        }
    }
}

impl Reader {
    /// Reads a whole answer, or the end of one that was too large to keep; its text is weighed only where the vendor did
    /// not count.
    pub fn read(&self, body: &[u8]) -> Findings {
        let usage = self.usage_in(body);
        let mut text = Estimate::default();
        if usage.is_none() {
            self.weigh(body, &mut text);
        }
        Findings {
            usage,
            finish_reason: self.reason(body).unwrap_or_default(),
            text,
        }
    }

    /// True where an answer or event, whatever its status says, is an error and nothing else.
    pub fn is_error(&self, json: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Answer {
            error: Option<serde_json::Map<String, serde_json::Value>>,
            candidates: Option<IgnoredAny>,
        }
        let says = |value: &[u8]| value.first() == Some(&b'{');
        if !self.error.values(json).any(says) {
            return false;
        }
        let read = serde_json::from_slice::<Answer>(json);
        read.is_ok_and(|answer| {
            let error = answer.error.is_some_and(|error| !error.is_empty());
            error && answer.candidates.is_none()
        })
    }

    /// Weighs the text that an answer or event brings.
    pub(super) fn weigh(&self, json: &[u8], text: &mut Estimate) {
        if let Some(candidates) = self.candidates.values(json).next() {
            text.add_first_value(candidates);
        }
    }

    pub(super) fn usage_in(&self, json: &[u8]) -> Option<Usage> {
        self.usage.values(json).filter_map(usage::read).last()
    }

    /// Why the answer ends, or why there is none.
    pub(super) fn reason(&self, json: &[u8]) -> Option<String> {
        let mut told = self.finish_reason.values(json);
        let mut blocked = self.block_reason.values(json);
        let told = told.find_map(reason_text);
        told.or_else(|| blocked.find_map(reason_text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_is_read() {
        let body = br#"{"candidates":[{"content":{"parts":[{"text":"say \"usageMetadata\":{}"}],"role":"model"},
            "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}"#;
        let found = Reader::default().read(body);
        let usage = found.usage.unwrap();
        assert_eq!((usage.prompt, usage.completion), (3, 2));
        assert_eq!(
            (found.finish_reason.as_str(), found.text.tokens()),
            ("STOP", 0)
        );
        let blocked = br#"{"promptFeedback":{"blockReason":"SAFETY"}}"#;
        assert_eq!(Reader::default().read(blocked).finish_reason, "SAFETY");
        let uncounted = br#"{"candidates":[{"content":{"parts":[{"text":"abcdefgh"}]}}],"modelVersion":"gemini"}"#;
        assert_eq!(Reader::default().read(uncounted).text.tokens(), 2);
    }

    #[test]
    fn errors_are_told_from_answers() {
        let error = |json: &str| Reader::default().is_error(json.as_bytes());
        assert!(error(
            r#"{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}"#
        ));
        for no in [
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"error":{"a":1}}}}]}}]}"#,
            r#"{"error":null}"#,
            "",
        ] {
            assert!(!error(no), "{no}");
        }
    }
}
