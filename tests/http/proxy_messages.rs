//! Anthropic's dialect: its clients and its vendors, alone and with the other dialect on the other side.

use std::time::Duration;

use modelgate::simulator::{End, Options, Reply, Step};
use modelgate_domain::{FaultOwner, Status};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, KEY, Setup, TestApp, VENDOR_KEY, chat};

const BODY: &str = r#" {"max_tokens" : 64, "zeta":1.10,"model":"claude-x", "messages":[{"role":"user","content":"héllo"}] } "#;
const WHOLE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"x":1.10,"usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,"output_tokens":40}}"#;
const EVENTS: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_1","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,"output_tokens":1}}}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hé"}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":0}"#,
    "\n\nevent: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":40}}"#,
    "\n\nevent: message_stop\n",
    r#"data: {"type":"message_stop"}"#,
    "\n\n"
);

/// A vendor of each dialect, a model at each, and one that the second vendor takes over.
fn provisioning(base_url: &str) -> String {
    let root = base_url.trim_end_matches("/v1");
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"
first_byte_timeout_ms = 5000
keys = [ {{ label = "main", secret = "{VENDOR_KEY}" }} ]

[[providers]]
name = "claudes"
protocol = "anthropic"
base_url = "{root}"
first_byte_timeout_ms = 5000
keys = [ {{ label = "main", secret = "{VENDOR_KEY}" }} ]

[[providers]]
name = "replies"
protocol = "openai-responses"
base_url = "{base_url}"
first_byte_timeout_ms = 5000
keys = [ {{ label = "main", secret = "{VENDOR_KEY}" }} ]

[[models]]
name = "o-x"
targets = [ {{ provider = "replies", upstream_model = "gpt-5" }} ]
price = {{ currency = "USD", input = "1", cached_input = "0.5", output = "2" }}

[[models]]
name = "gpt-x"
targets = [ {{ provider = "acme", upstream_model = "gpt-x-2026" }} ]
price = {{ currency = "USD", input = "1", cached_input = "0.5", output = "2" }}

[[models]]
name = "claude-x"
max_output_tokens = 1000
targets = [ {{ provider = "claudes", upstream_model = "claude-sonnet-4-5" }} ]
price = {{ currency = "USD", input = "1", cached_input = "0.1", cache_write = "1.25", output = "5" }}

[[models]]
name = "both"
targets = [
  {{ provider = "claudes", upstream_model = "claude-sonnet-4-5", priority = 1 }},
  {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 2 }},
]

[[api_keys]]
name = "alice"
secret = "{KEY}"
models = ["*"]
"#
    )
}

