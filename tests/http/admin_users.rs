//! Accounts: the one-time link, limits for all keys together, the switch, and who may touch whom.

use modelgate_domain::Role;
use modelgate_store::users;
use serde_json::json;

use crate::on_each_engine;
use crate::support::{ADMIN, Browser, TestApp};

const USERS: &str = "/admin/users";
const NEW: &str = "/admin/users/new";

async fn page_of(app: &TestApp, username: &'static str) -> String {
    let found = app
        .db()
        .read(move |c| Box::pin(users::find_by_username(c, username)));
    let user = found.await.unwrap().expect("an account");
    format!("{USERS}/{}", user.id)
}

/// The one-time link on a page, below the base path.
fn link_in(page: &str) -> String {
    let (_, rest) = page.split_once("/setup/").expect("a link");
    let token: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || "-_".contains(*c))
        .collect();
    format!("/setup/{token}")
}

async fn choose(browser: &Browser, link: &str, password: &str) -> u16 {
    let fields = [("password", password), ("password_again", password)];
    browser.submit(link, link, &fields).await.status
}

async fn the_owner_of_an_account_chooses_its_password_by_a_link(app: &TestApp) {
    let admin = app.admin().await;
    let bad = admin
        .submit(NEW, USERS, &[("username", "a b"), ("role", "user")])
        .await;
    assert!(bad.status == 422 && bad.text().contains("value=\"a b\""));
    let fields = [
        ("username", "dora"),
        ("display_name", "Dora D."),
        ("role", "viewer"),
        ("enabled", "on"),
    ];
    let made = admin.submit(NEW, USERS, &fields).await.text();
    let link = link_in(&made);
    assert!(admin.get(USERS).await.text().contains("no password yet"));
    let taken = admin.submit(NEW, USERS, &fields).await;
    assert!(taken.status == 422 && taken.text().contains("An account of this name exists."));
    let alike = admin
        .submit(NEW, USERS, &[("username", "Dora"), ("role", "user")])
        .await;
    assert_eq!(alike.status, 422, "capital letters tell nobody apart");

    let dora = app.visitor();
    let shown = dora.get(&link).await.text();
    assert!(
        shown.contains("For the account dora.") && !shown.contains("name=\"username\" required")
    );
    assert_eq!(choose(&dora, &link, "short").await, 422);
    assert_eq!(choose(&dora, &link, "a good password").await, 303);
    assert_eq!(
        dora.get("/admin/home").await.status,
        200,
        "logged in, as a viewer"
    );
    assert_eq!(app.visitor().get(&link).await.status, 410, "once");

    let page = page_of(app, "dora").await;
    let again = admin
        .submit(&page, &format!("{page}/link"), &[])
        .await
        .text();
    let newer = link_in(
        &admin
            .submit(&page, &format!("{page}/link"), &[])
            .await
            .text(),
    );
    assert_eq!(
        app.visitor().get(&link_in(&again)).await.status,
        410,
        "the newest only"
    );
    assert_eq!(
        dora.get("/admin/home").await.status,
        200,
        "until it is used"
    );
    assert_eq!(
        choose(&app.visitor(), &newer, "another password").await,
        303
    );
    assert_eq!(
        dora.get("/admin/home").await.status,
        303,
        "other sessions have ended"
    );
}

on_each_engine!(the_owner_of_an_account_chooses_its_password_by_a_link);

async fn limits_of_an_account_hold_for_its_keys_and_its_switch_too(app: &TestApp) {
    let admin = app.admin().await;
    let id = app.add_account("emil", Role::User).await.to_string();
    let page = page_of(app, "emil").await;
    let fields = [
        ("role", "user"),
        ("enabled", "on"),
        ("rpm", "1"),
        ("rpm_mode", "enforce"),
        ("budget-0-amount", "5"),
        ("budget-0-currency", "USD"),
        ("budget-0-period", "day"),
        ("budget-0-mode", "enforce"),
    ];
    let saved = admin.submit(&page, &page, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let key = format!("/admin/api-keys/{}", app.key().await.id);
    let belongs = [
        ("name", "alice"),
        ("all_models", "on"),
        ("enabled", "on"),
        ("owner", id.as_str()),
    ];
    assert_eq!(admin.submit(&key, &key, &belongs).await.status, 303);
    app.wait_for_newest_generation().await;

    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let refused = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["scope"]),
        (429, &json!("user"))
    );
    let shown = admin.get(&page).await.text();
    assert!(
        shown.contains("At most one request a minute") && shown.contains("5 USD a day"),
        "{shown}"
    );
    assert!(shown.contains(&key) && shown.contains("id=\"usage\""));

    let off = admin.submit(&page, &page, &[("role", "user")]).await;
    assert_eq!(off.status, 303, "{}", off.text());
    app.wait_for_newest_generation().await;
    let refused = app.openai().chat("gpt-x", false).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (401, &json!("api_key_disabled"))
    );
    let stranger = [belongs[0], belongs[1], ("owner", "999")];
    assert_eq!(admin.submit(&key, &key, &stranger).await.status, 422);
}

