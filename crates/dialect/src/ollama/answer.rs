//! What an answer or one line of a stream says: usage, why it ends, and whether it is an error.

use modelgate_domain::Usage;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::usage::Counts;
use crate::estimate::Estimate;
use crate::openai::answer::{Findings, reason_text};
use crate::openai::usage::Member;

/// Reads answers. Built once and kept: the finders inside are prepared for speed.
#[derive(Clone, Debug)]
pub struct Reader {
    done_reason: Member,
    counted: Member,
    error: Member,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            done_reason: Member::new("\"done_reason\""),
            counted: Member::new("\"eval_count\""),
            error: Member::new("\"error\""),
        }
    }
}

impl Reader {
    /// Reads a whole answer; its text is weighed only where the vendor did not count.
    pub fn read(&self, body: &[u8]) -> Findings {
        let usage = self.usage_in(body);
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

    /// True where an answer or line, whatever its status says, is an error and nothing else.
    pub fn is_error(&self, json: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Answer {
            error: Option<String>,
            message: Option<IgnoredAny>,
        }
        if self.error.values(json).next().is_none() {
            return false;
        }
        let read = serde_json::from_slice::<Answer>(json);
        read.is_ok_and(|answer| {
            answer.error.is_some_and(|error| !error.is_empty()) && answer.message.is_none()
        })
    }

    pub(super) fn usage_in(&self, json: &[u8]) -> Option<Usage> {
        // parsed only where the counts are
        self.counted.values(json).next()?;
        let counts: Counts = serde_json::from_slice(json).ok()?;
        counts.into_usage()
    }

    /// Why the answer ends.
    pub(super) fn reason(&self, json: &[u8]) -> Option<String> {
        self.done_reason.values(json).find_map(reason_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_is_read() {
        let body = br#"{"model":"m","message":{"role":"assistant","content":"say \"eval_count\": 9"},"done":true,
            "done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#;
        let found = Reader::default().read(body);
        let usage = found.usage.unwrap();
        assert_eq!((usage.prompt, usage.completion), (3, 2));
        assert_eq!(found.finish_reason, "stop");
        let uncounted = br#"{"message":{"content":"abcdefgh"},"done":true}"#;
        assert_eq!(Reader::default().read(uncounted).text.tokens(), 2);
    }

    #[test]
    fn errors_are_told_from_answers() {
        let error = |json: &str| Reader::default().is_error(json.as_bytes());
        assert!(error(r#"{"error":"model 'x' not found"}"#));
        for no in [
            r#"{"error":"","done":true}"#,
            r#"{"message":{"content":"{\"error\":\"x\"}"},"error":"x"}"#,
            r#"{"message":{"tool_calls":[{"function":{"arguments":{"error":"x"}}}]}}"#,
            "",
        ] {
            assert!(!error(no), "{no}");
        }
    }
}
