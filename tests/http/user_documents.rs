//! Documents as those who use the gateway read them, and who may not.

use modelgate_domain::Role;

use super::admin_documents::{PNG, bring, write};
use crate::on_each_engine;
use crate::support::{Browser, KEY, TestApp};

async fn holder(app: &TestApp) -> Browser {
    let browser = app.visitor();
    let login = browser
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(login.status, 303);
    browser
}

async fn everybody_reads_what_is_for_them(app: &TestApp) {
    let admin = app.admin().await;
    let mut pages = Vec::new();
    for (title, audience, published) in [
        ("For everyone", "everyone", true),
        ("For holders", "holders", true),
        ("For admins", "admins", true),
        ("A draft", "everyone", false),
    ] {
        let mut fields = vec![
            ("title_en", title),
            ("body_en", "**text**"),
            ("audience", audience),
            ("category", "<i>c</i>"),
        ];
        if published {
            fields.push(("published", "on"));
        }
        let page = write(&admin, &fields).await;
        let token = admin.token(&page).await;
        assert_eq!(
            bring(&admin, &page, ("shot.png", PNG), &token).await.status,
            303
        );
        assert_eq!(
            bring(
                &admin,
                &page,
                ("notes.txt", b"<script>alert(1)</script>"),
                &token
            )
            .await
            .status,
            303
        );
        pages.push(page);
    }
    let key = holder(app).await;
    app.add_account("vera", Role::Viewer).await;
    let viewer = app.account("vera").await;
    let nobody = app.visitor();
    for (page, to_nobody, to_holders) in [
        (&pages[0], 200, 200),
        (&pages[1], 404, 200),
        (&pages[2], 404, 404),
        (&pages[3], 404, 404),
    ] {
        let open = page.replace("/admin", "");
        let own = page.replace("/admin", "/user");
        assert_eq!(nobody.get(&open).await.status, to_nobody, "{open}");
        assert_eq!(key.get(&own).await.status, to_holders, "{own}");
        assert_eq!(viewer.get(&own).await.status, 200, "{own}");
        let shown = admin.get(page).await.text();
        for (at, _) in shown.match_indices("href=\"/documents/") {
            let file: String = shown[at + 6..].chars().take_while(|c| *c != '"').collect();
            assert_eq!(nobody.get(&file).await.status, to_nobody, "{file}");
            let answer = key.get(&file).await;
            assert_eq!(answer.status, to_holders, "{file}");
            if answer.status != 200 {
                continue;
            }
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("sandbox") && policy.contains("default-src 'none'"),
                "{policy}"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let how = answer.header("content-disposition");
            match answer.header("content-type") {
                "image/png" => assert!(how.starts_with("inline;") && how.contains("shot.png")),
                other => {
                    assert_eq!(other, "text/plain; charset=utf-8");
                    assert!(how.starts_with("attachment;"));
                }
            }
        }
    }
    let own = key.get("/user/documents").await.text();
    assert!(own.contains("For everyone") && own.contains("For holders") && !own.contains("<i>c"));
    assert!(!own.contains("For admins") && !own.contains("A draft"));
    let found = key.get_htmx("/user/documents?q=HOLD").await.text();
    assert!(
        !found.contains("<html")
            && found.contains("For holders")
            && !found.contains("For everyone")
    );
    let read = key.get(&pages[1].replace("/admin", "/user")).await.text();
    assert!(read.contains("<strong>text</strong>") && read.contains("shot.png"));
    let chinese = holder(app)
        .await
        .speaking("zh")
        .get(&pages[1].replace("/admin", "/user"))
        .await;
    assert!(chinese.text().contains("此文只有English版本"));
    assert_eq!(key.get("/user/documents/999999").await.status, 404);
    assert_eq!(key.get("/user/documents/x").await.status, 404);
}

on_each_engine!(everybody_reads_what_is_for_them);
