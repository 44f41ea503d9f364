//! What holders hear of their own keys, and of nobody else's.

use modelgate::clock::Clock;
use modelgate_domain::Role;

use super::admin_notifications::until;
use crate::on_each_engine;
use crate::support::{KEY, TestApp};

const PAGE: &str = "/user/notifications";

async fn a_key_that_ends_soon_is_told_to_its_holder_alone(app: &TestApp) {
    let holder = app.visitor();
    let login = holder
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(login.status, 303);
    assert!(holder.get(PAGE).await.text().contains("Nothing to tell"));
    let end = Clock::system().now() + chrono::TimeDelta::days(3);
    app.change_key(|data| data.expires_at = Some(end)).await;
    let told = until(&holder, PAGE, "Your key alice ends on").await;
    assert!(told.contains("mg-unread"));
    assert!(
        holder
            .get("/user/models")
            .await
            .text()
            .contains("mg-menu-badge")
    );
    let part = holder.get_htmx(PAGE).await.text();
    assert!(!part.contains("<html") && part.contains("Your key alice"));
    app.add_account("uma", Role::User).await;
    let uma = app.account("uma").await;
    assert!(uma.get(PAGE).await.text().contains("Nothing to tell"));

    let at = told.find("name=\"id\" value=\"").expect("a form") + 17;
    let id: String = told[at..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let read = format!("{PAGE}/read");
    let token = uma.token("/account").await;
    let foreign = uma
        .post(&read, &[("id", id.as_str())], Some(&token), false)
        .await;
    assert_eq!(foreign.status, 303);
    assert!(
        holder.get(PAGE).await.text().contains("mg-unread"),
        "nobody reads for others"
    );
    assert_eq!(
        holder
            .post(&read, &[("id", id.as_str())], None, false)
            .await
            .status,
        403
    );
    let token = holder.token(PAGE).await;
    let done = holder
        .post(&read, &[("id", id.as_str())], Some(&token), false)
        .await;
    assert_eq!(done.status, 303);
    assert!(!holder.get(PAGE).await.text().contains("mg-unread"));
    let older = holder.get(&format!("{PAGE}?before=1")).await;
    assert_eq!(older.status, 200);
}

on_each_engine!(a_key_that_ends_soon_is_told_to_its_holder_alone);