on_each_engine!(limits_of_an_account_hold_for_its_keys_and_its_switch_too);

async fn only_owners_decide_about_those_who_run_the_gateway(app: &TestApp) {
    app.add_account("anna", Role::Admin).await;
    app.add_account("ulla", Role::User).await;
    let (anna, owner) = (app.account("anna").await, app.admin().await);
    let (boss, ulla) = (page_of(app, ADMIN.0).await, page_of(app, "ulla").await);
    let token = anna.token(NEW).await;
    let take_over = [("role", "user"), ("enabled", "on")];
    for (path, fields) in [
        (boss.clone(), &take_over[..]),
        (format!("{boss}/link"), &[]),
    ] {
        let refused = anna.post(&path, fields, Some(&token), false).await;
        assert_eq!(refused.status, 403, "{path}");
    }
    assert!(
        !anna.get(&boss).await.text().contains("name=\"role\""),
        "not offered"
    );
    let raise = anna
        .submit(&ulla, &ulla, &[("role", "owner"), ("enabled", "on")])
        .await;
    assert!(raise.status == 422 && raise.text().contains("You may not give this role."));
    let raised = anna
        .submit(&ulla, &ulla, &[("role", "operator"), ("enabled", "on")])
        .await;
    assert_eq!(raised.status, 303);

    let last = owner
        .submit(&boss, &boss, &[("role", "admin"), ("enabled", "on")])
        .await;
    assert!(last.status == 422 && last.text().contains("the last owner who can log in"));
    let second = owner
        .submit(&ulla, &ulla, &[("role", "owner"), ("enabled", "on")])
        .await;
    assert_eq!(second.status, 303);
    let left = owner
        .submit(&boss, &boss, &[("role", "admin"), ("enabled", "on")])
        .await;
    assert_eq!(left.status, 303, "another owner is left");
}

on_each_engine!(only_owners_decide_about_those_who_run_the_gateway);

/// The words of the audit log about what was done.
async fn log(admin: &Browser, query: &str) -> String {
    admin.get(&format!("/admin/audit?{query}")).await.text()
}

