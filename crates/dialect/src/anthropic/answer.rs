//! What an answer that came whole says: usage, stop reason, and whether it is an error.

use modelgate_domain::Usage;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::usage::{self, WireUsage};
use crate::estimate::Estimate;
use crate::openai::answer::{Findings, reason_text};
use crate::openai::usage::Member;

/// Reads answers. Built once and kept: the finders inside are prepared for speed.
#[derive(Clone, Debug)]
pub struct Reader {
    usage: Member,
    stop_reason: Member,
    error: Member,
    delta: Member,
    content: Member,
    stop: memchr::memmem::Finder<'static>,
    message_delta: memchr::memmem::Finder<'static>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            usage: Member::new("\"usage\""),
            stop_reason: Member::new("\"stop_reason\""),
            error: Member::new("\"error\""),
            delta: Member::new("\"delta\""),
            content: Member::new("\"content\""),
            stop: memchr::memmem::Finder::new("\"message_stop\""),
            message_delta: memchr::memmem::Finder::new("\"message_delta\""),
        }
    }
}

impl Reader {
    /// Reads a whole answer, or the end of one that was too large to keep; its text is weighed only where the vendor did
    /// not count.
    pub fn read(&self, body: &[u8]) -> Findings {
        let told = self.usage.values(body).filter_map(usage::read);
        let usage = told.last().and_then(WireUsage::into_usage);
        let mut text = Estimate::default();
        if usage.is_none() {
            for content in self.content.values(body) {
                text.add_first_value(content);
            }
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
            content: Option<IgnoredAny>,
            delta: Option<IgnoredAny>,
        }
        let says = |value: &[u8]| value.first() == Some(&b'{');
        if !self.error.values(json).any(says) {
            return false;
        }
        let read = serde_json::from_slice::<Answer>(json);
        read.is_ok_and(|answer| {
            let error = answer.error.is_some_and(|error| !error.is_empty());
            error && answer.content.is_none() && answer.delta.is_none()
        })
    }

    /// True for the last event of a stream. A text cannot say so: its quotes are escaped.
    pub(super) fn is_stop(&self, json: &[u8]) -> bool {
        self.stop.find(json).is_some()
    }

    /// True for the event that says how much came out.
    pub(super) fn is_message_delta(&self, json: &[u8]) -> bool {
        self.message_delta.find(json).is_some()
    }

    /// Weighs the text that an event brings.
    pub(super) fn weigh(&self, json: &[u8], text: &mut Estimate) {
        if let Some(delta) = self.delta.values(json).next() {
            text.add_first_value(delta);
        }
    }

    pub(super) fn usage_in(&self, json: &[u8]) -> Option<WireUsage> {
        let mut objects = self.usage.values(json).filter(|v| v.starts_with(b"{"));
        objects.find_map(usage::read)
    }

    pub(super) fn reason(&self, json: &[u8]) -> Option<String> {
        self.stop_reason.values(json).find_map(reason_text)
    }
}

/// The usage of a stream that broke off before it said how much came out: what went in, and what the text weighs.
pub(crate) fn unfinished(told: Usage, text: Estimate) -> Usage {
    Usage {
        completion: told.completion.max(text.tokens()),
        estimated: true,
        ..told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_is_read() {
        let body = br#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text",
            "text":"say \"usage\":{}"},{"type":"tool_use","id":"t","name":"f","input":{"usage":{"x":1}}}],
            "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#;
        let found = Reader::default().read(body);
        let usage = found.usage.unwrap();
        assert_eq!((usage.prompt, usage.completion), (3, 2));
        assert_eq!(found.finish_reason, "tool_use");
        assert_eq!(found.text.tokens(), 0);
        let uncounted = br#"{"type":"message","content":[{"type":"text","text":"abcdefgh"}],"stop_reason":null}"#;
        assert_eq!(Reader::default().read(uncounted).text.tokens(), 2);
    }

    #[test]
    fn errors_are_told_from_answers() {
        let error = |json: &str| Reader::default().is_error(json.as_bytes());
        assert!(error(
            r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#
        ));
        for no in [
            r#"{"type":"message","content":[{"type":"tool_use","input":{"error":{"a":1}}}]}"#,
            r#"{"type":"content_block_delta","delta":{"text":"\"error\":{\"a\":1}"}}"#,
            r#"{"error":null}"#,
            "",
        ] {
            assert!(!error(no), "{no}");
        }
    }
}
