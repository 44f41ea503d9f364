//! What vendors' errors mean: the table that came with the product, and rules of one's own.

use modelgate_domain::Meaning;
use modelgate_store::error_rules::{self, ErrorRule};

use crate::on_each_engine;
use crate::support::TestApp;

const ERRORS: &str = "/admin/config/errors";

async fn rules(app: &TestApp) -> Vec<ErrorRule> {
    let all = app.db().read(|c| Box::pin(error_rules::list(c))).await;
    all.unwrap()
}

const OWN: &[(&str, &str)] = &[
    ("provider", ""),
    ("status", "402"),
    ("path", "error.code"),
    ("value", "no_money_*"),
    ("meaning", "exhausted"),
    ("reset_path", "error.until"),
    ("reset_zone", "Asia/Shanghai"),
    ("note", "ours"),
    ("enabled", "on"),
];

async fn rules_are_added_moved_switched_off_and_deleted(app: &TestApp) {
    let admin = app.admin().await;
    let seeded = rules(app).await;
    assert!(!seeded.is_empty());
    let new = format!("{ERRORS}/new");
    assert_eq!(admin.submit(&new, ERRORS, OWN).await.status, 303);
    let own = rules(app).await.pop().unwrap();
    assert_eq!(
        (own.status, own.meaning, own.value.as_str(), own.enabled),
        (402, Meaning::Exhausted, "no_money_*", true)
    );
    let list = admin.get(ERRORS).await.text();
    assert!(list.contains("error.code = no_money_*") && list.contains("no quota or money left"));

    let one = format!("{ERRORS}/{}", own.id);
    let up = admin
        .submit(ERRORS, &format!("{one}/move"), &[("to", "up")])
        .await;
    assert_eq!(up.status, 303);
    let moved = rules(app).await;
    assert_eq!(moved[moved.len() - 2].id, own.id, "one place up");
    let off = admin
        .submit(ERRORS, &format!("{one}/switch"), &[("to", "off")])
        .await;
    assert_eq!(off.status, 303);
    let found = rules(app).await.into_iter().find(|rule| rule.id == own.id);
    assert!(!found.unwrap().enabled);

    let form = admin.get(&one).await.text();
    assert!(form.contains("value=\"no_money_*\"") && form.contains("value=\"Asia/Shanghai\""));
    let mut edited: Vec<_> = OWN
        .iter()
        .copied()
        .filter(|(n, _)| *n != "meaning")
        .collect();
    edited.push(("meaning", "overloaded"));
    assert_eq!(admin.submit(&one, &one, &edited).await.status, 303);
    let found = rules(app).await.into_iter().find(|rule| rule.id == own.id);
    assert_eq!(found.unwrap().meaning, Meaning::Overloaded);

    let delete = format!("{one}/delete");
    assert!(
        admin
            .get_htmx(&delete)
            .await
            .text()
            .contains("Delete the rule for 402?")
    );
    assert_eq!(admin.submit(&one, &delete, &[]).await.status, 303);
    assert_eq!(rules(app).await.len(), seeded.len());
    assert_eq!(admin.get(&one).await.status, 404);
}

on_each_engine!(rules_are_added_moved_switched_off_and_deleted);

async fn rules_that_would_fit_everything_are_mistakes(app: &TestApp) {
    let admin = app.admin().await;
    let before = rules(app).await.len();
    let new = format!("{ERRORS}/new");
    for (name, value, why) in [
        ("status", "99", "A whole number from 100 to 599."),
        ("value", "", "Give both"),
        ("meaning", "bored", "Choose one of the list."),
        ("provider", "999", "Choose one of the list."),
        ("reset_zone", "Mars", "A time zone such as"),
    ] {
        let mut fields: Vec<_> = OWN.iter().copied().filter(|(n, _)| *n != name).collect();
        fields.push((name, value));
        let refused = admin.submit(&new, ERRORS, &fields).await;
        let text = refused.text();
        assert!(
            refused.status == 422 && text.contains(why),
            "{name}: {text}"
        );
    }
    let everything = admin
        .submit(&new, ERRORS, &[("meaning", "overloaded")])
        .await;
    assert!(everything.status == 422 && everything.text().contains("would fit every error"));
    assert_eq!(admin.post(ERRORS, OWN, None, false).await.status, 403);
    assert_eq!(app.visitor().get(ERRORS).await.status, 303);
    assert_eq!(rules(app).await.len(), before);
}

on_each_engine!(rules_that_would_fit_everything_are_mistakes);
