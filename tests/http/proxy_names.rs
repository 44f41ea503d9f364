//! Names, allow-lists and `/v1/models`: what a key may call, and under which names.

use modelgate_domain::{FaultOwner, Status};
use serde_json::{Value, json};

use crate::on_each_engine;
use crate::support::{KEY, TestApp, chat};

const BARRED: &str = "sk-mg-test-barred-0123456789";

/// A second provider, a model whose name has slashes, and a key for that one alone.
fn more(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "other"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "sk-up-other" }} ]

[[models]]
name = "org/big/model"
kind = "chat"
targets = [ {{ provider = "other", upstream_model = "vendor/big", priority = 1, weight = 100 }} ]

[[models]]
name = "gpt-x"
kind = "chat"
targets = [
  {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 }},
  {{ provider = "other", upstream_model = "gpt-x-other", priority = 2, weight = 100 }},
]

[[models]]
name = "unbound"
kind = "chat"

[[api_keys]]
name = "barred"
secret = "{BARRED}"
models = ["org/big/model"]
"#
    )
}

async fn model_sent(app: &TestApp, name: &str) -> Result<String, (u16, Value)> {
    let before = app.vendor.received().len();
    let answer = app.openai().chat(name, false).await;
    match app.vendor.received().get(before) {
        Some(received) => Ok(received.model()),
        None => Err((answer.status, answer.json()["error"]["code"].clone())),
    }
}

async fn names_are_understood_and_never_guessed(app: &TestApp) {
    app.apply(&more(&app.vendor.base_url())).await;
    for (name, sent) in [
        ("gpt-x", "gpt-x-2026"),
        ("gpt-x-latest", "gpt-x-2026"),
        ("acme/gpt-x", "gpt-x-2026"),
        ("other/gpt-x", "gpt-x-other"),
        ("org/big/model", "vendor/big"),
        ("other/org/big/model", "vendor/big"),
    ] {
        assert_eq!(model_sent(app, name).await.as_deref(), Ok(sent), "{name}");
    }
    for name in [
        "gpt",
        "nobody/gpt-x",
        "acme/org/big/model",
        "gpt-x-2026",
        "unbound",
        "GPT-X",
    ] {
        let refused = model_sent(app, name).await;
        assert_eq!(refused, Err((404, json!("model_not_found"))), "{name}");
    }
    let rows = app.logs().await;
    assert_eq!(rows.len(), 12);
    let unknown = rows
        .iter()
        .find(|r| r.record.requested_model == "gpt")
        .unwrap();
    assert_eq!(unknown.record.fault_owner, FaultOwner::Caller);
    assert_eq!(unknown.record.http_status, 404);
    assert_eq!(rows.last().unwrap().record.route_reason, "priority");
}

on_each_engine!(names_are_understood_and_never_guessed);

async fn a_key_calls_only_what_it_may(app: &TestApp) {
    app.apply(&more(&app.vendor.base_url())).await;
    let barred = app.openai_as(BARRED);
    assert_eq!(barred.chat("org/big/model", false).await.status, 200);
    assert_eq!(barred.chat("other/org/big/model", false).await.status, 200);
    for name in ["gpt-x", "gpt-x-latest", "acme/gpt-x"] {
        let answer = barred.chat(name, false).await;
        assert_eq!(answer.status, 403, "{name}");
        assert_eq!(answer.json()["error"]["code"], "model_not_allowed");
    }
    assert_eq!(app.vendor.received().len(), 2);
    let rows = app.logs().await;
    let refused = rows.iter().find(|r| r.record.http_status == 403).unwrap();
    assert_eq!(refused.record.status, Status::Error);
    assert_eq!(refused.record.fault_owner, FaultOwner::Policy);
    assert_eq!(refused.record.attempts, 0);
    let repeats: i64 = rows
        .iter()
        .filter(|r| r.record.http_status == 403)
        .map(|r| r.record.repeats)
        .sum();
    assert_eq!(repeats, 3);
}

on_each_engine!(a_key_calls_only_what_it_may);

#[tokio::test]
async fn the_list_shows_what_the_key_may_use() {
    let app = TestApp::start().await;
    app.apply(&more(&app.vendor.base_url())).await;
    let names = |list: &Value| -> Vec<String> {
        let data = list["data"].as_array().unwrap();
        data.iter()
            .map(|m| m["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = app.openai().get("/models").await;
    assert_eq!(names(&all.json()), ["embed-x", "gpt-x", "org/big/model"]);
    assert_eq!(all.json()["object"], "list");
    assert!(all.header("x-request-id").starts_with("req_"));
    let barred = app.openai_as(BARRED);
    assert_eq!(
        names(&barred.get("/models").await.json()),
        ["org/big/model"]
    );

    for path in ["/models/org/big/model", "/models/org%2Fbig%2Fmodel"] {
        let one = barred.get(path).await;
        assert_eq!(one.status, 200, "{path}: {}", one.text());
        assert_eq!(one.json()["id"], "org/big/model");
        assert_eq!(one.json()["object"], "model");
    }
    for path in ["/models/gpt-x", "/models/nothing"] {
        let none = barred.get(path).await;
        assert_eq!(none.status, 404);
        assert_eq!(none.json()["error"]["code"], "model_not_found");
    }
    assert_eq!(
        app.openai_as("sk-mg-unknown-key-123456")
            .get("/models")
            .await
            .status,
        401
    );
    assert!(app.logs().await.is_empty(), "the list leaves no record");
    app.finish().await;
}

#[tokio::test]
async fn an_endpoint_serves_its_kind_of_model() {
    let app = TestApp::start().await;
    let wrong = app.openai().chat("embed-x", false).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json()["error"]["code"], "model_kind_mismatch");
    let body = json!({"model": "embed-x", "input": ["a", "b"]});
    let right = app.openai().post("/embeddings", &body).await;
    assert_eq!(right.json()["data"].as_array().unwrap().len(), 2);
    let legacy = json!({"model": "gpt-x", "prompt": "once"});
    let legacy = app.openai().post("/completions", &legacy).await;
    assert_eq!(legacy.json()["object"], "text_completion");
    let endpoints: Vec<String> = app
        .logs()
        .await
        .into_iter()
        .map(|r| r.record.endpoint)
        .collect();
    assert_eq!(endpoints, ["completions", "embeddings", "chat_completions"]);
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_taken_from_any_of_its_headers_and_a_bad_one_is_named_by_its_prefix() {
    let app = TestApp::start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v1/chat/completions", app.url());
    let post = |name: &'static str, value: String| {
        let request = http.post(&url).header("content-type", "application/json");
        request
            .header(name, value)
            .body(chat("gpt-x", false).to_string())
            .send()
    };
    for name in ["x-api-key", "api-key", "x-goog-api-key"] {
        assert_eq!(
            post(name, KEY.to_owned()).await.unwrap().status(),
            200,
            "{name}"
        );
    }
    let bad = post("x-api-key", "sk-mg-wrong-canary-9876543210".to_owned())
        .await
        .unwrap();
    assert_eq!(bad.status(), 401);
    assert!(bad.headers().contains_key("x-request-id"));
    let text = bad.text().await.unwrap();
    assert!(
        text.contains("sk-mg-wro") && !text.contains("canary"),
        "{text}"
    );
    let none = post("x-other", "1".to_owned()).await.unwrap();
    assert_eq!(none.status(), 401);
    assert!(none.text().await.unwrap().contains("missing_api_key"));
    assert_eq!(
        app.logs().await.len(),
        3,
        "calls without a valid key leave no record"
    );
    app.finish().await;
}
