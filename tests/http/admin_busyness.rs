//! Rules for busy times: the form that holds them all.

use modelgate_domain::{Busyness, BusynessAction};
use modelgate_store::busyness_rules::{self, BusynessRule};

use crate::on_each_engine;
use crate::support::TestApp;

const BUSYNESS: &str = "/admin/config/busyness";

async fn rules(app: &TestApp) -> Vec<BusynessRule> {
    let all = app.db().read(|c| Box::pin(busyness_rules::list(c))).await;
    all.unwrap()
}

const RULES: &[(&str, &str)] = &[
    ("rule-0-order", "2"),
    ("rule-0-from", "busy"),
    ("rule-0-action", "block"),
    ("rule-0-message", "Come back later."),
    ("rule-0-model", "1"),
    ("rule-0-on", "on"),
    ("rule-1-order", "1"),
    ("rule-1-from", "very_busy"),
    ("rule-1-action", "suggest"),
    ("rule-1-redirect", "2"),
    ("rule-2-from", ""),
];

async fn rules_are_kept_in_their_order(app: &TestApp) {
    let admin = app.admin().await;
    let saved = admin.submit(BUSYNESS, BUSYNESS, RULES).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let kept = rules(app).await;
    let told: Vec<_> = kept
        .iter()
        .map(|r| (r.from_level, r.action, r.enabled))
        .collect();
    assert_eq!(
        told,
        [
            (Busyness::VeryBusy, BusynessAction::Suggest, false),
            (Busyness::Busy, BusynessAction::Block, true)
        ]
    );
    assert_eq!(kept[1].message, "Come back later.");
    assert_eq!((kept[1].models.len(), kept[0].models.len()), (1, 0));
    let page = admin.get(BUSYNESS).await.text();
    assert!(page.contains("The gateway is quiet now."), "{page}");
    assert!(page.contains("name=\"rule-1-message\" value=\"Come back later.\""));
    assert!(page.contains("name=\"rule-2-from\""), "a spare row");

    // an empty row is a rule taken away
    assert_eq!(
        admin
            .submit(BUSYNESS, BUSYNESS, &[("rule-0-from", "")])
            .await
            .status,
        303
    );
    assert_eq!(rules(app).await, []);
}

on_each_engine!(rules_are_kept_in_their_order);

async fn half_a_rule_is_a_mistake(app: &TestApp) {
    let admin = app.admin().await;
    for (name, value, why) in [
        ("rule-0-from", "hectic", "Choose one of the list."),
        ("rule-0-action", "downgrade", "Choose the other model."),
        ("rule-1-redirect", "999", "Choose one of the list."),
    ] {
        let mut fields: Vec<_> = RULES.iter().copied().filter(|(n, _)| *n != name).collect();
        fields.push((name, value));
        let refused = admin.submit(BUSYNESS, BUSYNESS, &fields).await;
        let text = refused.text();
        assert!(
            refused.status == 422 && text.contains(why),
            "{name}: {text}"
        );
    }
    let more = [RULES, &[("more", "rule")]].concat();
    let more = admin.submit(BUSYNESS, BUSYNESS, &more).await;
    assert!(more.status == 200 && more.text().contains("name=\"rule-3-from\""));
    assert_eq!(admin.post(BUSYNESS, RULES, None, false).await.status, 403);
    assert_eq!(rules(app).await, [], "nothing was kept");
}

on_each_engine!(half_a_rule_is_a_mistake);
