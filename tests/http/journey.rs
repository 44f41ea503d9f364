//! The main job in one go: configure, call, see it in the log and on the page.

use modelgate::simulator::Step;
use modelgate_domain::{FaultOwner, Status};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{TestApp, VENDOR_KEY};

async fn a_streamed_call_is_answered_priced_and_seen(app: &TestApp) {
    let step = Step::answer().text("Hello, 世界").cached(2);
    app.vendor.push(step.for_key(VENDOR_KEY));
    let answer = app.openai().chat("gpt-x-latest", true).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.content(), "Hello, 世界");
    assert_eq!(answer.data().last().map(String::as_str), Some("[DONE]"));
    let usage_event = answer.events().iter().any(|e| e["choices"] == json!([]));
    assert!(!usage_event, "the usage event was not asked for");

    let sent = app.vendor.received().remove(0).json();
    assert_eq!(sent["model"], "gpt-x-2026");
    assert_eq!(sent["stream_options"]["include_usage"], true);

    let row = app.only_log().await.record;
    assert_eq!(row.status, Status::Success);
    assert_eq!(row.fault_owner, FaultOwner::None);
    assert_eq!(row.requested_model, "gpt-x-latest");
    assert_eq!((row.usage.cached, row.usage.estimated), (2, false));
    assert!(row.usage.completion > 0 && row.cost_nanos.is_some_and(|c| c > 0));
    assert_eq!(answer.header("x-request-id"), row.id.to_string());

    let page = app.admin().await.get("/admin/logs").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("gpt-x"), "the call is on the page");
}

on_each_engine!(a_streamed_call_is_answered_priced_and_seen);

async fn an_unknown_key_is_refused_and_not_recorded(app: &TestApp) {
    let stranger = app.openai_as("sk-mg-nobody-0123456789abcdef");
    let answer = stranger.chat("gpt-x", false).await;
    assert_eq!(answer.status, 401);
    assert!(
        !answer.text().contains("0123456789abcdef"),
        "{}",
        answer.text()
    );
    assert!(app.logs().await.is_empty());
    assert!(app.vendor.received().is_empty());
}

on_each_engine!(an_unknown_key_is_refused_and_not_recorded);
