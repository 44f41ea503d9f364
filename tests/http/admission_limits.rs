//! Limits on keys, accounts, models and pairs of them: each with its refusal and its headers.

use std::time::Duration;

use modelgate::clock::Clock;
use modelgate::simulator::Step;
use modelgate_domain::{FaultOwner, Limit, LimitKind, LimitMode, LimitScope, Role, Status};
use modelgate_store::api_keys::{self, ApiKeyData};
use modelgate_store::users::{self, NewUser};
use modelgate_store::{StoreError, provider_keys};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Answer, TestApp, chat, limit};

fn left(answer: &Answer, what: &str) -> i64 {
    let header = answer.header(&format!("x-ratelimit-remaining-{what}"));
    header
        .parse()
        .unwrap_or_else(|_| panic!("no {what} left: {:?}", answer.headers))
}

async fn requests_a_minute_are_limited_and_told(app: &TestApp) {
    app.limit_key(&[limit(LimitKind::Rpm, 2)]).await;
    let first = app.openai().chat("gpt-x", false).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-limit-requests"), "2");
    assert_eq!(left(&first, "requests"), 1);
    let reset = first.header("x-ratelimit-reset-requests");
    assert!(["1m0s", "1m1s"].contains(&reset), "{reset}");
    assert_eq!(first.header("x-ratelimit-limit-tokens"), "");
    assert_eq!(left(&app.openai().chat("gpt-x", true).await, "requests"), 0);
    let over = app.openai().chat("gpt-x", false).await;
    let error = over.json()["error"].clone();
    assert_eq!((over.status, left(&over, "requests")), (429, 0), "{error}");
    assert_eq!(error["type"], "rate_limit_error");
    assert_eq!(error["code"], "rpm_exceeded");
    assert_eq!(
        (&error["rule"], &error["scope"]),
        (&json!("rpm"), &json!("api_key"))
    );
    assert_eq!((&error["limit"], &error["used"]), (&json!(2), &json!(2)));
    assert_eq!(error["owner"], "policy");
    let wait: i64 = over.header("retry-after").parse().unwrap();
    assert!((55..=61).contains(&wait), "{wait}");
    assert!(error["reset_at"].as_str().unwrap().ends_with('Z'));
    app.limit_key(&[limit(LimitKind::Rpm, 3)]).await;
    assert_eq!(
        left(&app.openai().chat("gpt-x", false).await, "requests"),
        0
    );
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 429);
    app.limit_key(&[]).await;
    let free = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (free.status, free.header("x-ratelimit-limit-requests")),
        (200, "")
    );
    let rows = app.logs().await;
    let refused: Vec<_> = rows
        .iter()
        .filter(|r| r.record.status == Status::RateLimited)
        .collect();
    assert_eq!(refused.iter().map(|r| r.record.repeats).sum::<i64>(), 2);
    for row in refused {
        assert_eq!(row.record.fault_owner, FaultOwner::Policy);
        assert_eq!(
            (row.record.error_code.as_str(), row.record.attempts),
            ("rpm_exceeded", 0)
        );
    }
    let metrics = app.visitor().get("/metrics").await.text();
    assert!(
        metrics.contains("modelgate_refusals_total{rule=\"rpm\"} 2"),
        "{metrics}"
    );
}

on_each_engine!(requests_a_minute_are_limited_and_told);

async fn tokens_a_minute_are_held_back_and_settled(app: &TestApp) {
    app.limit_key(&[limit(LimitKind::Tpm, 200)]).await;
    let reply = || Step::answer().tokens(35).cached(2).reasoning(10);
    app.vendor.push(reply());
    let first = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (first.status, first.header("x-ratelimit-limit-tokens")),
        (200, "200")
    );
    // nothing is known of the model's answers: all there is was held back
    assert_eq!(left(&first, "tokens"), 0);
    app.settle().await;
    let used = first.json()["usage"]["total_tokens"].as_i64().unwrap();
    assert_eq!(used, 51);
    app.vendor.push(reply());
    let second = app.openai().chat("gpt-x", true).await;
    assert_eq!(second.status, 200);
    let held = 200 - used - left(&second, "tokens");
    assert!((45..=60).contains(&held), "by what was learnt: {held}");
    let mut small = chat("gpt-x", false);
    small["max_tokens"] = json!(3);
    let third = app.openai().post("/chat/completions", &small).await;
    assert_eq!(third.status, 200);
    let long = "word ".repeat(400);
    let mut large = chat("gpt-x", false);
    large["messages"][0]["content"] = json!(long);
    let over = app.openai().post("/chat/completions", &large).await;
    assert_eq!(
        (over.status, &over.json()["error"]["code"]),
        (429, &json!("tpm_exceeded"))
    );
    assert_eq!(over.header("retry-after"), "", "no waiting makes it fit");
}

