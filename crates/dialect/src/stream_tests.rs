//! Streams whose dialect stays; the others are in `tests/dialect`.

use proptest::prelude::*;

use super::*;

const CHUNK: &str = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"héllo"},"finish_reason":null}],"usage":null}"#;
const LAST: &str =
    r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#;
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
    let mut stream = Stream::new(Arc::default(), Dialect::Chat, hide);
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
    let comment = ": waiting\n\ndata: \n\ndata:\n\n";
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
        let mut stream = Stream::new(Arc::default(), Dialect::Chat, true).guarded(3);
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
    // the time of each line is another one
    let line = |at| format!("{{\"created_at\":\"{at}\",\"message\":{{\"content\":\"b\"}}}}\n");
    let lines: String = (0..3).map(line).collect();
    let mut stream = Stream::new(Arc::default(), Dialect::Ollama, false).guarded(3);
    stream.push(Bytes::from(lines)).unwrap();
    assert!(stream.repeats_itself());
    let mut off = Stream::new(Arc::default(), Dialect::Chat, true);
    off.push(Bytes::from(chat("a").repeat(99))).unwrap();
    assert!(!off.repeats_itself());
}

const MESSAGE: &str = concat!(
    r#"data: {"type":"message_start","message":{"id":"msg_1","content":[],"usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":1}}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abcdefgh \"message_stop\""}}"#,
    "\n\n"
);
const MESSAGE_END: &str = concat!(
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#,
    "\n\n",
    r#"data: {"type":"message_stop"}"#,
    "\n\n"
);

fn messages(text: &str) -> (Vec<u8>, Stream) {
    let mut stream = Stream::new(Arc::default(), Dialect::Messages, false);
    let out = stream.push(Bytes::copy_from_slice(text.as_bytes()));
    (out.unwrap().to_vec(), stream)
}

#[test]
fn a_stream_of_messages_passes_as_it_is_and_is_counted() {
    let text = format!("{MESSAGE}{MESSAGE_END}");
    let (out, seen) = messages(&text);
    assert_eq!(out, text.as_bytes());
    let found = seen.findings();
    let usage = found.usage.unwrap();
    assert_eq!((usage.prompt, usage.cached, usage.completion), (7, 3, 5));
    assert!(!usage.estimated && seen.is_done());
    assert_eq!(found.finish_reason, "end_turn");
}

#[test]
fn a_stream_of_messages_that_breaks_off_owes_for_its_text() {
    let (_, seen) = messages(MESSAGE);
    let usage = seen.findings().usage.unwrap();
    assert!(usage.estimated && !seen.is_complete());
    assert_eq!((usage.prompt, usage.cached), (7, 3));
    assert!(usage.completion > 2, "{usage:?}");
}

#[test]
fn errors_of_messages_are_noticed() {
    let event = r#"data: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let (_, first) = messages(&format!("event: error\n{event}\n\n"));
    assert!(first.refusal().is_some());
    let (_, late) = messages(&format!("{MESSAGE}event: error\n{event}\n\n"));
    assert_eq!(late.vendor_error(), Some("busy"));
    assert!(late.refusal().is_none() && late.is_complete());
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

/// An event of one of several shapes with this text.
fn event(dialect: Dialect, shape: usize, text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    let shapes: [String; 5] = match dialect {
        Dialect::Messages => [
            format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":{text}}}}}"#),
            format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"input_json_delta","partial_json":{text}}}}}"#),
            r#"{"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}"#.to_owned(),
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#.to_owned(),
            format!(r#"{{"type":"error","error":{{"type":"overloaded_error","message":{text}}}}}"#),
        ],
        _ => [
            format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"content":{text}}},"finish_reason":null}}],"usage":null,"obfuscation":"{shape}"}}"#),
            format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"content":"","reasoning_content":{text}}},"finish_reason":null}}]}}"#),
            format!(r#"{{"choices":[{{"delta":{{"content":{text}}},"finish_reason":"stop"}}]}}"#),
            format!(r#"{{"choices":[{{"delta":{{"content":{text},"refusal":{text}}}}}],"usage":{{"prompt_tokens":3,"completion_tokens":2}}}}"#),
            format!(r#"{{"error":{{"message":{text}}}}}"#),
        ],
    };
    format!("data: {}\n\n", shapes[shape])
}

proptest! {
    #[test]
    fn an_event_like_the_last_one_is_taken_in_as_if_it_were_read(
        chat in any::<bool>(),
        hide in any::<bool>(),
        events in prop::collection::vec((0..20_usize, prop_oneof![4 => "[ a-cé中]{0,6}", 1 => ".{0,12}"]), 0..24),
    ) {
        let dialect = if chat { Dialect::Chat } else { Dialect::Messages };
        let stream = || Stream::new(Arc::default(), dialect, hide).guarded(3);
        let (mut quick, mut slow) = (stream(), stream());
        slow.watch.alike = Alike::never();
        for (kind, text) in events {
            // most are of the first shape
            let event = event(dialect, kind.saturating_sub(15), &text);
            let out = [&mut quick, &mut slow].map(|s| s.push(Bytes::from(event.clone())).unwrap());
            prop_assert_eq!(&out[0], &out[1]);
            prop_assert_eq!(quick.findings(), slow.findings());
            prop_assert_eq!(quick.repeats_itself(), slow.repeats_itself());
            prop_assert_eq!(quick.is_complete(), slow.is_complete());
            prop_assert_eq!(quick.vendor_error(), slow.vendor_error());
        }
    }
}

#[test]
fn most_events_of_a_stream_are_known_by_their_bytes() {
    for dialect in [Dialect::Chat, Dialect::Messages] {
        let mut stream = Stream::new(Arc::default(), dialect, false);
        for n in 0..3 {
            let text = format!("word {n} ");
            stream.push(Bytes::from(event(dialect, 0, &text))).unwrap();
            let next = event(dialect, 0, "another text");
            let data = next.trim_end().strip_prefix("data: ").unwrap();
            assert!(stream.watch.alike.told(data.as_bytes()).is_some(), "{data}");
        }
    }
}
