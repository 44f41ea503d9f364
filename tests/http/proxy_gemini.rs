//! Google's dialect: its clients and its vendors, alone and with other dialects on the other side; Azure's addresses.

use std::time::Duration;

use modelgate::simulator::{End, Options, Reply, Step};
use modelgate_domain::Status;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, KEY, Setup, TestApp, VENDOR_KEY, chat};

const BODY: &str = r#" {"contents" : [{"role":"user","parts":[{"text":"héllo"}]}], "zeta":1.10} "#;
const WHOLE: &str = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}],"role":"model"},"finishReason":"STOP","index":0}],"x":1.10,"usageMetadata":{"promptTokenCount":40,"cachedContentTokenCount":30,"candidatesTokenCount":15,"thoughtsTokenCount":25,"totalTokenCount":80},"modelVersion":"gemini-3-pro"}"#;
const FIRST: &str =
    r#"{"candidates":[{"content":{"parts":[{"text":"hé"}],"role":"model"},"index":0}]}"#;

/// A vendor of each dialect and a model at each.
fn provisioning(base_url: &str) -> String {
    let root = base_url.trim_end_matches("/v1");
    let provider = |name: &str, protocol: &str, address: &str| {
        format!(
            "[[providers]]\nname = \"{name}\"\nprotocol = \"{protocol}\"\nbase_url = \"{address}\"\nfirst_byte_timeout_ms = 5000\nkeys = [ {{ label = \"main\", secret = \"{VENDOR_KEY}\" }} ]\n"
        )
    };
    let providers = [
        provider("acme", "openai", base_url),
        provider("claudes", "anthropic", root),
        provider("googles", "gemini", root),
        provider(
            "azure",
            "azure-openai",
            &format!("{root}/openai?api-version=2024-10-21"),
        ),
        provider("azure-v1", "azure-openai", &format!("{root}/openai/v1")),
    ]
    .concat();
    format!(
        r#"{providers}
[[models]]
name = "gpt-x"
targets = [ {{ provider = "acme", upstream_model = "gpt-x-2026" }} ]

[[models]]
name = "claude-x"
max_output_tokens = 1000
targets = [ {{ provider = "claudes", upstream_model = "claude-sonnet-4-5" }} ]

[[models]]
name = "gemini-x"
context_length = 1000000
targets = [ {{ provider = "googles", upstream_model = "gemini-3-pro" }} ]
price = {{ currency = "USD", input = "1", cached_input = "0.1", output = "2" }}

[[models]]
name = "deployed"
targets = [ {{ provider = "azure", upstream_model = "my/gpt" }} ]

[[models]]
name = "deployed-v1"
targets = [ {{ provider = "azure-v1", upstream_model = "my-gpt" }} ]

[[models]]
name = "vectors"
kind = "embedding"
targets = [ {{ provider = "azure", upstream_model = "my-vectors" }} ]

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
    TestApp::try_start(setup).await.unwrap()
}

/// A call as Google's SDK makes it; without a key in the headers where the address has one.
async fn ask(app: &TestApp, path: &str, body: Option<&str>) -> Answer {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let method = if body.is_some() {
        Method::POST
    } else {
        Method::GET
    };
    let mut request = client.request(method, format!("{}/v1beta{path}", app.url()));
    if !path.contains("key=") {
        request = request.header("x-goog-api-key", KEY);
    }
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
    }
    Answer::of(request.send().await.unwrap()).await
}

fn text_of(answer: &Value) -> String {
    let parts = answer
        .pointer("/candidates/0/content/parts")
        .and_then(Value::as_array);
    let texts = parts.into_iter().flatten();
    texts.filter_map(|part| part["text"].as_str()).collect()
}

