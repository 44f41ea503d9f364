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
