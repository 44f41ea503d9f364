//! The one-time link that shows a key once.

use modelgate_store::key_links;

use super::admin_api_key_secret::{alice, rotate, shown_in};
use crate::on_each_engine;
use crate::support::{Browser, TestApp};

/// What stands around a secret.
const SECRET: &str = "id=\"new-key\"";

/// The path of the link that a page shows.
fn path_of(link: &str) -> String {
    let at = link.find("/handover/").expect("a link");
    link[at..].to_owned()
}

async fn link(app: &TestApp, admin: &Browser) -> String {
    let made = rotate(app, admin, ("now", "24")).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert!(!made.text().contains(SECRET), "only the link shows it");
    path_of(&shown_in(&made, "new-link"))
}

async fn a_link_shows_the_key_once(app: &TestApp) {
    let admin = app.admin().await;
    let path = link(app, &admin).await;
    let bob = app.visitor();
    // programs that look at links before people do
    for _ in 0..3 {
        let look = bob.get(&path).await;
        assert_eq!(look.status, 200);
        assert!(!look.text().contains(SECRET) && look.text().contains("alice"));
    }
    let page = alice(app).await;
    assert!(
        admin
            .get(&page)
            .await
            .text()
            .contains("A one-time link shows this key")
    );
    assert_eq!(
        bob.post(&path, &[], None, false).await.status,
        403,
        "no token"
    );
    let taken = bob.submit(&path, &path, &[]).await;
    assert_eq!(taken.status, 200);
    let key = shown_in(&taken, "new-key");
    assert_eq!(taken.header("cache-control"), "no-store");
    assert_eq!(app.openai_as(&key).chat("gpt-x", false).await.status, 200);
    let again = app.visitor();
    assert_eq!(again.get(&path).await.status, 410);
    let left = app
        .db()
        .write(|c| Box::pin(key_links::delete_sealed(c)))
        .await
        .unwrap();
    assert_eq!(left, 0, "nothing stays sealed");
    let audit = app
        .db()
        .read(|c| Box::pin(modelgate_store::audit::list(c, None, 5)))
        .await
        .unwrap();
    assert!(
        audit
            .rows
            .iter()
            .any(|line| line.action == "api_key.hand_over")
    );
    assert!(!format!("{audit:?}").contains(&key));
}

on_each_engine!(a_link_shows_the_key_once);

async fn of_two_who_take_it_one_gets_it(app: &TestApp) {
    let admin = app.admin().await;
    let path = link(app, &admin).await;
    let people: Vec<Browser> = (0..6).map(|_| app.visitor()).collect();
    let mut tokens = Vec::new();
    for browser in &people {
        tokens.push(browser.token(&path).await);
    }
    let all = people.iter().zip(&tokens).map(|(browser, token)| {
        let path = path.clone();
        async move { browser.post(&path, &[], Some(token), false).await }
    });
    let answers = futures_util::future::join_all(all).await;
    let got = answers.iter().filter(|a| a.text().contains(SECRET)).count();
    assert_eq!(got, 1);
    assert_eq!(answers.iter().filter(|a| a.status == 410).count(), 5);
}

on_each_engine!(of_two_who_take_it_one_gets_it);

async fn a_link_ends_with_its_key_its_secret_and_by_hand(app: &TestApp) {
    let admin = app.admin().await;
    let page = alice(app).await;
    let visitor = app.visitor();
    let first = link(app, &admin).await;
    let second = link(app, &admin).await;
    assert_eq!(
        visitor.get(&first).await.status,
        410,
        "another secret was issued"
    );
    let ended = admin.submit(&page, &format!("{page}/link/end"), &[]).await;
    assert_eq!(ended.status, 303);
    assert_eq!(visitor.get(&second).await.status, 410, "ended by hand");
    let third = link(app, &admin).await;
    let token = visitor.token(&third).await;
    let revoke = format!("{page}/revoke");
    assert_eq!(admin.submit(&page, &revoke, &[]).await.status, 303);
    assert_eq!(visitor.get(&third).await.status, 410);
    let late = visitor.post(&third, &[], Some(&token), false).await;
    assert_eq!(late.status, 410);
    for unknown in ["/handover/x", "/handover/%00", "/handover/AAAA"] {
        assert_eq!(visitor.get(unknown).await.status, 410, "{unknown}");
    }
}

on_each_engine!(a_link_ends_with_its_key_its_secret_and_by_hand);

async fn a_new_key_may_leave_by_a_link(app: &TestApp) {
    let admin = app.admin().await;
    let fields = [("name", "bob"), ("all_models", "on"), ("handover", "1")];
    let made = admin
        .submit("/admin/api-keys/new", "/admin/api-keys", &fields)
        .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let path = path_of(&shown_in(&made, "new-link"));
    let taken = app.visitor().submit(&path, &path, &[]).await;
    assert!(!made.text().contains(SECRET), "only the link shows it");
    let key = shown_in(&taken, "new-key");
    app.wait_for_newest_generation().await;
    assert_eq!(app.openai_as(&key).chat("gpt-x", false).await.status, 200);
}

on_each_engine!(a_new_key_may_leave_by_a_link);
