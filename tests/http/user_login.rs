//! Logging in with an API key.

use modelgate::clock::Clock;
use modelgate_store::api_keys;

use super::user_tools::renewed;
use crate::on_each_engine;
use crate::support::{Browser, KEY, TestApp};

const AT: &str = "/user/login";

/// A browser that has logged in with this key.
pub async fn holder(app: &TestApp, key: &str) -> Browser {
    let browser = app.visitor();
    let answer = browser.submit(AT, AT, &[("key", key)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("location"), "/user/dashboard");
    browser
}

async fn a_key_is_exchanged_for_a_session(app: &TestApp) {
    let page = app.visitor().get(AT).await.text();
    let (_, form) = page.split_once("<form").unwrap();
    assert!(
        form.split_once("</form>")
            .unwrap()
            .0
            .contains("name=\"key\"")
    );
    let wrong = app.visitor();
    let refused = wrong.submit(AT, AT, &[("key", "sk-mg-canary-wrong")]).await;
    assert_eq!(refused.status, 422);
    assert!(!refused.text().contains("canary") && wrong.cookie("mg_session").is_none());
    let forged = wrong.post(AT, &[("key", KEY)], None, false).await;
    assert_eq!(forged.status, 403, "no token");

    let alice = holder(app, &format!(" {KEY} ")).await;
    let there = alice.get("/user/dashboard").await;
    assert_eq!(there.status, 200);
    assert!(!there.text().contains(KEY));
    assert!(!alice.cookie("mg_session").unwrap().contains(KEY));
    assert_eq!(alice.get(AT).await.status, 303, "logged in already");
    for console in ["/admin/home", "/account"] {
        assert_ne!(alice.get(console).await.status, 200, "{console}");
    }
    let token = alice.token("/user/dashboard").await;
    let out = alice.post("/logout", &[], Some(&token), false).await;
    assert_eq!(out.header("location"), AT);
    let back = alice.get("/user/dashboard").await;
    assert_eq!(back.header("location"), "/user/login?to=/user/dashboard");
}

on_each_engine!(a_key_is_exchanged_for_a_session);

/// What somebody else tried from the same network shuts nobody out: a key cannot be guessed.
async fn a_right_key_is_let_in_whatever_was_tried_before(app: &TestApp) {
    let browser = app.visitor();
    let token = browser.token(AT).await;
    for at in 0..30 {
        let key = format!("sk-mg-guess-{at}");
        let answer = browser
            .post(AT, &[("key", &key)], Some(&token), false)
            .await;
        assert_eq!(answer.status, 422);
    }
    let answer = browser.post(AT, &[("key", "sk-mg-x")], Some(&token), false);
    let answer = answer.await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    let right = browser.post(AT, &[("key", KEY)], Some(&token), false).await;
    assert_eq!(right.status, 303, "{}", right.text());
    // and passwords are counted apart
    app.admin().await;
}

on_each_engine!(a_right_key_is_let_in_whatever_was_tried_before);

async fn a_session_ends_with_its_key(app: &TestApp) {
    let soon = Clock::system().now();
    for end in ["disabled", "expired", "elsewhere", "revoked"] {
        let alice = if end == "elsewhere" {
            None
        } else {
            Some(holder(app, KEY).await)
        };
        app.change(move |c| {
            Box::pin(async move {
                let key = api_keys::find_by_name(c, "alice").await?.unwrap();
                let id = key.id;
                let mut data = api_keys::ApiKeyData::from(key);
                match end {
                    "disabled" => data.enabled = false,
                    "expired" => data.expires_at = Some(soon),
                    "elsewhere" => data.allowed_cidrs = vec!["203.0.113.0/24".to_owned()],
                    _ => return api_keys::revoke(c, id, soon).await.map(drop),
                }
                api_keys::update(c, id, &data, soon).await.map(drop)
            })
        })
        .await;
        if let Some(alice) = alice {
            assert_eq!(alice.get("/user/dashboard").await.status, 303, "{end}");
        }
        let refused = app.visitor().submit(AT, AT, &[("key", KEY)]).await;
        assert_eq!(refused.status, 422, "{end}");
        if end != "revoked" {
            app.change(move |c| {
                Box::pin(async move {
                    let key = api_keys::find_by_name(c, "alice").await?.unwrap();
                    let id = key.id;
                    let data = api_keys::ApiKeyData {
                        enabled: true,
                        expires_at: None,
                        allowed_cidrs: Vec::new(),
                        ..api_keys::ApiKeyData::from(key)
                    };
                    api_keys::update(c, id, &data, soon).await.map(drop)
                })
            })
            .await;
        }
    }
}

on_each_engine!(a_session_ends_with_its_key);

/// Who logged in with the old secret while both worked is out when it ends.
async fn a_session_ends_with_the_secret_it_was_begun_with(app: &TestApp) {
    let id = app.add_account("ann", modelgate_domain::Role::User).await;
    app.change_key(move |key| key.user_id = id).await;
    let ann = app.account("ann").await;
    let made = renewed(&ann, &app.key().await.id.to_string()).await;
    let (old, new) = (holder(app, KEY).await, holder(app, &made).await);
    for browser in [&old, &new] {
        assert_eq!(browser.get("/user/dashboard").await.status, 200);
    }
    let soon = Clock::system().now();
    app.change(move |c| {
        Box::pin(async move {
            let key = api_keys::find_by_name(c, "alice").await?.unwrap();
            api_keys::end_previous(c, key.id, soon).await.map(drop)
        })
    })
    .await;
    assert_eq!(old.get("/user/dashboard").await.status, 303);
    assert_eq!(new.get("/user/dashboard").await.status, 200);
}

on_each_engine!(a_session_ends_with_the_secret_it_was_begun_with);

/// A key that may be used from some networks opens no page from others, whenever the rule came.
async fn a_session_is_looked_at_where_its_key_may_be_used(app: &TestApp) {
    let alice = holder(app, KEY).await;
    app.change_key(|key| key.allowed_cidrs = vec!["203.0.113.0/24".to_owned()])
        .await;
    for path in [
        "/user/dashboard",
        "/user/tools",
        "/user/export/calls",
        "/opencode/opencode.json",
    ] {
        let away = alice.get(path).await;
        assert_eq!(away.status, 303, "{path}");
        assert!(away.header("location").starts_with(AT));
    }
    assert_eq!(alice.get("/opencode/setup.md").await.status, 401);
    app.change_key(|key| key.allowed_cidrs = vec!["127.0.0.0/8".to_owned()])
        .await;
    assert_eq!(alice.get("/user/dashboard").await.status, 200, "back again");
}

on_each_engine!(a_session_is_looked_at_where_its_key_may_be_used);

/// The pages for everyone know who is there already.
async fn a_holder_is_offered_the_dashboard(app: &TestApp) {
    let alice = holder(app, KEY).await;
    for path in ["/", "/login", "/login?to=/account"] {
        let page = alice.get(path).await.text();
        assert!(page.contains("href=\"/user/dashboard\""), "{path}: {page}");
    }
    let account = alice.get("/account").await;
    assert_eq!(account.header("location"), "/login?to=/account");
    let stranger = app.visitor().get("/").await.text();
    assert!(!stranger.contains("/user/dashboard") && stranger.contains(AT));
}

on_each_engine!(a_holder_is_offered_the_dashboard);
