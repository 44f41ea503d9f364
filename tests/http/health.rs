//! What machines ask: is it alive, is it ready, what has it counted; and what happens while the database is away.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use modelgate_domain::Status;
use modelgate_store::StoreError;
use modelgate_store::usage::{self, UsageFilter};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::on_each_engine;
use crate::support::{KEY, Setup, TestApp};

async fn json(app: &TestApp, path: &str) -> (u16, Value) {
    let answer = reqwest::get(format!("{}{path}", app.url())).await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn alive_ready_and_counted(app: &TestApp) {
    assert_eq!(json(app, "/healthz").await.0, 200);
    app.openai().chat("gpt-x", false).await;
    app.openai_as("sk-mg-nobody-0123456789")
        .chat("gpt-x", false)
        .await;
    app.settle().await;
    let (status, ready) = json(app, "/readyz").await;
    assert_eq!((status, ready["status"].as_str()), (200, Some("ok")));
    assert_eq!(ready["journal"]["backlog_records"], 0);
    for path in ["/healthz", "/readyz", "/v1/models"] {
        let head = reqwest::Client::new().head(format!("{}{path}", app.url()));
        let head = head.bearer_auth(KEY).send().await.unwrap();
        assert_eq!(head.status().as_u16(), 200, "HEAD {path}");
        assert!(head.bytes().await.unwrap().is_empty());
    }
    let metrics = reqwest::get(format!("{}/metrics", app.url()))
        .await
        .unwrap();
    let text = metrics.text().await.unwrap();
    for line in [
        "modelgate_requests_total{endpoint=\"chat_completions\",fault_owner=\"none\",status=\"success\"} 1",
        "modelgate_auth_failures_total 1",
        "modelgate_active_requests 0",
        "modelgate_journal_backlog_records 0",
        "modelgate_database_up 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(
        !text.contains("alice") && !text.contains("gpt-x"),
        "no label is a caller's or an operator's"
    );
}

on_each_engine!(alive_ready_and_counted);

async fn below_its_base_path_alone(app: &TestApp) {
    assert_eq!(json(app, "/gate/readyz").await.0, 200);
    let outside = reqwest::get(format!("{}/readyz", app.url())).await.unwrap();
    assert_eq!(outside.status(), 404);
}

on_each_engine!(below_its_base_path_alone, |engine| Setup::on(engine)
    .env("BASE_PATH", "/gate"));

async fn metrics_are_not_for_everyone(app: &TestApp) {
    let url = format!("{}/metrics", app.url());
    let client = reqwest::Client::new();
    let status =
        async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    let told = client.get(&url).send().await.unwrap();
    assert_eq!(told.status(), 200);
    let told = told.text().await.unwrap();
    let redis = told
        .lines()
        .any(|line| line.starts_with("modelgate_redis_up"));
    assert!(!redis, "there is none that could be away: {told}");
    let proxied = client.get(&url).header("x-forwarded-for", "127.0.0.1");
    assert_eq!(status(proxied).await, 403);
    let token = client
        .get(&url)
        .header("x-forwarded-for", "192.0.2.1")
        .bearer_auth("metrics-token-0123456789");
    assert_eq!(status(token).await, 200);
    assert_eq!(status(client.get(&url).bearer_auth("another")).await, 403);
}

on_each_engine!(metrics_are_not_for_everyone, |engine| {
    Setup::on(engine).env("MODELGATE_METRICS_TOKEN", "metrics-token-0123456789")
});

async fn ready_status(app: &TestApp, wanted: &str) {
    let begun = Instant::now();
    loop {
        let (status, ready) = json(app, "/readyz").await;
        if ready["status"] == wanted {
            assert_eq!(
                status, 200,
                "the database being away is no reason to send calls elsewhere"
            );
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{ready}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_served_while_the_database_is_away_and_recorded_afterwards() {
    let Some(app) = TestApp::try_start(Setup::on(crate::support::Engine::Postgres)).await else {
        return;
    };
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    app.settle().await;
    app.database().close_for_everyone().await;
    ready_status(&app, "degraded").await;
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let client = app.openai();
        callers.spawn(async move {
            for call in 0..40 {
                let answer = client.chat("gpt-x", (caller + call) % 3 == 0).await;
                assert_eq!(answer.status, 200);
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
    }
    callers.join_all().await;
    let waiting = json(&app, "/readyz").await.1["journal"].clone();
    assert!(
        waiting["backlog_records"].as_u64() >= Some(320),
        "{waiting}"
    );
    let page = app.openai().get("/models").await;
    assert_eq!(page.status, 200, "what needs no database is served");
    app.database().open_again().await;
    ready_status(&app, "ok").await;
    // all of them, once each, in rows and in sums
    app.settle().await;
    let filter = UsageFilter {
        to_ms: i64::MAX / 2,
        ..UsageFilter::default()
    };
    let totals = app
        .db()
        .read(move |c| Box::pin(async move { usage::totals(c, &filter).await }))
        .await;
    let totals = totals.unwrap_or_else(|e: StoreError| panic!("{e}"));
    assert_eq!((totals.success, totals.error), (321, 0));
    let rows = app.logs().await;
    assert_eq!(rows.len(), 321);
    assert!(rows.iter().all(|row| row.record.status == Status::Success));
    let tokens: i64 = rows.iter().map(|row| row.record.usage.completion).sum();
    assert_eq!(totals.completion_tokens, tokens);
    app.finish().await;
}

/// Takes the journal's directory away: its files cannot be made, as on a full disk.
struct FullDisk {
    own: PathBuf,
    hidden: PathBuf,
}

impl FullDisk {
    fn begin(app: &TestApp) -> Self {
        let all = app.database().data_dir().join("journal");
        let own = std::fs::read_dir(&all).unwrap().next().unwrap().unwrap();
        let disk = Self {
            own: own.path(),
            hidden: all.join("hidden"),
        };
        std::fs::rename(&disk.own, &disk.hidden).unwrap();
        disk
    }

    async fn end(self, app: &TestApp) {
        std::fs::rename(&self.hidden, &self.own).unwrap();
        ready_status(app, "ok").await;
    }
}

/// One metric's value.
async fn metric(app: &TestApp, name: &str) -> f64 {
    let url = format!("{}/metrics", app.url());
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let mut values = text.lines().filter_map(|l| l.strip_prefix(name));
    values.find_map(|v| v.trim().parse().ok()).unwrap()
}

async fn a_full_disk_stops_calls(app: &TestApp) {
    let disk = FullDisk::begin(app);
    for stream in [false, true] {
        let refused = app.openai().chat("gpt-x", stream).await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, "5"));
        assert_eq!(refused.json()["error"]["code"], "journal_full");
    }
    // what is refused anyway is refused in its own words, and leaves nothing behind either
    assert_eq!(app.openai().chat("gpt-y", false).await.status, 404);
    assert!(app.vendor.received().is_empty(), "no vendor was called");
    let (status, ready) = json(app, "/readyz").await;
    assert_eq!(
        (status, ready["status"].as_str()),
        (503, Some("journal_full"))
    );
    assert_eq!(metric(app, "modelgate_journal_full").await.to_string(), "1");
    disk.end(app).await;
    assert_eq!(metric(app, "modelgate_journal_full").await.to_string(), "0");
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert_eq!(app.only_log().await.record.status, Status::Success);
}

on_each_engine!(a_full_disk_stops_calls);

async fn a_full_disk_costs_records_where_that_is_wanted(app: &TestApp) {
    let disk = FullDisk::begin(app);
    for stream in [false, true] {
        assert_eq!(app.openai().chat("gpt-x", stream).await.status, 200);
    }
    let (status, ready) = json(app, "/readyz").await;
    assert_eq!(
        (status, ready["status"].as_str()),
        (200, Some("unrecorded"))
    );
    assert_eq!(metric(app, "modelgate_journal_full").await.to_string(), "1");
    assert_eq!(
        metric(app, "modelgate_journal_unrecorded_calls")
            .await
            .to_string(),
        "2"
    );
    let page = app.admin().await.get("/admin/home").await.text();
    assert!(page.contains("without a record"), "the page says so");
    disk.end(app).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert_eq!(app.only_log().await.record.status, Status::Success);
}

on_each_engine!(a_full_disk_costs_records_where_that_is_wanted, |engine| {
    Setup::on(engine).env("MODELGATE_JOURNAL_FULL", "serve-without-record")
});
