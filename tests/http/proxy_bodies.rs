//! Bodies in and out: what survives, what is refused, and how the refusal reads.

use modelgate::simulator::Step;
use modelgate_domain::{FaultOwner, Status};
use reqwest::Method;
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Answer, Setup, TestApp, chat};

async fn send(app: &TestApp, body: impl Into<reqwest::Body>, content_type: &str) -> Answer {
    let request = app.openai().request(Method::POST, "/chat/completions");
    let request = request.header("content-type", content_type).body(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_body_survives_byte_for_byte_but_for_its_model() {
    let app = TestApp::start().await;
    let body = " {\"zeta\" :1.10, \"unknown\":{\"model\":\"inner\",\"n\":1E+2},\n \"model\":\"gpt-x\",\"big\":12345678901234567890123,\
        \"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9llo \\/ 世界\"}],\"temperature\":0.70 } ";
    let answer = send(&app, body, "application/json; charset=utf-8").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = app.vendor.received().remove(0);
    let expected = body.replace("\"gpt-x\"", "\"gpt-x-2026\"");
    assert_eq!(String::from_utf8(sent.body.to_vec()).unwrap(), expected);
    assert_eq!(sent.path, "/v1/chat/completions");
    app.finish().await;
}

#[tokio::test]
async fn headers_of_the_caller_stay_here() {
    let app = TestApp::start().await;
    let request = app.openai().request(Method::POST, "/chat/completions");
    let request = request
        .header("content-type", "application/json")
        .header("cookie", "session=canary")
        .header("accept-encoding", "gzip, br")
        .header("x-forwarded-for", "1.2.3.4")
        .header("openai-beta", "assistants=v2")
        .header("x-session-id", "conversation-7")
        .header("user-agent", "tester/1.0")
        .body(chat("gpt-x", false).to_string());
    assert_eq!(request.send().await.unwrap().status(), 200);
    let sent = app.vendor.received().remove(0);
    for absent in [
        "cookie",
        "accept-encoding",
        "x-forwarded-for",
        "x-session-id",
    ] {
        assert_eq!(sent.header(absent), None, "{absent}");
    }
    assert_eq!(sent.header("openai-beta"), Some("assistants=v2"));
    assert_eq!(sent.key(), crate::support::VENDOR_KEY);
    let row = app.only_log().await.record;
    assert_eq!(row.session_id, "conversation-7");
    assert_eq!(row.user_agent, "tester/1.0");
    assert_eq!(
        row.client_ip, "127.0.0.1",
        "an untrusted peer is not believed"
    );
    app.finish().await;
}

async fn a_trusted_proxy_is_believed(app: &TestApp) {
    let request = app.openai().request(Method::POST, "/chat/completions");
    let request = request
        .header("content-type", "application/json")
        .header("x-forwarded-for", "6.6.6.6, 198.51.100.7")
        .body(chat("gpt-x", false).to_string());
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(app.only_log().await.record.client_ip, "198.51.100.7");
}

on_each_engine!(a_trusted_proxy_is_believed, |engine| Setup::on(engine)
    .env("TRUSTED_PROXIES", "127.0.0.0/8"));

async fn bad_bodies_are_refused_with_a_message_that_helps(app: &TestApp) {
    let json = "application/json";
    for (body, kind, status, code, says) in [
        ("", json, 400, "invalid_json", "empty"),
        (
            "{\"model\":\"gpt-x\",\n \"messages\": [}",
            json,
            400,
            "invalid_json",
            "line 2 column 15",
        ),
        ("[1]", json, 400, "invalid_json", "JSON object"),
        (
            "{\"messages\":[]}",
            json,
            400,
            "missing_required_parameter",
            "model",
        ),
        ("{\"model\":7}", json, 400, "invalid_type", "model"),
        (
            "{\"model\":\"a\",\"model\":\"gpt-x\"}",
            json,
            400,
            "duplicate_field",
            "model",
        ),
        (
            "{\"model\":\"gpt-x\"}",
            "text/plain",
            415,
            "unsupported_content_type",
            "application/json",
        ),
        (
            "{\"model\":\"gpt-x\"}",
            "application/x-www-form-urlencoded",
            415,
            "unsupported_content_type",
            "application/json",
        ),
    ] {
        let answer = send(app, body, kind).await;
        let error = answer.json()["error"].clone();
        assert_eq!(
            (answer.status, &error["code"]),
            (status, &json!(code)),
            "{body}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error.get("param").is_some());
        assert_eq!(error["request_id"], answer.header("x-request-id"));
    }
    let rows = app.logs().await;
    assert_eq!(rows.len(), 8);
    for row in rows {
        assert_eq!(row.record.status, Status::Error);
        assert_eq!(row.record.fault_owner, FaultOwner::Caller);
        assert_eq!(row.record.attempts, 0);
    }
    assert!(app.vendor.received().is_empty());
}

on_each_engine!(bad_bodies_are_refused_with_a_message_that_helps);

async fn an_oversized_body_is_refused(app: &TestApp) {
    let big = format!(
        "{{\"model\":\"gpt-x\",\"x\":\"{}\"}}",
        "y".repeat(3_000_000)
    );
    let answer = send(app, big.clone(), "application/json").await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"]["code"], "request_too_large");
    // without a length told in advance
    let pieces = big
        .into_bytes()
        .chunks(60_000)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>();
    let stream = futures_util::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let answer = send(app, reqwest::Body::wrap_stream(stream), "application/json").await;
    assert_eq!(answer.status, 413);
    assert!(app.vendor.received().is_empty());
    assert_eq!(app.logs().await.len(), 2);
}

on_each_engine!(an_oversized_body_is_refused, |engine| Setup::on(engine)
    .env("BODY_LIMIT", "1048576"));

#[tokio::test]
async fn answers_pass_with_status_and_body() {
    let app = TestApp::start().await;
    for status in [400, 404, 409, 413, 415, 422] {
        let body = format!("{{ \"error\" : {{\"message\":\"odd spacing {status}\"}} , \"n\":1.0}}");
        app.vendor.push(
            Step::status(status)
                .body(body.clone())
                .header("set-cookie", "a=b"),
        );
        let answer = app.openai().chat("gpt-x", false).await;
        assert_eq!((answer.status, answer.text()), (status, body));
        assert_eq!(answer.header("set-cookie"), "");
        assert!(answer.header("x-request-id").starts_with("req_"));
    }
    assert_eq!(
        app.vendor.received().len(),
        6,
        "none of them is tried again"
    );
    for row in app.logs().await {
        assert_eq!(row.record.http_status, row.record.upstream_status);
        assert_eq!(row.record.status, Status::Error);
        assert!(row.record.error_message.contains("odd spacing"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_large_answer_passes_whole() {
    let app = TestApp::start().await;
    let body = format!(
        "{{\"data\":\"{}\",\"usage\":{{\"prompt_tokens\":9,\"total_tokens\":9}}}}",
        "z".repeat(5_000_000)
    );
    app.vendor.push(Step::answer().body(body.clone()));
    let request = json!({"model": "embed-x", "input": "a"});
    let answer = app.openai().post("/embeddings", &request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-length"), body.len().to_string());
    assert!(answer.text() == body);
    let row = app.only_log().await.record;
    assert_eq!(row.status, Status::Success);
    assert_eq!((row.usage.prompt, row.usage.estimated), (9, false));
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_served_is_told_in_the_same_envelope() {
    let app = TestApp::start().await;
    let unknown = app.openai().get("/nothing").await;
    assert_eq!(
        (unknown.status, unknown.json()["error"]["code"].clone()),
        (404, json!("unknown_endpoint"))
    );
    let method = app.openai().get("/chat/completions").await;
    assert_eq!(method.status, 405);
    assert_eq!(method.header("allow"), "POST, OPTIONS");
    for answer in [unknown, method] {
        assert_eq!(
            answer.json()["error"]["request_id"],
            answer.header("x-request-id")
        );
    }
    app.finish().await;
}

async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let request = app.openai().request(Method::OPTIONS, "/chat/completions");
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,x-stainless-os",
        );
    Answer::of(request.send().await.unwrap()).await
}

async fn browsers_may_call_from_named_origins(app: &TestApp) {
    let asked = preflight(app, "https://app.example").await;
    assert_eq!(asked.status, 204);
    assert_eq!(
        asked.header("access-control-allow-origin"),
        "https://app.example"
    );
    assert!(
        asked
            .header("access-control-allow-headers")
            .contains("x-stainless-os")
    );
    assert!(
        asked
            .header("access-control-allow-methods")
            .contains("POST")
    );
    let stranger = preflight(app, "https://evil.example").await;
    assert_eq!(stranger.header("access-control-allow-origin"), "");
    let request = app
        .openai()
        .request(Method::GET, "/models")
        .header("origin", "https://app.example");
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://app.example"
    );
    assert!(
        answer
            .header("access-control-expose-headers")
            .contains("x-request-id")
    );
}

on_each_engine!(browsers_may_call_from_named_origins, |engine| Setup::on(
    engine
)
.env("MODELGATE_CORS_ORIGINS", "https://app.example"));

#[tokio::test]
async fn without_the_setting_no_browser_may_call() {
    let app = TestApp::start().await;
    let asked = preflight(&app, "https://app.example").await;
    assert_eq!(asked.header("access-control-allow-origin"), "");
    app.finish().await;
}

#[tokio::test]
async fn a_vendors_error_never_shows_its_key() {
    let app = TestApp::start().await;
    let leak = json!({"error": {"message": format!("bad key {} and sk-other-0123456789", crate::support::VENDOR_KEY)}});
    app.vendor.push(Step::status(400).json(&leak));
    let answer = app.openai().chat("gpt-x", false).await;
    assert_eq!(answer.status, 400);
    assert!(
        !answer.text().contains(crate::support::VENDOR_KEY),
        "{}",
        answer.text()
    );
    app.vendor.push(Step::status(401).json(&leak));
    let answer = app.openai().chat("gpt-x", false).await;
    assert_eq!(answer.status, 502, "the caller's key is not at fault");
    assert!(!answer.text().contains("sk-"), "{}", answer.text());
    for row in app.logs().await {
        assert!(
            row.record.error_message.contains("[secret] and [secret]"),
            "{row:?}"
        );
    }
    app.finish().await;
}
