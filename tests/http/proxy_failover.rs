//! Attempts: what goes to the next credential or target, what goes back to the caller, and the three timeouts.

use std::time::{Duration, Instant};

use modelgate::simulator::{Deaf, End, Step};
use modelgate_domain::{FaultOwner, Status};

use crate::on_each_engine;
use crate::support::{TestApp, VENDOR_KEY, chat};

/// A second provider behind the first, whose calls are told apart by their key.
fn second(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "second"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "sk-up-second" }} ]

[[models]]
name = "gpt-x"
kind = "chat"
targets = [
  {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 }},
  {{ provider = "second", upstream_model = "gpt-x-second", priority = 2, weight = 100 }},
]
"#
    )
}

fn timeouts(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"
connect_timeout_ms = 300
first_byte_timeout_ms = 300
idle_timeout_ms = 300
"#
    )
}

async fn what_another_may_serve_goes_to_the_next(app: &TestApp) {
    app.apply(&second(&app.vendor.base_url())).await;
    let steps = [
        Step::status(429).header("retry-after", "0"),
        Step::status(500),
        Step::status(503),
        Step::status(401),
        Step::status(403),
        Step::ending(End::CloseAtOnce),
        Step::ending(End::ResetAtOnce),
    ];
    for step in steps {
        for stream in [false, true] {
            // what failed before rests and is tried last, until it has served a call that names it
            let well = app.openai().chat("acme/gpt-x", false).await;
            assert_eq!(well.status, 200);
            app.vendor.reset();
            app.vendor.push(step.clone().for_key(VENDOR_KEY).always());
            let answer = app.openai().chat("gpt-x", stream).await;
            assert_eq!(answer.status, 200, "{step:?}: {}", answer.text());
            let mut models: Vec<String> = app
                .vendor
                .received()
                .iter()
                .map(modelgate::simulator::Received::model)
                .collect();
            // a kept-alive connection that closes is tried anew first
            models.dedup();
            assert_eq!(models, ["gpt-x-2026", "gpt-x-second"], "{step:?}");
            app.vendor.reset();
        }
    }
    let mut rows = app.logs().await;
    rows.retain(|row| row.record.requested_model == "gpt-x");
    assert_eq!(rows.len(), 14);
    for row in &rows {
        assert_eq!(row.record.status, Status::Success);
        assert_eq!(row.record.route_reason, "next_target");
        let attempts = app.attempts(row).await;
        assert_eq!(
            attempts.len(),
            usize::try_from(row.record.attempts).unwrap()
        );
        let (last, before) = attempts.split_last().unwrap();
        assert!(last.error_code.is_empty() && !before.is_empty());
        assert!(before.iter().all(|a| !a.error_code.is_empty()));
    }
}

on_each_engine!(what_another_may_serve_goes_to_the_next);

async fn when_nobody_is_left_the_last_failure_is_the_answer(app: &TestApp) {
    let limited = Step::status(429).header("retry-after", "7");
    app.vendor.push(limited);
    let answer = app.openai().chat("gpt-x", false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "7"));
    app.vendor.push(Step::status(503));
    assert_eq!(app.openai().chat("gpt-x", true).await.status, 503);
    app.vendor.push(Step::ending(End::CloseAtOnce).times(2));
    let closed = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (closed.status, closed.json()["error"]["type"].as_str()),
        (502, Some("api_error"))
    );
    app.vendor.reset();
    let rows: Vec<_> = app.logs().await.into_iter().map(|r| r.record).collect();
    assert_eq!(rows[2].status, Status::RateLimited);
    assert_eq!(
        (rows[2].upstream_status, rows[1].upstream_status),
        (429, 503)
    );
    for row in rows {
        assert_eq!(row.fault_owner, FaultOwner::Upstream);
        assert_eq!((row.cost_nanos, row.usage.total()), (None, 0));
    }
}

on_each_engine!(when_nobody_is_left_the_last_failure_is_the_answer);

async fn each_timeout_ends_the_call(app: &TestApp) {
    app.apply(&timeouts(&app.vendor.base_url())).await;
    let begun = Instant::now();
    for stream in [false, true] {
        app.vendor.push(Step::ending(End::StallAtOnce));
        let silent = app.openai().chat("gpt-x", stream).await;
        assert_eq!(silent.status, 504);
        assert_eq!(
            silent.json()["error"]["code"],
            "upstream_first_byte_timeout"
        );
    }
    // the header came, the first event did not
    app.vendor
        .push(Step::answer().first(Duration::from_secs(3)));
    assert_eq!(app.openai().chat("gpt-x", true).await.status, 504);
    app.vendor.push(Step::ending(End::Stall(3)));
    let idle = app.openai().chat("gpt-x", true).await;
    assert_eq!(idle.status, 200);
    let last = idle.events().pop().unwrap();
    assert_eq!(last["error"]["code"], "upstream_idle_timeout");
    app.vendor.push(Step::ending(End::Stall(0)));
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 504);
    assert!(begun.elapsed() < Duration::from_secs(8));

    let deaf = Deaf::open().await.unwrap();
    app.apply(&timeouts(&format!("http://{}/v1", deaf.addr().unwrap())))
        .await;
    let connect = app.openai().chat("gpt-x", false).await;
    assert_eq!(connect.status, 504);
    assert_eq!(connect.json()["error"]["code"], "upstream_connect_timeout");

    let rows = app.logs().await;
    assert_eq!(rows.len(), 6);
    for row in rows {
        assert_eq!(row.record.status, Status::Timeout, "{row:?}");
        assert_eq!(row.record.fault_owner, FaultOwner::Upstream);
        assert_eq!(
            row.record.http_status,
            if row.record.upstream_status == 200 && row.record.ttft_ms.is_some() {
                200
            } else {
                504
            }
        );
    }
    app.vendor.reset();
}

on_each_engine!(each_timeout_ends_the_call);

#[tokio::test]
async fn after_the_first_event_nothing_is_tried_again() {
    let app = TestApp::start().await;
    app.apply(&second(&app.vendor.base_url())).await;
    app.vendor
        .push(Step::ending(End::Close(1)).for_key(VENDOR_KEY));
    let answer = app.openai().chat("gpt-x", true).await;
    assert!(answer.events().last().unwrap()["error"].is_object());
    assert_eq!(app.vendor.received().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn nobody_at_the_address_is_told_as_such() {
    let app = TestApp::start().await;
    app.apply(&timeouts("http://127.0.0.1:9/v1")).await;
    let answer = app
        .openai()
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    assert_eq!(answer.status(), 502);
    let row = app.only_log().await.record;
    assert_eq!(
        (row.status, row.error_code.as_str()),
        (Status::Error, "upstream_connect_failed")
    );
    assert!(
        !answer.text().await.unwrap().contains("127.0.0.1"),
        "addresses stay inside"
    );
    app.finish().await;
}
