//! Rules of busyness: block, downgrade, suggest; and the keys that they leave alone.

use modelgate::clock::Clock;
use modelgate_domain::{Busyness, BusynessAction, LimitKind, ModelId};
use modelgate_store::busyness_rules::{self, BusynessRule};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{TestApp, limit};

const SMALL: &str = r#"
[[models]]
name = "small-x"
kind = "chat"
targets = [ { provider = "acme", upstream_model = "small-1", priority = 1, weight = 100 } ]
"#;

/// Makes the gateway count as busy: one answer of two is 429, and that is more than none.
async fn busy(app: &TestApp) {
    app.set("busyness_active_keys", "0").await;
    app.set("busyness_429_percent", "0").await;
    app.limit_key(&[limit(LimitKind::Rpm, 1)]).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 429);
    app.limit_key(&[]).await;
}

async fn rule(app: &TestApp, action: BusynessAction, redirect: Option<ModelId>) {
    let rule = BusynessRule {
        from_level: Busyness::Busy,
        action,
        models: vec![app.model("gpt-x").await],
        redirect,
        message: "Später, bitte.".to_owned(),
        enabled: true,
    };
    app.change(move |c| {
        Box::pin(async move { busyness_rules::replace(c, &[rule], Clock::system().now()).await })
    })
    .await;
}

async fn a_busy_gateway_blocks_lowers_or_suggests(app: &TestApp) {
    app.apply(SMALL).await;
    let small = app.model("small-x").await;
    rule(app, BusynessAction::Block, None).await;
    assert_eq!(
        app.openai().chat("gpt-x", false).await.status,
        200,
        "nobody is busy yet"
    );
    busy(app).await;

    let blocked = app.openai().chat("gpt-x", false).await;
    let error = blocked.json()["error"].clone();
    assert_eq!(
        (blocked.status, &error["code"]),
        (503, &json!("busyness_block"))
    );
    assert_eq!(
        (&error["rule"], &error["owner"]),
        (&json!("busyness"), &json!("policy"))
    );
    assert_eq!(error["message"], "Später, bitte.");
    assert_eq!(blocked.header("retry-after"), "60");
    assert_eq!(app.openai().chat("small-x", false).await.status, 200);

    rule(app, BusynessAction::Suggest, None).await;
    let told = app.openai().chat("gpt-x", true).await;
    assert_eq!(
        (told.status, told.header("x-modelgate-busyness")),
        (200, "busy")
    );
    assert_eq!(told.header("x-modelgate-suggestion"), "Sp%C3%A4ter, bitte.");

    rule(app, BusynessAction::Downgrade, Some(small)).await;
    app.vendor.reset();
    let lowered = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (lowered.status, lowered.header("x-modelgate-model")),
        (200, "small-x")
    );
    assert_eq!(app.vendor.received()[0].model(), "small-1");
    let row = app.logs().await.remove(0);
    let (asked, served) = (row.record.asked_model_id, row.record.model_id);
    assert_eq!((asked, served), (app.model("gpt-x").await, small));
    assert_eq!(row.record.requested_model, "gpt-x");

    app.change_key(|key| key.bypass_busyness = true).await;
    app.vendor.reset();
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert_eq!(app.vendor.received()[0].model(), "gpt-x-2026");
}

on_each_engine!(a_busy_gateway_blocks_lowers_or_suggests);

async fn a_target_may_be_kept_for_quiet_times(app: &TestApp) {
    let bounded = |level: &str| {
        format!(
            r#"
[[models]]
name = "gpt-x"
kind = "chat"
targets = [
  {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100, busyness_at_most = "{level}" }},
  {{ provider = "acme", upstream_model = "gpt-x-plain", priority = 2, weight = 100 }},
]
"#
        )
    };
    app.apply(&bounded("normal")).await;
    let served_by = async || {
        app.vendor.reset();
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
        app.vendor.received()[0].model()
    };
    assert_eq!(served_by().await, "gpt-x-2026");
    busy(app).await;
    assert_eq!(served_by().await, "gpt-x-plain");
    app.apply(&bounded("very_busy")).await;
    assert_eq!(served_by().await, "gpt-x-2026");
    app.apply(&bounded("idle")).await;
    assert_eq!(served_by().await, "gpt-x-plain");
    app.change_key(|key| key.bypass_busyness = true).await;
    assert_eq!(served_by().await, "gpt-x-2026");
}

on_each_engine!(a_target_may_be_kept_for_quiet_times);
