//! The decision for any key, explained on a page.

use crate::on_each_engine;
use crate::support::TestApp;

const EXPLAIN: &str = "/admin/explain";

async fn a_decision_is_told_rule_by_rule_and_calls_nobody(app: &TestApp) {
    let admin = app.admin().await;
    let form = [("key", "1"), ("model", "gpt-x"), ("body", "")];
    let told = admin.submit(EXPLAIN, EXPLAIN, &form).await;
    let text = told.text();
    assert_eq!(told.status, 200, "{text}");
    for part in [
        "The call would go to acme first.",
        "acme/gpt-x-2026",
        "main",
        "times",
        "passes",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    // a body goes before the chosen model, and a rule of the key decides
    let alice =
        "[[api_keys]]\nname = \"alice\"\nallowed_cidrs = [\"10.0.0.0/8\"]\nmodels = [\"gpt-x\"]\n";
    app.apply(alice).await;
    let body = r#"{"model": "gpt-x-latest", "messages": [{"role": "user", "content": "hi"}]}"#;
    let outside = [("key", "1"), ("body", body), ("address", "192.0.2.7")];
    let text = admin.submit(EXPLAIN, EXPLAIN, &outside).await.text();
    assert!(
        text.contains("The call would be refused.") && text.contains("not asked"),
        "{text}"
    );
    let inside = [("key", "1"), ("body", body), ("address", "10.1.2.3")];
    let text = admin.submit(EXPLAIN, EXPLAIN, &inside).await.text();
    assert!(text.contains("The call would go to acme first."), "{text}");
    let zh = admin.clone().speaking("zh");
    let text = zh.submit(EXPLAIN, EXPLAIN, &inside).await.text();
    assert!(text.contains("调用会首先发往 acme"), "{text}");
    assert!(app.vendor.received().is_empty(), "no vendor is called");
    assert!(app.logs().await.is_empty(), "and nothing is recorded");
}

on_each_engine!(a_decision_is_told_rule_by_rule_and_calls_nobody);

async fn what_cannot_be_asked_comes_back(app: &TestApp) {
    let admin = app.admin().await;
    for (form, why) in [
        (vec![("key", "999"), ("model", "gpt-x")], "Choose a key."),
        (
            vec![("key", "1"), ("model", "gone")],
            "There is no such model.",
        ),
        (vec![("key", "1")], "Choose a model, or give"),
        (vec![("key", "1"), ("body", "{")], "column 1."),
        (
            vec![("key", "1"), ("model", "gpt-x"), ("address", "here")],
            "An address such as",
        ),
    ] {
        let refused = admin.submit(EXPLAIN, EXPLAIN, &form).await;
        assert!(
            refused.status == 422 && refused.text().contains(why),
            "{why}"
        );
    }
    let no_token = admin.post(EXPLAIN, &[("key", "1")], None, false).await;
    assert_eq!(no_token.status, 403);
    assert_eq!(app.visitor().get(EXPLAIN).await.status, 303);
}

on_each_engine!(what_cannot_be_asked_comes_back);
