//! The overview.

use crate::on_each_engine;
use crate::support::TestApp;

async fn it_counts_what_was_asked(app: &TestApp) {
    let admin = app.admin().await;
    let empty = admin.get("/admin/home").await;
    assert!(empty.text().contains("Getting started"));
    assert_eq!(empty.header("cache-control"), "no-store");
    for _ in 0..3 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    app.settle().await;
    for range in ["today", "24h", "7d", "30d", "nonsense"] {
        for language in ["en", "zh"] {
            let browser = admin.clone().speaking(language);
            let page = browser.get(&format!("/admin/home?range={range}")).await;
            assert_eq!(page.status, 200, "{range}");
            let text = page.text();
            assert!(
                text.contains("mg-figure-value\">3<"),
                "three requests in {range}"
            );
            assert!(text.contains(">alice<") && text.contains(">acme<"));
        }
    }
    let part = admin.get_htmx("/admin/home?range=today").await.text();
    assert!(part.contains("id=\"live\"") && !part.contains("<html"));
}

on_each_engine!(it_counts_what_was_asked);
