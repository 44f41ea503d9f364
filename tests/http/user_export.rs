//! A holder's own calls and sums of days as files.

use crate::on_each_engine;
use crate::support::{KEY, TestApp, document_text};

/// A second key of its own.
const OTHER: &str = "sk-mg-test-mallory-0123456789";

async fn a_holder_takes_away_what_is_his_and_nothing_else(app: &TestApp) {
    let other =
        format!("[[api_keys]]\nname = \"mallory\"\nsecret = \"{OTHER}\"\nmodels = [\"*\"]\n");
    app.apply(&other).await;
    for _ in 0..3 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    let theirs = app.openai_as(OTHER).chat("gpt-x", false).await;
    let their_id = theirs.header("x-request-id").to_owned();
    app.settle().await;
    let alice = app.visitor();
    let page = alice
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(page.status, 303, "{}", page.text());

    let csv = alice.get("/user/export/calls?format=csv&range=today").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        csv.header("content-disposition")
            .starts_with("attachment; filename=\"modelgate-calls-")
    );
    let text = csv.text();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.starts_with("\u{feff}id,started_at,") && !text.contains("credential"));
    assert!(!text.contains(&their_id) && !text.contains("mallory"));

    let jsonl = alice
        .get("/user/export/calls?format=jsonl&range=today")
        .await
        .text();
    let rows: Vec<serde_json::Value> = jsonl
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter()
            .all(|row| row["key"] == "alice" && row["model"] == "gpt-x")
    );

    let days = alice
        .get("/user/export/days?format=jsonl&range=7d")
        .await
        .text();
    let rows: Vec<serde_json::Value> = days
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 1, "{days}");
    assert_eq!(
        (rows[0]["requests"].as_i64(), rows[0]["key"].as_str()),
        (Some(3), Some("alice"))
    );

    let report = alice.get("/user/export/report?format=docx&range=7d").await;
    assert_eq!(report.status, 200);
    assert!(
        report
            .header("content-disposition")
            .starts_with("attachment; filename=\"usage-")
    );
    assert_eq!(
        report.header("content-type"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    );
    let told = document_text(&report.body);
    assert!(told.contains("alice") && !told.contains("mallory"));
    let dashboard = alice.get("/user/dashboard").await.text();
    assert!(dashboard.contains("/user/export/calls?format=csv"));
    for foreign in [
        "/user/export/calls?key=2",
        "/user/export/days?key=2",
        "/user/export/calls?key=x",
    ] {
        let answer = alice.get(foreign).await;
        assert!(!answer.text().contains("mallory"), "{foreign}");
    }
    // An account without a key has nothing to take.
    let admin = app.admin().await;
    assert_eq!(admin.get("/user/export/calls").await.status, 404);
}

on_each_engine!(a_holder_takes_away_what_is_his_and_nothing_else);
