//! How often a vendor is asked again, who goes before it, and what is owed where it never answered.

use std::time::{Duration, Instant};

use modelgate::simulator::{End, Step};
use modelgate_domain::{Period, Status};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Setup, TestApp, VENDOR_KEY, budget, chat};

/// A model, one that takes over for it, and how long a vendor may be silent.
fn fallback(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"
first_byte_timeout_ms = 1500

[[providers]]
name = "second"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "sk-up-second" }} ]

[[models]]
name = "gpt-x"
kind = "chat"
targets = [ {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 }} ]
fallbacks = [ {{ model = "other" }} ]

[[models]]
name = "other"
kind = "chat"
targets = [ {{ provider = "second", upstream_model = "up-other", priority = 1, weight = 100 }} ]
"#
    )
}

async fn who_says_now_is_not_asked_without_end(app: &TestApp) {
    for (name, value) in [
        ("retry-after", "0"),
        ("retry-after", "Fri, 20 Nov 2020 00:00:00 GMT"),
        ("retry-after-ms", "1"),
        ("x-ratelimit-reset-requests", "0s"),
    ] {
        app.vendor.reset();
        app.vendor
            .push(Step::status(429).header(name, value).always());
        let begun = Instant::now();
        let answer = app.openai().chat("gpt-x", false).await;
        assert_eq!(answer.status, 429, "{name}: {value}");
        assert!(begun.elapsed() < Duration::from_secs(4));
        let calls = app.vendor.received().len();
        assert!((2..=7).contains(&calls), "{name}: {value}: {calls} calls");
    }
    app.vendor.reset();
    for row in app.logs().await {
        let attempts = app.attempts(&row).await;
        assert_eq!(row.record.status, Status::RateLimited);
        assert_eq!(i64::try_from(attempts.len()).unwrap(), row.record.attempts);
    }
}

on_each_engine!(who_says_now_is_not_asked_without_end, |engine| {
    Setup::on(engine).env("MODELGATE_RETRY_BUDGET_MS", "2000")
});

#[tokio::test]
async fn another_model_answers_before_anybody_waits() {
    let app = TestApp::start().await;
    app.apply(&fallback(&app.vendor.base_url())).await;
    let late = |status| Step::status(status).header("retry-after", "8");
    for (ill, first) in [
        (late(429), 1),
        (late(503), 1),
        (Step::ending(End::StallAtOnce), 3),
    ] {
        app.vendor.push(ill.clone().for_key(VENDOR_KEY).always());
        for number in 0..4 {
            let begun = Instant::now();
            let answer = app.openai().chat("gpt-x", number % 2 == 1).await;
            let took = begun.elapsed();
            assert_eq!(answer.status, 200, "{ill:?}: {}", answer.text());
            assert_eq!(answer.header("x-modelgate-model"), "other");
            assert!(took < Duration::from_secs(4), "{ill:?}: {took:?}");
            if number >= first {
                assert_eq!(answer.header("x-modelgate-attempts"), "1");
            }
        }
        app.vendor.reset();
    }
    let rows = app.logs().await;
    assert!(rows.iter().all(|row| row.record.asked_model_id.0 != 0));
    app.finish().await;
}

#[tokio::test]
async fn what_rests_is_the_last_resort_for_the_model_that_was_asked_for() {
    let app = TestApp::start().await;
    app.apply(&fallback(&app.vendor.base_url())).await;
    let late = Step::status(429).header("retry-after", "60");
    app.vendor.push(late.for_key(VENDOR_KEY));
    let first = app.openai().chat("gpt-x", false).await;
    assert_eq!(first.header("x-modelgate-model"), "other");
    // the other is ill, too, and the first one is well again before it said so
    app.vendor
        .push(Step::status(500).for_key("sk-up-second").always());
    let answer = app.openai().chat("gpt-x", false).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        (
            answer.header("x-modelgate-model"),
            answer.header("x-modelgate-attempts")
        ),
        ("gpt-x", "2")
    );
    let row = app.logs().await.remove(0);
    assert_eq!(row.record.route_reason, "last_resort");
    assert_eq!(
        (
            row.record.asked_model_id.0,
            row.record.upstream_model.as_str()
        ),
        (0, "gpt-x-2026")
    );
    app.finish().await;
}

/// What the prompt of `chat` is estimated at, at the usual price.
const PROMPT_COST: i64 = 5 * 150;

async fn what_was_asked_for_is_paid_for_without_an_answer(app: &TestApp) {
    let timeouts = format!(
        "[[providers]]\nname = \"acme\"\nprotocol = \"openai\"\nbase_url = \"{}\"\nfirst_byte_timeout_ms = 700\n",
        app.vendor.base_url()
    );
    app.apply(&timeouts).await;
    app.vendor.push(Step::ending(End::StallAtOnce).always());
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 504);
    let (openai, body) = (app.openai(), chat("gpt-x", true));
    let call = openai.send("/chat/completions", &body);
    let gone = tokio::time::timeout(Duration::from_millis(300), call).await;
    assert!(gone.is_err(), "nothing was answered");
    app.vendor.reset();
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.vendor.push(Step::status(500));
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 500);
    let rows = app.logs().await;
    let owed: Vec<_> = rows
        .iter()
        .map(|row| (row.record.status, row.record.cost_nanos))
        .collect();
    assert_eq!(
        owed,
        [
            (Status::Error, None),
            (Status::Cancelled, Some(PROMPT_COST)),
            (Status::Timeout, Some(PROMPT_COST)),
        ]
    );
    for row in &rows[1..] {
        let usage = &row.record.usage;
        assert!(usage.estimated);
        assert_eq!((usage.prompt, usage.completion), (5, 0));
    }
}

on_each_engine!(what_was_asked_for_is_paid_for_without_an_answer);

#[tokio::test]
async fn who_never_connected_owes_nothing() {
    let app = TestApp::start().await;
    let nobody = "[[providers]]\nname = \"acme\"\nprotocol = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n";
    app.apply(nobody).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 502);
    let row = app.only_log().await.record;
    assert_eq!((row.cost_nanos, row.usage.total()), (None, 0));
    app.finish().await;
}

#[tokio::test]
async fn fields_of_other_endpoints_bound_nothing() {
    let app = TestApp::start().await;
    let answers = Step::answer().tokens(100);
    app.vendor.push(answers.clone());
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let before: i64 = spent(&app).await;
    app.limit_key(&[budget(before * 4, Period::Total)]).await;
    app.vendor
        .push(answers.delay(Duration::from_millis(300)).always());
    let mut body = chat("gpt-x", false);
    body["max_output_tokens"] = json!(1);
    body["max_tokens"] = json!(0);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (openai, body) = (app.openai(), body.clone());
        calls.spawn(async move { openai.post("/chat/completions", &body).await.status });
    }
    let statuses = calls.join_all().await;
    assert!(
        statuses.contains(&402) && statuses.contains(&200),
        "{statuses:?}"
    );
    assert!(spent(&app).await <= before * 4);
    app.vendor.reset();
    app.finish().await;
}

async fn spent(app: &TestApp) -> i64 {
    let rows = app.logs().await;
    rows.iter().filter_map(|row| row.record.cost_nanos).sum()
}
