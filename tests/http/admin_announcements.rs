//! What operators announce, and what holders see of it.

use crate::on_each_engine;
use crate::support::{KEY, TestApp};

const LIST: &str = "/admin/announcements";

async fn an_announcement_is_shown_until_put_away(app: &TestApp) {
    let admin = app.admin().await;
    assert!(
        admin
            .get(LIST)
            .await
            .text()
            .contains("Nothing is announced")
    );
    let new = format!("{LIST}/new");
    let fields = [
        (
            "text_en",
            "**Pause** at noon <script>alert(1)</script> [x](javascript:alert(2))",
        ),
        ("text_zh", "中午**暂停**"),
        ("severity", "warning"),
        ("starts_at", "2020-01-01T00:00"),
    ];
    let made = admin.submit(&new, LIST, &fields).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let list = admin.get(LIST).await.text();
    assert!(list.contains("<strong>Pause</strong>") && list.contains("shown"));

    let holder = app.visitor();
    let login = holder
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(login.status, 303);
    for page in ["/user/dashboard", "/user/models", "/user/notifications"] {
        let shown = holder.get(page).await.text();
        assert!(shown.contains("<strong>Pause</strong>"), "{page}");
        assert!(!shown.contains("<script>alert") && !shown.contains("href=\"javascript:"));
    }
    let chinese = holder
        .clone()
        .speaking("zh")
        .get("/user/models")
        .await
        .text();
    assert!(chinese.contains("<strong>暂停</strong>"));
    assert!(
        !admin
            .get("/admin/home")
            .await
            .text()
            .contains("<strong>Pause")
    );

    let page = holder.get("/user/models").await.text();
    let at = page.find("name=\"id\" value=\"").expect("a form") + 17;
    let id: String = page[at..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let dismiss = "/user/notifications/dismiss";
    let fields = [("id", id.as_str()), ("to", "https://evil.example")];
    assert_eq!(holder.post(dismiss, &fields, None, false).await.status, 403);
    let away = holder.submit("/user/models", dismiss, &fields).await;
    assert_eq!(
        away.header("location"),
        "/user/notifications",
        "never another origin"
    );
    assert!(
        !holder
            .get("/user/models")
            .await
            .text()
            .contains("<strong>Pause")
    );
    let other = app.visitor();
    assert_eq!(
        other
            .submit(
                "/login",
                "/login",
                &[("username", "root"), ("password", crate::support::ADMIN.1)]
            )
            .await
            .status,
        303
    );
    assert!(
        other
            .get("/user/models")
            .await
            .text()
            .contains("<strong>Pause"),
        "for each alone"
    );
    let odd = holder
        .submit("/user/models", dismiss, &[("id", "999999")])
        .await;
    assert_eq!(odd.status, 303);
}

on_each_engine!(an_announcement_is_shown_until_put_away);

async fn what_cannot_be_announced_is_said(app: &TestApp) {
    let admin = app.admin().await;
    let token = admin.token(&format!("{LIST}/new")).await;
    let long = "x".repeat(2_001);
    for (fields, said) in [
        (vec![("severity", "info")], "Write something"),
        (
            vec![("severity", "info"), ("text_en", long.as_str())],
            "At most 2,000",
        ),
        (
            vec![("severity", "loud"), ("text_en", "x")],
            "invalid-feedback",
        ),
        (
            vec![
                ("severity", "info"),
                ("text_en", "x"),
                ("starts_at", "2030-01-02T00:00"),
                ("ends_at", "2030-01-01T00:00"),
            ],
            "before the beginning",
        ),
        (
            vec![("severity", "info"), ("text_en", "x"), ("ends_at", "soon")],
            "invalid-feedback",
        ),
    ] {
        let refused = admin.post(LIST, &fields, Some(&token), false).await;
        assert_eq!(refused.status, 422, "{said}");
        assert!(refused.text().contains(said), "{said}");
    }
    let fields = [
        ("severity", "info"),
        ("text_zh", "计划"),
        ("starts_at", "2999-01-01T00:00"),
    ];
    assert_eq!(
        admin.post(LIST, &fields, Some(&token), false).await.status,
        303
    );
    let list = admin.get(LIST).await.text();
    assert!(list.contains("planned"));
    let at = list.find("href=\"/admin/announcements/").expect("a link") + 6;
    let links: Vec<String> = list
        .match_indices("href=\"/admin/announcements/")
        .map(|(at, _)| list[at + 6..].chars().take_while(|c| *c != '"').collect())
        .collect();
    assert!(at > 6);
    let page = links
        .iter()
        .find(|link| !link.ends_with("/new"))
        .expect("one");
    let delete = format!("{page}/delete");
    assert!(
        admin
            .get(&delete)
            .await
            .text()
            .contains("Delete the announcement 计划?")
    );
    assert_eq!(admin.submit(&delete, &delete, &[]).await.status, 303);
    assert_eq!(admin.get(page).await.status, 404);
}

on_each_engine!(what_cannot_be_announced_is_said);
