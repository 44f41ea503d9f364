//! Callers who leave: the vendor call ends at once, and the record says what was received.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use modelgate::simulator::{End, Step};
use modelgate_domain::{FaultOwner, Status};

use crate::on_each_engine;
use crate::support::{TestApp, chat};

/// The promise is 100 ms; the rest is for a machine that does other things as well.
const PROMPT: Duration = Duration::from_millis(400);

async fn abandoned_after(app: &TestApp, left: Instant) {
    let seen = app
        .vendor
        .wait_until(Duration::from_secs(5), |s| s.abandoned == 1)
        .await;
    assert!(seen, "the vendor's call runs on");
    let after = app.vendor.abandoned()[0].at.saturating_duration_since(left);
    assert!(after < PROMPT, "{after:?}");
}

async fn leaving_a_stream_cancels_it(app: &TestApp) {
    app.vendor
        .push(Step::answer().tokens(500).pace(Duration::from_millis(20)));
    let response = app
        .openai()
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    let mut stream = response.bytes_stream();
    for _ in 0..5 {
        stream.next().await.unwrap().unwrap();
    }
    let left = Instant::now();
    drop(stream);
    abandoned_after(app, left).await;
    let row = app.only_log().await.record;
    assert_eq!(
        (row.status, row.fault_owner),
        (Status::Cancelled, FaultOwner::Caller)
    );
    assert_eq!((row.http_status, row.upstream_status), (200, 200));
    assert!(
        row.usage.estimated && row.usage.completion > 0 && row.usage.completion < 100,
        "{row:?}"
    );
    assert!(row.cost_nanos.is_some());
}

on_each_engine!(leaving_a_stream_cancels_it);

async fn leaving_before_the_answer_cancels_it(app: &TestApp) {
    for stream in [false, true] {
        app.vendor.reset();
        app.vendor.push(Step::ending(End::StallAtOnce));
        let body = chat("gpt-x", stream);
        let openai = app.openai();
        let call = openai.send("/chat/completions", &body);
        let gave_up = tokio::time::timeout(Duration::from_millis(500), call).await;
        assert!(gave_up.is_err(), "nothing was answered");
        let left = Instant::now();
        abandoned_after(app, left).await;
    }
    for row in app.logs().await {
        assert_eq!(row.record.status, Status::Cancelled);
        assert_eq!((row.record.http_status, row.record.usage.total()), (0, 0));
        assert_eq!(row.record.error_code, "client_gone");
        assert!(
            row.record
                .latency_ms
                .is_some_and(|ms| (300..2_000).contains(&ms))
        );
    }
}

on_each_engine!(leaving_before_the_answer_cancels_it);

#[tokio::test]
async fn leaving_in_the_middle_of_a_vendors_silence_cancels_it() {
    let app = TestApp::start().await;
    app.vendor.push(Step::ending(End::Stall(3)));
    let response = app
        .openai()
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    let mut stream = response.bytes_stream();
    stream.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let left = Instant::now();
    drop(stream);
    abandoned_after(&app, left).await;
    assert_eq!(app.only_log().await.record.status, Status::Cancelled);
    app.finish().await;
}
