//! The models a key may use.

use modelgate::simulator::Step;
use modelgate_domain::LimitKind;

use super::user_login::holder;
use crate::on_each_engine;
use crate::support::{Browser, KEY, Setup, TestApp, limit, provisioning};

const NARROW: &str = "sk-mg-test-narrow-0123456789";

fn a_narrow_key(base_url: &str) -> String {
    format!(
        "{}\n[[api_keys]]\nname = \"narrow\"\nsecret = \"{NARROW}\"\nmodels = [\"embed-x\"]\n",
        provisioning(base_url)
    )
}

async fn a_key_sees_the_models_it_may_use_as_a_call_would_find_them(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let page = alice.get("/user/models").await.text();
    for shown in ["gpt-x", "embed-x", "128,000", "16,384", "0.15", "available"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("data-copy=\"gpt-x\""), "{page}");
    let part = alice.get_htmx("/user/models").await.text();
    assert!(!part.contains("<html") && part.contains("gpt-x"));

    assert!(page.contains("Which to take") && page.contains("When to call"));
    assert!(page.contains("nothing is known of it") && page.contains("Too few calls to tell"));
    assert!(
        !part.contains("Which to take"),
        "the part is the table alone"
    );

    let narrow = holder(app, NARROW).await;
    let page = narrow.get("/user/models").await.text();
    assert!(page.contains("embed-x") && !page.contains("gpt-x"));
    let tools = narrow.get("/user/tools").await.text();
    assert!(
        tools.contains("No model is open to this key"),
        "no chat model"
    );

    app.limit_key(&[limit(LimitKind::Rpm, 1)]).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let page = alice.get("/user/models").await.text();
    assert!(page.contains("a rule refuses calls"));
}

async fn advice_is_made_of_what_calls_came_to_and_of_ones_own_models(app: &TestApp) {
    let (alice, narrow) = (holder(app, KEY).await, holder(app, NARROW).await);
    for _ in 0..21 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    app.settle().await;
    let page = alice.get("/user/models").await.text();
    assert!(
        page.contains("Reliable: 0.00 % of 21 calls failed"),
        "{page}"
    );
    assert!(page.contains("judged by your own calls"));
    assert!(page.contains("only one hour of the day has had enough"));
    let chinese = alice.clone().speaking("zh").get("/user/models").await;
    assert!(chinese.text().contains("根据你自己的调用"));
    let others = narrow.get("/user/models").await.text();
    assert!(!others.contains("gpt-x") && !others.contains("Reliable:"));
    assert!(
        others.contains("no hour of the day has had enough"),
        "{others}"
    );
}

on_each_engine!(
    advice_is_made_of_what_calls_came_to_and_of_ones_own_models,
    |engine| Setup {
        apply: Some(a_narrow_key),
        ..Setup::on(engine)
    }
);

async fn the_catalogue_tells_what_is_known_and_no_more(app: &TestApp) {
    let (admin, alice) = (app.admin().await, holder(app, KEY).await);
    let rows = |page: &str| page.matches("data-label=\"Tools\">—").count();
    assert_eq!(rows(&alice.get("/user/models").await.text()), 2);
    let list = admin.get("/admin/config/models").await.text();
    let at = list
        .find(">gpt-x<")
        .map(|end| list[..end].rfind("/admin/config/models/").unwrap());
    let path: String = list[at.unwrap()..]
        .chars()
        .take_while(|c| *c != '"')
        .collect();
    let fields = [
        ("settings", "1"),
        ("name", "gpt-x"),
        ("kind", "chat"),
        ("strategy", "weighted"),
        ("enabled", "on"),
        ("modality", "image"),
        ("modality", "text"),
        ("modality", "smell"),
        ("tools", "yes"),
    ];
    assert_eq!(admin.submit(&path, &path, &fields).await.status, 303);
    app.wait_for_newest_generation().await;
    let page = alice.get("/user/models").await.text();
    assert!(page.contains("text · images") && rows(&page) == 1, "{page}");
    assert!(page.contains("data-label=\"Tools\">yes"));
    let form = admin.get(&path).await.text();
    assert!(form.contains("value=\"image\" checked") && !form.contains("value=\"audio\" checked"));

    let file = "[[models]]\nname = \"gpt-x\"\nmodalities = [\"text\", \"audio\"]\ntools = false\n";
    app.apply(file).await;
    let page = alice.get("/user/models").await.text();
    assert!(page.contains("text · audio") && page.contains("data-label=\"Tools\">no"));
    let wrong = app.try_apply(&file.replace("audio", "smell")).await;
    assert!(wrong.unwrap_err().to_string().contains("\"image\""));
}

on_each_engine!(the_catalogue_tells_what_is_known_and_no_more);

on_each_engine!(
    a_key_sees_the_models_it_may_use_as_a_call_would_find_them,
    |engine| Setup {
        apply: Some(a_narrow_key),
        ..Setup::on(engine)
    }
);

/// What the page's part for a model's words comes to, once it is there.
async fn phrased(holder: &Browser) -> String {
    for _ in 0..400 {
        let part = holder.get_htmx("/user/models/phrased").await.text();
        if !part.contains("hx-get") {
            return part;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no answer");
}

async fn a_model_phrases_the_advice_where_one_is_chosen(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let at = "/user/models";
    assert!(!alice.get(at).await.text().contains("id=\"phrased\""));
    assert_eq!(phrased(&alice).await.trim(), "", "none is chosen");
    app.set("analysis_model", "gpt-x").await;
    assert!(alice.get(at).await.text().contains("/user/models/phrased"));
    let advice = r#"{"advice": "Take **gpt-x**. <script>alert(1)</script>"}"#;
    app.vendor.push(Step::answer().text(advice));
    let part = phrased(&alice).await;
    assert!(part.contains("<strong>gpt-x</strong>"), "{part}");
    assert!(part.contains("Phrased by the model gpt-x") && !part.contains("<script>"));
    let asked = app.vendor.received().pop().unwrap().json().to_string();
    assert!(asked.contains("gpt-x: ") && asked.contains("Write in English"));
    assert!(!asked.contains("alice"), "no name of a key: {asked}");
    let calls = app.vendor.received().len();
    let page = alice.get(at).await.text();
    assert!(
        page.contains("<strong>gpt-x</strong>") && !page.contains("hx-get=\"/user/models/phrased")
    );
    assert_eq!(phrased(&alice).await, part);
    assert_eq!(app.vendor.received().len(), calls, "asked once");

    let narrow = holder(app, NARROW).await;
    assert!(!narrow.get(at).await.text().contains("<strong>gpt-x"));
    let chinese = alice.clone().speaking("zh");
    assert!(!chinese.get(at).await.text().contains("<strong>gpt-x"));
    for _ in 0..3 {
        app.vendor.push(Step::answer().text("no JSON"));
    }
    assert_eq!(
        phrased(&chinese).await.trim(),
        "",
        "the page is whole without"
    );
    let calls = app.vendor.received().len();
    assert!(!chinese.get(at).await.text().contains("id=\"phrased\""));
    assert_eq!(phrased(&chinese).await.trim(), "");
    assert_eq!(
        app.vendor.received().len(),
        calls,
        "left in peace for a while"
    );
}

on_each_engine!(a_model_phrases_the_advice_where_one_is_chosen, |engine| {
    Setup {
        apply: Some(a_narrow_key),
        ..Setup::on(engine)
    }
});
