//! One's own call on a page of its own. Whose calls are seen is tested beside the dashboard.

use super::user_login::holder;
use crate::on_each_engine;
use crate::support::{KEY, TestApp};

async fn a_call_says_what_became_of_it(app: &TestApp) {
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let row = app.only_log().await;
    let path = format!("/user/requests/{}", row.record.id);
    let alice = holder(app, KEY).await;
    let page = alice.get(&path).await.text();
    assert!(page.contains("nobody") && page.contains("Nothing has to be done."));
    assert!(page.contains(&row.record.id.to_string()));
    assert_eq!(app.visitor().get(&path).await.status, 303);
}

on_each_engine!(a_call_says_what_became_of_it);
