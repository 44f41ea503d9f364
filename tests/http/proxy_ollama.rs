//! Ollama as a vendor: every client's conversations in its own dialect, embeddings on its other surface.

use modelgate::simulator::{Options, Step};
use modelgate_domain::Status;
use serde_json::{Value, json};

use crate::support::{KEY, Setup, TestApp, VENDOR_KEY};

/// Clients of the dialects whose requests are told apart by their addresses alone.
const CLIENTS: [(&str, &str); 4] = [
    ("openai", "/chat/completions"),
    ("anthropic", "/messages"),
    ("openai-responses", "/responses"),
    ("gemini", "/models/llama:generateContent"),
];

fn provisioning(base_url: &str) -> String {
    let root = base_url.trim_end_matches("/v1");
    format!(
        r#"
[[providers]]
name = "home"
template = "ollama"
base_url = "{root}"
first_byte_timeout_ms = 5000
keys = [ {{ label = "main", secret = "{VENDOR_KEY}" }} ]

[[models]]
name = "llama"
targets = [ {{ provider = "home", upstream_model = "gpt-oss:20b" }} ]
price = {{ currency = "USD", input = "1", output = "2" }}

[[models]]
name = "vectors"
kind = "embedding"
targets = [ {{ provider = "home", upstream_model = "nomic-embed-text" }} ]

[[api_keys]]
name = "alice"
secret = "{KEY}"
models = ["*"]
"#
    )
}

async fn start() -> TestApp {
    let setup = Setup {
        apply: Some(provisioning),
        vendor: Options {
            keys: vec![VENDOR_KEY.to_owned()],
            ..Options::default()
        },
        ..Setup::default()
    };
    TestApp::try_start(setup).await.expect("SQLite")
}

