//! What vendors say of credentials: rests, quotas, refusals, the probe, and the history of all of it.

use std::time::Duration;

use modelgate::simulator::Step;
use modelgate_domain::{
    CredentialState, Currency, Limit, LimitKind, LimitMode, LimitScope, ModelId, ProviderKeyId,
    StateBy,
};
use modelgate_store::health_events::{self, HealthEvent};
use modelgate_store::provider_keys::{self, NewState, ProviderKey};
use modelgate_store::{StoreError, limits};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{TestApp, VENDOR_KEY, chat};

const SPARE: &str = "sk-up-spare-canary-2";

/// A second credential, for when the first one rests.
fn spare(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "{VENDOR_KEY}", weight = 100 }}, {{ label = "spare", secret = "{SPARE}", weight = 1 }} ]
"#
    )
}

async fn key(app: &TestApp, label: &'static str) -> ProviderKey {
    let all: Result<_, StoreError> = app
        .db()
        .read(move |c| Box::pin(async move { provider_keys::list(c).await }))
        .await;
    let all = all.unwrap();
    all.into_iter().find(|key| key.label == label).unwrap()
}

async fn events(app: &TestApp) -> Vec<HealthEvent> {
    let provider = key(app, "main").await.provider_id;
    let found: Result<_, StoreError> = app
        .db()
        .read(move |c| Box::pin(async move { health_events::list(c, provider, None, 100).await }))
        .await;
    found.unwrap()
}

