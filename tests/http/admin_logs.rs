//! The request log.

use modelgate::simulator::Step;

use crate::on_each_engine;
use crate::support::TestApp;

async fn rows_are_filtered_paged_and_explained(app: &TestApp) {
    app.vendor.push(Step::status(503));
    assert!(app.openai().chat("gpt-x", false).await.status >= 500);
    for _ in 0..54 {
        assert_eq!(app.openai().chat("gpt-x", true).await.status, 200);
    }
    let hostile = app.openai().chat("<script>alert(1)</script>", false).await;
    assert_eq!(hostile.status, 404);
    app.settle().await;
    let admin = app.admin().await;
    let rows = |text: &str| text.matches("hx-target=\"#drawer\"").count();

    let first = admin.get("/admin/logs").await.text();
    assert_eq!(rows(&first), 50);
    assert!(!first.contains("<script>alert"));
    let (_, rest) = first.split_once("before=").unwrap();
    let older = admin
        .get(&format!("/admin/logs?before={}", &rest[..17]))
        .await
        .text();
    assert!(rows(&older) >= 5 && older.contains("Newest"));

    let failed = admin.get("/admin/logs?status=error&model=1").await.text();
    assert_eq!(rows(&failed), 1, "{failed}");
    let part = admin.get_htmx("/admin/logs?status=timeout").await.text();
    assert!(part.contains("Nothing matches") && !part.contains("<html"));

    let (_, rest) = failed.split_once("/admin/logs/req_").unwrap();
    let path = format!("/admin/logs/req_{}", &rest[..13]);
    let whole = admin.get(&path).await.text();
    assert!(whole.contains("Why did this fail?") && whole.contains("acme answered 503."));
    let panel = admin.get_htmx(&path).await.text();
    assert!(!panel.contains("<html") && whole.contains(panel.trim()));
    let chinese = admin.clone().speaking("zh").get(&path).await.text();
    assert!(chinese.contains("为什么失败？"));

    let sought = admin
        .get(&format!("/admin/logs?q=req_{}", &rest[..13]))
        .await;
    assert_eq!(sought.header("location"), path);
    assert_eq!(admin.get("/admin/logs/req_0000000000001").await.status, 404);
    assert_eq!(admin.get("/admin/logs/nonsense").await.status, 404);
    assert_eq!(app.visitor().get(&path).await.status, 303);
}

on_each_engine!(rows_are_filtered_paged_and_explained);
