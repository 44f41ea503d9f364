//! Attempts: what goes to the next credential or target, what goes back to the caller, and the three timeouts.

use std::time::{Duration, Instant};

use modelgate::simulator::{Act, Deaf, End, Step};
use modelgate_domain::{FaultOwner, Status};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Setup, TestApp, VENDOR_KEY, chat};

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

/// Calls the first provider until it serves: what failed rests, and a rejected credential is asked again first.
async fn until_well(app: &TestApp) {
    let well = async {
        while app.openai().chat("acme/gpt-x", false).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let well = tokio::time::timeout(Duration::from_secs(10), well).await;
    assert!(well.is_ok(), "it does not come back");
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
            until_well(app).await;
            app.vendor.reset();
            app.vendor.push(step.clone().for_key(VENDOR_KEY).always());
            let answer = app.openai().chat("gpt-x", stream).await;
            assert_eq!(answer.status, 200, "{step:?}: {}", answer.text());
            let mut models: Vec<String> = app
                .vendor
                .received()
                .iter()
                .filter(|call| call.path == "/v1/chat/completions")
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

async fn when_nobody_is_left_the_failure_is_the_answer(app: &TestApp) {
    let limited = Step::status(429).header("retry-after", "77");
    app.vendor.push(limited);
    let answer = app.openai().chat("gpt-x", false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "77"));
    assert!(
        answer.json()["error"]["attempts"].is_null(),
        "one attempt is no list"
    );
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

on_each_engine!(when_nobody_is_left_the_failure_is_the_answer);

async fn when_all_fail_the_first_failure_is_told_with_all_attempts(app: &TestApp) {
    app.apply(&second(&app.vendor.base_url())).await;
    for stream in [false, true] {
        app.vendor.push(Step::status(503).for_key(VENDOR_KEY));
        app.vendor.push(Step::status(500).for_key("sk-up-second"));
        let answer = app.openai().chat("gpt-x", stream).await;
        assert_eq!(answer.status, 503);
        let error = &answer.json()["error"];
        assert!(error["message"].is_string(), "the vendor's own words");
        assert_eq!(
            error["attempts"],
            json!([
                {"provider": "acme", "status": 503, "code": "upstream_error"},
                {"provider": "second", "status": 500, "code": "upstream_error"},
            ])
        );
    }
    // a connection that breaks off has no status, and the gateway's words
    let close = Step::ending(End::CloseAtOnce).for_key(VENDOR_KEY).always();
    app.vendor.push(close.clone());
    app.vendor.push(Step::status(400).for_key("sk-up-second"));
    let refused = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        refused.status, 400,
        "what is the caller's fault is told as such"
    );
    app.vendor.reset();
    until_well(app).await;
    app.vendor.push(close);
    app.vendor.push(
        Step::status(429)
            .header("retry-after", "99")
            .for_key("sk-up-second"),
    );
    let closed = app.openai().chat("gpt-x", false).await;
    assert_eq!(closed.status, 502);
    let attempts = closed.json()["error"]["attempts"].clone();
    let last = attempts.as_array().unwrap().last().unwrap();
    assert_eq!(attempts[0]["status"], json!(null));
    assert_eq!(last["code"], "upstream_rate_limited");
    app.vendor.reset();
    let mut rows = app.logs().await;
    rows.retain(|row| row.record.requested_model == "gpt-x");
    let told: Vec<_> = rows.iter().map(|r| r.record.upstream_status).collect();
    assert_eq!(told, [0, 400, 503, 503]);
    assert_eq!(rows[0].record.error_code, "upstream_closed");
    for row in &rows {
        let attempts = app.attempts(row).await;
        assert!(attempts.len() >= 2 && attempts.iter().all(|a| !a.error_code.is_empty()));
    }
}

on_each_engine!(when_all_fail_the_first_failure_is_told_with_all_attempts);

async fn a_vendor_that_says_when_is_asked_again_then(app: &TestApp) {
    for stream in [false, true] {
        app.vendor
            .push(Step::status(429).header("retry-after", "1"));
        app.vendor
            .push(Step::status(503).header("retry-after-ms", "1"));
        let begun = Instant::now();
        let served = app.openai().chat("gpt-x", stream).await;
        assert_eq!(served.status, 200, "{}", served.text());
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }
    let rows = app.logs().await;
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(row.record.status, Status::Success);
        assert_eq!(row.record.route_reason, "retry_after");
        let codes = app.attempts(row).await;
        let codes: Vec<_> = codes.iter().map(|a| a.error_code.as_str()).collect();
        assert_eq!(codes, ["upstream_rate_limited", "upstream_error", ""]);
    }
    // elsewhere somebody may serve at once: nobody waits
    app.apply(&second(&app.vendor.base_url())).await;
    app.vendor.push(
        Step::status(429)
            .header("retry-after", "5")
            .for_key(VENDOR_KEY),
    );
    let begun = Instant::now();
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(4));
}

on_each_engine!(a_vendor_that_says_when_is_asked_again_then);

