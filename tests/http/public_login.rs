//! Logging in and out: sessions, throttling, forged requests.

use reqwest::Method;

use crate::on_each_engine;
use crate::support::{ADMIN, Setup, TestApp};

const RIGHT: [(&str, &str); 2] = [("username", ADMIN.0), ("password", ADMIN.1)];

async fn a_log_in_brings_a_new_session_and_a_log_out_ends_it(app: &TestApp) {
    let browser = app.visitor();
    let there = browser.get("/admin/logs?status=error").await;
    assert_eq!(there.status, 303);
    assert_eq!(
        there.header("location"),
        "/login?to=/admin/logs%3Fstatus%3Derror"
    );
    let fields = [RIGHT[0], RIGHT[1], ("to", "/admin/logs?status=error")];
    let answer = browser.submit("/login", "/login", &fields).await;
    assert_eq!(answer.header("location"), "/admin/logs?status=error");
    let first = browser.cookie("mg_session").unwrap();
    assert_eq!(browser.get("/admin/logs").await.status, 200);

    let token = browser.token("/account").await;
    browser.post("/login", &RIGHT, Some(&token), false).await;
    let second = browser.cookie("mg_session").unwrap();
    assert_ne!(first, second, "a log-in rotates the session");
    let old = app.visitor();
    let request = old
        .request(Method::GET, "/admin/logs")
        .header("cookie", format!("mg_session={first}"));
    assert_eq!(old.send(request).await.status, 303, "the old one has ended");

    let token = browser.token("/account").await;
    let out = browser.post("/logout", &[], Some(&token), false).await;
    assert_eq!(out.header("location"), "/login");
    let request = old
        .request(Method::GET, "/admin/logs")
        .header("cookie", format!("mg_session={second}"));
    assert_eq!(old.send(request).await.status, 303);
}

on_each_engine!(a_log_in_brings_a_new_session_and_a_log_out_ends_it);

async fn guessing_is_slowed_per_account(app: &TestApp) {
    let browser = app.visitor();
    for _ in 0..10 {
        let wrong = [("username", ADMIN.0), ("password", "canary-wrong")];
        let answer = browser.submit("/login", "/login", &wrong).await;
        assert_eq!(answer.status, 422);
        assert!(!answer.text().contains("canary-wrong"));
    }
    let answer = browser.submit("/login", "/login", &RIGHT).await;
    assert_eq!(
        answer.status, 429,
        "not even the right password is looked at"
    );
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    assert!(browser.cookie("mg_session").is_none());
}

on_each_engine!(guessing_is_slowed_per_account);

/// Whoever guesses shuts out nobody else: neither the account's owner elsewhere, nor a colleague beside them.
async fn guessing_shuts_nobody_else_out(app: &TestApp) {
    app.add_account("ann", modelgate_domain::Role::User).await;
    let from = |address: &'static str, name: &'static str, password: &'static str| async move {
        let browser = app.visitor();
        let token = browser.token("/login").await;
        let fields = [("username", name), ("password", password), ("csrf", &token)];
        let request = browser
            .request(Method::POST, "/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header("x-forwarded-for", address)
            .body(serde_urlencoded::to_string(fields).unwrap());
        browser.send(request).await.status
    };
    for _ in 0..10 {
        assert_eq!(from("192.0.2.1", ADMIN.0, "wrong").await, 422);
    }
    assert_eq!(from("192.0.2.1", ADMIN.0, ADMIN.1).await, 429);
    assert_eq!(from("192.0.2.2", ADMIN.0, ADMIN.1).await, 303, "its owner");
    assert_eq!(from("192.0.2.1", "ann", "wrong").await, 422, "a colleague");
}

on_each_engine!(guessing_shuts_nobody_else_out, |engine| {
    Setup::on(engine).env("TRUSTED_PROXIES", "127.0.0.1")
});

async fn forged_requests_are_refused(app: &TestApp) {
    let admin = app.admin().await;
    let token = admin.token("/account").await;
    let fields = [("key", "drain_delay"), ("value", "7")];
    for htmx in [false, true] {
        for wrong in [None, Some("x"), Some("")] {
            let answer = admin
                .post("/admin/system-config", &fields, wrong, htmx)
                .await;
            assert_eq!(answer.status, 403, "token {wrong:?}");
        }
    }
    let body = format!("key=drain_delay&value=7&csrf={token}");
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("x-nothing", "x"),
    ] {
        let request = admin
            .request(Method::POST, "/admin/system-config")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value)
            .body(body.clone());
        assert_eq!(admin.send(request).await.status, 403, "{name}: {value}");
    }
    let answer = admin
        .post("/admin/system-config", &fields, Some(&token), false)
        .await;
    assert_eq!(answer.status, 303);
}

on_each_engine!(forged_requests_are_refused);

async fn cookies_are_secure_behind_https_only(app: &TestApp) {
    let fields = [RIGHT[0], RIGHT[1]];
    let plain = app.visitor().submit("/login", "/login", &fields).await;
    let cookie = plain.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    assert!(!cookie.contains("Secure"), "{cookie}");
    let browser = app.visitor();
    let request = browser
        .request(Method::GET, "/login")
        .header("x-forwarded-proto", "https");
    let answer = browser.send(request).await;
    for value in answer.headers.get_all("set-cookie") {
        assert!(value.to_str().unwrap().ends_with("; Secure"), "{value:?}");
    }
}

on_each_engine!(cookies_are_secure_behind_https_only, |engine| {
    Setup::on(engine).env("TRUSTED_PROXIES", "127.0.0.1")
});
