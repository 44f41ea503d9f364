//! What holds whatever dialects meet: strict keys, addresses that say the version twice.

use serde_json::json;

use crate::proxy_messages::{ask, message, start};
use crate::support::chat;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_key_refuses_what_another_would_leave_out() {
    let app = start().await;
    let body = json!({ "model": "gpt-x", "max_tokens": 64, "top_k": 3,
        "messages": [{ "role": "user", "content": "hello" }] });
    let lenient = ask(&app, "/messages", &body.to_string()).await;
    assert_eq!(
        (lenient.status, lenient.header("x-modelgate-dropped")),
        (200, "top_k")
    );
    app.change_key(|key| key.strict_conversion = true).await;
    let refused = ask(&app, "/messages", &body.to_string()).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let error = refused.json()["error"].clone();
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("top_k"), &json!("unsupported_parameter"))
    );
    // what loses nothing goes on, and so does the same dialect
    assert_eq!(
        ask(&app, "/messages", &message("gpt-x", false))
            .await
            .status,
        200
    );
    assert_eq!(
        ask(
            &app,
            "/messages",
            &body.to_string().replace("gpt-x", "claude-x")
        )
        .await
        .status,
        200
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_said_twice_is_understood() {
    let app = start().await;
    assert_eq!(
        ask(&app, "/v1/messages", &message("claude-x", false))
            .await
            .status,
        200
    );
    let answer = app
        .openai()
        .post("/v1/chat/completions", &chat("gpt-x", false))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(app.openai().get("/v1/models").await.status, 200);
    assert_eq!(app.openai().get("/v1/v1/models").await.status, 404);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_other_dialect_has_says_so() {
    let app = start().await;
    let body = json!({ "model": "claude-x", "prompt": "x" });
    let answer = app.openai().post("/completions", &body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "endpoint_not_supported");
    let works = json!({ "model": "both", "prompt": "x" });
    assert_eq!(app.openai().post("/completions", &works).await.status, 200);
    assert_eq!(app.vendor.stats().requests, 1);
    app.finish().await;
}
