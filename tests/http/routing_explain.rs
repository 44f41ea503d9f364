//! `POST /v1/explain`: the decision as data, without a call.

use modelgate::simulator::Step;
use serde_json::{Value, json};

use crate::on_each_engine;
use crate::support::{TestApp, chat};

const CAREFUL: &str = "sk-mg-test-careful-012345678";

/// A second target that is never used, a fallback, and a key with rules.
fn rules(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"

[[providers]]
name = "idle"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "secret label", secret = "sk-up-idle" }} ]

[[models]]
name = "other"
kind = "chat"
targets = [ {{ provider = "acme", upstream_model = "up-other", priority = 1, weight = 100 }} ]

[[models]]
name = "gpt-x"
kind = "chat"
targets = [
  {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 }},
  {{ provider = "idle", upstream_model = "gpt-x-idle", priority = 2, weight = 0 }},
]
fallbacks = [ {{ model = "other" }} ]

[[api_keys]]
name = "careful"
secret = "{CAREFUL}"
models = ["gpt-x"]
limits = {{ rpm = 2 }}
"#
    )
}

async fn ask(app: &TestApp, key: &str, model: &str) -> Value {
    let answer = app
        .openai_as(key)
        .post("/explain", &chat(model, false))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.header("x-request-id").is_empty());
    assert!(
        !answer.text().contains("secret label"),
        "labels are for operators"
    );
    answer.json()
}

fn finding<'a>(told: &'a Value, rule: &str) -> &'a Value {
    let rules = told["rules"].as_array().unwrap();
    rules.iter().find(|r| r["rule"] == rule).unwrap()
}

async fn the_decision_is_told_rule_by_rule_and_target_by_target(app: &TestApp) {
    app.apply(&rules(&app.vendor.base_url())).await;
    let told = ask(app, CAREFUL, "gpt-x").await;
    assert_eq!(
        (told["outcome"].as_str(), told["model"].as_str()),
        (Some("call"), Some("gpt-x"))
    );
    assert_eq!(
        told["attempts"],
        json!([{
            "provider": "acme", "upstream_model": "gpt-x-2026", "credential": 1, "reason": "only",
            "state": "ready", "in_flight": 0, "waiting": 0, "limits": [], "latency_ms": null
        }])
    );
    assert_eq!(
        told["skipped"],
        json!([{
            "provider": "idle", "upstream_model": "gpt-x-idle", "credential": null,
            "why": "weight_zero", "until_ms": null
        }])
    );
    // the key may not use the model that would take over
    assert_eq!(
        told["fallbacks"],
        json!([{"model": "other", "cause": "any", "usable": false}])
    );
    assert_eq!(finding(&told, "rpm")["detail"], "0 of 2");
    assert!(app.vendor.received().is_empty(), "no vendor is called");
    for _ in 0..2 {
        let served = app.openai_as(CAREFUL).chat("gpt-x", false).await;
        assert_eq!(served.status, 200);
    }
    let refused = ask(app, CAREFUL, "gpt-x").await;
    assert_eq!(refused["outcome"], "refuse");
    assert_eq!(finding(&refused, "rpm")["outcome"], "refuses");
    assert_eq!(finding(&refused, "allowed_models")["outcome"], "passes");
    let barred = ask(app, CAREFUL, "other").await;
    assert_eq!(finding(&barred, "allowed_models")["outcome"], "refuses");
    assert_eq!(finding(&barred, "rpm")["outcome"], "not_asked");
    let unknown = app.openai().post("/explain", &chat("nothing", false)).await;
    assert_eq!(unknown.status, 404);
    let nobody = app.openai_as("sk-nobody");
    let nobody = nobody.post("/explain", &chat("gpt-x", false)).await;
    assert_eq!(nobody.status, 401);
    assert_eq!(app.logs().await.len(), 2, "explanations leave no record");
}

on_each_engine!(the_decision_is_told_rule_by_rule_and_target_by_target);

async fn what_rests_is_told_with_its_time_and_the_model_that_takes_over(app: &TestApp) {
    app.apply(&rules(&app.vendor.base_url())).await;
    let quota = json!({"error": {"message": "x", "code": "insufficient_quota"}});
    app.vendor
        .push(Step::status(429).json(&quota).for_model("gpt-x-2026"));
    let refused = app.openai().chat("gpt-x", false).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.json()["error"]["code"], "upstream_exhausted");
    let told = ask(app, crate::support::KEY, "gpt-x").await;
    assert_eq!(
        told["outcome"], "fail",
        "the other model has the same credential"
    );
    let left = told["skipped"].as_array().unwrap();
    let acme = left.iter().find(|left| left["provider"] == "acme").unwrap();
    assert_eq!(acme["why"], "credential_exhausted");
    assert!(acme["until_ms"].as_i64().is_some());
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 503);
    let record = &app.logs().await[0].record;
    let decision: Value = serde_json::from_str(&record.decision).unwrap();
    let skipped = decision["skipped"].as_array().unwrap();
    let whys: Vec<_> = skipped.iter().map(|left| left["why"].as_str()).collect();
    assert_eq!(whys, [Some("weight_zero"), Some("credential_exhausted")]);
}

on_each_engine!(what_rests_is_told_with_its_time_and_the_model_that_takes_over);
