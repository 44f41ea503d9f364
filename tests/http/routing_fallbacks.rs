//! Other models that take over, and the order among targets of one model.

use std::collections::BTreeMap;

use modelgate::simulator::{Received, Step};
use modelgate_domain::Status;
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Answer, TestApp};

const STRICT: &str = "sk-mg-test-strict-0123456789";

/// Three models at one vendor; the first has fallbacks, a key has none.
fn models(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"

[[models]]
name = "gpt-x"
kind = "chat"
targets = [ {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 }} ]
fallbacks = [ {{ model = "long", cause = "context_too_long" }}, {{ model = "other" }} ]

[[models]]
name = "long"
kind = "chat"
targets = [ {{ provider = "acme", upstream_model = "up-long", priority = 1, weight = 100 }} ]

[[models]]
name = "other"
kind = "chat"
targets = [ {{ provider = "acme", upstream_model = "up-other", priority = 1, weight = 100 }} ]

[[api_keys]]
name = "strict"
secret = "{STRICT}"
models = ["*"]
fallbacks = false
"#
    )
}

fn who(answer: &Answer) -> (u16, &str, &str) {
    (
        answer.status,
        answer.header("x-modelgate-model"),
        answer.header("x-modelgate-attempts"),
    )
}

async fn another_model_takes_over_for_its_cause_and_says_so(app: &TestApp) {
    app.apply(&models(&app.vendor.base_url())).await;
    let only = |step: Step| step.for_model("gpt-x-2026");
    assert_eq!(
        who(&app.openai().chat("gpt-x", false).await),
        (200, "gpt-x", "1")
    );
    for stream in [false, true] {
        app.vendor.push(only(Step::status(500)));
        assert_eq!(
            who(&app.openai().chat("gpt-x", stream).await),
            (200, "other", "2")
        );
    }
    let too_long = json!({"error": {"message": "too long", "code": "context_length_exceeded"}});
    let step = || only(Step::status(400).json(&too_long));
    app.vendor.push(step());
    assert_eq!(
        who(&app.openai().chat("gpt-x", true).await),
        (200, "long", "2")
    );
    // a key without fallbacks, and a caller who names the provider, get the vendor's own answer
    app.vendor.push(step());
    let strict = app.openai_as(STRICT).chat("gpt-x", false).await;
    assert_eq!(who(&strict), (400, "", "1"));
    app.vendor.push(step());
    assert_eq!(
        who(&app.openai().chat("acme/gpt-x", false).await),
        (400, "", "1")
    );
    // a mistake of the caller is nobody else's to serve
    app.vendor.push(only(Step::status(400)));
    assert_eq!(
        who(&app.openai().chat("gpt-x", false).await),
        (400, "", "1")
    );
    // nobody serves: the first failure is told, and the record is about the model that was asked for
    app.vendor.push(step());
    app.vendor.push(Step::status(500).for_model("up-long"));
    app.vendor.push(Step::status(500).for_model("up-other"));
    let failed = app.openai().chat("gpt-x", false).await;
    assert_eq!(failed.status, 400);
    assert_eq!(failed.json()["error"]["code"], "context_length_exceeded");
    let rows = app.logs().await;
    let last = &rows[0].record;
    assert_eq!((last.status, last.asked_model_id.0), (Status::Error, 0));
    let took_over = rows
        .iter()
        .find(|row| row.record.upstream_model == "up-long");
    let took_over = &took_over.unwrap().record;
    assert_eq!(took_over.asked_model_id, last.model_id);
    assert_ne!(took_over.model_id, last.model_id);
    assert_eq!(took_over.requested_model, "gpt-x");
}

on_each_engine!(another_model_takes_over_for_its_cause_and_says_so);

/// Three targets of one priority.
fn strategy(base_url: &str, strategy: &str) -> String {
    let targets: Vec<String> = ["one", "two", "three"]
        .iter()
        .map(|name| {
            format!(
                r#"{{ provider = "{name}", upstream_model = "up-{name}", priority = 1, weight = 100 }}"#
            )
        })
        .collect();
    let providers = ["one", "two", "three"].map(|name| {
        format!(
            "[[providers]]\nname = \"{name}\"\nprotocol = \"openai\"\nbase_url = \"{base_url}\"\nkeys = [ {{ label = \"main\", secret = \"sk-up-{name}\" }} ]\n"
        )
    });
    let providers = providers.concat();
    format!(
        "{providers}\n[[models]]\nname = \"m\"\nkind = \"chat\"\n{strategy}\ntargets = [ {} ]\n",
        targets.join(", ")
    )
}

fn counts(calls: &[Received]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.model()).or_default() += 1;
    }
    counts
}

async fn each_strategy_chooses_as_it_says(app: &TestApp) {
    let base_url = app.vendor.base_url();
    app.apply(&strategy(&base_url, "strategy = \"round_robin\""))
        .await;
    for _ in 0..9 {
        assert_eq!(app.openai().chat("m", false).await.status, 200);
    }
    let calls = app.vendor.received();
    assert_eq!(counts(&calls).into_values().collect::<Vec<_>>(), [3, 3, 3]);
    let (first, second) = (calls[0].model(), calls[3].model());
    assert_eq!(first, second, "in turn");

    app.apply(&strategy(&base_url, "strategy = \"latency\""))
        .await;
    app.vendor.reset();
    let slow = std::time::Duration::from_millis(150);
    app.vendor
        .push(Step::answer().delay(slow).for_model("up-one").always());
    for _ in 0..40 {
        assert_eq!(app.openai().chat("m", false).await.status, 200);
    }
    let calls = app.vendor.received();
    let to_slow = calls.iter().filter(|call| call.model() == "up-one").count();
    assert!(to_slow <= 4, "{:?}", counts(&calls));

    app.apply(&strategy(&base_url, "strategy = \"least_busy\""))
        .await;
    app.vendor.reset();
    let slow = std::time::Duration::from_millis(400);
    app.vendor.push(Step::answer().delay(slow).always());
    let mut calls = tokio::task::JoinSet::new();
    for number in 1..=6 {
        let alice = app.openai();
        calls.spawn(async move { alice.chat("m", false).await.status });
        while app.vendor.received().len() < number {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
    while let Some(status) = calls.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    let spread = counts(&app.vendor.received());
    assert_eq!(spread.into_values().collect::<Vec<_>>(), [2, 2, 2]);

    app.apply(&strategy(&base_url, "affinity = true")).await;
    app.vendor.reset();
    for session in 0..6 {
        let before = app.vendor.received().len();
        for _ in 0..4 {
            let request = app
                .openai()
                .request(reqwest::Method::POST, "/chat/completions");
            let request = request
                .header("content-type", "application/json")
                .header("x-session-id", format!("conversation {session}"))
                .body(crate::support::chat("m", false).to_string());
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
        let calls = app.vendor.received();
        assert_eq!(counts(&calls[before..]).len(), 1, "a conversation stays");
    }
    assert!(
        counts(&app.vendor.received()).len() > 1,
        "not all at one place"
    );
    app.vendor.reset();
    let reasons: Vec<String> = app
        .logs()
        .await
        .into_iter()
        .map(|r| r.record.route_reason)
        .collect();
    for reason in ["turn", "least_busy", "latency", "affinity"] {
        assert!(reasons.iter().any(|r| r == reason), "{reason}");
    }
}

on_each_engine!(each_strategy_chooses_as_it_says);
