//! What is publicly known of models: filled in where nothing is set, proposed where something is, taken over where ticked.

use modelgate::simulator::Step;
use modelgate_store::models::{self, Model};
use modelgate_store::prices::{self, PriceOf, PriceRow};
use modelgate_store::{StoreError, audit};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{Setup, TestApp, VENDOR_KEY};

const MODELS: &str = "/admin/config/models";
const CATALOGUE: &str = "/admin/config/models/catalogue";

/// A provider made from a vendor's template, one at a vendor's address, and one that nobody knows.
fn vendors(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "made-from"
template = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "{VENDOR_KEY}" }} ]

[[providers]]
name = "at-address"
protocol = "anthropic"
base_url = "https://api.anthropic.com"

[[providers]]
name = "relay"
base_url = "https://relay.example/v1"

[[models]]
name = "known"
context_length = 64000
targets = [ {{ provider = "made-from", upstream_model = "gpt-4o" }} ]
price = {{ currency = "USD", input = "1", output = "2" }}

[[models]]
name = "stranger"
targets = [ {{ provider = "relay", upstream_model = "gpt-4o" }} ]
"#
    )
}

fn setup(engine: crate::support::Engine) -> Setup {
    Setup {
        apply: Some(vendors),
        ..Setup::on(engine)
    }
}

async fn model(app: &TestApp, name: &str) -> Model {
    let all = app.db().read(|c| Box::pin(models::list(c)));
    let all = all.await.unwrap_or_else(|e: StoreError| panic!("{e}"));
    all.into_iter().find(|model| model.name == name).unwrap()
}

async fn prices_of(app: &TestApp, model: &Model) -> Vec<PriceRow> {
    let all = app.db().read(|c| Box::pin(prices::list(c)));
    let all = all.await.unwrap_or_else(|e: StoreError| panic!("{e}"));
    let of = PriceOf::Model(model.id);
    all.into_iter().filter(|row| row.of == of).collect()
}

async fn rows_are_taken_over_one_by_one(app: &TestApp) {
    let admin = app.admin().await;
    let known = model(app, "known").await;
    let page = admin.get(CATALOGUE).await.text();
    for told in [
        "LiteLLM 1.",
        "as of 20",
        "<code>openai/gpt-4o</code>",
        "Longest answer, tokens of known: not known → 16,384",
        "Context length, tokens of known: 64,000 → 128,000",
        "Input $1 · Output $2 → Input $2.5 · Cached input $1.25 · Output $10",
        "Not in the catalogue",
        "<code>stranger</code>",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("\" checked"), "nothing is ticked beforehand");
    let own = format!("{MODELS}/{}", known.id);
    let link = format!("{CATALOGUE}?model={}", known.id);
    assert!(
        admin
            .get(&own)
            .await
            .text()
            .contains(&format!("href=\"{link}\""))
    );
    let stranger = model(app, "stranger").await;
    let unknown = admin.get(&format!("{MODELS}/{}", stranger.id)).await;
    assert!(
        !unknown.text().contains(CATALOGUE),
        "there is nothing to compare"
    );
    let alone = admin
        .get(&format!("{CATALOGUE}?model={}", stranger.id))
        .await;
    assert!(alone.text().contains("adds nothing to what is set here"));

    let fill = format!("missing-{}", known.id);
    let answer = admin.submit(CATALOGUE, CATALOGUE, &[("take", &fill)]).await;
    assert_eq!(answer.status, 303);
    let now = model(app, "known").await;
    assert_eq!(
        (now.context_length, now.max_output_tokens, now.tools),
        (Some(64_000), Some(16_384), Some(true)),
        "what somebody set stays"
    );
    assert_eq!(prices_of(app, &known).await.len(), 1);

    let (replace, price) = (
        format!("otherwise-{}", known.id),
        format!("price-model-{}", known.id),
    );
    let id = known.id.to_string();
    let ticks = [
        ("take", replace.as_str()),
        ("take", &price),
        ("take", "price-model-999"),
        ("take", "nonsense"),
        ("model", &id),
    ];
    assert_eq!(admin.submit(&link, CATALOGUE, &ticks).await.status, 303);
    assert_eq!(model(app, "known").await.context_length, Some(128_000));
    let prices = prices_of(app, &known).await;
    let newest = &prices[0].price;
    assert_eq!((prices.len(), newest.input), (2, 2_500_000_000));
    assert_eq!(newest.cached_input, Some(1_250_000_000));
    let page = admin.get(CATALOGUE).await.text();
    assert!(page.contains("adds nothing to what is set here"), "{page}");

    let lines = app.db().read(|c| Box::pin(audit::list(c, None, 50))).await;
    let lines = lines.unwrap_or_else(|e: StoreError| panic!("{e}"));
    let taken = lines.rows.iter().filter(|l| l.action == "catalogue.apply");
    let told: Vec<String> = taken.map(|line| format!("{line:?}")).collect();
    assert!(
        told.len() == 2 && told.iter().all(|line| line.contains("known")),
        "{told:?}"
    );
    assert_eq!(admin.post(CATALOGUE, &ticks, None, false).await.status, 403);

    let chinese = app.admin().await.speaking("zh-CN");
    let page = chinese.get(CATALOGUE).await.text();
    assert!(
        page.contains("模型目录") && !page.contains("admin-catalogue-"),
        "{page}"
    );
}

