//! Budgets: held back before a call, settled after it, and never forgotten.

use std::sync::Arc;
use std::time::{Duration, Instant};

use modelgate::simulator::Step;
use modelgate_domain::money::parse_nanos;
use modelgate_domain::{
    Currency, LimitKind, LimitMode, LimitScope, Period, RequestId, RequestRecord, Status, Usage,
};
use modelgate_store::drain::{self, Batch, Entry};
use modelgate_store::{Engine, StoreError};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Answer, Setup, TestApp, budget, chat, limit};

/// What an answer of 100 tokens to "hello" costs at the usual price: 6 of prompt and 100 of output.
const COST: i64 = 6 * 150 + 100 * 600;

async fn call(app: &TestApp) -> Answer {
    app.vendor.push(Step::answer().tokens(100));
    let answer = app.openai().chat("gpt-x", false).await;
    if answer.status != 200 {
        app.vendor.reset();
    }
    answer
}

async fn spent(app: &TestApp) -> i64 {
    let rows = app.logs().await;
    rows.iter().filter_map(|row| row.record.cost_nanos).sum()
}

async fn a_budget_ends_and_says_when_it_begins_anew(app: &TestApp) {
    app.limit_key(&[budget(3 * COST + COST / 2, Period::Day)])
        .await;
    for n in 0..3 {
        let answer = call(app).await;
        assert_eq!(answer.status, 200, "{n}: {}", answer.text());
    }
    let over = call(app).await;
    let error = over.json()["error"].clone();
    assert_eq!(over.status, 402, "{error}");
    assert_eq!(
        (&error["code"], &error["type"]),
        (&json!("budget_exceeded"), &json!("insufficient_quota"))
    );
    assert_eq!(
        (&error["rule"], &error["scope"], &error["owner"]),
        (&json!("budget"), &json!("api_key"), &json!("policy"))
    );
    assert_eq!(error["currency"], "USD");
    let amount = |field: &str| parse_nanos(error[field].as_str().unwrap()).unwrap();
    assert_eq!(
        (amount("limit"), amount("used")),
        (3 * COST + COST / 2, 3 * COST)
    );
    let wait: i64 = over.header("retry-after").parse().unwrap();
    assert!(wait <= 86_400);
    assert!(
        error["reset_at"].as_str().unwrap().ends_with("T00:00:00Z"),
        "{error}"
    );
    assert_eq!(spent(app).await, 3 * COST);
    let row = app.logs().await.remove(0);
    assert_eq!(
        (row.record.status, row.record.http_status),
        (Status::Error, 402)
    );
    // more of it holds at once, and for as long as it lasts
    app.limit_key(&[budget(4 * COST + COST / 2, Period::Day)])
        .await;
    assert_eq!(call(app).await.status, 200);
    assert_eq!(call(app).await.status, 402);
}

on_each_engine!(a_budget_ends_and_says_when_it_begins_anew);

/// A budget and a limit of tokens that one call cannot fit in: nobody is told to wait.
async fn what_never_fits_is_told_as_such(app: &TestApp) {
    assert_eq!(call(app).await.status, 200, "how long answers are is known");
    app.limit_key(&[budget(COST / 2, Period::Day)]).await;
    let over = call(app).await;
    assert_eq!(over.status, 402);
    let error = over.json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("never fits"), "{message}");
    assert!(!message.contains("There is room again"), "{message}");
    assert!(error["reset_at"].is_null(), "{error}");
    assert_eq!(over.header("retry-after"), "");
    app.limit_key(&[limit(LimitKind::Tpm, 2)]).await;
    let over = call(app).await;
    assert_eq!((over.status, over.header("retry-after")), (429, ""));
    assert!(over.text().contains("never fits"), "{}", over.text());
}

on_each_engine!(what_never_fits_is_told_as_such);

/// It could never refuse anything: whoever asks why is told.
async fn a_budget_in_another_currency_is_told_as_such(app: &TestApp) {
    let euros = modelgate_domain::Limit {
        currency: Currency::parse("EUR").unwrap(),
        ..budget(1, Period::Day)
    };
    app.limit_key(&[euros]).await;
    assert_eq!(call(app).await.status, 200);
    let explained = app.openai().post("/explain", &chat("gpt-x", false)).await;
    assert!(
        explained.text().contains("no price in EUR"),
        "{}",
        explained.text()
    );
    let (admin, key) = (app.admin().await, app.key().await.id.0);
    let page = admin.get(&format!("/admin/api-keys/{key}")).await.text();
    assert!(
        page.contains("The budget in EUR does not count calls of"),
        "{page}"
    );
}

on_each_engine!(a_budget_in_another_currency_is_told_as_such);

async fn many_at_once_do_not_overspend(app: &TestApp) {
    assert_eq!(
        call(app).await.status,
        200,
        "how long answers are is known then"
    );
    let amount = 10 * COST;
    app.limit_key(&[budget(amount, Period::Total)]).await;
    app.vendor.push(
        Step::answer()
            .tokens(100)
            .delay(Duration::from_millis(50))
            .always(),
    );
    let calls = (0..40).map(|_| {
        let client = app.openai();
        tokio::spawn(async move { client.chat("gpt-x", false).await.status })
    });
    let mut statuses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        statuses.push(call.await.unwrap());
    }
    assert!(
        statuses.iter().all(|status| [200, 402].contains(status)),
        "{statuses:?}"
    );
    assert!(
        statuses.contains(&200) && statuses.contains(&402),
        "{statuses:?}"
    );
    // the budget was set after the first call and counts it
    assert!(spent(app).await <= amount);
    app.vendor.reset();
}

