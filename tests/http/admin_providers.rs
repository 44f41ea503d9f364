//! Providers and their keys: a gateway configured through the pages alone, and what forms refuse.

use modelgate::simulator::Step;
use modelgate_store::audit;

use crate::on_each_engine;
use crate::support::{TestApp, VENDOR_KEY};

const PROVIDERS: &str = "/admin/config/providers";
const MODELS: &str = "/admin/config/models";
const KEYS: &str = "/admin/api-keys";

/// Where a form's answer leads.
pub(crate) fn target(answer: &crate::support::Answer) -> String {
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
pub(crate) fn key_id(html: &str) -> String {
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
    assert!(taken.text().contains("enter it again"), "which is said");
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

async fn headers_and_the_proxy_are_written_and_never_shown(app: &TestApp) {
    let admin = app.admin().await;
    let provider = format!("{PROVIDERS}/1");
    let base_url = app.vendor.base_url();
    let usual = [
        ("name", "acme"),
        ("base_url", base_url.as_str()),
        ("connect_timeout_ms", "2000"),
        ("first_byte_timeout_ms", "5000"),
        ("idle_timeout_ms", "5000"),
        ("enabled", "on"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&usual[..], more].concat();
    let set = with(&[
        ("header-0-name", "X-Team"),
        ("header-0-secret", "header-canary"),
        ("header-1-name", ""),
        ("proxy_secret", "http://user:proxy-canary@127.0.0.1:9"),
    ]);
    target(&admin.submit(&provider, &provider, &set).await);
    let page = admin.get(&provider).await.text();
    assert!(
        page.contains("value=\"x-team\"") && page.contains("http://127.0.0.1:9"),
        "{page}"
    );
    assert!(!page.contains("canary"), "values are never shown again");

    // kept without a value, then the proxy goes, and the vendor sees the header
    let keep = with(&[
        ("header-0-name", "x-team"),
        ("header-0-secret", ""),
        ("proxy_remove", "on"),
    ]);
    target(&admin.submit(&provider, &provider, &keep).await);
    assert!(
        admin
            .get(&provider)
            .await
            .text()
            .contains("straight to the vendor")
    );
    let mut seen = false;
    for _ in 0..50 {
        let answered = app.openai().chat("gpt-x", false).await.status == 200;
        let calls = app.vendor.received();
        let last = calls.last();
        seen = answered && last.is_some_and(|call| call.header("x-team") == Some("header-canary"));
        if seen {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(seen, "the header goes with calls");

    for (fields, why) in [
        (
            with(&[("header-0-name", "x team"), ("header-0-secret", "canary")]),
            "letters, digits and dashes",
        ),
        (
            with(&[("header-0-name", "x-other")]),
            "A new header needs a value.",
        ),
        (
            with(&[("proxy_secret", "ftp://canary")]),
            "An address such as http://",
        ),
    ] {
        let refused = admin.submit(&provider, &provider, &fields).await;
        assert_eq!(refused.status, 422, "{why}");
        assert!(refused.text().contains(why), "{why}");
        assert!(
            !refused.text().contains("canary"),
            "secrets do not come back"
        );
    }
    let lines = app
        .db()
        .read(|c| Box::pin(audit::list(c, None, 50)))
        .await
        .unwrap();
    assert!(
        lines
            .rows
            .iter()
            .all(|line| !format!("{line:?}").contains("canary"))
    );
}

on_each_engine!(headers_and_the_proxy_are_written_and_never_shown);

async fn a_vendors_key_has_limits_and_a_budget(app: &TestApp) {
    let admin = app.admin().await;
    let provider = format!("{PROVIDERS}/1");
    let key = format!(
        "{provider}/keys/{}",
        key_id(&admin.get(&provider).await.text())
    );
    let fields = [
        ("label", "main"),
        ("weight", "100"),
        ("enabled", "on"),
        ("rpm", "500"),
        ("rpm_mode", "observe"),
        ("max_concurrency", "8"),
        ("budget-0-amount", "100"),
        ("budget-0-currency", "USD"),
        ("budget-0-period", "month"),
    ];
    target(&admin.submit(&key, &key, &fields).await);
    let page = admin.get(&provider).await.text();
    let told =
        "At most 500 requests a minute (only observed), at most 8 calls at once, 100 USD a month";
    assert!(page.contains(told), "{page}");
    let form = admin.get(&key).await.text();
    assert!(form.contains("name=\"rpm\" value=\"500\""), "{form}");
    let bad = admin
        .submit(
            &key,
            &key,
            &[("label", "main"), ("weight", "1"), ("tpm", "many")],
        )
        .await;
    assert_eq!(bad.status, 422);
}

on_each_engine!(a_vendors_key_has_limits_and_a_budget);

async fn a_providers_page_shows_what_rests_and_what_changed(app: &TestApp) {
    let admin = app.admin().await;
    let provider = format!("{PROVIDERS}/1");
    assert!(
        admin
            .get(&provider)
            .await
            .text()
            .contains("Nothing has changed yet.")
    );
    app.vendor.push(Step::status(401));
    assert_ne!(app.openai().chat("gpt-x", false).await.status, 200);
    let mut text = String::new();
    for _ in 0..100 {
        text = admin.get_htmx(&provider).await.text();
        if text.contains("→") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!text.contains("<html"), "htmx gets the fragment");
    for told in [
        "refused by the vendor",
        "the vendor does not accept the key",
        "main",
        "Waiting",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

on_each_engine!(a_providers_page_shows_what_rests_and_what_changed);

/// The models as the database has them.
async fn models(app: &TestApp) -> Vec<modelgate_store::models::Model> {
    let all = app
        .db()
        .read(|c| Box::pin(modelgate_store::models::list(c)));
    all.await
        .unwrap_or_else(|e: modelgate_store::StoreError| panic!("{e}"))
}

async fn an_import_shows_what_differs_and_overwrites_nothing_that_is_not_ticked(app: &TestApp) {
    let admin = app.admin().await;
    let provider = format!("{PROVIDERS}/1");
    let offers = serde_json::json!({"data": [
        {"id": "gpt-x-2026", "context_length": 999_000, "supported_parameters": ["tools"]},
        {"id": "brand-new", "context_length": 32_000, "architecture": {"input_modalities": ["text", "image"]}},
        {"id": "<script>alert(1)</script>"},
    ]});
    let fetch = async || {
        app.vendor.push(Step::status(200).json(&offers));
        let path = format!("{provider}/models/fetch");
        admin.submit(&provider, &path, &[]).await.text()
    };
    let ticks = |page: &str, field: &str| -> Vec<String> {
        let sign = format!("name=\"{field}\" value=\"");
        let parts = page.split(sign.as_str()).skip(1);
        parts
            .map(|part| part.chars().take_while(|c| *c != '"').collect())
            .collect()
    };
    let page = fetch().await;
    assert!(
        page.contains("128,000 → 999,000") && page.contains("not known → yes"),
        "{page}"
    );
    assert!(page.contains("makes a new model") && !page.contains("<script>alert"));
    assert!(!page.contains("\" checked"), "nothing is ticked beforehand");
    let (new, changed, gone) = (
        ticks(&page, "model"),
        ticks(&page, "change"),
        ticks(&page, "gone"),
    );
    assert_eq!((changed.len(), gone.len()), (1, 1));
    let brand_new = new
        .iter()
        .find(|tick| tick.starts_with("brand-new"))
        .unwrap();

    // what is not ticked stays as the admin set it
    let import = format!("{provider}/models");
    target(
        &admin
            .submit(&provider, &import, &[("model", brand_new)])
            .await,
    );
    let exported = models(app).await;
    let of = |name: &str| exported.iter().find(|m| m.name == name).unwrap().clone();
    assert_eq!(of("gpt-x").context_length, Some(128_000));
    assert_eq!(of("gpt-x").tools, None);
    let added = of("brand-new");
    assert_eq!(added.context_length, Some(32_000));
    assert_eq!(added.modalities.to_string(), "text,image");

    let ticked = [("change", changed[0].as_str()), ("gone", gone[0].as_str())];
    target(&admin.submit(&provider, &import, &ticked).await);
    let now = models(app).await;
    let model = now.iter().find(|m| m.name == "gpt-x").unwrap();
    assert_eq!(
        (model.context_length, model.tools),
        (Some(999_000), Some(true))
    );
    assert_eq!(
        model.max_output_tokens,
        Some(16_384),
        "the vendor said nothing of it"
    );
    let again = fetch().await;
    assert!(ticks(&again, "change").is_empty() && ticks(&again, "gone").is_empty());
    let audit = app
        .db()
        .read(|c| Box::pin(audit::list(c, None, 50)))
        .await
        .unwrap();
    let line = audit
        .rows
        .iter()
        .find(|line| line.action == "target.import");
    let text = format!("{:?}", line.unwrap());
    assert!(
        text.contains("128000") && text.contains("999000") && text.contains("embed-x-1"),
        "{text}"
    );
}

on_each_engine!(an_import_shows_what_differs_and_overwrites_nothing_that_is_not_ticked);
