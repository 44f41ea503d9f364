//! The models a key may use.

use modelgate_domain::LimitKind;

use super::user_login::holder;
use crate::on_each_engine;
use crate::support::{KEY, Setup, TestApp, limit, provisioning};

const NARROW: &str = "sk-mg-test-narrow-0123456789";

fn a_narrow_key(base_url: &str) -> String {
    format!(
        "{}\n[[api_keys]]\nname = \"narrow\"\nsecret = \"{NARROW}\"\nmodels = [\"embed-x\"]\n",
        provisioning(base_url)
    )
}

async fn a_key_sees_the_models_it_may_use_as_a_call_would_find_them(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let page = alice.get("/user/models").await.text();
    for shown in ["gpt-x", "embed-x", "128,000", "16,384", "0.15", "available"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("data-copy=\"gpt-x\""), "{page}");
    let part = alice.get_htmx("/user/models").await.text();
    assert!(!part.contains("<html") && part.contains("gpt-x"));

    let narrow = holder(app, NARROW).await;
    let page = narrow.get("/user/models").await.text();
    assert!(page.contains("embed-x") && !page.contains("gpt-x"));
    let tools = narrow.get("/user/tools").await.text();
    assert!(
        tools.contains("No model is open to this key"),
        "no chat model"
    );

    app.limit_key(&[limit(LimitKind::Rpm, 1)]).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let page = alice.get("/user/models").await.text();
    assert!(page.contains("a rule refuses calls"));
}

on_each_engine!(
    a_key_sees_the_models_it_may_use_as_a_call_would_find_them,
    |engine| Setup {
        apply: Some(a_narrow_key),
        ..Setup::on(engine)
    }
);
