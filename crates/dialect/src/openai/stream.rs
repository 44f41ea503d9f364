//! Watching a stream of chat or completion chunks go by.
//!
//! Whole events pass as the bytes that came; each is looked at only by prepared finders, and parsed only where
//! one of them hits.

use std::sync::Arc;

use bytes::Bytes;
use modelgate_domain::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{self, Findings, Reader};
use super::usage::Member;
use crate::estimate::Estimate;
use crate::sse::{self, EventTooLarge, Framer, Verdict};

/// The state of one stream.
#[derive(Debug)]
pub struct Stream {
    framer: Framer,
    watch: Watch,
}

/// What was seen of a stream so far.
#[derive(Debug)]
struct Watch {
    reader: Arc<Reader>,
    hide_usage: bool,
    events: u64,
    done: bool,
    error: Option<String>,
    /// The first event's data, where that is an error.
    refusal: Option<Bytes>,
    usage: Option<Usage>,
    finish_reason: String,
    text: Estimate,
    repeats: Option<Repeats>,
}

/// Looks for a model that says the same again and again.
#[derive(Debug)]
struct Repeats {
    most: u64,
    delta: Member,
    completion: Member,
    last: Vec<u8>,
    count: u64,
    found: bool,
}

impl Repeats {
    fn look_at(&mut self, json: &[u8]) {
        let value = |member: &Member| {
            let mut found = member.values(json).filter_map(whole_value);
            found.next().map(<[u8]>::to_vec)
        };
        let said = value(&self.delta).or_else(|| value(&self.completion));
        let Some(said) = said.filter(|said| !NOTHING.contains(&said.as_slice())) else {
            return;
        };
        if said == self.last {
            self.count = self.count.saturating_add(1);
        } else {
            self.last = said;
            self.count = 1;
        }
        self.found |= self.count >= self.most;
    }
}

/// Values that say nothing.
const NOTHING: [&[u8]; 3] = [b"{}", b"\"\"", b"null"];

/// The JSON value that `from` begins with.
fn whole_value(from: &[u8]) -> Option<&[u8]> {
    let mut values = serde_json::Deserializer::from_slice(from).into_iter::<&RawValue>();
    Some(values.next()?.ok()?.get().as_bytes())
}

impl Stream {
    /// `hide_usage` where the gateway asked for usage and the caller did not.
    pub fn new(reader: Arc<Reader>, hide_usage: bool) -> Self {
        Self {
            framer: Framer::default(),
            watch: Watch {
                reader,
                hide_usage,
                events: 0,
                done: false,
                error: None,
                refusal: None,
                usage: None,
                finish_reason: String::new(),
                text: Estimate::default(),
                repeats: None,
            },
        }
    }

    /// Looks for so many events in a row that say the same.
    #[must_use]
    pub fn guarded(mut self, most: u64) -> Self {
        self.watch.repeats = Some(Repeats {
            most,
            delta: Member::new("\"delta\""),
            completion: Member::new("\"text\""),
            last: Vec::new(),
            count: 0,
            found: false,
        });
        self
    }

    /// True once they have come.
    pub fn repeats_itself(&self) -> bool {
        self.watch.repeats.as_ref().is_some_and(|r| r.found)
    }

    /// Takes a chunk from the vendor and returns what goes to the caller now: whole events, possibly none.
    pub fn push(&mut self, chunk: Bytes) -> Result<Bytes, EventTooLarge> {
        let watch = &mut self.watch;
        self.framer.push(chunk, |event| watch.event(event))
    }

    /// True once an event with data has come; comments do not count.
    pub fn has_begun(&self) -> bool {
        self.watch.events > 0
    }

    /// True once the vendor said `[DONE]`.
    pub fn is_done(&self) -> bool {
        self.watch.done
    }

    /// True where an end of the stream now would be the end of the answer and not of the connection: `[DONE]`
    /// came, or, from vendors that never say it, a finish reason and no half event after it.
    pub fn is_complete(&self) -> bool {
        let finished = !self.watch.finish_reason.is_empty() || self.watch.error.is_some();
        self.watch.done || (finished && !self.framer.holds_partial())
    }

    /// The message of an error that the vendor sent as an event.
    pub fn vendor_error(&self) -> Option<&str> {
        self.watch.error.as_deref()
    }

    /// The body of an error that came instead of a first event.
    pub fn refusal(&self) -> Option<&Bytes> {
        self.watch.refusal.as_ref()
    }

    /// What the stream has said of itself so far.
    pub fn findings(&self) -> Findings {
        Findings {
            usage: self.watch.usage,
            finish_reason: self.watch.finish_reason.clone(),
            text: self.watch.text,
        }
    }
}

impl Watch {
    fn event(&mut self, event: &[u8]) -> Verdict {
        let Some(data) = sse::data(event) else {
            return Verdict::Forward;
        };
        self.events = self.events.saturating_add(1);
        if data == b"[DONE]" {
            self.done = true;
            return Verdict::Forward;
        }
        let first = self.events == 1;
        if self.reader.is_error(data) || (first && self.reader.is_base_error(data)) {
            if first {
                self.refusal = Some(Bytes::copy_from_slice(data));
            }
            let message = answer::error_message(data).unwrap_or_default();
            self.error.get_or_insert(message);
            return Verdict::Forward;
        }
        self.reader.weigh(data, &mut self.text);
        if let Some(repeats) = &mut self.repeats {
            repeats.look_at(data);
        }
        if self.finish_reason.is_empty()
            && let Some(reason) = self.reader.reason(data)
        {
            self.finish_reason = reason;
        }
        let Some(usage) = self.reader.usage_in(data) else {
            return Verdict::Forward;
        };
        self.usage = Some(usage);
        if self.hide_usage && has_no_choices(data) {
            Verdict::Hide
        } else {
            Verdict::Forward
        }
    }
}