fn hello() -> String {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": "hello" }] }] }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_the_same_dialect_bytes_pass_as_they_are() {
    let app = start().await;
    app.vendor.push(Step::reply(Reply {
        body: Some(WHOLE.into()),
        ..Reply::default()
    }));
    let answer = ask(&app, "/models/gemini-x:generateContent", Some(BODY)).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, WHOLE));
    let events = format!("data: {FIRST}\r\n\r\ndata: {WHOLE}\r\n\r\n");
    for size in [1, 7, 4_096] {
        app.vendor
            .push(Step::chunks(events.as_bytes().chunks(size)));
        let path = format!("/models/gemini-x:streamGenerateContent?alt=sse&key={KEY}");
        let streamed = ask(&app, &path, Some(BODY)).await;
        assert_eq!((streamed.status, streamed.text()), (200, events.clone()));
        app.vendor
            .push(Step::chunks(events.as_bytes().chunks(size)));
        let listed = ask(&app, "/models/gemini-x:streamGenerateContent", Some(BODY)).await;
        assert_eq!(
            listed.header("content-type"),
            "application/json; charset=utf-8"
        );
        assert_eq!(listed.text(), format!("[{FIRST},\r\n{WHOLE}]"));
    }
    let sent = app.vendor.received();
    assert_eq!(sent[0].path, "/v1beta/models/gemini-3-pro:generateContent");
    assert_eq!(
        sent[1].path,
        "/v1beta/models/gemini-3-pro:streamGenerateContent"
    );
    assert_eq!(
        (sent[1].query.as_str(), sent[2].query.as_str()),
        ("alt=sse", "alt=sse")
    );
    for one in sent {
        assert_eq!(String::from_utf8(one.body.to_vec()).unwrap(), BODY);
        assert_eq!(one.header("x-goog-api-key"), Some(VENDOR_KEY));
        assert_eq!(one.header("authorization"), None);
    }
    for row in app.logs().await {
        let record = &row.record;
        assert!(record.endpoint.ends_with("generate_content") && record.dialect == "gemini");
        let usage = record.usage;
        let buckets = (
            usage.prompt,
            usage.cached,
            usage.completion,
            usage.reasoning,
        );
        assert_eq!(buckets, (10, 30, 15, 25));
        // 10 at 1, 30 at 0.1 and 40 at 2 dollars a million
        assert_eq!(record.cost_nanos, Some(10_000 + 3_000 + 80_000));
        assert_eq!(
            (record.status, record.finish_reason.as_str()),
            (Status::Success, "STOP")
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_clients_reach_vendors_of_every_dialect() {
    let app = start().await;
    for model in ["gpt-x", "claude-x", "gemini-x"] {
        let whole = ask(
            &app,
            &format!("/models/{model}:generateContent"),
            Some(&hello()),
        )
        .await;
        assert_eq!(whole.status, 200, "{}", whole.text());
        let said = text_of(&whole.json());
        assert!(!said.is_empty());
        let tokens = &whole.json()["usageMetadata"];
        assert!(
            tokens["candidatesTokenCount"].as_i64().unwrap() > 0,
            "{tokens}"
        );
        let path = format!("/models/{model}:streamGenerateContent");
        let streamed = ask(&app, &format!("{path}?alt=sse"), Some(&hello())).await;
        let pieces: String = streamed.events().iter().map(text_of).collect();
        assert_eq!(pieces, said, "{}", streamed.text());
        let last = streamed.events().pop().unwrap();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        assert_eq!(
            last["usageMetadata"]["totalTokenCount"],
            tokens["totalTokenCount"]
        );
        let listed = ask(&app, &path, Some(&hello())).await;
        let all = listed.json();
        let pieces: String = all.as_array().unwrap().iter().map(text_of).collect();
        assert_eq!(pieces, said);
        let counted = ask(
            &app,
            &format!("/models/{model}:countTokens"),
            Some(&hello()),
        )
        .await;
        assert!(counted.json()["totalTokens"].as_i64().unwrap() > 0);
        let estimated = counted.header("x-modelgate-estimated");
        assert_eq!(estimated == "true", model != "gemini-x");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_every_dialect_reach_googles_models_with_their_seals() {
    let app = start().await;
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    // chat completions: the seal comes and goes with the call
    let mut body = chat("gemini-x", false);
    body["tools"] =
        json!([{ "type": "function", "function": { "name": "w", "parameters": schema } }]);
    let first = app.openai().post("/chat/completions", &body).await;
    let call = first.json()["choices"][0]["message"].clone();
    assert_eq!(first.json()["choices"][0]["finish_reason"], "tool_calls");
    let id = call["tool_calls"][0]["id"].clone();
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(call);
    turns.push(json!({ "role": "tool", "tool_call_id": id, "content": "rain" }));
    let second = app.openai().post("/chat/completions", &body).await;
    assert_eq!(second.status, 200, "{}", second.text());
    // messages, streamed: it comes as the signature of a thinking block
    let mut body = json!({ "model": "gemini-x", "max_tokens": 100, "stream": true,
        "messages": [{ "role": "user", "content": "hello" }], "tools": [{ "name": "w", "input_schema": schema }] });
    let first = app.openai().post("/messages", &body).await;
    let events = first.events();
    let seal = events
        .iter()
        .find_map(|e| e["delta"]["signature"].as_str())
        .unwrap();
    let call = events
        .iter()
        .map(|e| &e["content_block"])
        .find(|b| b["type"] == "tool_use")
        .unwrap();
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({ "role": "assistant", "content": [
        { "type": "thinking", "thinking": "", "signature": seal },
        { "type": "tool_use", "id": call["id"], "name": "w", "input": { "city": "x" } }] }));
    turns.push(json!({ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": call["id"], "content": "rain" }] }));
    let second = app.openai().post("/messages", &body).await;
    assert_eq!(
        second.events().last().unwrap()["type"],
        "message_stop",
        "{}",
        second.text()
    );
    // responses, from a client that has lost it
    let body = json!({ "model": "gemini-x", "input": [{ "role": "user", "content": "hello" },
        { "type": "function_call", "call_id": "c", "name": "w", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "c", "output": "rain" }] });
    let answer = app.openai().post("/responses", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seals: Vec<Value> = app
        .vendor
        .received()
        .iter()
        .filter_map(|sent| {
            sent.json()
                .pointer("/contents/1/parts/0/thoughtSignature")
                .cloned()
        })
        .collect();
    assert_eq!(
        seals,
        ["c2VhbGVk", "c2VhbGVk", "skip_thought_signature_validator"]
    );
    app.finish().await;
}

/// Google's clients for Python and Go take a comment for JSON, so they hear empty lines; in an array those are white space.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_long_hears_nothing_that_is_no_data() {
    let app = start().await;
    let patient = provisioning(&app.vendor.base_url()).replace("5000", "60000");
    app.apply(&patient).await;
    let late = Step::answer().delay(Duration::from_secs(16));
    app.vendor.push(late.always());
    let events = "/models/gemini-x:streamGenerateContent?alt=sse";
    let array = "/models/claude-x:streamGenerateContent";
    let body = hello();
    let (events, array) = tokio::join!(
        ask(&app, events, Some(&body)),
        ask(&app, array, Some(&body))
    );
    assert!(
        events.text().starts_with("\n\ndata: {"),
        "{}",
        events.text()
    );
    let lines = events.text();
    assert!(
        lines
            .lines()
            .all(|l| l.is_empty() || l.starts_with("data: "))
    );
    assert!(array.text().starts_with("\n\n["), "{}", array.text());
    assert!(array.json().is_array());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_have_googles_form_in_bodies_and_streams() {
    let app = start().await;
    let form = |answer: &Answer, status: u16, word: &str| {
        assert_eq!(answer.status, status, "{}", answer.text());
        let error = answer.json()["error"].clone();
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(status), &json!(word))
        );
        error
    };
    let path = "/models/none:generateContent";
    let unknown = form(&ask(&app, path, Some(&hello())).await, 404, "NOT_FOUND");
    assert_eq!(unknown["details"][0]["reason"], "model_not_found");
    let wrong = format!("{path}?key=sk-mg-canary-wrong-0123456789");
    let refused = ask(&app, &wrong, Some(&hello())).await;
    form(&refused, 401, "UNAUTHENTICATED");
    assert!(!refused.text().contains("wrong-0123456789"));
    form(
        &ask(&app, "/models/gpt-x:predict", Some("{}")).await,
        404,
        "NOT_FOUND",
    );
    form(
        &ask(&app, "/models/gpt-x:generateContent", Some("[1]")).await,
        400,
        "INVALID_ARGUMENT",
    );
    let search =
        json!({ "contents": [{ "parts": [{ "text": "x" }] }], "tools": [{ "googleSearch": {} }] });
    let refused = ask(
        &app,
        "/models/gpt-x:generateContent",
        Some(&search.to_string()),
    )
    .await;
    let error = form(&refused, 400, "INVALID_ARGUMENT");
    assert_eq!(
        error["details"][0]["metadata"]["param"],
        "tools[0].googleSearch"
    );
    for model in ["gpt-x", "gemini-x"] {
        app.vendor.push(Step::status(429));
        let path = format!("/models/{model}:generateContent");
        form(
            &ask(&app, &path, Some(&hello())).await,
            429,
            "RESOURCE_EXHAUSTED",
        );
        for end in [End::Close(2), End::Error(2)] {
            for (query, last) in [("?alt=sse", "data: {\"error\":"), ("", ",\r\n{\"error\":")] {
                app.vendor.push(Step::ending(end));
                let path = format!("/models/{model}:streamGenerateContent{query}");
                let broken = ask(&app, &path, Some(&hello())).await;
                assert_eq!(broken.status, 200);
                assert!(broken.text().contains(last), "{}", broken.text());
            }
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_are_listed_in_googles_form_and_only_there() {
    let app = start().await;
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("/models?pageSize=2&pageToken={token}&key={KEY}");
        let list = ask(&app, &path, None).await.json();
        let models = list["models"].as_array().unwrap();
        assert!((1..=2).contains(&models.len()), "{list}");
        let more = models
            .iter()
            .map(|m| m["name"].as_str().unwrap().to_owned());
        names.extend(more);
        let Some(next) = list["nextPageToken"].as_str() else {
            break;
        };
        next.clone_into(&mut token);
    }
    let whole = ask(&app, "/models", None).await.json();
    let whole = whole["models"].as_array().unwrap();
    let whole: Vec<&str> = whole.iter().filter_map(|m| m["name"].as_str()).collect();
    assert_eq!(names, whole);
    assert!(
        whole.contains(&"models/gemini-x") && whole.contains(&"models/gpt-x"),
        "{whole:?}"
    );
    let one = ask(&app, "/models/gemini-x", None).await.json();
    assert_eq!(
        (&one["name"], &one["inputTokenLimit"]),
        (&json!("models/gemini-x"), &json!(1_000_000))
    );
    assert!(
        one["supportedGenerationMethods"]
            .as_array()
            .unwrap()
            .contains(&json!("countTokens"))
    );
    assert_eq!(ask(&app, "/models/none", None).await.status, 404);
    // newer clients of Google's leave the beta out
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("{}/v1{path}?key={KEY}", app.url());
    let list = client.get(url("/models")).send().await.unwrap();
    assert!(Answer::of(list).await.json()["models"].is_array());
    let asked = client
        .post(url("/models/gpt-x:generateContent"))
        .header("content-type", "application/json")
        .body(hello());
    let answer = Answer::of(asked.send().await.unwrap()).await;
    assert!(!text_of(&answer.json()).is_empty(), "{}", answer.text());
    let elsewhere = client.post(url("/chat/completions"));
    let elsewhere = elsewhere.body(chat("gpt-x", false).to_string());
    assert_eq!(elsewhere.send().await.unwrap().status(), 401);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_is_asked_at_its_deployments_with_its_header() {
    let app = start().await;
    for model in ["deployed", "deployed-v1"] {
        let answer = app
            .openai()
            .post("/chat/completions", &chat(model, false))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let body = json!({ "model": "vectors", "input": "x" });
    let answer = app.openai().post("/embeddings", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = app.vendor.received();
    let paths: Vec<&str> = sent.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/openai/deployments/my%2Fgpt/chat/completions",
            "/openai/v1/chat/completions",
            "/openai/deployments/my-vectors/embeddings",
        ]
    );
    let queries: Vec<&str> = sent.iter().map(|one| one.query.as_str()).collect();
    assert_eq!(
        queries,
        ["api-version=2024-10-21", "", "api-version=2024-10-21"]
    );
    for one in &sent {
        assert_eq!(one.header("api-key"), Some(VENDOR_KEY));
        assert_eq!(one.header("authorization"), None);
    }
    // a deployment's name says nothing of its model, and all of them know the newer name of the limit
    let body = json!({ "model": "deployed", "max_tokens": 64,
        "messages": [{ "role": "user", "content": "hello" }] });
    let answer = app.openai().post("/messages", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = app.vendor.received().pop().unwrap().json();
    assert_eq!(
        (&sent["max_completion_tokens"], &sent["max_tokens"]),
        (&json!(64), &json!(null))
    );
    app.finish().await;
}
