//! Calls that wait for a credential: served in turn, with their wait in the record, or refused by name.

use std::time::{Duration, Instant};

use modelgate::simulator::Step;
use modelgate_domain::{FaultOwner, Status};

use serde_json::json;

use crate::on_each_engine;
use crate::support::{Setup, TestApp, chat};

const BOB: &str = "sk-mg-test-bob-0123456789ab";

/// One credential with one place, and a second key.
fn one_place(base_url: &str, places: u32) -> String {
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "sk-up-main-canary-1", max_concurrency = {places} }} ]

[[api_keys]]
name = "bob"
secret = "{BOB}"
models = ["*"]
"#
    )
}

async fn until_waiting(app: &TestApp, calls: usize) {
    let all = async {
        while app.waiting() < calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), all).await;
    assert!(waited.is_ok(), "{} calls wait", app.waiting());
}

async fn a_busy_credential_is_waited_for_and_shared_by_the_keys_in_turn(app: &TestApp) {
    app.apply(&one_place(&app.vendor.base_url(), 1)).await;
    // the others have come before the first is done, on a busy machine too
    app.vendor
        .push(Step::answer().delay(Duration::from_millis(2_500)));
    app.vendor
        .push(Step::answer().delay(Duration::from_millis(300)).always());
    let mut calls = tokio::task::JoinSet::new();
    let first = app.openai();
    calls.spawn(async move { ("first", first.chat("gpt-x", false).await) });
    while app.vendor.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for number in 0..4 {
        let alice = app.openai();
        calls.spawn(async move { ("alice", alice.chat("gpt-x", false).await) });
        until_waiting(app, number + 1).await;
    }
    let bob = app.openai_as(BOB);
    calls.spawn(async move { ("bob", bob.chat("gpt-x", true).await) });
    until_waiting(app, 5).await;
    let mut order = Vec::new();
    while let Some(done) = calls.join_next().await {
        let (who, answer) = done.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        order.push(who);
    }
    let place = order.iter().position(|who| *who == "bob").unwrap();
    assert!(place <= 2, "one key holds up another one: {order:?}");
    let mut rows = app.logs().await;
    rows.sort_by_key(|row| row.record.queue_position);
    let positions: Vec<_> = rows.iter().map(|row| row.record.queue_position).collect();
    assert_eq!(
        positions,
        [None, Some(0), Some(1), Some(1), Some(2), Some(3)]
    );
    for row in &rows[1..] {
        assert_eq!(row.record.route_reason, "queued");
        assert!(row.record.queue_ms >= Some(20), "{row:?}");
    }
    assert_eq!(rows[0].record.queue_ms, None);
    app.vendor.reset();
}

on_each_engine!(a_busy_credential_is_waited_for_and_shared_by_the_keys_in_turn);