/// True for the chunk that carries nothing but usage.
fn has_no_choices(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Option<Vec<serde::de::IgnoredAny>>,
    }
    let chunk = serde_json::from_slice::<Chunk>(data);
    chunk.is_ok_and(|c| c.choices.is_some_and(|choices| choices.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHUNK: &str = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"héllo"},"finish_reason":null}],"usage":null}"#;
    const LAST: &str = r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#;
    const USAGE: &str = r#"data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

    fn stream(ending: &str) -> String {
        [CHUNK, ": comment", CHUNK, LAST, USAGE, "data: [DONE]"]
            .map(|e| format!("{e}{ending}"))
            .concat()
    }

    fn relay(bytes: &[u8], cuts: &[usize], hide: bool) -> (Vec<u8>, Stream) {
        let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (bytes.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(bytes.len());
        let mut stream = Stream::new(Arc::default(), hide);
        let (mut out, mut from) = (Vec::new(), 0);
        for cut in cuts {
            out.extend(
                stream
                    .push(Bytes::copy_from_slice(&bytes[from..cut]))
                    .unwrap(),
            );
            from = cut;
        }
        (out, stream)
    }

    #[test]
    fn the_extra_chunk_is_hidden_and_counted() {
        let bytes = stream("\n\n");
        let (out, seen) = relay(bytes.as_bytes(), &[], true);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            bytes.replace(&format!("{USAGE}\n\n"), "")
        );
        let found = seen.findings();
        assert_eq!(found.usage, Some(Usage::from_openai(3, 0, 2, 0)));
        assert_eq!(found.finish_reason, "stop");
        assert!(seen.is_done() && seen.is_complete());
    }

    #[test]
    fn a_caller_who_asked_sees_everything() {
        let bytes = stream("\r\n\r\n");
        assert_eq!(relay(bytes.as_bytes(), &[], false).0, bytes.as_bytes());
    }

    #[test]
    fn usage_beside_choices_stays_visible() {
        let chunk =
            r#"data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
        let bytes = format!("{chunk}\n\n");
        let (out, seen) = relay(bytes.as_bytes(), &[], true);
        assert_eq!(out, bytes.as_bytes());
        assert!(seen.findings().usage.is_some());
    }

    #[test]
    fn text_is_weighed_as_it_passes() {
        let bytes = format!("{CHUNK}\n\n{CHUNK}\n\n");
        let (_, seen) = relay(bytes.as_bytes(), &[], true);
        assert_eq!(seen.findings().text.tokens(), 4); // twice four quarters and three
        assert!(seen.has_begun() && !seen.is_complete());
    }

    #[test]
    fn a_stream_without_its_end_is_not_complete() {
        let cut = format!("{CHUNK}\n\n{LAST}\n\ndata: {{\"half");
        assert!(!relay(cut.as_bytes(), &[], true).1.is_complete());
        let silent = format!("{CHUNK}\n\n{LAST}\n\n");
        assert!(relay(silent.as_bytes(), &[], true).1.is_complete());
        let comment = ": waiting\n\n";
        assert!(!relay(comment.as_bytes(), &[], true).1.has_begun());
    }

    #[test]
    fn a_vendors_error_event_is_noticed() {
        let bytes = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
        let (out, seen) = relay(bytes.as_bytes(), &[], true);
        assert_eq!(out, bytes.as_bytes());
        assert_eq!(seen.vendor_error(), Some("overloaded"));
        assert!(bytes.contains(std::str::from_utf8(seen.refusal().unwrap()).unwrap()));
        let late = format!("{CHUNK}\n\n{bytes}");
        let (_, seen) = relay(late.as_bytes(), &[], true);
        assert!(seen.vendor_error().is_some() && seen.refusal().is_none());
    }

    #[test]
    fn saying_the_same_again_and_again_is_noticed() {
        let chat = |text: &str| {
            format!(
                "data: {{\"id\":\"{text}1\",\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
            )
        };
        let old = |text: &str| format!("data: {{\"choices\":[{{\"text\":\"{text}\"}}]}}\n\n");
        let seen = |events: &str| {
            let mut stream = Stream::new(Arc::default(), true).guarded(3);
            stream
                .push(Bytes::copy_from_slice(events.as_bytes()))
                .unwrap();
            stream.repeats_itself()
        };
        for event in [&chat as &dyn Fn(&str) -> String, &old] {
            let (a, b, nothing) = (event("a"), event("b"), event(""));
            assert!(seen(&format!("{a}{b}{b}{b}{a}")), "{b}");
            assert!(seen(&format!(
                "{b}{b}: comment\n\ndata: {{\"usage\":null}}\n\n{b}"
            )));
            assert!(!seen(&format!("{b}{b}{a}{b}{b}")));
            assert!(event("x") != old("x") || !seen(&nothing.repeat(9)));
        }
        let mut off = Stream::new(Arc::default(), true);
        off.push(Bytes::from(chat("a").repeat(99))).unwrap();
        assert!(!off.repeats_itself());
    }

    proptest! {
        #[test]
        fn any_split_yields_the_same(
            cuts in prop::collection::vec(any::<usize>(), 0..20),
            ending in prop::sample::select(vec!["\n\n", "\r\n\r\n", "\r\r"]),
            hide in any::<bool>(),
        ) {
            let bytes = stream(ending);
            let (whole, seen) = relay(bytes.as_bytes(), &[], hide);
            let (split, same) = relay(bytes.as_bytes(), &cuts, hide);
            prop_assert_eq!(whole, split);
            prop_assert_eq!(seen.findings(), same.findings());
        }
    }
}
