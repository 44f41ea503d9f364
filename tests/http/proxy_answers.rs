//! Answers with status 200 that are none: they go to nobody, cost nothing, and another vendor serves.

use modelgate::simulator::Step;
use modelgate_domain::{FaultOwner, Status};
use serde_json::{Value, json};

use crate::support::{TestApp, VENDOR_KEY, chat};

fn second(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "second"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "sk-up-second" }} ]

[[models]]
name = "gpt-x"
kind = "chat"
targets = [
  {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 }},
  {{ provider = "second", upstream_model = "gpt-x-second", priority = 2, weight = 100 }},
]
"#
    )
}

const NONE: [&str; 8] = [
    "",
    "<html><body>Welcome</body></html>",
    "{}",
    r#"{"detail":"no such thing"}"#,
    r#"{"code":500,"msg":"it broke","data":null}"#,
    r#"{"id":"c","choices":[]}"#,
    r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"half"#,
    r#"[{"choices":[]}]"#,
];

fn event(data: &str) -> Step {
    Step::chunks([format!("data: {data}\n\n"), "data: [DONE]\n\n".to_owned()])
}

#[tokio::test]
async fn no_answer_is_a_failure_of_the_vendor() {
    let app = TestApp::start().await;
    for stream in [false, true] {
        for body in NONE {
            app.vendor.push(Step::answer().body(body.to_owned()));
            let answer = app.openai().chat("gpt-x", stream).await;
            assert_eq!(answer.status, 502, "{body:?}: {}", answer.text());
            assert_eq!(answer.json()["error"]["code"], "upstream_malformed");
            app.vendor.reset();
        }
    }
    for data in [
        "{}",
        "<html>",
        r#"{"detail":"x"}"#,
        r#"{"code":500,"msg":"x"}"#,
    ] {
        app.vendor.push(event(data));
        let answer = app.openai().chat("gpt-x", true).await;
        assert_eq!(answer.status, 502, "{data}: {}", answer.text());
        app.vendor.reset();
    }
    for row in app.logs().await {
        let row = row.record;
        assert_eq!(
            (row.status, row.fault_owner),
            (Status::Error, FaultOwner::Upstream)
        );
        assert_eq!(row.error_code, "upstream_malformed");
        assert_eq!((row.cost_nanos, row.usage.total()), (None, 0), "{row:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn another_vendor_serves_instead() {
    let app = TestApp::start().await;
    app.apply(&second(&app.vendor.base_url())).await;
    for stream in [false, true] {
        for body in NONE {
            app.vendor.push(
                Step::answer()
                    .body(body.to_owned())
                    .for_key(VENDOR_KEY)
                    .always(),
            );
            let answer = app.openai().chat("gpt-x", stream).await;
            assert_eq!(answer.status, 200, "{body:?}: {}", answer.text());
            assert!(answer.text().contains("choices"));
            app.vendor.reset();
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_answers_passes_as_it_came() {
    let app = TestApp::start().await;
    let bodies = [
        r#" {"choices" : [ {"index":0,"message":{"content":""}}],"odd":1.10} "#,
        r#"{"id":"c","choices":[{"message":{"content":"x"}}],"choices_note":null,"usage":null}"#,
    ];
    for stream in [false, true] {
        for body in bodies {
            app.vendor.push(Step::answer().body(body.to_owned()));
            let answer = app
                .openai()
                .post("/chat/completions", &chat("gpt-x", stream))
                .await;
            assert_eq!((answer.status, answer.text().as_str()), (200, body));
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn each_endpoint_knows_its_answers() {
    let app = TestApp::start().await;
    let embedding = json!({"model": "embed-x", "input": "hello"});
    let of = async |path: &str, body: &Value, answer: &Value| {
        app.vendor.push(Step::answer().json(answer));
        let status = app.openai().post(path, body).await.status;
        app.vendor.reset();
        status
    };
    let vectors = json!({"object": "list", "data": [{"index": 0, "embedding": [0.5]}]});
    let text = json!({"choices": [{"index": 0, "text": "x"}]});
    let prompt = json!({"model": "gpt-x", "prompt": "hello"});
    assert_eq!(of("/embeddings", &embedding, &vectors).await, 200);
    assert_eq!(of("/embeddings", &embedding, &text).await, 502);
    assert_eq!(of("/completions", &prompt, &text).await, 200);
    assert_eq!(of("/completions", &prompt, &vectors).await, 502);
    app.finish().await;
}