/// The same question in a client's dialect, with a tool where one is wanted.
fn asks(dialect: &str, tool: bool) -> Value {
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let said = json!([{ "role": "user", "content": "Wie ist das Wetter in Zürich?" }]);
    let mut body = match dialect {
        "openai" => json!({ "model": "llama", "messages": said }),
        "anthropic" => json!({ "model": "llama", "messages": said, "max_tokens": 100 }),
        "openai-responses" => json!({ "model": "llama", "input": said }),
        _ => json!({ "contents": [{ "role": "user", "parts": [{ "text": said[0]["content"] }] }] }),
    };
    if tool {
        body["tools"] = match dialect {
            "openai" => {
                json!([{ "type": "function", "function": { "name": "weather", "parameters": schema } }])
            }
            "anthropic" => json!([{ "name": "weather", "input_schema": schema }]),
            "openai-responses" => {
                json!([{ "type": "function", "name": "weather", "parameters": schema }])
            }
            _ => {
                json!([{ "functionDeclarations": [{ "name": "weather", "parametersJsonSchema": schema }] }])
            }
        };
    }
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_is_answered_and_its_tools_are_called() {
    let app = start().await;
    for (dialect, path) in CLIENTS {
        let client = app.openai();
        let whole = client.post(path, &asks(dialect, false)).await;
        assert_eq!(whole.status, 200, "{dialect}: {}", whole.text());
        assert!(whole.text().contains("rich"), "{dialect}: {}", whole.text());
        let called = client.post(path, &asks(dialect, true)).await;
        let text = called.text();
        assert!(
            text.contains("weather") && text.contains("city"),
            "{dialect}: {text}"
        );
    }
    for request in app.vendor.received() {
        assert_eq!(request.path, "/api/chat");
        let body = request.json();
        assert_eq!(body["model"], "gpt-oss:20b");
        assert_eq!(body["stream"], json!(false));
    }
    for row in app.logs().await {
        assert_eq!(row.record.status, Status::Success);
        assert!(row.record.usage.prompt > 0 && !row.record.usage.estimated);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_become_the_events_of_every_client() {
    let app = start().await;
    for (dialect, path) in CLIENTS {
        let mut body = asks(dialect, false);
        let path = match dialect {
            "gemini" => "/models/llama:streamGenerateContent?alt=sse".to_owned(),
            _ => {
                body["stream"] = json!(true);
                path.to_owned()
            }
        };
        // cut anywhere, also within a character
        app.vendor
            .push(Step::answer().split(3).text("Grüße aus 上海 🌍"));
        let streamed = app.openai().post(&path, &body).await;
        let text = streamed.text();
        assert!(
            streamed
                .header("content-type")
                .starts_with("text/event-stream"),
            "{dialect}"
        );
        assert!(
            !text.contains("done_reason") && text.contains("Grüße") && text.contains("海"),
            "{dialect}: {text}"
        );
    }
    let row = &app.logs().await[0].record;
    assert!(row.usage.completion > 0 && !row.usage.estimated);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_a_last_line_end_is_whole_and_one_without_a_last_line_is_not() {
    let app = start().await;
    let line = r#"{"created_at":"x","message":{"role":"assistant","content":"hi"},"done":false}"#;
    let last = r#"{"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":1}"#;
    let error = r#"{"error":"the model ran away with sk-up-main-canary-1"}"#;
    let lines = |all: &[&str]| {
        let step = Step::status(200).header("content-type", "application/x-ndjson");
        step.body(all.join("\n"))
    };
    for (sent, told) in [
        (vec![line, last], "[DONE]"),
        (vec![line, ""], "upstream_closed"),
        (vec![line, error], "ran away"),
    ] {
        app.vendor.push(lines(&sent));
        let text = app.openai().chat("llama", true).await.text();
        assert!(text.contains(told) && text.contains("hi"), "{told}: {text}");
        assert!(!text.contains(VENDOR_KEY), "{text}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_cannot_is_refused_or_named() {
    let app = start().await;
    let picture = json!({ "model": "llama", "messages": [{ "role": "user", "content": [
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } } ] }] });
    let refused = app.openai().post("/chat/completions", &picture).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(
        refused.text().contains("somewhere else"),
        "{}",
        refused.text()
    );
    let mut forced = asks("openai", true);
    forced["tool_choice"] = json!("required");
    forced["reasoning_effort"] = json!("high");
    let answered = app.openai().post("/chat/completions", &forced).await;
    assert_eq!(
        answered.header("x-modelgate-dropped"),
        "tool_choice.required"
    );
    assert_eq!(app.vendor.received()[0].json()["think"], "high");
    // an error of its own form, before anything was answered
    app.vendor.push(Step::status(404));
    let missing = app.openai().chat("llama", false).await;
    assert_eq!(missing.status, 404, "{}", missing.text());
    assert!(
        missing.json()["error"]["message"].is_string(),
        "{}",
        missing.text()
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embeddings_and_the_list_of_models_have_their_own_addresses() {
    let app = start().await;
    let body = json!({ "model": "vectors", "input": ["a", "b"] });
    let vectors = app.openai().post("/embeddings", &body).await;
    assert_eq!(vectors.status, 200, "{}", vectors.text());
    assert_eq!(vectors.json()["data"].as_array().map(Vec::len), Some(2));
    let received = app.vendor.received();
    assert_eq!(received[0].path, "/v1/embeddings");
    assert_eq!(received[0].json()["model"], "nomic-embed-text");

    let admin = app.admin().await;
    let provider = "/admin/config/providers/1";
    let page = admin.get(provider).await.text();
    assert!(
        page.contains("<option value=\"ollama\" selected>"),
        "{page}"
    );
    let fetched = admin
        .submit(provider, &format!("{provider}/models/fetch"), &[])
        .await;
    assert!(fetched.text().contains("sim-chat"), "{}", fetched.text());
    let paths: Vec<String> = app.vendor.received().into_iter().map(|r| r.path).collect();
    assert!(paths.iter().any(|path| path == "/api/tags"), "{paths:?}");
    app.finish().await;
}
