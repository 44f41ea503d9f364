//! One's own call on a page of its own. Whose calls are seen is tested beside the dashboard.

use modelgate::simulator::{End, Step};

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

/// Whoever leaves has nothing to change.
async fn a_call_that_was_broken_off_says_so(app: &TestApp) {
    app.vendor.push(Step::ending(End::StallAtOnce));
    let body = crate::support::chat("gpt-x", true);
    let openai = app.openai();
    let call = tokio::time::timeout(
        std::time::Duration::from_millis(300),
        openai.post("/chat/completions", &body),
    );
    assert!(call.await.is_err(), "it waits");
    app.settle().await;
    let row = app.only_log().await;
    assert_eq!(row.record.status, modelgate_domain::Status::Cancelled);
    let alice = holder(app, KEY).await;
    let page = alice
        .get(&format!("/user/requests/{}", row.record.id))
        .await;
    let page = page.text();
    assert!(page.contains("broken off from your side"), "{page}");
    assert!(!page.contains("Change the request"));
}

on_each_engine!(a_call_that_was_broken_off_says_so);
