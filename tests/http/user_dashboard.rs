//! A key holder's own figures, limits and calls, and nobody else's.

use modelgate::simulator::Step;
use modelgate_domain::{LimitKind, Role};
use modelgate_store::api_keys::{self, ApiKeyData};
use reqwest::Method;

use super::user_login::holder;
use crate::on_each_engine;
use crate::support::{KEY, Setup, TestApp, limit, provisioning};

const AT: &str = "/user/dashboard";
const BOB: &str = "sk-mg-test-bob-0123456789";

/// The usual gateway with a second key.
fn two_keys(base_url: &str) -> String {
    format!(
        "{}\n[[api_keys]]\nname = \"bob\"\nsecret = \"{BOB}\"\nmodels = [\"*\"]\n",
        provisioning(base_url)
    )
}

async fn a_holder_sees_its_own_calls_and_no_others(app: &TestApp) {
    let (alice, bob) = (holder(app, KEY).await, holder(app, BOB).await);
    let empty = alice.get(AT).await.text();
    assert!(empty.contains("No calls yet") && empty.contains("No limit is set"));
    app.limit_key(&[limit(LimitKind::Rpm, 5)]).await;
    app.vendor.push(Step::status(503));
    assert!(app.openai().chat("gpt-x", false).await.status >= 500);
    assert_eq!(app.openai().chat("gpt-x", true).await.status, 200);
    let hostile = app.openai().chat("<script>alert(1)</script>", false).await;
    assert_eq!(hostile.status, 404);
    let other = app.openai_as(BOB).chat("embed-x-of-bob", false).await;
    assert_eq!(other.status, 404);
    app.settle().await;

    let page = alice.get(AT).await.text();
    assert!(page.contains("gpt-x") && page.contains("the vendor"));
    assert!(!page.contains("<script>alert") && !page.contains("bob"));
    assert!(page.contains("at most 5 requests a minute"), "{page}");
    assert!(page.contains("Active in the last 20 minutes"), "{page}");
    assert!(page.contains("<strong>You</strong>") && page.contains("Another key (1)"));
    assert!(page.contains(" left") && page.contains("of 100"));
    let part = alice.get_htmx(AT).await.text();
    assert!(!part.contains("<html") && part.contains("id=\"live\""));
    for range in ["7d", "30d", "custom", "<script>"] {
        assert_eq!(alice.get(&format!("{AT}?range={range}")).await.status, 200);
    }
    assert!(bob.get(AT).await.text().contains("embed-x-of-bob"));

    let rows = app.logs().await;
    let failed = rows
        .iter()
        .find(|r| r.record.upstream_status == 503)
        .unwrap();
    let path = format!("/user/requests/{}", failed.record.id);
    let one = alice.get(&path).await.text();
    assert!(one.contains("the vendor") && one.contains("acme answered 503."));
    assert!(
        !one.contains("· main"),
        "what operators call the credential"
    );
    assert_eq!(bob.get(&path).await.status, 404, "not bob's");
    let row = |name: &str| rows.iter().find(|r| r.record.requested_model == name);
    let bobs = row("embed-x-of-bob").unwrap();
    let path = format!("/user/requests/{}", bobs.record.id);
    assert_eq!(alice.get(&path).await.status, 404, "not alice's");
    let key = bobs.record.api_key_id;
    let asked = alice.get(&format!("{AT}?key={key}")).await;
    assert_eq!(
        asked.status, 404,
        "asking for a key does not make it one's own"
    );
    assert_eq!(alice.get("/user/requests/nonsense").await.status, 404);
    let chinese = alice.clone().speaking("zh").get(AT).await.text();
    assert!(chinese.contains("剩余额度") && !chinese.contains(">normal<"));
    assert!(
        !page.contains("unpriced"),
        "what failed or was refused lacks no price"
    );
}

on_each_engine!(a_holder_sees_its_own_calls_and_no_others, |engine| Setup {
    apply: Some(two_keys),
    ..Setup::on(engine)
});

async fn an_account_sees_the_keys_that_belong_to_it(app: &TestApp) {
    let carol = app.add_account("carol", Role::User).await;
    let browser = app.account("carol").await;
    let none = browser.get(AT).await.text();
    assert!(none.contains("No key belongs to your account"));
    assert!(!none.contains("/admin/api-keys/new"));
    let admin = app.admin().await;
    let none = admin.get(AT).await.text();
    let at = none
        .find("/admin/api-keys/new?owner=")
        .expect("a way to one");
    let new: String = none[at..].chars().take_while(|c| *c != '"').collect();
    let form = admin.get(&new).await.text();
    let owner = new.split('=').next_back().unwrap();
    let chosen = format!("<option value=\"{owner}\" selected>");
    assert!(form.contains(&chosen), "{form}");
    let at = modelgate::clock::Clock::system().now();
    app.change(move |c| {
        Box::pin(async move {
            let key = api_keys::find_by_name(c, "bob").await?.unwrap();
            let id = key.id;
            let data = ApiKeyData {
                user_id: carol,
                ..ApiKeyData::from(key)
            };
            api_keys::update(c, id, &data, at).await.map(drop)
        })
    })
    .await;
    let one = browser.get(AT).await.text();
    assert!(one.contains("bob") && !one.contains("alice"));
}

on_each_engine!(an_account_sees_the_keys_that_belong_to_it, |engine| Setup {
    apply: Some(two_keys),
    ..Setup::on(engine)
});

/// Without an account the browser says in which time zone times are, and the person may say otherwise.
async fn a_holder_reads_times_of_their_own_zone(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let told = async |expected: &str| {
        let page = alice.get(AT).await.text();
        let line = format!("Times are those of {expected}.");
        assert!(page.contains(&line), "{expected}: {page}");
    };
    told("Asia/Shanghai").await;
    let from = |cookie: &str| {
        let cookies = format!(
            "mg_session={}; {cookie}",
            alice.cookie("mg_session").unwrap()
        );
        let request = app.visitor().request(Method::GET, AT);
        alice.send(request.header("cookie", cookies))
    };
    for (cookie, zone) in [
        ("mg_browser_zone=America/New_York", "America/New_York"),
        ("mg_browser_zone=Mars/Olympus", "Asia/Shanghai"),
        ("mg_browser_zone=<script>", "Asia/Shanghai"),
        (
            "mg_browser_zone=Europe/Paris; mg_zone=Asia/Tokyo",
            "Asia/Tokyo",
        ),
    ] {
        let page = from(cookie).await.text();
        assert!(
            page.contains(&format!("Times are those of {zone}.")),
            "{cookie}"
        );
    }
    let choose = async |zone: &str| {
        let fields = [("zone", zone), ("to", AT)];
        let answer = alice.submit(AT, "/preferences", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, AT));
    };
    choose("Asia/Kathmandu").await;
    told("Asia/Kathmandu").await;
    choose("Nowhere/At all").await;
    told("Asia/Kathmandu").await;
    choose("").await;
    told("Asia/Shanghai").await;
    let admin = app.admin().await.get("/admin/home").await.text();
    assert!(!admin.contains("name=\"zone\"") && admin.contains("Asia/Shanghai"));
}

on_each_engine!(a_holder_reads_times_of_their_own_zone, |engine| {
    Setup::on(engine).env("TZ", "Asia/Shanghai")
});
