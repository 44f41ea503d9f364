//! API keys: what the form refuses, and the end of a key.

use crate::on_each_engine;
use crate::support::TestApp;

const KEYS: &str = "/admin/api-keys";

async fn a_key_that_may_call_nothing_is_a_mistake(app: &TestApp) {
    let admin = app.admin().await;
    let new = format!("{KEYS}/new");
    let nothing = admin.submit(&new, KEYS, &[("name", "idle")]).await;
    assert_eq!(
        nothing.status, 422,
        "a key that may call nothing is a mistake"
    );
    let no_token = admin
        .post(KEYS, &[("name", "x"), ("all_models", "on")], None, false)
        .await;
    assert_eq!(no_token.status, 403);
}

on_each_engine!(a_key_that_may_call_nothing_is_a_mistake);

async fn a_revoked_key_is_refused(app: &TestApp) {
    let admin = app.admin().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let keys = admin.get(KEYS).await.text();
    let start = keys
        .find("/admin/api-keys/")
        .map(|_| keys.rfind("href=\"/admin/api-keys/").unwrap() + 6)
        .unwrap();
    let key: String = keys[start..].chars().take_while(|c| *c != '"').collect();
    let dialog = admin.get_htmx(&format!("{key}/revoke")).await.text();
    assert!(dialog.contains("alice") && !dialog.contains("<html"));
    assert_eq!(
        admin
            .submit(&key, &format!("{key}/revoke"), &[])
            .await
            .status,
        303
    );
    assert_eq!(admin.get(&key).await.status, 404);
    let mut status = 200;
    for _ in 0..30 {
        status = app.openai().chat("gpt-x", false).await.status.into();
        if status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, 401);
}

on_each_engine!(a_revoked_key_is_refused);

async fn a_key_switched_off_or_past_its_end_is_refused_and_says_so(app: &TestApp) {
    let admin = app.admin().await;
    let keys = admin.get(KEYS).await.text();
    let start = keys.rfind("href=\"/admin/api-keys/").expect("a key") + 6;
    let key: String = keys[start..].chars().take_while(|c| *c != '"').collect();
    for (fields, code) in [
        (
            vec![("name", "alice"), ("all_models", "on")],
            "api_key_disabled",
        ),
        (
            vec![
                ("name", "alice"),
                ("all_models", "on"),
                ("enabled", "on"),
                ("expires_at", "2020-01-01T00:00"),
            ],
            "api_key_expired",
        ),
    ] {
        assert_eq!(admin.submit(&key, &key, &fields).await.status, 303);
        let mut answer = app.openai().chat("gpt-x", false).await;
        for _ in 0..30 {
            if answer.text().contains(code) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            answer = app.openai().chat("gpt-x", false).await;
        }
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"], code);
    }
    app.settle().await;
    let codes: Vec<String> = app
        .logs()
        .await
        .into_iter()
        .map(|row| row.record.error_code)
        .collect();
    for code in ["api_key_disabled", "api_key_expired"] {
        assert!(
            codes.iter().any(|c| c == code),
            "a refusal by rule leaves a row: {codes:?}"
        );
    }
}

on_each_engine!(a_key_switched_off_or_past_its_end_is_refused_and_says_so);