async fn an_account_is_deleted_and_its_keys_end_or_pass_on(app: &TestApp) {
    let admin = app.admin().await;
    for name in ["carol", "erik", "frida"] {
        app.add_account(name, Role::User).await;
    }
    let carol = page_of(app, "carol").await;
    let erik = page_of(app, "erik").await;
    let frida = page_of(app, "frida").await;
    let key = "/admin/api-keys/1";
    let belongs = |to: &str| {
        let id = to.rsplit('/').next().unwrap_or_default().to_owned();
        [
            ("name", "alice".to_owned()),
            ("enabled", "on".to_owned()),
            ("all_models", "on".to_owned()),
            ("owner", id),
        ]
    };
    let fields = belongs(&carol);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(admin.submit(key, key, &fields).await.status, 303);
    app.wait_for_newest_generation().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let hers = app.account("carol").await;
    let ask = format!("{carol}/delete");

    // what it means is told, and nothing happens by asking or by a wrong name
    let asked = admin.get(&ask).await.text();
    for told in [
        "Delete the account carol?",
        "1 session ends.",
        "It has 1 API key:",
        "Hand them over to erik",
        "stays in all figures",
    ] {
        assert!(asked.contains(told), "{told}: {asked}");
    }
    let wrong = admin
        .submit(&ask, &ask, &[("typed", "karol"), ("keys", "revoke")])
        .await;
    assert_eq!(wrong.status, 422);
    assert_eq!(hers.get("/account").await.status, 200);

    // handed over: the key works on, the session does not
    let heir = erik.rsplit('/').next().unwrap();
    let gone = admin
        .submit(&ask, &ask, &[("typed", "carol"), ("keys", heir)])
        .await;
    assert_eq!(
        (gone.status, gone.header("location")),
        (303, USERS),
        "{}",
        gone.text()
    );
    app.wait_for_newest_generation().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert_eq!(
        hers.get("/account").await.status,
        303,
        "her session has ended"
    );
    assert_eq!(admin.get(&carol).await.status, 404);
    assert!(!admin.get(USERS).await.text().contains(">carol<"));
    assert!(admin.get(&erik).await.text().contains(">alice<"));
    let login = [("username", "carol"), ("password", ADMIN.1)];
    assert_ne!(
        app.visitor()
            .submit("/login", "/login", &login)
            .await
            .status,
        303
    );
    let told = log(&admin, "what=user.delete").await;
    assert!(
        told.contains("user carol") && told.contains("erik"),
        "{told}"
    );
    assert!(
        log(&admin, "what=api_key.update")
            .await
            .contains("api_key alice")
    );

    // revoked: the key ends, its usage stays under the name
    let ask = format!("{erik}/delete");
    let gone = admin
        .submit(&ask, &ask, &[("typed", "erik"), ("keys", "revoke")])
        .await;
    assert_eq!(gone.status, 303, "{}", gone.text());
    app.wait_for_newest_generation().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 401);
    let owners = app
        .db()
        .read(|c| Box::pin(modelgate_store::key_owners::list(c)))
        .await;
    let owner = owners
        .unwrap()
        .into_iter()
        .find(|key| key.name == "alice")
        .unwrap();
    assert_eq!((owner.user.as_str(), owner.usable), ("erik", false));
    assert!(
        log(&admin, "what=api_key.revoke")
            .await
            .contains("api_key alice")
    );

    // an account without keys has nothing to decide, and its name is free again
    let ask = format!("{frida}/delete");
    let asked = admin.get(&ask).await.text();
    assert!(asked.contains("It has no API key.") && !asked.contains("name=\"keys\""));
    assert_eq!(
        admin.submit(&ask, &ask, &[("typed", "frida")]).await.status,
        303
    );
    let again = [("username", "frida"), ("role", "user"), ("enabled", "on")];
    assert_eq!(admin.submit(NEW, USERS, &again).await.status, 200);
}

on_each_engine!(an_account_is_deleted_and_its_keys_end_or_pass_on);

async fn nobody_deletes_himself_or_the_last_owner(app: &TestApp) {
    for (name, role) in [
        ("anna", Role::Admin),
        ("olga", Role::Operator),
        ("otto", Role::Owner),
    ] {
        app.add_account(name, role).await;
    }
    let (admin, anna) = (app.admin().await, app.account("anna").await);
    let (olga, otto) = (app.account("olga").await, app.account("otto").await);
    let boss = page_of(app, ADMIN.0).await;
    let ottos = page_of(app, "otto").await;
    let own = format!("{boss}/delete");
    assert!(
        !admin
            .get(&boss)
            .await
            .text()
            .contains(&format!("href=\"{own}\"")),
        "not offered"
    );
    let typed = [("typed", ADMIN.0)];
    for answer in [
        admin.get(&own).await,
        admin.submit(&boss, &own, &typed).await,
    ] {
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, boss.as_str())
        );
    }
    assert!(
        admin
            .get(&boss)
            .await
            .text()
            .contains("somebody else has to delete it")
    );
    // neither operators nor those who may not decide about owners
    for (browser, page) in [(&olga, page_of(app, "anna").await), (&anna, boss.clone())] {
        let token = browser.token("/account").await;
        let refused = browser
            .post(&format!("{page}/delete"), &typed, Some(&token), false)
            .await;
        assert_eq!(refused.status, 403, "{page}");
    }
    // two owners who delete each other at once: one is left
    let other = format!("{ottos}/delete");
    let (a, b) = tokio::join!(
        admin.submit("/account", &other, &[("typed", "otto")]),
        otto.submit("/account", &own, &typed),
    );
    assert!(
        [a.status, b.status].contains(&303),
        "{} {}",
        a.status,
        b.status
    );
    let all = app.db().read(|c| Box::pin(users::list(c))).await.unwrap();
    let owners = all.iter().filter(|user| user.role == Role::Owner).count();
    assert_eq!(owners, 1);
}

on_each_engine!(nobody_deletes_himself_or_the_last_owner);