on_each_engine!(many_at_once_do_not_overspend);

async fn what_was_spent_before_counts(app: &TestApp) {
    for _ in 0..2 {
        assert_eq!(call(app).await.status, 200);
    }
    app.settle().await;
    app.limit_key(&[budget(2 * COST, Period::Month)]).await;
    assert_eq!(call(app).await.status, 402);
    app.limit_key(&[]).await;
    assert_eq!(call(app).await.status, 200);
    app.settle().await;
    app.limit_key(&[budget(3 * COST + COST / 2, Period::Month)])
        .await;
    let over = call(app).await;
    assert_eq!(
        over.status, 402,
        "what was spent while there was no budget counts as well"
    );
    let used = over.json()["error"]["used"].clone();
    assert_eq!(parse_nanos(used.as_str().unwrap()).unwrap(), 3 * COST);
    let gpt = app.model("gpt-x").await;
    app.limit_key(&[]).await;
    app.limit(LimitScope::Model, gpt.0, &[budget(3 * COST, Period::Week)])
        .await;
    assert_eq!(call(app).await.json()["error"]["scope"], "model");
}

on_each_engine!(what_was_spent_before_counts);

async fn what_other_instances_spend_is_seen_within_moments(app: &TestApp) {
    assert_eq!(call(app).await.status, 200);
    app.limit_key(&[budget(3 * COST, Period::Day)]).await;
    assert_eq!(call(app).await.status, 200);
    let key = app.key().await;
    let record = RequestRecord {
        id: RequestId(77),
        api_key_id: key.id,
        status: Status::Success,
        repeats: 1,
        started_ms: modelgate::clock::Clock::system().now_ms(),
        usage: Usage::from_openai(5, 0, 100, 0),
        cost_nanos: Some(COST),
        currency: Currency::parse("USD").unwrap(),
        ..RequestRecord::default()
    };
    let batch = Batch {
        instance: "another".to_owned(),
        positions: Vec::new(),
        entries: vec![Entry::Ended(record.into(), Vec::new())],
    };
    app.settle().await;
    app.db()
        .write(move |c| Box::pin(async move { drain::apply(c, &batch, chrono_tz::UTC).await }))
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    let begun = Instant::now();
    app.vendor.push(Step::answer().tokens(100).always());
    // each call in between is one that the budget has room for as far as this instance knows
    while app.openai().chat("gpt-x", false).await.status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(5));
        app.limit_key(&[budget(3 * COST, Period::Day)]).await;
    }
    app.vendor.reset();
}

on_each_engine!(what_other_instances_spend_is_seen_within_moments);

async fn calls_without_a_price_follow_the_setting(app: &TestApp) {
    let unpriced = r#"
[[models]]
name = "free-x"
kind = "chat"
targets = [ { provider = "acme", upstream_model = "free-1", priority = 1, weight = 100 } ]
"#;
    app.apply(unpriced).await;
    let free = async || app.openai().chat("free-x", false).await;
    app.set("unpriced", "refuse").await;
    assert_eq!(free().await.status, 200, "no budget, no question");
    let mut observed = budget(1, Period::Day);
    observed.mode = LimitMode::Observe;
    app.limit_key(&[observed]).await;
    assert_eq!(free().await.status, 200);
    app.limit_key(&[budget(COST, Period::Day)]).await;
    let refused = free().await;
    let error = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, &error["code"]),
        (402, &json!("model_unpriced"))
    );
    assert_eq!(
        (&error["rule"], &error["owner"]),
        (&json!("unpriced"), &json!("policy"))
    );
    app.set("unpriced", "allow").await;
    assert_eq!(free().await.status, 200);
}

on_each_engine!(calls_without_a_price_follow_the_setting);

async fn survives(engine: Engine) {
    let Some(app) = TestApp::try_start(Setup::on(engine)).await else {
        return;
    };
    // as long as the longest answers that are learnt to be of this length, so that two calls fit exactly
    let long = async |app: &TestApp| {
        app.vendor.push(Step::answer().tokens(103));
        let answer = app.openai().chat("gpt-x", false).await;
        app.vendor.reset();
        answer
    };
    let two = 2 * (6 * 150 + 103 * 600);
    app.limit_key(&[budget(two, Period::Day)]).await;
    for _ in 0..2 {
        assert_eq!(long(&app).await.status, 200);
    }
    assert_eq!(long(&app).await.status, 402);
    let app = app.restart().await;
    let over = long(&app).await;
    assert_eq!(over.status, 402, "{}", over.text());
    let used = over.json()["error"]["used"].clone();
    assert_eq!(parse_nanos(used.as_str().unwrap()).unwrap(), two);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_nothing_on_sqlite() {
    Box::pin(survives(Engine::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_nothing_on_postgres() {
    Box::pin(survives(Engine::Postgres)).await;
}

async fn the_length_of_answers_is_remembered_over_a_restart(app: TestApp) {
    app.limit_key(&[budget(3 * COST, Period::Total)]).await;
    app.vendor.push(Step::answer().tokens(200));
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert_eq!(app.logs().await.len(), 1, "in the database");
    let app = app.restart().await;
    // what is left would do for a call of unknown length
    let body = crate::support::chat("gpt-x", false);
    let begun = Instant::now();
    loop {
        let told = app.openai().post("/explain", &body).await.json();
        if told["outcome"] == "refuse" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{told}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_length_of_answers_is_remembered() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let Some(app) = TestApp::try_start(Setup::on(engine)).await {
            Box::pin(the_length_of_answers_is_remembered_over_a_restart(app)).await;
        }
    }
}
