//! The settings page, and who may see pages of administrators.

use modelgate::secrets::hash_password;
use modelgate_domain::{Role, Secret};
use modelgate_store::StoreError;
use modelgate_store::users::{self, NewUser};

use crate::on_each_engine;
use crate::support::TestApp;

async fn a_saved_value_wins_and_can_be_taken_back(app: &TestApp) {
    let admin = app.admin().await;
    let page = "/admin/system-config";
    let save = [("key", "icp_number"), ("value", "<b>京ICP备9号")];
    assert_eq!(admin.submit(page, page, &save).await.status, 303);
    assert!(
        app.visitor()
            .get("/")
            .await
            .text()
            .contains("&#60;b&#62;京ICP备9号")
    );
    assert!(admin.get(page).await.text().contains("saved here"));

    let token = admin.token(page).await;
    let bad = [("key", "drain_delay"), ("value", "soon")];
    for htmx in [false, true] {
        let refused = admin.post(page, &bad, Some(&token), htmx).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains("value=\"soon\""));
        assert_eq!(refused.text().contains("<html"), !htmx);
    }
    let unknown = [("key", "secret_key"), ("value", "x")];
    assert_eq!(
        admin.post(page, &unknown, Some(&token), false).await.status,
        400
    );

    let reset = [("key", "icp_number"), ("value", ""), ("reset", "1")];
    let row = admin.post(page, &reset, Some(&token), true).await;
    assert!(row.text().contains("default") && row.text().contains("hx-swap-oob"));
    assert!(!app.visitor().get("/").await.text().contains("京ICP备9号"));
    let shown = admin.clone().speaking("zh").get(page).await.text();
    assert!(
        !shown.contains("a-secret-key-for-tests"),
        "secrets are never shown"
    );
}

on_each_engine!(a_saved_value_wins_and_can_be_taken_back);

async fn other_roles_are_kept_out(app: &TestApp) {
    let user = NewUser {
        username: "visitor".to_owned(),
        email: None,
        display_name: String::new(),
        password_hash: Some(Secret::new(
            hash_password(&Secret::new("a-good-password")).unwrap(),
        )),
        must_change_password: false,
        role: Role::User,
    };
    app.db()
        .write(move |c| Box::pin(async move { users::insert(c, &user, chrono::Utc::now()).await }))
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    let browser = app.visitor();
    let fields = [("username", "visitor"), ("password", "a-good-password")];
    assert_eq!(
        browser.submit("/login", "/login", &fields).await.status,
        303
    );
    assert_eq!(browser.get("/account").await.status, 200);
    let token = browser.token("/account").await;
    for path in ["/admin/home", "/admin/logs", "/admin/system-config"] {
        assert_eq!(browser.get(path).await.status, 403, "{path}");
        assert_eq!(browser.get_htmx(path).await.status, 403, "{path}");
    }
    let fields = [("key", "drain_delay"), ("value", "7")];
    let answer = browser
        .post("/admin/system-config", &fields, Some(&token), false)
        .await;
    assert_eq!(answer.status, 403);
}

on_each_engine!(other_roles_are_kept_out);
