//! Streams: what the caller sees, when, and how they end.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use modelgate::simulator::{Act, End, Step};
use modelgate_domain::{FaultOwner, Status};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Answer, TestApp, chat};

const CHUNK: &str = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"héllo 世界"},"finish_reason":null}],"x":1.10}"#;
const LAST: &str =
    r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;
const USAGE: &str = r#"data: {"id":"c","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":20}}}"#;

fn events(ending: &str, usage: bool) -> String {
    let usage = if usage { USAGE } else { ": nothing" };
    [CHUNK, CHUNK, LAST, usage, "data: [DONE]"]
        .map(|e| format!("{e}{ending}"))
        .concat()
}

async fn usage_is_asked_for_counted_and_hidden(app: &TestApp) {
    let bytes = events("\n\n", true);
    for size in [1, 7, 64, 4_096] {
        app.vendor.push(Step::chunks(bytes.as_bytes().chunks(size)));
        let answer = app.openai().chat("gpt-x", true).await;
        assert_eq!(
            answer.text(),
            bytes.replace(&format!("{USAGE}\n\n"), ""),
            "in pieces of {size}"
        );
    }
    let sent = app.vendor.received().remove(0);
    let expected = chat("gpt-x", true).to_string().replace(
        "\"model\":\"gpt-x\"",
        "\"model\":\"gpt-x-2026\",\"stream_options\":{\"include_usage\":true}",
    );
    assert_eq!(String::from_utf8(sent.body.to_vec()).unwrap(), expected);
    for row in app.logs().await {
        let usage = row.record.usage;
        let buckets = (
            usage.prompt,
            usage.cached,
            usage.completion,
            usage.reasoning,
        );
        assert_eq!(buckets, (60, 40, 30, 20));
        assert!(!usage.estimated && row.record.stream);
        assert_eq!(row.record.status, Status::Success);
        assert_eq!(row.record.finish_reason, "length");
        // 60 at 0.15, 40 at 0.075 and 50 at 0.60 dollars a million
        assert_eq!(row.record.cost_nanos, Some(9_000 + 3_000 + 30_000));
        assert_eq!(row.record.currency.as_str(), "USD");
    }
}

on_each_engine!(usage_is_asked_for_counted_and_hidden);

#[tokio::test]
async fn a_caller_who_asked_for_usage_sees_every_byte() {
    let app = TestApp::start().await;
    for ending in ["\n\n", "\r\n\r\n"] {
        let bytes = events(ending, true);
        app.vendor.push(Step::chunks(bytes.as_bytes().chunks(11)));
        let mut body = chat("gpt-x", true);
        body["stream_options"] = json!({"include_usage": true});
        let answer = app.openai().post("/chat/completions", &body).await;
        assert_eq!(answer.text(), bytes);
    }
    let answer = app.openai().chat("gpt-x", true).await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/event-stream")
    );
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert!(answer.header("x-request-id").starts_with("req_"));
    app.finish().await;
}

#[tokio::test]
async fn every_event_is_flushed_at_once() {
    let app = TestApp::start().await;
    let pace = Duration::from_millis(100);
    app.vendor
        .push(Step::answer().text("one two three four").pace(pace));
    let response = app
        .openai()
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    let mut stream = response.bytes_stream();
    let mut arrivals = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap();
        assert!(piece.ends_with(b"\n\n"), "whole events only");
        arrivals.push(Instant::now());
    }
    let spread = arrivals.last().unwrap().duration_since(arrivals[0]);
    assert!(arrivals.len() >= 5, "{arrivals:?}");
    assert!(spread > pace * 3, "{spread:?}");
    let row = app.only_log().await.record;
    assert!(
        row.max_gap_ms.is_some_and(|gap| (80..1_000).contains(&gap)),
        "{row:?}"
    );
    assert!(row.ttft_ms <= row.latency_ms && row.connect_ms.is_some());
    app.finish().await;
}

/// Nagle's algorithm with delayed acknowledgements would cost 40 ms each.
#[tokio::test]
async fn a_stream_without_pauses_is_quick() {
    let app = TestApp::start().await;
    app.openai().chat("gpt-x", true).await;
    let mut times = Vec::new();
    for _ in 0..25 {
        let begun = Instant::now();
        app.openai().chat("gpt-x", true).await;
        times.push(begun.elapsed());
    }
    // the quickest, since other tests run beside this one
    let quickest = times.iter().min().unwrap();
    assert!(*quickest < Duration::from_millis(35), "{times:?}");
    app.finish().await;
}

async fn tokens_are_estimated_where_the_vendor_does_not_count(app: &TestApp) {
    let bytes = events("\n\n", false);
    app.vendor.push(Step::chunks([bytes.as_bytes()]));
    app.openai().chat("gpt-x", true).await;
    app.vendor.push(Step::answer().no_usage().text("abcdefgh"));
    app.openai().chat("gpt-x", false).await;
    let rows = app.logs().await;
    let [whole, streamed] = [&rows[0].record, &rows[1].record];
    // twice: six ASCII characters at a quarter, three others at three quarters
    assert_eq!(streamed.usage.completion, (2 * (6 + 9) + 3) / 4 - 1);
    // by the tokenizer, which has a token for it
    assert_eq!(whole.usage.completion, 1);
    for row in [whole, streamed] {
        assert!(row.usage.estimated && row.usage.prompt > 0);
        assert!(row.cost_nanos.is_some_and(|cost| cost > 0));
        assert_eq!(row.status, Status::Success);
    }
}

