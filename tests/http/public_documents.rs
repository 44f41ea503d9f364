//! Documents for whoever opens the site.

use super::admin_documents::write;
use crate::on_each_engine;
use crate::support::TestApp;

async fn the_site_offers_what_is_for_everyone(app: &TestApp) {
    let visitor = app.visitor();
    let empty = visitor.get("/documents").await;
    assert_eq!(empty.status, 200);
    assert!(empty.text().contains("No documents yet"));
    assert!(
        !visitor
            .get("/")
            .await
            .text()
            .contains("href=\"/documents\"")
    );
    let admin = app.admin().await;
    let fields = [
        ("title_zh", "入门"),
        ("body_zh", "# 你好"),
        ("audience", "everyone"),
        ("published", "on"),
    ];
    let page = write(&admin, &fields).await;
    assert!(
        visitor
            .get("/")
            .await
            .text()
            .contains("href=\"/documents\"")
    );
    assert!(visitor.get("/documents").await.text().contains("入门"));
    let read = visitor.get(&page.replace("/admin", "")).await.text();
    assert!(read.contains("<h2>你好</h2>") && read.contains("lang=\"zh-CN\""));
    let part = visitor.get_htmx("/documents?q=zzz").await.text();
    assert!(!part.contains("<html") && part.contains("Nothing matches"));
}

on_each_engine!(the_site_offers_what_is_for_everyone);
