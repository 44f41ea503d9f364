//! Models: which names the pages refuse.

use crate::on_each_engine;
use crate::support::{Browser, TestApp};

const MODELS: &str = "/admin/config/models";

async fn names_that_cannot_be_kept_come_back_with_a_reason(app: &TestApp) {
    let admin = app.admin().await;
    let new = format!("{MODELS}/new");
    for (name, why) in [
        ("gpt-x-latest", "A model or alias of this name exists."),
        ("acme/own", "The part before the slash"),
        ("a b", "printable ASCII"),
    ] {
        let refused = admin
            .submit(&new, MODELS, &[("name", name), ("kind", "chat")])
            .await;
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.text().contains(why), "{name}");
    }
}

on_each_engine!(names_that_cannot_be_kept_come_back_with_a_reason);

/// The address of the model of this name.
async fn address_of(admin: &Browser, name: &str) -> String {
    let list = admin.get(MODELS).await.text();
    let end = list.find(&format!("\">{name}</a>")).expect("the model");
    let start = list[..end].rfind("href=\"").expect("a link") + 6;
    list[start..end].to_owned()
}

async fn a_model_gets_its_rules_in_one_form(app: &TestApp) {
    let admin = app.admin().await;
    let (model, other) = (
        address_of(&admin, "gpt-x").await,
        address_of(&admin, "embed-x").await,
    );
    let other = other.rsplit('/').next().unwrap().to_owned();
    let fields = [
        ("settings", "1"),
        ("name", "gpt-x"),
        ("kind", "chat"),
        ("enabled", "on"),
        ("strategy", "least_busy"),
        ("affinity", "on"),
        ("fallback-0-model", other.as_str()),
        ("fallback-0-cause", "overloaded"),
        ("fallback-1-model", ""),
        ("max_concurrency", "100"),
        ("max_concurrency_mode", "enforce"),
        ("budget-0-amount", "50"),
        ("budget-0-currency", "USD"),
        ("budget-0-period", "week"),
    ];
    assert_eq!(admin.submit(&model, &model, &fields).await.status, 303);
    let page = admin.get(&model).await.text();
    for told in [
        "<option value=\"least_busy\" selected>",
        "<option value=\"overloaded\" selected>",
        "At most 100 calls at once, 50 USD a week",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    for (name, value, why) in [
        ("strategy", "fastest", "Choose one of the list."),
        ("fallback-0-cause", "boredom", "Choose one of the list."),
        ("fallback-0-model", "999", "Choose one of the list."),
        ("max_concurrency", "x", "A whole number from 1"),
    ] {
        let mut wrong: Vec<_> = fields
            .into_iter()
            .filter(|(n, _)| *n != name && *n != "enabled")
            .collect();
        wrong.push((name, value));
        let refused = admin.submit(&model, &model, &wrong).await;
        let text = refused.text();
        assert!(
            refused.status == 422 && text.contains(why),
            "{name}: {text}"
        );
    }
    let more: Vec<_> = fields.into_iter().chain([("more", "fallback")]).collect();
    let more = admin.submit(&model, &model, &more).await;
    assert!(more.status == 200 && more.text().contains("name=\"fallback-2-model\""));
    assert_eq!(admin.post(&model, &fields, None, false).await.status, 403);

    let start = page
        .find(&format!("action=\"{model}/targets/"))
        .expect("a target")
        + 8;
    let target: String = page[start..].chars().take_while(|c| *c != '"').collect();
    let only_quiet = [
        ("priority", "1"),
        ("weight", "100"),
        ("enabled", "on"),
        ("busyness_at_most", "idle"),
    ];
    assert_eq!(admin.submit(&model, &target, &only_quiet).await.status, 303);
    assert!(
        admin
            .get(&model)
            .await
            .text()
            .contains("<option value=\"idle\" selected>")
    );
}

on_each_engine!(a_model_gets_its_rules_in_one_form);
