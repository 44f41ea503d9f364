//! One's own account: the password and the sessions.

use crate::on_each_engine;
use crate::support::{ADMIN, TestApp};
use modelgate_store::users;

async fn a_new_password_ends_the_other_sessions(app: &TestApp) {
    let (here, there) = (app.admin().await, app.admin().await);
    let wrong = [
        ("password", "not it"),
        ("new_password", "another good one"),
        ("new_password_again", "another good one"),
    ];
    let refused = here.submit("/account", "/account/password", &wrong).await;
    assert_eq!(refused.status, 422);
    assert_eq!(there.get("/account").await.status, 200);
    let right = [("password", ADMIN.1), wrong[1], wrong[2]];
    let done = here.submit("/account", "/account/password", &right).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let page = here.get("/account").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("mg-toast"), "told once");
    assert!(!here.get("/account").await.text().contains("toast show"));
    assert_eq!(
        there.get("/account").await.status,
        303,
        "the other has ended"
    );
}

on_each_engine!(a_new_password_ends_the_other_sessions);

async fn sessions_can_be_ended_one_by_one(app: &TestApp) {
    let (here, there) = (app.admin().await, app.admin().await);
    let page = here.get("/account").await.text();
    let (_, rest) = page.split_once("name=\"id\" value=\"").unwrap();
    let id = &rest[..64];
    let ended = here
        .submit("/account", "/account/sessions/end", &[("id", id)])
        .await;
    assert_eq!(ended.status, 303);
    assert_eq!(there.get("/account").await.status, 303);
    assert_eq!(here.get("/account").await.status, 200);
}

on_each_engine!(sessions_can_be_ended_one_by_one);

async fn language_theme_and_time_zone_are_kept_with_the_account(app: &TestApp) {
    let admin = app.admin().await;
    let post = async |zone: &str| {
        let fields = [("lang", "zh"), ("theme", "dark"), ("time_zone", zone)];
        admin
            .submit("/account", "/account/preferences", &fields)
            .await
    };
    let wrong = post("Mars/Olympus<script>").await;
    assert_eq!(wrong.status, 422);
    assert!(!wrong.text().contains("Olympus<script>"));
    for chosen in ["value=\"zh\" selected", "value=\"dark\" selected"] {
        assert!(wrong.text().contains(chosen), "{chosen} is kept");
    }
    assert_eq!(post("Asia/Kathmandu").await.status, 303);
    let elsewhere = app
        .admin()
        .await
        .speaking("en")
        .get("/account")
        .await
        .text();
    assert!(elsewhere.contains("我的账号") && elsewhere.contains("data-bs-theme=\"dark\""));
    assert!(elsewhere.contains("value=\"Asia/Kathmandu\"") && elsewhere.contains("+05:45"));
    let nonsense = [("lang", "xx"), ("theme", "dark"), ("time_zone", "")];
    let refused = admin
        .submit("/account", "/account/preferences", &nonsense)
        .await;
    assert_eq!(refused.status, 400);
}

on_each_engine!(language_theme_and_time_zone_are_kept_with_the_account);
async fn a_password_that_somebody_else_chose_is_changed_first(app: &TestApp) {
    let browser = app.admin().await;
    let owes = app.db().write(|c| {
        Box::pin(async move {
            let user = users::find_by_username(c, ADMIN.0)
                .await?
                .expect("the administrator");
            let hash = user.password_hash.expect("a password");
            users::set_password(c, user.id, &hash, true, user.updated_at).await
        })
    });
    assert!(owes.await.unwrap());
    for path in ["/admin/home", "/admin/logs?status=error", "/", "/login"] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/account"),
            "{path}"
        );
    }
    let part = browser.get_htmx("/admin/home").await;
    assert_eq!(part.header("hx-redirect"), "/account");
    let page = browser.get("/account").await.text();
    assert!(
        page.contains("Somebody else chose your password."),
        "{page}"
    );
    let token = browser.token("/account").await;
    let setting = [("key", "drain_delay"), ("value", "7")];
    let refused = browser
        .post("/admin/system-config", &setting, Some(&token), false)
        .await;
    assert_eq!(refused.header("location"), "/account");
    let change = |new: &'static str| {
        let fields = [
            ("password", ADMIN.1),
            ("new_password", new),
            ("new_password_again", new),
        ];
        let browser = browser.clone();
        async move {
            browser
                .submit("/account", "/account/password", &fields)
                .await
        }
    };
    let same = change(ADMIN.1).await;
    assert!(same.status == 422 && same.text().contains("This is the present password."));
    assert_eq!(change("one of my own").await.status, 303);
    assert_eq!(browser.get("/admin/home").await.status, 200);
}

on_each_engine!(a_password_that_somebody_else_chose_is_changed_first);
