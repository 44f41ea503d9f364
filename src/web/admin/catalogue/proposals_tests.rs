//! What the catalogue proposes, and what it leaves alone.

use chrono::DateTime;
use modelgate_domain::{Currency, PriceId, ProviderId, TargetId};
use modelgate_store::models::ModelData;
use modelgate_store::prices::PriceRow;
use modelgate_store::providers::Provider;
use modelgate_store::targets::Target;

use super::proposals::*;
use super::*;

fn model(id: i64) -> Model {
    let data = ModelData::default();
    Model {
        id: ModelId(id),
        name: format!("model-{id}"),
        display_name: data.display_name,
        kind: data.kind,
        context_length: Some(64_000),
        max_output_tokens: None,
        enabled: true,
        hidden: false,
        strategy: data.strategy,
        affinity: false,
        modalities: data.modalities,
        tools: Some(true),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        deleted_at: None,
    }
}

fn provider(id: i64, base_url: &str) -> Provider {
    Provider {
        id: ProviderId(id),
        name: format!("provider-{id}"),
        display_name: String::new(),
        template: String::new(),
        protocol: "openai".to_owned(),
        base_url: base_url.to_owned(),
        extra_headers: "[]".to_owned(),
        user_agent: None,
        proxy_url: None,
        connect_timeout_ms: 1,
        first_byte_timeout_ms: 1,
        idle_timeout_ms: 1,
        enabled: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        deleted_at: None,
    }
}

fn target(id: i64, (model, provider): (i64, i64), upstream: &str) -> Target {
    Target {
        id: TargetId(id),
        model_id: ModelId(model),
        provider_id: ProviderId(provider),
        upstream_model: upstream.to_owned(),
        priority: 1,
        weight: 100,
        enabled: true,
        busyness_at_most: None,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        deleted_at: None,
    }
}

fn price(of: PriceOf, currency: &str, input: i64) -> PriceRow {
    let price = Price {
        id: PriceId(1),
        currency: Currency::parse(currency).unwrap(),
        input,
        cached_input: None,
        cache_write: None,
        output: 10_000_000_000,
        reasoning: None,
        per_request_nanos: 7,
        effective_from_ms: 0,
    };
    PriceRow { of, price }
}

/// `gpt-4o` at OpenAI.
fn at_openai() -> Present {
    Present {
        models: vec![model(1)],
        targets: vec![target(1, (1, 1), "gpt-4o")],
        providers: vec![provider(1, "https://api.openai.com/v1")],
        prices: Vec::new(),
    }
}

fn values(present: &Present) -> Vec<String> {
    present.proposals(1).iter().map(Row::value).collect()
}

#[test]
fn what_is_empty_and_what_is_set_are_told_apart() {
    let rows = at_openai().proposals(1);
    assert_eq!(
        rows.iter().map(Row::value).collect::<Vec<_>>(),
        ["missing-1", "otherwise-1", "price-model-1"]
    );
    let Proposal::Missing(missing) = &rows[0].what else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (
            missing.context_length,
            missing.max_output_tokens,
            missing.tools
        ),
        (None, Some(16_384), None)
    );
    let Proposal::Otherwise(otherwise) = &rows[1].what else {
        panic!("{rows:?}")
    };
    assert_eq!(otherwise.context_length, Some(128_000));
    assert!(rows.iter().all(|row| row.from == "openai/gpt-4o"));
}

#[test]
fn what_is_not_listed_stays_unknown() {
    for (url, upstream) in [
        ("https://api.openai.com/v1", "gpt-of-tomorrow"),
        ("https://relay.example/v1", "gpt-4o"),
    ] {
        let present = Present {
            targets: vec![target(1, (1, 1), upstream)],
            providers: vec![provider(1, url)],
            ..at_openai()
        };
        assert!(values(&present).is_empty(), "{url} {upstream}");
        assert_eq!(present.unknown(), ["model-1"]);
    }
    assert!(at_openai().unknown().is_empty());
}

#[test]
fn a_price_that_says_the_same_or_cannot_be_compared_is_left_alone() {
    let of = PriceOf::Model(ModelId(1));
    let with = |row: PriceRow| Present {
        prices: vec![row],
        ..at_openai()
    };
    let mut same = price(of, "USD", 2_500_000_000);
    same.price.cached_input = Some(1_250_000_000);
    for (row, is_proposed) in [
        (same.clone(), false),
        (price(of, "CNY", 1), false),
        (price(of, "USD", 1), true),
        (price(of, "USD", 2_500_000_000), true),
    ] {
        let proposed = values(&with(row.clone()));
        assert_eq!(
            proposed.contains(&"price-model-1".to_owned()),
            is_proposed,
            "{row:?}"
        );
    }
    // a price of times to come does not hold yet
    let mut later = same;
    later.price.effective_from_ms = 10;
    assert!(values(&with(later)).contains(&"price-model-1".to_owned()));
}

#[test]
fn each_of_several_vendors_has_its_own_price() {
    let present = Present {
        targets: vec![
            target(1, (1, 1), "gpt-4o"),
            target(2, (1, 2), "gpt-4o-mini"),
            target(3, (1, 3), "gpt-4o"),
        ],
        providers: vec![
            provider(1, "https://api.openai.com/v1"),
            provider(2, "https://api.openai.com/v1"),
            provider(3, "https://relay.example/v1"),
        ],
        prices: vec![price(PriceOf::Target(TargetId(1)), "CNY", 5)],
        ..at_openai()
    };
    assert_eq!(
        values(&present),
        ["missing-1", "otherwise-1", "price-target-2"]
    );
}

#[test]
fn a_price_that_is_taken_over_keeps_what_the_list_does_not_name() {
    let mut old = price(PriceOf::Model(ModelId(1)), "USD", 1).price;
    old.reasoning = Some(3);
    let listed = catalogue::find("openai", "gpt-4o").unwrap().price.unwrap();
    let new = from_now(&listed, Some(&old), 99);
    assert_eq!((new.input, new.reasoning), (2_500_000_000, Some(3)));
    assert_eq!((new.per_request_nanos, new.effective_from_ms), (7, 99));
    old.currency = Currency::parse("CNY").unwrap();
    let new = from_now(&listed, Some(&old), 99);
    assert_eq!((new.reasoning, new.per_request_nanos), (None, 0));
}