on_each_engine!(tokens_are_estimated_where_the_vendor_does_not_count);

async fn a_stream_that_is_cut_ends_with_an_error_event(app: &TestApp) {
    for end in [End::Close(3), End::Reset(3), End::NoDone, End::Error(2)] {
        app.vendor.push(Step::ending(end));
        let answer = app.openai().chat("gpt-x", true).await;
        assert_eq!(answer.status, 200);
        let events = answer.events();
        let finishes = events
            .iter()
            .filter(|e| e["choices"][0]["finish_reason"].is_string())
            .count();
        if end == End::NoDone {
            assert_eq!(
                finishes, 1,
                "a vendor that says no [DONE] is complete with its finish reason"
            );
            assert!(!answer.text().contains("[DONE]") && !answer.text().contains("error"));
            continue;
        }
        assert_eq!(finishes, 0, "no finish reason is made up");
        assert!(answer.text().ends_with("}\n\n"));
        assert!(
            events.last().unwrap()["error"]["message"].is_string(),
            "{}",
            answer.text()
        );
    }
    let rows = app.logs().await;
    assert_eq!(rows.len(), 4);
    for (row, expected) in
        rows.iter()
            .zip([Status::Error, Status::Success, Status::Error, Status::Error])
    {
        let record = &row.record;
        assert_eq!(record.status, expected, "{record:?}");
        assert_eq!(record.http_status, 200);
        if expected == Status::Error {
            assert_eq!(record.fault_owner, FaultOwner::Upstream);
            assert!(record.usage.estimated, "what was received is counted");
        }
    }
}

on_each_engine!(a_stream_that_is_cut_ends_with_an_error_event);

#[tokio::test]
async fn a_half_event_is_never_followed_by_another() {
    let app = TestApp::start().await;
    let half = format!("{CHUNK}\n\ndata: {{\"half\":");
    let mut acts = Vec::new();
    if let Some(whole) = Some(half) {
        use modelgate::simulator::Act;
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        acts.push(Act::Send(head.into()));
        acts.push(Act::Send(whole.into()));
        acts.push(Act::Close);
    }
    app.vendor.push(Step::acts(acts));
    let answer = app.openai().chat("gpt-x", true).await;
    let events = answer.events();
    assert_eq!(events.len(), 2, "{}", answer.text());
    assert_eq!(events[1]["error"]["code"], "upstream_closed");
    assert_eq!(
        events[1]["error"]["request_id"],
        answer.header("x-request-id")
    );
    app.finish().await;
}

/// Silence of fifteen seconds commits the status, and still another credential may serve.
#[tokio::test]
async fn heartbeats_keep_a_silent_stream_open_and_allow_failover() {
    let app = TestApp::start().await;
    let base = app.vendor.base_url();
    app.apply(&format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base}"
first_byte_timeout_ms = 17000
idle_timeout_ms = 17000
keys = [ {{ label = "main", secret = "sk-up-main-canary-1", weight = 100 }}, {{ label = "spare", secret = "sk-up-spare", weight = 100 }} ]
"#
    ))
    .await;
    app.vendor.push(Step::ending(End::StallAtOnce));
    let begun = Instant::now();
    let response = app
        .openai()
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    let waited = begun.elapsed();
    assert!((14..17).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(response.status(), 200);
    let answer = Answer::of(response).await;
    assert!(answer.text().starts_with(": "), "{}", answer.text());
    assert!(
        answer.text().ends_with("data: [DONE]\n\n"),
        "{}",
        answer.text()
    );
    let row = app.only_log().await;
    assert_eq!(
        (row.record.status, row.record.attempts),
        (Status::Success, 2)
    );
    assert_eq!(
        app.attempts(&row).await[0].error_code,
        "upstream_first_byte_timeout"
    );
    app.finish().await;
}

/// A vendor that thinks for long in the middle of its answer: comments reach the caller meanwhile.
#[tokio::test]
async fn heartbeats_come_in_the_middle_of_a_stream() {
    let app = TestApp::start().await;
    let base = app.vendor.base_url();
    app.apply(&format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base}"
idle_timeout_ms = 20000
"#
    ))
    .await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    app.vendor.push(Step::acts(vec![
        Act::Send(format!("{head}{CHUNK}\n\n").into()),
        Act::Wait(Duration::from_secs(16)),
        Act::Send(events("\n\n", true).into()),
        Act::Close,
    ]));
    let answer = app.openai().chat("gpt-x", true).await;
    let begins = format!("{CHUNK}\n\n: keep-alive\n\n{CHUNK}\n\n");
    assert!(answer.text().starts_with(&begins), "{}", answer.text());
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    let row = app.only_log().await.record;
    assert_eq!(row.status, Status::Success);
    assert!(row.max_gap_ms > Some(15_500), "{row:?}");
    app.finish().await;
}
