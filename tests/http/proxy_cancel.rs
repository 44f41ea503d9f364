//! Callers who leave: the vendor call ends at once, and the record says what was received.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use modelgate::simulator::{End, Step};
use modelgate_domain::{FaultOwner, Status};

use crate::on_each_engine;
use crate::support::{TestApp, chat};

/// From the caller's leaving to the vendor's noticing.
const PROMPT: Duration = Duration::from_millis(100);
/// The machine does other things as well: the best of so many tries counts.
const TRIES: usize = 3;

/// How long it took until the vendor saw that nobody wants its answer any more.
async fn abandoned_after(app: &TestApp, left: Instant) -> Duration {
    let seen = app
        .vendor
        .wait_until(Duration::from_secs(5), |s| s.abandoned == 1)
        .await;
    assert!(seen, "the vendor's call runs on");
    let after = app.vendor.abandoned()[0].at.saturating_duration_since(left);
    app.vendor.reset();
    after
}

/// Leaves again and again until it was noticed in time.
async fn promptly(mut leave: impl AsyncFnMut() -> Duration) -> usize {
    let mut times = Vec::new();
    while times.len() < TRIES {
        times.push(leave().await);
        if times.last().is_some_and(|time| *time < PROMPT) {
            return times.len();
        }
    }
    panic!("{times:?}");
}

/// Calls, reads `events` pieces of the stream, leaves.
async fn leave_after(app: &TestApp, step: Step, events: usize) -> Duration {
    app.vendor.push(step);
    let response = app
        .openai()
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    let mut stream = response.bytes_stream();
    for _ in 0..events {
        stream.next().await.unwrap().unwrap();
    }
    let left = Instant::now();
    drop(stream);
    abandoned_after(app, left).await
}

async fn leaving_a_stream_cancels_it(app: &TestApp) {
    let long = Step::answer().tokens(500).pace(Duration::from_millis(20));
    let tries = promptly(async || leave_after(app, long.clone(), 5).await).await;
    let rows = app.logs().await;
    assert_eq!(rows.len(), tries);
    for row in rows.iter().map(|row| &row.record) {
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
}

on_each_engine!(leaving_a_stream_cancels_it);

async fn leaving_before_the_answer_cancels_it(app: &TestApp) {
    let patience = Duration::from_millis(300);
    for stream in [false, true] {
        let body = chat("gpt-x", stream);
        promptly(async || {
            app.vendor.push(Step::ending(End::StallAtOnce));
            let openai = app.openai();
            let call = openai.send("/chat/completions", &body);
            let gave_up = tokio::time::timeout(patience, call).await;
            assert!(gave_up.is_err(), "nothing was answered");
            abandoned_after(app, Instant::now()).await
        })
        .await;
    }
    for row in app.logs().await {
        assert_eq!(row.record.status, Status::Cancelled);
        assert_eq!(row.record.http_status, 0);
        // the vendor was asked and may have worked
        let usage = &row.record.usage;
        assert!(usage.estimated && usage.prompt > 0, "{usage:?}");
        assert_eq!(usage.completion, 0);
        assert_eq!(row.record.error_code, "client_gone");
        assert!(
            row.record
                .latency_ms
                .is_some_and(|ms| (200..2_000).contains(&ms))
        );
    }
}

on_each_engine!(leaving_before_the_answer_cancels_it);

#[tokio::test]
async fn leaving_in_the_middle_of_a_vendors_silence_cancels_it() {
    let app = TestApp::start().await;
    promptly(async || leave_after(&app, Step::ending(End::Stall(3)), 1).await).await;
    for row in app.logs().await {
        assert_eq!(row.record.status, Status::Cancelled);
    }
    app.finish().await;
}
