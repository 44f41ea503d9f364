//! Providers and their keys: a gateway configured through the pages alone, and what forms refuse.

use modelgate_store::audit;

use crate::on_each_engine;
use crate::support::{TestApp, VENDOR_KEY};

const PROVIDERS: &str = "/admin/config/providers";
const MODELS: &str = "/admin/config/models";
const KEYS: &str = "/admin/api-keys";

/// Where a form's answer leads.
fn target(answer: &crate::support::Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").to_owned()
}

/// The new key, shown this once.
fn shown_key(html: &str) -> String {
    let start = html.find("<code>sk-mg-").expect("a key on the page") + "<code>".len();
    let rest = &html[start..];
    rest[..rest.find('<').unwrap()].to_owned()
}

async fn forms_alone_make_a_gateway_that_answers(app: &TestApp) {
    let admin = app.admin().await;
    let base_url = app.vendor.base_url();
    let fields = [
        ("name", "second"),
        ("base_url", base_url.as_str()),
        ("label", "main"),
        ("secret", VENDOR_KEY),
    ];
    let provider = target(
        &admin
            .submit(&format!("{PROVIDERS}/new"), PROVIDERS, &fields)
            .await,
    );
    let page = admin.get(&provider).await.text();
    assert!(
        !page.contains(VENDOR_KEY),
        "a vendor's key is never shown again"
    );

    let token = admin.token(&provider).await;
    let fetched = admin
        .post(
            &format!("{provider}/models/fetch"),
            &[],
            Some(&token),
            false,
        )
        .await;
    assert_eq!(fetched.status, 200);
    assert!(
        fetched.text().contains("name=\"model\""),
        "{}",
        fetched.text()
    );

    let fields = [
        ("name", "forms-x"),
        ("kind", "chat"),
        ("provider", provider.rsplit('/').next().unwrap()),
        ("upstream_model", "gpt-y"),
    ];
    let model = target(
        &admin
            .submit(&format!("{MODELS}/new"), MODELS, &fields)
            .await,
    );
    let price = [
        ("currency", "CNY"),
        ("input", "2"),
        ("cached_input", ""),
        ("output", "8.5"),
    ];
    target(
        &admin
            .submit(&model, &format!("{model}/price"), &price)
            .await,
    );
    assert!(admin.get(MODELS).await.text().contains("¥ 2 / 8.5"));

    let made = admin
        .submit(
            &format!("{KEYS}/new"),
            KEYS,
            &[
                ("name", "forms"),
                ("model", &format!("m{}", model.rsplit('/').next().unwrap())),
            ],
        )
        .await;
    assert_eq!(made.status, 200);
    let key = shown_key(&made.text());
    assert!(
        !admin.get(KEYS).await.text().contains(&key),
        "a key is shown once"
    );

    app.wait_for_generation(4).await;
    let caller = app.openai_as(&key);
    let mut answer = caller.chat("forms-x", false).await;
    for _ in 0..20 {
        if answer.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        answer = caller.chat("forms-x", false).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        caller.chat("gpt-x", false).await.status,
        403,
        "not on this key's list"
    );

    let tested = admin
        .post(
            &format!(
                "{provider}/keys/{}/test",
                key_id(&admin.get(&provider).await.text())
            ),
            &[],
            Some(&token),
            true,
        )
        .await;
    assert!(tested.text().contains("It works."), "{}", tested.text());
    assert!(!tested.text().contains("<html"), "htmx gets the fragment");
}

on_each_engine!(forms_alone_make_a_gateway_that_answers);

/// The id of the first credential on a provider's page.
fn key_id(html: &str) -> String {
    let start = html.find("id=\"key-").expect("a key row") + "id=\"key-".len();
    html[start..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect()
}

async fn a_taken_name_comes_back_with_a_reason(app: &TestApp) {
    let admin = app.admin().await;
    let new = format!("{PROVIDERS}/new");
    let fields = [
        ("name", "acme"),
        ("base_url", "http://127.0.0.1:9"),
        ("label", "main"),
        ("secret", "sk-canary-0123456789"),
    ];
    let taken = admin.submit(&new, PROVIDERS, &fields).await;
    assert_eq!(taken.status, 422);
    assert!(taken.text().contains("A provider of this name exists."));
    assert!(
        !taken.text().contains("sk-canary"),
        "secrets do not come back"
    );
    assert_eq!(
        app.visitor().get(PROVIDERS).await.status,
        303,
        "visitors log in first"
    );
}

on_each_engine!(a_taken_name_comes_back_with_a_reason);

async fn a_provider_ends_when_its_name_is_typed(app: &TestApp) {
    let admin = app.admin().await;
    let list = admin.get(PROVIDERS).await.text();
    let start = list
        .find("href=\"/admin/config/providers/1\"")
        .expect("the provider")
        + 6;
    let provider: String = list[start..].chars().take_while(|c| *c != '"').collect();
    let delete = format!("{provider}/delete");
    let mistyped = admin.submit(&delete, &delete, &[("typed", "acm")]).await;
    assert_eq!(mistyped.status, 422);
    target(&admin.submit(&delete, &delete, &[("typed", "acme")]).await);
    assert_eq!(admin.get(&provider).await.status, 404);

    let audit = app
        .db()
        .read(|c| Box::pin(audit::list(c, None, 50)))
        .await
        .unwrap();
    let actions: Vec<&str> = audit.rows.iter().map(|line| line.action.as_str()).collect();
    assert!(actions.contains(&"provider.delete"), "{actions:?}");
}

on_each_engine!(a_provider_ends_when_its_name_is_typed);