async fn without_a_budget_nobody_waits(app: &TestApp) {
    app.vendor
        .push(Step::status(429).header("retry-after", "1"));
    let answer = app.openai().chat("gpt-x", false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"));
}

on_each_engine!(without_a_budget_nobody_waits, |engine| {
    Setup::on(engine).env("MODELGATE_RETRY_BUDGET_MS", "0")
});

async fn what_the_caller_got_wrong_goes_straight_back(app: &TestApp) {
    app.apply(&second(&app.vendor.base_url())).await;
    for status in [400, 404, 409, 413, 415, 422] {
        app.vendor.push(Step::status(status).for_key(VENDOR_KEY));
        assert_eq!(app.openai().chat("gpt-x", false).await.status, status);
    }
    assert_eq!(app.vendor.received().len(), 6, "nobody else was asked");
    assert!(app.logs().await.iter().all(|row| row.record.attempts == 1));
}

on_each_engine!(what_the_caller_got_wrong_goes_straight_back);

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

/// A vendor that says again and again that it is at work, and nothing else.
fn comments_only() -> Step {
    let mut acts = vec![Act::Send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".into(),
    )];
    for _ in 0..40 {
        acts.push(Act::Send(": processing\n\n".into()));
        acts.push(Act::Wait(Duration::from_millis(50)));
    }
    acts.push(Act::Close);
    Step::acts(acts)
}

#[tokio::test]
async fn comments_are_no_answer() {
    let app = TestApp::start().await;
    app.apply(&timeouts(&app.vendor.base_url())).await;
    app.vendor.push(comments_only());
    let begun = Instant::now();
    let silent = app.openai().chat("gpt-x", true).await;
    assert_eq!(silent.status, 504, "{}", silent.text());
    assert!(begun.elapsed() < Duration::from_millis(1_500));
    let row = app.only_log().await.record;
    assert_eq!(
        (row.status, row.fault_owner, row.error_code.as_str()),
        (
            Status::Timeout,
            FaultOwner::Upstream,
            "upstream_first_byte_timeout"
        )
    );
    app.apply(&second(&app.vendor.base_url())).await;
    app.vendor.push(comments_only().for_key(VENDOR_KEY));
    let served = app.openai().chat("gpt-x", true).await;
    assert_eq!(served.status, 200);
    assert!(!served.text().contains("processing"), "{}", served.text());
    app.finish().await;
}

/// An error with status 200, whole or as the first event.
fn disguised(error: &serde_json::Value, stream: bool) -> Step {
    let body = json!({ "error": error }).to_string();
    if stream {
        Step::chunks([
            format!(": hello\n\ndata: {body}\n\n"),
            "data: [DONE]\n\n".into(),
        ])
    } else {
        Step::answer().body(body)
    }
}

async fn an_error_with_status_200_is_a_failure(app: &TestApp) {
    let leak = format!("no more for {VENDOR_KEY}");
    let busy = json!({"message": leak, "code": "rate_limit_exceeded"});
    let failed = json!({"message": "it broke", "type": "server_error"});
    let refused = json!({"message": "bad key", "code": 401});
    let wrong = json!({"message": "too hot", "type": "invalid_request_error"});
    for stream in [false, true] {
        for (error, status) in [(&busy, 429), (&failed, 502), (&refused, 502), (&wrong, 400)] {
            until_well(app).await;
            app.vendor.push(disguised(error, stream));
            let answer = app.openai().chat("gpt-x", stream).await;
            assert_eq!(answer.status, status, "{error}: {}", answer.text());
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(answer.json()["error"]["message"].is_string());
            assert!(!answer.text().contains(VENDOR_KEY), "{}", answer.text());
        }
    }
    let mut rows = app.logs().await;
    rows.retain(|row| row.record.requested_model == "gpt-x");
    assert_eq!(rows.len(), 8);
    for row in rows.iter().map(|row| &row.record) {
        let (status, fault) = match row.http_status {
            429 => (Status::RateLimited, FaultOwner::Upstream),
            400 => (Status::Error, FaultOwner::Caller),
            _ => (Status::Error, FaultOwner::Upstream),
        };
        assert_eq!((row.status, row.fault_owner), (status, fault), "{row:?}");
        assert_eq!((row.upstream_status, row.cost_nanos), (200, None));
    }
    app.apply(&second(&app.vendor.base_url())).await;
    for stream in [false, true] {
        for error in [&busy, &failed, &refused] {
            until_well(app).await;
            app.vendor
                .push(disguised(error, stream).for_key(VENDOR_KEY));
            let served = app.openai().chat("acme/gpt-x", stream).await;
            assert_ne!(served.status, 200, "there is no other at acme");
            app.vendor
                .push(disguised(error, stream).for_key(VENDOR_KEY).always());
            let served = app.openai().chat("gpt-x", stream).await;
            assert_eq!(served.status, 200, "{}", served.text());
            assert!(!served.text().contains("error"));
            app.vendor.reset();
        }
    }
}

on_each_engine!(an_error_with_status_200_is_a_failure);

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
