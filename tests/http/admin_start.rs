//! The first steps: from an empty gateway to the first call, each step a form.

use modelgate_domain::Role;

use crate::on_each_engine;
use crate::support::{Setup, TestApp, VENDOR_KEY};

const AT: &str = "/admin/start";
const PROVIDERS: &str = "/admin/config/providers";

async fn an_empty_gateway_is_led_to_its_first_call(app: &TestApp) {
    let admin = app.admin().await;
    let begun = admin.get(AT).await.text();
    assert!(begun.contains("id=\"step-1\" open") && begun.contains("DeepSeek"));
    let found = admin.get(&format!("{AT}?q=豆包")).await.text();
    assert!(found.contains("vendor=ark") && !found.contains("vendor=deepseek"));
    let none = admin
        .get(&format!("{AT}?q=<script>alert(1)</script>"))
        .await;
    assert!(none.text().contains("No vendor of that name"));
    assert!(!none.text().contains("<script>alert"));
    assert_eq!(admin.submit(AT, "/admin/start/test", &[]).await.status, 404);

    let form = format!("{PROVIDERS}/new?vendor=deepseek&then=start");
    let page = admin.get(&form).await.text();
    for filled in [
        "value=\"https://api.deepseek.com\"",
        "value=\"deepseek\"",
        "platform.deepseek.com",
        "rel=\"noopener noreferrer\"",
    ] {
        assert!(page.contains(filled), "{filled}");
    }
    let base_url = app.vendor.base_url();
    let mut fields = vec![
        ("name", "deepseek"),
        ("template", "deepseek"),
        ("then", "start"),
        ("base_url", "https://YOUR-RESOURCE.example/v1"),
        ("label", "main"),
        ("secret", VENDOR_KEY),
    ];
    let blank = admin.submit(&form, PROVIDERS, &fields).await;
    assert_eq!(blank.status, 422);
    assert!(blank.text().contains("in place of the words in capitals"));
    fields[3] = ("base_url", base_url.as_str());
    let made = admin.submit(&form, PROVIDERS, &fields).await;
    assert_eq!(
        (made.status, made.header("location")),
        (303, AT),
        "{}",
        made.text()
    );

    let page = admin.get(AT).await.text();
    assert!(page.contains("id=\"step-2\" open") && !page.contains(VENDOR_KEY));
    let tested = admin.submit(AT, "/admin/start/test", &[]).await.text();
    assert!(tested.contains("the key is not proven by that"), "{tested}");
    assert!(tested.contains("action=\"/admin/start/test\"") && tested.contains("name=\"model\""));
    let model = [("model", "gpt-y")];
    let tested = admin.submit(AT, "/admin/start/test", &model).await;
    assert!(tested.text().contains("It works."), "{}", tested.text());
    assert!(admin.get(AT).await.text().contains("id=\"step-3\" open"));

    let then = [("then", "start")];
    let offered = admin
        .submit(AT, &format!("{PROVIDERS}/1/models/fetch"), &then)
        .await;
    let text = offered.text();
    let at =
        text.find("name=\"model\" value=\"").expect("an offer") + "name=\"model\" value=\"".len();
    let model: String = text[at..].chars().take_while(|c| *c != '"').collect();
    assert!(text.contains("name=\"then\" value=\"start\""));
    let ticked = [("then", "start"), ("model", model.as_str())];
    let imported = admin
        .submit(AT, &format!("{PROVIDERS}/1/models"), &ticked)
        .await;
    assert_eq!(imported.header("location"), AT);
    assert!(admin.get(AT).await.text().contains("id=\"step-4\" open"));

    let secret = "sk-mg-first-0123456789";
    app.apply(&format!(
        "[[api_keys]]\nname = \"first\"\nsecret = \"{secret}\"\nmodels = [\"*\"]\n"
    ))
    .await;
    let waits = admin.get(AT).await.text();
    assert!(waits.contains("Waiting for the first call"));
    let name = model.split('\t').next().unwrap().trim();
    assert_eq!(app.openai_as(secret).chat(name, false).await.status, 200);
    app.settle().await;
    let part = admin.get_htmx(AT).await.text();
    assert!(
        part.contains("A call has arrived") && !part.contains("<html"),
        "{part}"
    );

    app.add_account("vera", Role::Viewer).await;
    let vera = app.account("vera").await;
    let look = vera.get(AT).await;
    assert_eq!(look.status, 200);
    for closed in ["/admin/api-keys/new", "/admin/config/models/new"] {
        assert!(
            !look.text().contains(closed),
            "{closed} is not for who may only look"
        );
    }
    let token = vera.token(AT).await;
    let refused = vera
        .post("/admin/start/test", &[], Some(&token), false)
        .await;
    assert_eq!(refused.status, 403);
}

on_each_engine!(an_empty_gateway_is_led_to_its_first_call, |engine| Setup {
    apply: None,
    ..Setup::on(engine)
});
