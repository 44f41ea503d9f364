//! The monitor.

use modelgate::simulator::Step;
use modelgate_domain::{Permission, Role};

use crate::on_each_engine;
use crate::process::eventually;
use crate::support::TestApp;

async fn it_shows_what_a_range_is_made_of(app: &TestApp) {
    let admin = app.admin().await;
    let empty = admin.get("/admin/monitor").await;
    assert_eq!(empty.status, 200);
    assert!(empty.text().contains("Nothing was asked in this range."));
    for _ in 0..4 {
        assert_eq!(app.openai().chat("gpt-x", true).await.status, 200);
    }
    app.vendor.push(Step::status(503));
    let failed = app.openai().chat("gpt-x", false).await.status;
    assert!(failed >= 500, "{failed}");
    app.settle().await;
    for by in ["requests", "tokens", "cost", "nonsense"] {
        let page = admin.get(&format!("/admin/monitor?range=7d&by={by}")).await;
        let text = page.text();
        assert!(text.contains("100 %"), "one model has all of it");
        assert!(text.contains("20.00 %"), "one call of five failed");
        assert!(text.contains("1 of 5"));
        assert!(text.contains("status=wrong&#38;model="));
        assert!(text.contains("<rect class=\"mg-heat-1\""));
        assert!(text.contains("All models"));
    }
    let part = admin.get_htmx("/admin/monitor?range=7d&by=tokens").await;
    let part = part.text();
    assert!(part.contains("id=\"live\"") && !part.contains("<html"));
    assert!(part.contains("range=7d&#38;by=tokens"));
}

async fn it_shows_how_busy_it_was(app: &TestApp) {
    let admin = app.admin().await;
    eventually("the first minute is noted", async || {
        let page = admin.get("/admin/monitor?range=24h").await.text();
        page.contains("How busy it was") && page.contains("Minutes of all instances")
    })
    .await;
    let page = admin.get("/admin/monitor?range=24h").await.text();
    let (_, table) = page.split_once("id=\"busyness-history\"").unwrap();
    assert!(
        table.contains(">quiet</th>") && table.contains("<td class=\"num\">1</td>"),
        "{table}"
    );
    let rules = admin.get("/admin/config/busyness").await.text();
    assert!(rules.contains("/admin/monitor?range=7d#busyness-history"));
}
on_each_engine!(it_shows_how_busy_it_was);

async fn who_may_not_look_sees_nothing(app: &TestApp) {
    let role = Role::ALL.iter().find(|role| !role.may(Permission::Look));
    let Some(role) = role else { return };
    app.add_account("guest", *role).await;
    let guest = app.account("guest").await;
    assert_eq!(guest.get("/admin/monitor").await.status, 403);
    assert_eq!(app.visitor().get("/admin/monitor").await.status, 303);
}

on_each_engine!(it_shows_what_a_range_is_made_of);
on_each_engine!(who_may_not_look_sees_nothing);