/// Waits until the database says so of the credential `main`.
async fn until_state(app: &TestApp, state: CredentialState) -> ProviderKey {
    let reached = async {
        loop {
            let main = key(app, "main").await;
            if main.state == state {
                return main;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(10), reached).await;
    reached.unwrap_or_else(|_| panic!("the credential is never {state}"))
}

/// Asks until `main` has been called.
async fn call_main(app: &TestApp) -> crate::support::Answer {
    for _ in 0..200 {
        let before = app.vendor.received().len();
        let answer = app.openai().chat("gpt-x", false).await;
        let calls = app.vendor.received();
        if calls[before..].iter().any(|call| call.key() == VENDOR_KEY) {
            return answer;
        }
    }
    panic!("main is never called");
}

async fn a_rejected_credential_is_left_alone_and_comes_back_by_the_probe(app: &TestApp) {
    app.apply(&spare(&app.vendor.base_url())).await;
    app.vendor
        .push(Step::status(401).for_key(VENDOR_KEY).times(2));
    let answer = call_main(app).await;
    assert_eq!(answer.status, 200, "the spare one serves");
    assert_eq!(answer.header("x-modelgate-attempts"), "2");
    let main = until_state(app, CredentialState::Rejected).await;
    assert_eq!(
        (main.state_by, main.state_reason.as_str()),
        (StateBy::System, "rejected")
    );
    // the first question is refused, too; the next one comes after the back-off and would be answered
    let refused_again = async {
        while app.vendor.unplayed() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(10), refused_again).await;
    assert!(asked.is_ok(), "nobody asks again");
    let last = app.vendor.received().pop().unwrap();
    assert_eq!((last.path.as_str(), last.key()), ("/v1/models", VENDOR_KEY));
    for _ in 0..20 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    let calls = app.vendor.received();
    let of_main = calls.iter().filter(|call| call.key() == VENDOR_KEY);
    assert_eq!(of_main.count(), 2, "it is left alone");
    let history = events(app).await;
    let first = history.last().unwrap();
    assert_eq!(
        (
            first.from_state.as_str(),
            first.to_state.as_str(),
            first.reason.as_str()
        ),
        ("well", "rejected", "rejected")
    );
    assert!(first.detail.contains("401"), "{first:?}");
    assert!(!format!("{history:?}").contains(VENDOR_KEY));
}

on_each_engine!(a_rejected_credential_is_left_alone_and_comes_back_by_the_probe);

async fn a_hiccup_of_a_vendors_log_in_is_over_after_one_question(app: &TestApp) {
    app.vendor.push(Step::status(401));
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 502);
    until_state(app, CredentialState::Rejected).await;
    let refused = app.openai().chat("gpt-x", false).await;
    if refused.status != 200 {
        assert_eq!(refused.json()["error"]["code"], "upstream_resting");
        assert!(!refused.header("retry-after").is_empty());
    }
    until_state(app, CredentialState::Active).await;
    let well = async {
        while app.openai().chat("gpt-x", false).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let served = tokio::time::timeout(Duration::from_secs(5), well).await;
    assert!(served.is_ok(), "it is not used again");
    let codes: Vec<_> = events(app).await.into_iter().map(|e| e.reason).collect();
    // on a slow machine a trial call may be faster than the probe
    assert!(
        ["probe", "served"].contains(&codes[0].as_str()),
        "{codes:?}"
    );
    assert_eq!(codes[1..], ["rejected"]);
}

on_each_engine!(a_hiccup_of_a_vendors_log_in_is_over_after_one_question);

async fn no_quota_is_told_apart_from_too_many_calls_by_the_code(app: &TestApp) {
    app.apply(&spare(&app.vendor.base_url())).await;
    let error = |code: &str, message: &str| json!({"error": {"message": message, "type": "x", "code": code}});
    let limited = error("rate_limit_exceeded", "you said: insufficient_quota");
    app.vendor.push(
        Step::status(429)
            .json(&limited)
            .header("retry-after-ms", "40")
            .for_key(VENDOR_KEY),
    );
    assert_eq!(call_main(app).await.status, 200);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(key(app, "main").await.state, CredentialState::Active);
    let quota = error("insufficient_quota", "You exceeded your current quota.");
    app.vendor
        .push(Step::status(429).json(&quota).for_key(VENDOR_KEY));
    assert_eq!(call_main(app).await.status, 200);
    let main = until_state(app, CredentialState::Exhausted).await;
    assert_eq!(main.state_by, StateBy::System);
    assert!(main.state_until_ms.is_some());
    let before = app.vendor.received().len();
    for _ in 0..20 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    let later = &app.vendor.received()[before..];
    assert!(later.iter().all(|call| call.key() == SPARE));
}

on_each_engine!(no_quota_is_told_apart_from_too_many_calls_by_the_code);

async fn what_an_operator_switched_off_stays_off(app: &TestApp) {
    app.apply(&spare(&app.vendor.base_url())).await;
    let main = key(app, "main").await;
    app.vendor.push(
        Step::status(401)
            .delay(Duration::from_millis(300))
            .for_key(VENDOR_KEY),
    );
    let call = call_main(app);
    let off = async {
        while !app.vendor.received().iter().any(|c| c.key() == VENDOR_KEY) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        switch_off(app, main.id).await;
    };
    let (answer, ()) = tokio::join!(call, off);
    assert_eq!(answer.status, 200);
    // long enough for the change to be written, and for the probe
    tokio::time::sleep(Duration::from_secs(2)).await;
    let now = key(app, "main").await;
    assert_eq!(
        (now.state, now.state_by),
        (CredentialState::Disabled, StateBy::Admin)
    );
    let asked = app.vendor.received();
    assert!(
        !asked.iter().any(|call| call.path == "/v1/models"),
        "nobody asks"
    );
}

on_each_engine!(what_an_operator_switched_off_stays_off);

async fn switch_off(app: &TestApp, id: ProviderKeyId) {
    app.change(move |c| {
        Box::pin(async move {
            let state = NewState {
                state: CredentialState::Disabled,
                reason: String::new(),
                by: StateBy::Admin,
                until_ms: None,
            };
            provider_keys::set_state(c, id, &state, chrono::DateTime::UNIX_EPOCH).await?;
            Ok(())
        })
    })
    .await;
}

async fn a_vendors_own_way_to_say_it_is_understood(app: &TestApp) {
    app.apply(&spare(&app.vendor.base_url())).await;
    // status 200, and the code beside an answer that is not there
    let unpaid = json!({"id": "x", "choices": null, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}});
    app.vendor
        .push(Step::status(200).json(&unpaid).for_key(VENDOR_KEY));
    assert_eq!(call_main(app).await.status, 200);
    let main = until_state(app, CredentialState::Exhausted).await;
    assert_eq!(main.state_by, StateBy::System);
    let history = events(app).await;
    assert!(
        history[0].detail.contains("insufficient balance"),
        "{history:?}"
    );

    // a date and time in a sentence, on the vendor's clock
    app.apply(&other(&app.vendor.base_url())).await;
    let until = chrono::DateTime::from_timestamp_millis(4_102_444_800_000).unwrap();
    let until = until.with_timezone(&chrono_tz::Asia::Shanghai);
    let said = format!(
        "Limit reached, back at {}.",
        until.format("%Y-%m-%d %H:%M:%S")
    );
    let limited = json!({"error": {"code": "1308", "message": said}});
    app.vendor
        .push(Step::status(429).json(&limited).for_key("sk-up-other"));
    let answer = app.openai().chat("other", false).await;
    assert_eq!(answer.status, 429);
    let waits = async {
        loop {
            let found = app
                .openai()
                .post("/explain", &chat("other", false))
                .await
                .json();
            if found["attempts"][0]["state"] == "resting" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waits = tokio::time::timeout(Duration::from_secs(5), waits).await;
    assert!(waits.is_ok(), "it does not rest");
}

on_each_engine!(a_vendors_own_way_to_say_it_is_understood);

/// A provider of its own, for a limit that lasts.
fn other(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "other"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "other", secret = "sk-up-other" }} ]

[[models]]
name = "other"
kind = "chat"
targets = [ {{ provider = "other", upstream_model = "up-other", priority = 1, weight = 100 }} ]
"#
    )
}

async fn a_credentials_own_limits_send_calls_to_the_next_and_refuse_by_name(app: &TestApp) {
    app.apply(&spare(&app.vendor.base_url())).await;
    let rows = [key(app, "main").await.id.0, key(app, "spare").await.id.0];
    app.change(move |c| {
        Box::pin(async move {
            for scope_id in rows {
                let limit = Limit {
                    scope: LimitScope::ProviderKey,
                    scope_id,
                    model_id: ModelId::NONE,
                    kind: LimitKind::Rpm,
                    amount: 2,
                    currency: Currency::default(),
                    period: None,
                    mode: LimitMode::Enforce,
                };
                limits::replace(c, LimitScope::ProviderKey, scope_id, &[limit]).await?;
            }
            Ok(())
        })
    })
    .await;
    for _ in 0..4 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    let calls = app.vendor.received();
    let of_main = calls.iter().filter(|call| call.key() == VENDOR_KEY);
    assert_eq!((calls.len(), of_main.count()), (4, 2));
    let refused = app.openai().chat("gpt-x", false).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"]["code"], "credentials_limited");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(app.vendor.received().len(), 4, "no vendor is asked");
}

on_each_engine!(a_credentials_own_limits_send_calls_to_the_next_and_refuse_by_name);