async fn a_full_queue_and_a_long_wait_are_refused_by_name(app: &TestApp) {
    app.apply(&one_place(&app.vendor.base_url(), 1)).await;
    app.vendor
        .push(Step::answer().delay(Duration::from_millis(2_500)));
    let running = app.openai();
    let running = async { running.chat("gpt-x", false).await };
    let others = async {
        while app.vendor.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let late = app.openai();
        let late = async {
            let begun = Instant::now();
            (late.chat("gpt-x", false).await, begun.elapsed())
        };
        let full = async {
            until_waiting(app, 1).await;
            app.openai().chat("gpt-x", true).await
        };
        tokio::join!(late, full)
    };
    let (served, ((late, waited), full)) = tokio::join!(running, others);
    assert_eq!(served.status, 200);
    assert_eq!(late.json()["error"]["code"], "queue_timeout");
    assert!((900..2_400).contains(&waited.as_millis()), "{waited:?}");
    assert_eq!(full.json()["error"]["code"], "queue_full");
    for refused in [&late, &full] {
        assert_eq!(refused.status, 429);
        let error = &refused.json()["error"];
        assert_eq!(
            (&error["rule"], &error["scope"], &error["owner"]),
            (&json!("queue"), &json!("gateway"), &json!("policy"))
        );
        assert_eq!((&error["limit"], &error["used"]), (&json!(1), &json!(1)));
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    let rows = app.logs().await;
    let row = rows.iter().find(|r| r.record.error_code == "queue_timeout");
    let record = &row.unwrap().record;
    assert_eq!(
        (record.status, record.fault_owner, record.queue_position),
        (Status::RateLimited, FaultOwner::Policy, Some(0))
    );
    assert!(record.queue_ms >= Some(900));
}

on_each_engine!(a_full_queue_and_a_long_wait_are_refused_by_name, |engine| {
    Setup::on(engine)
        .env("MODELGATE_QUEUE_DEADLINE", "1")
        .env("MODELGATE_QUEUE_LIMIT", "1")
});

async fn a_caller_that_goes_leaves_the_queue_and_a_higher_limit_serves_at_once(app: &TestApp) {
    let base_url = app.vendor.base_url();
    app.apply(&one_place(&base_url, 1)).await;
    app.vendor
        .push(Step::answer().delay(Duration::from_millis(1_500)));
    let first = app.openai();
    let first = tokio::task::spawn(async move { first.chat("gpt-x", false).await });
    while app.vendor.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let gone = app.openai();
    let gone = tokio::task::spawn(async move { gone.chat("gpt-x", false).await });
    until_waiting(app, 1).await;
    gone.abort();
    let left = async {
        while app.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let left = tokio::time::timeout(Duration::from_secs(1), left).await;
    assert!(left.is_ok(), "it still waits");
    let begun = Instant::now();
    let next = app.openai();
    let next = tokio::task::spawn(async move { next.chat("gpt-x", false).await });
    until_waiting(app, 1).await;
    app.apply(&one_place(&base_url, 2)).await;
    assert_eq!(next.await.unwrap().status, 200);
    assert!(begun.elapsed() < Duration::from_millis(1_300));
    assert_eq!(first.await.unwrap().status, 200);
}

on_each_engine!(a_caller_that_goes_leaves_the_queue_and_a_higher_limit_serves_at_once);

#[tokio::test]
async fn without_a_queue_a_busy_credential_is_refused_at_once() {
    let setup = Setup::on(crate::support::Engine::Sqlite).env("MODELGATE_QUEUE_DEADLINE", "0");
    let app = TestApp::try_start(setup).await.unwrap();
    app.apply(&one_place(&app.vendor.base_url(), 1)).await;
    app.vendor
        .push(Step::answer().delay(Duration::from_millis(300)));
    let first = app.openai();
    let first =
        tokio::task::spawn(
            async move { first.post("/chat/completions", &chat("gpt-x", false)).await },
        );
    while app.vendor.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = app.openai().chat("gpt-x", false).await;
    assert_eq!(refused.json()["error"]["code"], "credentials_busy");
    assert_eq!(first.await.unwrap().status, 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_waits_in_line_hears_that_somebody_is_there() {
    let setup = Setup::default().env("MODELGATE_QUEUE_DEADLINE", "40");
    let app = TestApp::try_start(setup).await.unwrap();
    let patient = one_place(&app.vendor.base_url(), 1)
        .replace("keys =", "first_byte_timeout_ms = 60000\nkeys =");
    app.apply(&patient).await;
    app.vendor
        .push(Step::answer().delay(Duration::from_millis(16_500)));
    let first = app.openai();
    let first = tokio::spawn(async move { first.chat("gpt-x", false).await.status });
    while app.vendor.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    let mut stream = app
        .openai()
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    assert_eq!(stream.status(), 200);
    let heard = stream.chunk().await.unwrap().expect("something");
    let waited = begun.elapsed();
    assert_eq!(&heard[..], b": keep-alive\n\n");
    assert!((14..17).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(app.vendor.received().len(), 1, "it still waits");
    let mut rest = Vec::new();
    while let Some(chunk) = stream.chunk().await.unwrap() {
        rest.extend_from_slice(&chunk);
    }
    assert!(String::from_utf8_lossy(&rest).ends_with("data: [DONE]\n\n"));
    assert_eq!(first.await.unwrap(), 200);
    let rows = app.logs().await;
    let row = rows.iter().find(|row| row.record.queue_position.is_some());
    let record = &row.expect("one waited").record;
    assert_eq!(record.status, Status::Success);
    assert!(record.queue_ms >= Some(15_000), "{record:?}");
    app.finish().await;
}