pub(super) async fn start() -> TestApp {
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

/// A call as Anthropic's SDK makes it.
pub(super) async fn ask(app: &TestApp, path: &str, body: &str) -> Answer {
    let request = app.openai_as("unused").request(Method::POST, path);
    let mut request = request.build().unwrap();
    let headers = request.headers_mut();
    headers.remove("authorization");
    for (name, value) in [
        ("x-api-key", KEY),
        ("anthropic-version", "2023-01-01"),
        ("anthropic-beta", "beta-1,beta-2"),
        ("content-type", "application/json"),
        ("cookie", "secret=1"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    *request.body_mut() = Some(body.to_owned().into());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Answer::of(client.execute(request).await.unwrap()).await
}

pub(super) fn message(model: &str, stream: bool) -> String {
    json!({ "model": model, "max_tokens": 64, "stream": stream,
        "messages": [{ "role": "user", "content": "hello" }] })
    .to_string()
}

/// The text of an answer in messages, whole or streamed.
fn said(answer: &Answer) -> String {
    let text =
        |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
    if answer
        .header("content-type")
        .starts_with("text/event-stream")
    {
        let events = answer.events();
        return events
            .iter()
            .filter_map(|e| text(e, "/delta/text"))
            .collect();
    }
    text(&answer.json(), "/content/0/text").unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_the_same_dialect_bytes_pass_as_they_are() {
    let app = start().await;
    app.vendor.push(Step::reply(Reply {
        body: Some(WHOLE.into()),
        ..Reply::default()
    }));
    let answer = ask(&app, "/messages", BODY).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, WHOLE));
    assert!(answer.header("request-id").starts_with("req_"));
    assert_eq!(answer.header("request-id"), answer.header("x-request-id"));
    for size in [1, 7, 4_096] {
        app.vendor
            .push(Step::chunks(EVENTS.as_bytes().chunks(size)));
        let body = message("claude-x", true);
        assert_eq!(ask(&app, "/messages", &body).await.text(), EVENTS);
    }
    let sent = app.vendor.received().remove(0);
    assert_eq!(sent.path, "/v1/messages");
    let expected = BODY.replace("\"claude-x\"", "\"claude-sonnet-4-5\"");
    assert_eq!(String::from_utf8(sent.body.to_vec()).unwrap(), expected);
    assert_eq!(sent.header("x-api-key"), Some(VENDOR_KEY));
    assert_eq!(sent.header("anthropic-version"), Some("2023-01-01"));
    assert_eq!(sent.header("anthropic-beta"), Some("beta-1,beta-2"));
    assert_eq!(
        (sent.header("authorization"), sent.header("cookie")),
        (None, None)
    );
    for row in app.logs().await {
        let record = &row.record;
        assert_eq!(
            (record.endpoint.as_str(), record.dialect.as_str()),
            ("messages", "anthropic")
        );
        let usage = record.usage;
        let buckets = (
            usage.prompt,
            usage.cache_write,
            usage.cached,
            usage.completion,
        );
        assert_eq!(buckets, (10, 20, 30, 40));
        // 10 at 1, 20 at 1.25, 30 at 0.1 and 40 at 5 dollars a million
        assert_eq!(record.cost_nanos, Some(10_000 + 25_000 + 3_000 + 200_000));
        assert_eq!(
            (record.status, record.finish_reason.as_str()),
            (Status::Success, "end_turn")
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_messages_reaches_a_vendor_of_chat_completions() {
    let app = start().await;
    let body = json!({ "model": "gpt-x", "max_tokens": 64, "top_k": 3, "system": "be kind",
        "messages": [{ "role": "user", "content": "hello" }] });
    let whole = ask(&app, "/messages", &body.to_string()).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert_eq!(whole.header("x-modelgate-dropped"), "top_k");
    let json = whole.json();
    assert_eq!(
        (&json["type"], &json["model"]),
        (&json!("message"), &json!("gpt-x"))
    );
    assert_eq!(json["stop_reason"], "end_turn");
    let streamed = ask(&app, "/messages", &message("gpt-x", true)).await;
    assert_eq!(streamed.status, 200);
    assert_eq!(said(&streamed), said(&whole));
    assert_eq!(streamed.events().last().unwrap()["type"], "message_stop");
    let sent = app.vendor.received();
    assert!(sent.iter().all(|r| r.path == "/v1/chat/completions"));
    assert!(sent.iter().all(|r| r.header("anthropic-beta").is_none()));
    assert_eq!(
        sent[0].json()["messages"][0],
        json!({ "role": "system", "content": "be kind" })
    );
    assert_eq!(sent[1].json()["stream_options"]["include_usage"], true);
    for row in app.logs().await {
        assert_eq!(row.record.dialect, "anthropic");
        assert_eq!(row.record.finish_reason, "stop");
        assert!(!row.record.usage.estimated && row.record.usage.completion > 0);
        assert!(row.record.cost_nanos > Some(0));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_chat_completions_reaches_a_vendor_of_messages() {
    let app = start().await;
    let whole = app.openai().chat("claude-x", false).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    let streamed = app.openai().chat("claude-x", true).await;
    assert_eq!(streamed.content(), whole.content());
    assert_eq!(streamed.data().last().unwrap(), "[DONE]");
    assert!(
        streamed.events().iter().all(|e| e.get("usage").is_none()),
        "nobody asked"
    );
    let mut asking = chat("claude-x", true);
    asking["stream_options"] = json!({ "include_usage": true });
    let asked = app.openai().post("/chat/completions", &asking).await;
    assert!(asked.events().last().unwrap()["usage"]["total_tokens"].as_i64() > Some(0));
    let sent = app.vendor.received().remove(0);
    assert_eq!(sent.path, "/v1/messages");
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(
        sent.json()["max_tokens"],
        1000,
        "the model's largest answer"
    );
    app.vendor.push(Step::reply(Reply {
        body: Some(WHOLE.into()),
        ..Reply::default()
    }));
    let counted = app.openai().chat("claude-x", false).await.json();
    assert_eq!(counted["usage"]["prompt_tokens"], 60);
    assert_eq!(
        counted["usage"]["prompt_tokens_details"]["cached_tokens"],
        30
    );
    let row = app.logs().await.remove(0);
    let usage = row.record.usage;
    let buckets = (
        usage.prompt,
        usage.cache_write,
        usage.cached,
        usage.completion,
    );
    assert_eq!(
        buckets,
        (10, 20, 30, 40),
        "what was written to the cache is known"
    );
    assert_eq!(
        (row.record.dialect.as_str(), row.record.http_status),
        ("openai", 200)
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_go_both_ways() {
    let app = start().await;
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" }, "days": { "type": "integer" } } });
    let question = json!({ "role": "user", "content": "Bergen" });
    let tools = json!([{ "name": "weather", "input_schema": schema }]);
    for stream in [false, true] {
        let body = json!({ "model": "gpt-x", "max_tokens": 64, "stream": stream, "messages": [question], "tools": tools });
        let answer = ask(&app, "/messages", &body.to_string()).await;
        let (id, input) = if stream {
            let events = answer.events();
            let begun = events
                .iter()
                .find(|e| e["content_block"]["type"] == "tool_use")
                .unwrap();
            let pieces = events
                .iter()
                .filter_map(|e| e.pointer("/delta/partial_json")?.as_str());
            let input: Value = serde_json::from_str(&pieces.collect::<String>()).unwrap();
            (begun["content_block"]["id"].clone(), input)
        } else {
            let block = answer.json()["content"][0].clone();
            (block["id"].clone(), block["input"].clone())
        };
        assert_eq!(input, json!({ "city": "Bergen", "days": 7 }));
        let call = json!({ "type": "tool_use", "id": id, "name": "weather", "input": input });
        let result = json!({ "type": "tool_result", "tool_use_id": id, "content": "Rain" });
        let messages = json!([question, { "role": "assistant", "content": [call] }, { "role": "user", "content": [result] }]);
        let body =
            json!({ "model": "gpt-x", "max_tokens": 64, "messages": messages, "tools": tools });
        let last = ask(&app, "/messages", &body.to_string()).await;
        assert_eq!(last.json()["stop_reason"], "end_turn", "{}", last.text());
    }
    let tools =
        json!([{ "type": "function", "function": { "name": "weather", "parameters": schema } }]);
    let body = json!({ "model": "claude-x", "messages": [question], "tools": tools });
    let answer = app.openai().post("/chat/completions", &body).await.json();
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        call["function"]["arguments"],
        r#"{"city":"Bergen","days":7}"#
    );
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_in_the_callers_dialect() {
    let app = start().await;
    let told = |answer: &Answer, status: u16, kind: &str| {
        let json = answer.json();
        assert_eq!(answer.status, status, "{json}");
        assert_eq!(json["type"], "error", "{json}");
        assert_eq!(json["error"]["type"], kind, "{json}");
        json["error"].clone()
    };
    let nobody = app.visitor().request(Method::POST, "/v1/messages").send();
    let nobody = Answer::of(nobody.await.unwrap()).await;
    told(&nobody, 401, "authentication_error");
    let broken = ask(&app, "/messages", "{").await;
    told(&broken, 400, "invalid_request_error");
    let unknown = ask(&app, "/messages", &message("gpt-none", false)).await;
    told(&unknown, 404, "not_found_error");
    let special = json!({ "model": "gpt-x", "max_tokens": 9, "messages": [{ "role": "user", "content": "x" }],
        "tools": [{ "type": "web_search_20250305", "name": "web_search" }] });
    let error = ask(&app, "/messages", &special.to_string()).await;
    let error = told(&error, 400, "invalid_request_error");
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("tools[0].type"), &json!("unsupported_parameter"))
    );
    assert_eq!(app.vendor.stats().requests, 0);
    app.vendor.push(Step::status(429));
    let busy = ask(&app, "/messages", &message("gpt-x", false)).await;
    let error = told(&busy, 429, "rate_limit_error");
    assert_eq!(
        error["message"],
        "Rate limit reached. Please try again later."
    );
    app.vendor.push(Step::status(400));
    let refused = app.openai().chat("claude-x", false).await;
    assert_eq!(refused.status, 400);
    let json = refused.json();
    assert_eq!(json["error"]["type"], "invalid_request_error");
    assert_eq!(json["error"]["message"], "The request was not understood.");
    let many =
        json!({ "model": "claude-x", "n": 2, "messages": [{ "role": "user", "content": "x" }] });
    let many = app.openai().post("/chat/completions", &many).await;
    assert_eq!(
        (many.status, &many.json()["error"]["param"]),
        (400, &json!("n"))
    );
    let rows = app.logs().await;
    assert_eq!(rows[0].record.fault_owner, FaultOwner::Caller);
    assert_eq!(rows[0].record.error_code, "unsupported_parameter");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_dialect_takes_over_and_breaks_are_told() {
    let app = start().await;
    app.vendor
        .push(Step::status(529).for_model("claude-sonnet-4-5"));
    let answer = ask(&app, "/messages", &message("both", true)).await;
    assert_eq!(answer.header("x-modelgate-attempts"), "2");
    assert_eq!(answer.events().last().unwrap()["type"], "message_stop");
    app.vendor
        .push(Step::ending(End::Error(0)).for_model("claude-sonnet-4-5"));
    let answer = app.openai().chat("both", true).await;
    assert_eq!(
        answer.header("x-modelgate-attempts"),
        "2",
        "{}",
        answer.text()
    );
    assert_eq!(answer.data().last().unwrap(), "[DONE]");
    for (end, code) in [
        (End::Close(4), "upstream_closed"),
        (End::Error(4), "upstream_error"),
    ] {
        for model in ["gpt-x", "claude-x"] {
            app.vendor.push(Step::ending(end));
            let broken = ask(&app, "/messages", &message(model, true)).await;
            let last = broken.events().pop().unwrap();
            assert_eq!(last["type"], "error", "{}", broken.text());
            assert!(broken.text().contains("event: error\n"));
            app.vendor.push(Step::ending(end));
            let broken = app.openai().chat(model, true).await;
            assert!(broken.events().pop().unwrap()["error"]["message"].is_string());
            let row = app.logs().await.remove(0);
            assert_eq!(
                (row.record.status, row.record.error_code.as_str()),
                (Status::Error, code)
            );
            assert!(row.record.usage.prompt > 0);
        }
    }
    // a vendor that never says that it is done, but why it stopped
    app.vendor.push(Step::ending(End::NoDone));
    let quiet = ask(&app, "/messages", &message("gpt-x", true)).await;
    assert_eq!(quiet.events().last().unwrap()["type"], "message_stop");
    app.vendor.push(Step::chunks([
        "data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
        "data: nonsense\n\n",
    ]));
    let odd = ask(&app, "/messages", &message("gpt-x", true)).await;
    assert_eq!(
        odd.events().last().unwrap()["error"]["code"],
        "upstream_malformed"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_counted_by_the_vendor_or_estimated() {
    let app = start().await;
    let body = |model: &str| {
        json!({ "model": model, "messages": [{ "role": "user", "content": "hello there" }] })
            .to_string()
    };
    let counted = ask(&app, "/messages/count_tokens", &body("claude-x")).await;
    assert_eq!(counted.status, 200, "{}", counted.text());
    assert!(counted.json()["input_tokens"].as_i64() > Some(0));
    assert_eq!(counted.header("x-modelgate-estimated"), "");
    assert_eq!(app.vendor.received()[0].path, "/v1/messages/count_tokens");
    let estimated = ask(&app, "/messages/count_tokens", &body("gpt-x")).await;
    assert!(estimated.json()["input_tokens"].as_i64() > Some(0));
    assert_eq!(estimated.header("x-modelgate-estimated"), "true");
    assert_eq!(app.vendor.stats().requests, 1);
    for row in app.logs().await {
        assert_eq!(row.record.endpoint, "count_tokens");
        assert_eq!(row.record.status, Status::Success);
        assert_eq!((row.record.usage.total(), row.record.cost_nanos), (0, None));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_are_listed_in_the_callers_form() {
    let app = start().await;
    let request = app.openai().request(Method::GET, "/models");
    let list = request
        .header("anthropic-version", "2023-06-01")
        .send()
        .await;
    let list = Answer::of(list.unwrap()).await.json();
    let names = list["data"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["both", "claude-x", "gpt-x", "o-x"]);
    assert_eq!(
        (&list["first_id"], &list["last_id"]),
        (&json!("both"), &json!("o-x"))
    );
    assert_eq!(list["has_more"], false);
    let path = "/models?limit=2&after_id=both";
    let request = app.openai().request(Method::GET, path);
    let part = request.header("anthropic-version", "2023-06-01");
    let part = Answer::of(part.send().await.unwrap()).await.json();
    assert_eq!(part["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&part["first_id"], &part["last_id"], &part["has_more"]),
        (&json!("claude-x"), &json!("gpt-x"), &json!(true))
    );
    let one = &list["data"][0];
    assert_eq!(
        (&one["type"], &one["display_name"]),
        (&json!("model"), &json!("both"))
    );
    assert!(one["created_at"].as_str().unwrap().ends_with('Z'));
    let request = app.openai().request(Method::GET, "/models/claude-x");
    let one = request
        .header("anthropic-version", "2023-06-01")
        .send()
        .await;
    assert_eq!(Answer::of(one.unwrap()).await.json()["type"], "model");
    assert_eq!(app.openai().get("/models").await.json()["object"], "list");
    app.finish().await;
}
