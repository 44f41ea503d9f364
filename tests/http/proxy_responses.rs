//! OpenAI's responses, before vendors of chat completions and of messages.

use modelgate::simulator::{End, Step};
use modelgate_domain::Status;
use serde_json::{Value, json};

use crate::proxy_messages::start;
use crate::support::{Answer, chat};

fn text_of(answer: &Answer) -> String {
    let json = answer.json();
    let output = json["output"].as_array().cloned().unwrap_or_default();
    let texts = output
        .iter()
        .filter_map(|item| item.pointer("/content/0/text")?.as_str());
    texts.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_of_either_vendor_whole_and_streamed() {
    let app = start().await;
    for (model, path) in [
        ("gpt-x", "/v1/chat/completions"),
        ("claude-x", "/v1/messages"),
    ] {
        let mut body =
            json!({ "model": model, "input": "hello", "instructions": "be kind", "store": false });
        let whole = app.openai().post("/responses", &body).await;
        assert_eq!(whole.status, 200, "{}", whole.text());
        assert_eq!(
            (&whole.json()["object"], &whole.json()["model"]),
            (&json!("response"), &json!(model))
        );
        body["stream"] = json!(true);
        let streamed = app.openai().post("/responses", &body).await;
        let last = streamed.events().pop().unwrap();
        assert_eq!(last["type"], "response.completed", "{}", streamed.text());
        assert_eq!(last["response"]["output"], whole.json()["output"]);
        let pieces: String = streamed
            .events()
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta")
            .filter_map(|event| event["delta"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(pieces, text_of(&whole));
        assert_eq!(app.vendor.received().pop().unwrap().path, path);
    }
    for row in app.logs().await {
        let record = &row.record;
        assert_eq!(
            (record.endpoint.as_str(), record.dialect.as_str()),
            ("responses", "openai-responses")
        );
        assert_eq!(record.status, Status::Success);
        assert!(record.usage.completion > 0 && !record.usage.estimated);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_refused_and_breaks_are_told() {
    let app = start().await;
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("background", json!(true)),
    ] {
        let mut body = json!({ "model": "gpt-x", "input": "hello" });
        body[field] = value;
        let refused = app.openai().post("/responses", &body).await;
        assert_eq!(refused.status, 400, "{field}");
        assert_eq!(refused.json()["error"]["param"], field);
    }
    let unknown = json!({ "model": "none", "input": "hello" });
    assert_eq!(app.openai().post("/responses", &unknown).await.status, 404);
    assert_eq!(app.vendor.stats().requests, 0);
    app.vendor.push(Step::status(429));
    let body = json!({ "model": "claude-x", "input": "hello", "stream": true });
    let busy = app.openai().post("/responses", &body).await;
    assert_eq!(
        (busy.status, &busy.json()["error"]["type"]),
        (429, &json!("rate_limit_error"))
    );
    for end in [End::Close(4), End::Error(4)] {
        app.vendor.push(Step::ending(end));
        let broken = app.openai().post("/responses", &body).await;
        let mut events = broken.events();
        let (last, error): (Value, Value) = (events.pop().unwrap(), events.pop().unwrap());
        assert_eq!(error["type"], "error", "{}", broken.text());
        assert_eq!(last["type"], "response.failed");
        assert_eq!(last["response"]["error"]["code"], error["code"]);
        assert!(broken.text().contains("event: error\n"));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_responses_bytes_pass_as_they_are() {
    let app = start().await;
    let body =
        json!({ "model": "o-x", "input": "hello", "previous_response_id": "resp_1", "odd": 1.10 });
    let whole = app.openai().post("/responses", &body).await;
    assert_eq!(
        (whole.status, &whole.json()["model"]),
        (200, &json!("gpt-5")),
        "{}",
        whole.text()
    );
    let sent = app.vendor.received().pop().unwrap();
    assert_eq!(sent.path, "/v1/responses");
    assert_eq!(sent.json()["previous_response_id"], "resp_1");
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let streamed = app.openai().post("/responses", &streamed).await;
    assert_eq!(
        streamed.events().last().unwrap()["type"],
        "response.completed"
    );
    app.vendor.push(Step::ending(End::Error(2)));
    let mut broken = body;
    broken["stream"] = json!(true);
    let broken = app.openai().post("/responses", &broken).await;
    assert_eq!(broken.events().last().unwrap()["type"], "error");
    let logs = app.logs().await;
    let ended: Vec<Status> = logs.iter().map(|row| row.record.status).collect();
    assert_eq!(
        ended
            .iter()
            .filter(|status| **status == Status::Success)
            .count(),
        2
    );
    for row in logs
        .iter()
        .filter(|row| row.record.status == Status::Success)
    {
        assert!(row.record.usage.completion > 0 && !row.record.usage.estimated);
        assert_eq!(row.record.finish_reason, "completed");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_of_responses_serves_clients_of_other_dialects() {
    let app = start().await;
    let mut body = chat("o-x", false);
    let whole = app.openai().post("/chat/completions", &body).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    body["stream"] = json!(true);
    let streamed = app.openai().post("/chat/completions", &body).await;
    assert!(!whole.content().is_empty());
    assert_eq!(streamed.content(), whole.content());
    assert_eq!(streamed.data().last().unwrap(), "[DONE]");
    let sent = app.vendor.received().pop().unwrap();
    assert_eq!(
        (sent.path.as_str(), &sent.json()["store"]),
        ("/v1/responses", &json!(false))
    );
    // what OpenAI sealed comes back to it with the results of tools
    let mut body = json!({ "model": "o-x", "max_tokens": 100, "thinking": { "type": "enabled", "budget_tokens": 2048 },
        "messages": [{ "role": "user", "content": "Bergen" }],
        "tools": [{ "name": "w", "input_schema": { "type": "object", "properties": { "city": { "type": "string" } } } }] });
    let first = app.openai().post("/messages", &body).await.json();
    assert_eq!(first["stop_reason"], "tool_use", "{first}");
    body["stream"] = json!(true);
    let events = app.openai().post("/messages", &body).await.events();
    let seal = events
        .iter()
        .find_map(|event| event["delta"]["signature"].as_str());
    assert_eq!(first["content"][0]["signature"].as_str(), seal);
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({ "role": "assistant", "content": first["content"] }));
    turns.push(json!({ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": first["content"][1]["id"], "content": "rain" }] }));
    let second = app.openai().post("/messages", &body).await;
    assert_eq!(
        second.events().last().unwrap()["type"],
        "message_stop",
        "{}",
        second.text()
    );
    let sent = app.vendor.received().pop().unwrap().json();
    assert_eq!(sent["input"][1]["encrypted_content"], "b3BhcXVl", "{sent}");
    assert_eq!(sent["input"][2]["arguments"], "{\"city\":\"Bergen\"}");
    assert_eq!(sent["input"][3]["output"], "rain");
    app.vendor.push(Step::ending(End::Error(2)));
    let broken = app.openai().post("/messages", &body).await;
    assert_eq!(
        broken.events().last().unwrap()["type"],
        "error",
        "{}",
        broken.text()
    );
    app.finish().await;
}