on_each_engine!(rows_are_taken_over_one_by_one, setup);

async fn a_new_model_begins_with_what_is_known_of_it(app: &TestApp) {
    let admin = app.admin().await;
    let new = format!("{MODELS}/new");
    let providers = admin.get(&new).await.text();
    let choice = |name: &str| -> String {
        let end = providers.find(&format!("\">{name}</option>")).unwrap();
        let start = providers[..end].rfind("value=\"").unwrap() + 7;
        providers[start..end].to_owned()
    };
    let (anthropic, relay) = (choice("at-address"), choice("relay"));
    let add = async |name: &str, provider: &str, upstream: &str| {
        let fields = [
            ("name", name),
            ("kind", "chat"),
            ("provider", provider),
            ("upstream_model", upstream),
        ];
        assert_eq!(admin.submit(&new, MODELS, &fields).await.status, 303);
        let made = model(app, name).await;
        let page = admin.get(&format!("{MODELS}/{}", made.id)).await.text();
        (made, page)
    };
    let (made, page) = add("sonnet", &anthropic, "claude-sonnet-4-5").await;
    assert_eq!(
        (made.context_length, made.max_output_tokens, made.tools),
        (Some(200_000), Some(64_000), Some(true))
    );
    assert!(page.contains("From the catalogue (LiteLLM"), "{page}");
    assert!(
        page.contains("says more of this model"),
        "its price is proposed"
    );
    assert!(prices_of(app, &made).await.is_empty(), "and not set");
    for (name, provider, upstream) in [
        ("elsewhere", relay.as_str(), "claude-sonnet-4-5"),
        ("unheard", &anthropic, "claude-of-tomorrow"),
    ] {
        let (made, page) = add(name, provider, upstream).await;
        assert_eq!((made.context_length, made.tools), (None, None), "{name}");
        assert!(!page.contains("From the catalogue"), "{name}");
    }
}

on_each_engine!(a_new_model_begins_with_what_is_known_of_it, setup);

async fn an_import_fills_in_what_the_vendor_does_not_say(app: &TestApp) {
    let admin = app.admin().await;
    let offers = json!({"data": [
        {"id": "gpt-4o-mini", "context_length": 99_000},
        {"id": "text-embedding-3-small"},
        {"id": "gpt-of-tomorrow"},
    ]});
    app.vendor.push(Step::status(200).json(&offers));
    let provider = "/admin/config/providers/1";
    let fetched = admin
        .submit(provider, &format!("{provider}/models/fetch"), &[])
        .await;
    let page = fetched.text();
    for told in [
        "Context length, tokens of gpt-4o-mini: not known → 99,000",
        "Longest answer, tokens of gpt-4o-mini: not known → 16,384",
        "From the catalogue (LiteLLM",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let ticks = [
        ("model", "gpt-4o-mini\t99000"),
        ("model", "text-embedding-3-small"),
        ("model", "gpt-of-tomorrow"),
    ];
    let import = format!("{provider}/models");
    assert_eq!(admin.submit(provider, &import, &ticks).await.status, 303);
    let mini = model(app, "gpt-4o-mini").await;
    assert_eq!(
        (mini.context_length, mini.max_output_tokens, mini.tools),
        (Some(99_000), Some(16_384), Some(true)),
        "what the vendor says goes before the catalogue"
    );
    assert_eq!(model(app, "text-embedding-3-small").await.kind, "embedding");
    let tomorrow = model(app, "gpt-of-tomorrow").await;
    assert_eq!((tomorrow.context_length, tomorrow.tools), (None, None));
}

on_each_engine!(an_import_fills_in_what_the_vendor_does_not_say, setup);