on_each_engine!(tokens_a_minute_are_held_back_and_settled);

async fn calls_at_the_same_time_are_limited_and_given_back(app: &TestApp) {
    app.limit_key(&[limit(LimitKind::Concurrency, 1)]).await;
    app.vendor
        .push(Step::answer().delay(Duration::from_millis(1_500)));
    let client = app.openai();
    let running = tokio::spawn(async move { client.chat("gpt-x", false).await });
    while app.vendor.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let over = app.openai().chat("gpt-x", false).await;
    let error = over.json()["error"].clone();
    assert_eq!(
        (over.status, &error["code"]),
        (429, &json!("concurrency_exceeded"))
    );
    assert_eq!((&error["limit"], &error["used"]), (&json!(1), &json!(1)));
    assert_eq!(over.header("retry-after"), "1");
    assert_eq!(running.await.unwrap().status, 200);
    app.settle().await;
    assert_eq!(app.openai().chat("gpt-x", true).await.status, 200);
}

on_each_engine!(calls_at_the_same_time_are_limited_and_given_back);

async fn a_limit_on_a_model_holds_for_all_and_burns_nothing_else(app: &TestApp) {
    let (gpt, embed) = (app.model("gpt-x").await, app.model("embed-x").await);
    let mut pair = limit(LimitKind::Rpm, 1);
    pair.model_id = embed;
    app.limit_key(&[limit(LimitKind::Rpm, 10), pair]).await;
    app.limit(
        LimitScope::Model,
        gpt.0,
        &[limit(LimitKind::Concurrency, 0)],
    )
    .await;
    for _ in 0..3 {
        let over = app.openai().chat("gpt-x", false).await;
        let error = over.json()["error"].clone();
        assert_eq!(
            (over.status, &error["scope"]),
            (429, &json!("model")),
            "{error}"
        );
        assert_eq!(
            left(&over, "requests"),
            10,
            "a call that one limit refuses burns none of the others"
        );
    }
    let input = json!({"model": "embed-x", "input": "hello"});
    let embeds = async || app.openai().post("/embeddings", &input).await;
    let first = embeds().await;
    assert_eq!(
        (first.status, left(&first, "requests")),
        (200, 0),
        "the pair is the tightest"
    );
    let over = embeds().await;
    assert_eq!(over.status, 429);
    assert!(
        over.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("with this model")
    );
    app.limit(LimitScope::Model, gpt.0, &[]).await;
    assert_eq!(
        left(&app.openai().chat("gpt-x", false).await, "requests"),
        8
    );
}

on_each_engine!(a_limit_on_a_model_holds_for_all_and_burns_nothing_else);

async fn an_account_shares_its_limits_among_its_keys(app: &TestApp) {
    let second = r#"
[[api_keys]]
name = "bob"
secret = "sk-mg-test-bob-0123456789"
models = ["*"]
"#;
    app.apply(second).await;
    let user = app
        .db()
        .write(|c| {
            Box::pin(async move {
                let user = NewUser {
                    username: "carol".to_owned(),
                    email: None,
                    display_name: String::new(),
                    password_hash: None,
                    must_change_password: false,
                    role: Role::User,
                };
                let now = Clock::system().now();
                let id = users::insert(c, &user, now).await?;
                for name in ["alice", "bob"] {
                    let key = api_keys::find_by_name(c, name).await?.unwrap();
                    let (row, mut data) = (key.id, ApiKeyData::from(key));
                    data.user_id = id;
                    api_keys::update(c, row, &data, now).await?;
                }
                Ok::<_, StoreError>(id)
            })
        })
        .await
        .unwrap();
    app.limit(LimitScope::User, user.0, &[limit(LimitKind::Rpm, 2)])
        .await;
    let (alice, bob) = (app.openai(), app.openai_as("sk-mg-test-bob-0123456789"));
    assert_eq!(left(&alice.chat("gpt-x", false).await, "requests"), 1);
    assert_eq!(left(&bob.chat("gpt-x", false).await, "requests"), 0);
    for client in [alice, bob] {
        let error = client.chat("gpt-x", false).await.json()["error"].clone();
        assert_eq!(
            (&error["code"], &error["scope"]),
            (&json!("rpm_exceeded"), &json!("user"))
        );
    }
}

