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

    let shown = admin.get(page).await.text();
    assert!(
        shown.contains("Last changed by root"),
        "who changed it: {shown}"
    );
    let document = scraper::Html::parse_document(&shown);
    let buttons = scraper::Selector::parse("#setting-icp_number button").unwrap();
    let first = document.select(&buttons).next().unwrap();
    assert_eq!(
        first.attr("name"),
        None,
        "Enter presses the first button: it saves"
    );
    assert!(
        document
            .select(&buttons)
            .any(|b| b.attr("name") == Some("reset"))
    );
    let reset = [("key", "icp_number"), ("value", ""), ("reset", "1")];
    let row = admin.post(page, &reset, Some(&token), true).await;
    assert!(row.text().contains("default") && row.text().contains("hx-swap-oob"));
    app.wait_for_newest_generation().await;
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

async fn settings_are_found_by_any_word_of_theirs(app: &TestApp) {
    let admin = app.admin().await;
    let all = admin.get("/admin/system-config").await.text();
    for variable in modelgate::config::registry() {
        assert!(all.contains(variable.name), "{}", variable.name);
    }
    let found = admin
        .get_htmx("/admin/system-config?q=compressed%3Cscript%3E")
        .await
        .text();
    assert!(!found.contains("<html") && found.contains("No setting matches"));
    let found = admin
        .get_htmx("/admin/system-config?q=user+agent")
        .await
        .text();
    assert!(found.contains("MODELGATE_USER_AGENT") && !found.contains("DRAIN_DELAY"));
    let changed = admin.get("/admin/system-config?show=changed").await.text();
    assert!(changed.contains("DATABASE_URL") && !changed.contains("DRAIN_TIMEOUT"));
}

on_each_engine!(settings_are_found_by_any_word_of_theirs);

async fn the_user_agent_is_what_vendors_see(app: &TestApp) {
    let admin = app.admin().await;
    let page = "/admin/system-config";
    let token = admin.token(page).await;
    for bad in ["", "two\nlines", "网关", &"x".repeat(201)] {
        let fields = [("key", "user_agent"), ("value", bad)];
        let refused = admin.post(page, &fields, Some(&token), false).await;
        assert_eq!(refused.status, 422, "{bad:?}");
        assert!(refused.text().contains("1 to 200 characters"));
    }
    let called = app.openai().chat("gpt-x", false).await;
    assert_eq!(called.status, 200);
    let own = format!("ModelGate/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(agent_of(app), own);
    let fields = [
        ("key", "user_agent"),
        ("value", "House/2 (+https://x.example)"),
    ];
    assert_eq!(admin.submit(page, page, &fields).await.status, 303);
    for _ in 0..200 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
        if agent_of(app) == "House/2 (+https://x.example)" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("vendors still see {}", agent_of(app));
}

on_each_engine!(the_user_agent_is_what_vendors_see);

fn agent_of(app: &TestApp) -> String {
    let calls = app.vendor.received();
    let last = calls.last().expect("a call");
    last.header("user-agent").unwrap_or_default().to_owned()
}

async fn what_callers_say_they_are_is_shown_as_text(app: &TestApp) {
    let hostile = "<script>alert(1)</script>\" onmouseover=\"alert(2)";
    let key = app.openai();
    let body = crate::support::chat("gpt-x", false).to_string();
    let request = key
        .request(reqwest::Method::POST, "/chat/completions")
        .header("content-type", "application/json")
        .header("user-agent", hostile)
        .body(body);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    app.settle().await;
    let shown = app.admin().await.get("/admin/system-config").await.text();
    assert!(shown.contains("&#60;script&#62;alert(1)"), "{shown}");
    assert!(!shown.contains("<script>alert") && !shown.contains("\" onmouseover=\"alert"));
}

on_each_engine!(what_callers_say_they_are_is_shown_as_text);

async fn pages_look_as_the_house_says(app: &TestApp) {
    let admin = app.admin().await;
    let page = "/admin/system-config";
    let text = "# Hello\n\n<script>alert(1)</script> [x](javascript:alert(1)) **bold**";
    for (key, value) in [
        ("site_name", "Haus <b>"),
        ("theme", "dark"),
        ("languages", "zh"),
        ("landing_text", text),
        ("landing_text_zh", "**你好**"),
    ] {
        let fields = [("key", key), ("value", value)];
        let saved = admin.submit(page, page, &fields).await;
        assert_eq!(saved.status, 303, "{key}: {}", saved.text());
    }
    let shown = app.visitor().speaking("en").get("/").await.text();
    assert!(shown.contains("lang=\"zh-CN\""), "only Chinese is offered");
    assert!(!shown.contains("name=\"lang\""), "nothing to choose");
    assert!(shown.contains("data-bs-theme=\"dark\""));
    assert!(shown.contains("Haus &#60;b&#62;") && shown.contains("<strong>你好</strong>"));
    let fields = [("key", "languages"), ("value", "en,zh")];
    assert_eq!(admin.submit(page, page, &fields).await.status, 303);
    let shown = app.visitor().speaking("en").get("/").await.text();
    assert!(shown.contains("lang=\"en\"") && shown.contains("<h2>Hello</h2>"));
    assert!(shown.contains("&lt;script&gt;alert(1)") && !shown.contains("href=\"javascript:"));
    let fields = [("key", "language"), ("value", "zh")];
    assert_eq!(admin.submit(page, page, &fields).await.status, 303);
    let shown = app.visitor().speaking("en").get("/login").await.text();
    assert!(shown.contains("lang=\"zh-CN\""));
    for (key, value) in [
        ("languages", "en,fr"),
        ("languages", ""),
        ("theme", "pink"),
        ("site_name", ""),
    ] {
        let fields = [("key", key), ("value", value)];
        assert_eq!(
            admin.submit(page, page, &fields).await.status,
            422,
            "{value}"
        );
    }
}

on_each_engine!(pages_look_as_the_house_says);

async fn what_cannot_be_is_refused_with_what_would_be_right(app: &TestApp) {
    let admin = app.admin().await;
    let page = "/admin/system-config";
    for (key, value, why) in [
        (
            "log_history_days",
            "10",
            "MODELGATE_LOG_DAYS must not be more than MODELGATE_LOG_HISTORY_DAYS",
        ),
        (
            "busyness_resting_busy",
            "9",
            "MODELGATE_BUSYNESS_RESTING_BUSY must not be more than MODELGATE_BUSYNESS_RESTING_CRITICAL",
        ),
        (
            "analysis_model",
            "nonsense",
            "There is no model nonsense that is switched on.",
        ),
    ] {
        let refused = admin
            .submit(page, page, &[("key", key), ("value", value)])
            .await;
        let text = refused.text().replace(['\u{2068}', '\u{2069}'], "");
        assert!(refused.status == 422 && text.contains(why), "{key}: {text}");
        assert!(
            text.contains(&format!("value=\"{value}\"")),
            "what was typed stays"
        );
    }
    for (key, value) in [
        ("log_days", "5"),
        ("log_history_days", "10"),
        ("analysis_model", "auto"),
        ("analysis_model", "gpt-x"),
    ] {
        let saved = admin
            .submit(page, page, &[("key", key), ("value", value)])
            .await;
        assert_eq!(saved.status, 303, "{key} {value}: {}", saved.text());
    }
    let reset = [("key", "log_days"), ("value", ""), ("reset", "1")];
    let refused = admin.submit(page, page, &reset).await;
    assert_eq!(refused.status, 422, "thirty days again are more than ten");
}

on_each_engine!(what_cannot_be_is_refused_with_what_would_be_right);
