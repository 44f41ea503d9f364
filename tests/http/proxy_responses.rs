//! OpenAI's responses, before vendors of chat completions and of messages.

use modelgate::simulator::{End, Step};
use modelgate_domain::Status;
use serde_json::{Value, json};

use crate::proxy_messages::start;
use crate::support::Answer;

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
        let last: Value = broken.events().pop().unwrap();
        assert_eq!(last["type"], "error", "{}", broken.text());
        assert!(broken.text().contains("event: error\n"));
    }
    app.finish().await;
}