on_each_engine!(an_account_shares_its_limits_among_its_keys);

async fn a_credential_at_its_limit_gives_way_to_the_next(app: &TestApp) {
    let two = r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "BASE"
keys = [ { label = "main", secret = "sk-up-main-canary-1" }, { label = "spare", secret = "sk-up-spare-2" } ]
"#;
    app.apply(&two.replace("BASE", &app.vendor.base_url()))
        .await;
    let keys = app
        .db()
        .read(|c| Box::pin(async move { provider_keys::list(c).await }))
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    for key in &keys {
        let one = [limit(LimitKind::Rpm, 1)];
        app.limit(LimitScope::ProviderKey, key.id.0, &one).await;
    }
    for _ in 0..2 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    let mut used: Vec<String> = app
        .vendor
        .received()
        .iter()
        .map(|r| r.key().to_owned())
        .collect();
    used.sort();
    used.dedup();
    assert_eq!(used.len(), 2, "each credential served one of the two");
    let over = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (over.status, &over.json()["error"]["code"]),
        (429, &json!("credentials_limited"))
    );
    let wait: i64 = over.header("retry-after").parse().unwrap();
    assert!((50..=62).contains(&wait), "{wait}");
    assert_eq!(
        over.header("x-ratelimit-limit-requests"),
        "",
        "a credential's limits are not the caller's"
    );
}

on_each_engine!(a_credential_at_its_limit_gives_way_to_the_next);

/// What the provisioning file promises.
async fn a_file_sets_limits_and_rules(app: &TestApp) {
    let file = r#"
[[api_keys]]
name = "alice"
time_zone = "Asia/Shanghai"
allowed_cidrs = ["10.0.0.0/8", "127.0.0.1/32"]
limits = { rpm = 2, tpm = 100000, max_concurrency = 4, mode = "enforce" }
budget = { amount = "5.00", currency = "USD", period = "day", mode = "enforce" }
time_rules = [ { kind = "time_range", allowed = true, start = "00:00", end = "24:00" }, { kind = "date_range", allowed = false, start = "2020-12-24", end = "2021-01-01" } ]
"#;
    app.apply(file).await;
    let first = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (first.status, first.header("x-ratelimit-limit-tokens")),
        (200, "100000")
    );
    assert_eq!(app.openai().chat("gpt-x", true).await.status, 200);
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 429);
    app.apply("[[api_keys]]\nname = \"alice\"\nlimits = { rpm = 2, mode = \"observe\" }")
        .await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
}

on_each_engine!(a_file_sets_limits_and_rules);

async fn what_only_observes_lets_through_and_notes_it(app: &TestApp) {
    let observed = |kind, amount| Limit {
        mode: LimitMode::Observe,
        ..limit(kind, amount)
    };
    app.limit_key(&[
        observed(LimitKind::Rpm, 1),
        observed(LimitKind::Concurrency, 0),
    ])
    .await;
    for _ in 0..2 {
        let answer = app.openai().chat("gpt-x", false).await;
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-limit-requests")),
            (200, "")
        );
    }
    let rows = app.logs().await;
    let noted: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| serde_json::from_str(&row.record.observed).unwrap())
        .collect();
    let places = json!({"rule": "concurrency", "scope": "api_key", "limit": 0, "used": 0});
    assert_eq!(noted[1], json!([places]));
    let rpm = json!({"rule": "rpm", "scope": "api_key", "limit": 1, "used": 1});
    assert_eq!(noted[0], json!([rpm, places]));
    let metrics = app.visitor().get("/metrics").await.text();
    assert!(metrics.contains("modelgate_observed_refusals_total{rule=\"concurrency\"} 2"));
    assert!(metrics.contains("modelgate_refusals_total{rule=\"rpm\"} 0"));
}

on_each_engine!(what_only_observes_lets_through_and_notes_it);
