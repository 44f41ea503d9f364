//! What those who run the gateway hear of: real events, each once, read by everyone for themselves.

use std::time::Duration;

use modelgate::simulator::Step;
use modelgate_domain::{LimitMode, Period, Role};

use crate::on_each_engine;
use crate::support::{Browser, KEY, TestApp, VENDOR_KEY, budget};

const PAGE: &str = "/admin/notifications";

/// Waits until a page says something.
pub(crate) async fn until(browser: &Browser, page: &str, said: &str) -> String {
    for _ in 0..600 {
        let text = browser.get(page).await.text();
        if text.contains(said) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{page} never says {said:?}");
}

async fn a_rejected_credential_is_told_once_and_read_by_each(app: &TestApp) {
    let admin = app.admin().await;
    let empty = admin.get(PAGE).await.text();
    assert!(empty.contains("Nothing has happened") && !empty.contains("mg-menu-badge"));
    app.vendor
        .push(Step::status(401).for_key(VENDOR_KEY).times(2));
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 502);
    let told = until(&admin, PAGE, "does not accept the credential main").await;
    assert!(told.contains("acme"), "{told}");
    // What waits is read with the session, a moment before the page.
    until(&admin, PAGE, "mg-menu-badge").await;
    assert!(!told.contains(VENDOR_KEY));
    until(&admin, PAGE, "No target of the model gpt-x can be called").await;
    let trouble = admin
        .get_htmx(&format!("{PAGE}?severity=info"))
        .await
        .text();
    assert!(!trouble.contains("<html") && !trouble.contains("does not accept"));
    let odd = admin
        .get(&format!("{PAGE}?severity=%22%3E%3Cscript%3E&before=1"))
        .await;
    assert!(odd.status == 200 && !odd.text().contains("\"><script>"));

    let token = admin.token(PAGE).await;
    let read = format!("{PAGE}/read");
    assert_eq!(
        admin.post(&read, &[], None, false).await.status,
        403,
        "no token"
    );
    assert_eq!(
        admin.post(&read, &[], Some(&token), false).await.status,
        303
    );
    let shown = admin.get(PAGE).await.text();
    assert!(!shown.contains("mg-unread") && !shown.contains("mg-menu-badge"));
    let unread = admin.get_htmx(&format!("{PAGE}?show=unread")).await.text();
    assert!(unread.contains("Nothing matches"));
    app.add_account("vera", Role::Viewer).await;
    let viewer = app.account("vera").await;
    let hers = viewer.get(PAGE).await.text();
    assert!(hers.contains("mg-unread") && hers.contains("mg-menu-badge"));
    let holder = app.visitor();
    let login = holder
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(login.status, 303);
    let own = holder.get("/user/notifications").await.text();
    assert!(
        own.contains("Nothing to tell"),
        "not of the vendors' troubles"
    );
    while app.vendor.unplayed() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

on_each_engine!(a_rejected_credential_is_told_once_and_read_by_each);

async fn guessing_passwords_is_told_as_text(app: &TestApp) {
    let admin = app.admin().await;
    let visitor = app.visitor();
    let token = visitor.token("/login").await;
    let fields = [("username", "<b>mallory</b>"), ("password", "wrong")];
    for _ in 0..10 {
        let refused = visitor.post("/login", &fields, Some(&token), false).await;
        assert_eq!(refused.status, 422);
    }
    let told = until(&admin, PAGE, "failed to sign in").await;
    assert!(told.contains("&#60;b&#62;mallory") && !told.contains("<b>mallory"));
    let chinese = admin.speaking("zh").get(PAGE).await.text();
    assert!(chinese.contains("登录失败次数过多"));
}

on_each_engine!(guessing_passwords_is_told_as_text);

async fn budgets_are_told_of_at_both_levels(app: &TestApp) {
    let admin = app.admin().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    app.settle().await;
    let cost = app.only_log().await.record.cost_nanos.expect("a cost");
    let mut near = budget(cost * 100 / 85, Period::Month);
    near.mode = LimitMode::Observe;
    app.limit_key(&[near.clone()]).await;
    let told = until(&admin, PAGE, "More than 80 % of a budget").await;
    assert!(told.contains("the key alice"));
    let holder = app.visitor();
    let login = holder
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(login.status, 303);
    until(&holder, "/user/notifications", "More than 80 % of a budget").await;
    near.amount = cost;
    app.limit_key(&[near]).await;
    until(&admin, PAGE, "A budget of the key alice is spent").await;
}

on_each_engine!(budgets_are_told_of_at_both_levels);
