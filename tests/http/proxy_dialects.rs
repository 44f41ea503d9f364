//! What holds whatever dialects meet: strict keys, addresses that say the version twice, what vendors say of failures.

use modelgate::simulator::Step;
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
async fn thoughts_of_another_vendor_do_not_reach_one_of_the_same_dialect() {
    let app = start().await;
    let body = |signature: &str| {
        json!({ "model": "claude-x", "max_tokens": 64, "messages": [
            { "role": "user", "content": "hello" },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": signature },
                { "type": "text", "text": "hi" } ] },
            { "role": "user", "content": "and now?" } ] })
        .to_string()
    };
    for signature in ["", "openai#abc"] {
        let answer = ask(&app, "/messages", &body(signature)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let dropped = answer.header("x-modelgate-dropped");
        assert_eq!(dropped, "messages.content.thinking");
        let sent = app.vendor.received().pop().unwrap().json();
        let left = json!([{ "type": "text", "text": "hi" }]);
        assert_eq!(sent["messages"][1]["content"], left);
        assert_eq!(sent["model"], "claude-sonnet-4-5");
    }
    let answer = ask(&app, "/messages", &body("EqQBCgIYAhIM")).await;
    assert_eq!(answer.header("x-modelgate-dropped"), "");
    let sent = app.vendor.received().pop().unwrap();
    let expected = body("EqQBCgIYAhIM").replace("claude-x", "claude-sonnet-4-5");
    assert_eq!(String::from_utf8(sent.body.to_vec()).unwrap(), expected);
    app.change_key(|key| key.strict_conversion = true).await;
    assert_eq!(ask(&app, "/messages", &body("")).await.status, 400);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vendor_says_of_its_failure_reaches_callers_of_other_dialects() {
    let app = start().await;
    for (body, said) in [
        (
            r#"[{"error":{"code":400,"message":"no such field","status":"INVALID_ARGUMENT"}}]"#,
            "no such field",
        ),
        (
            r#"{"detail":[{"loc":["body","top_k"],"msg":"too large"}]}"#,
            "body.top_k: too large",
        ),
        ("not today", "not today"),
        (
            "<html>no</html>",
            "The model's provider refused the request.",
        ),
    ] {
        app.vendor.push(Step::status(400).body(body));
        let refused = ask(&app, "/messages", &message("gpt-x", false)).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["message"]),
            (400, &json!(said))
        );
    }
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": "" }, "finish_reason": "network_error" });
    let failed = json!({ "id": "c", "choices": [choice] });
    app.vendor
        .push(Step::answer().body(failed.to_string()).always());
    let failed = ask(&app, "/messages", &message("gpt-x", false)).await;
    let said = failed.json()["error"]["message"].clone();
    assert_eq!(failed.status, 502, "{}", failed.text());
    assert!(said.as_str().unwrap().contains("network_error"), "{said}");
    let logs = app.logs().await;
    let told = |text: &str| logs.iter().any(|row| row.record.error_message == text);
    assert!(told("no such field") && told("not today"));
    app.finish().await;
}
