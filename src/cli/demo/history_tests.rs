//! The history against a small catalog: it repeats, adds up, and looks like working days.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use modelgate_domain::{
    ApiKeyId, Currency, ModelId, Price, PriceId, ProviderId, ProviderKeyId, Secret, Status,
    TargetId, UserId,
};

use super::cast::PEOPLE;
use super::history::history;
use crate::catalog::{
    AllowedModels, ApiKey, Catalog, Credential, CredentialState, Model, Provider, Target,
};

const NOW_MS: i64 = 1_790_000_000_000;

fn credential(id: i64) -> Arc<Credential> {
    Arc::new(Credential {
        id: ProviderKeyId(id),
        label: "main".into(),
        secret: Secret::new("sk-up"),
        weight: 100,
        max_concurrency: None,
        state: CredentialState::Active,
        state_until_ms: None,
    })
}

#[allow(clippy::too_many_lines, reason = "one literal")]
fn catalog() -> Catalog {
    let provider = Arc::new(Provider {
        id: ProviderId(1),
        name: "atlas".into(),
        base_url: "http://127.0.0.1:1/v1".into(),
        extra_headers: Vec::new(),
        user_agent: None,
        proxy_url: None,
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(1),
        enabled: true,
        credentials: vec![credential(1), credential(2)],
    });
    let price = Price {
        id: PriceId(1),
        currency: Currency::parse("USD").unwrap(),
        input: 1_000_000_000,
        cached_input: None,
        cache_write: None,
        output: 2_000_000_000,
        reasoning: None,
        per_request_nanos: 0,
        effective_from_ms: 0,
    };
    let names: HashSet<&str> = PEOPLE
        .iter()
        .flat_map(|p| p.models.iter().map(|m| m.0))
        .collect();
    let models: AHashMap<Box<str>, Arc<Model>> = names
        .into_iter()
        .zip(1..)
        .map(|(name, id)| {
            let model = Model {
                id: ModelId(id),
                name: name.into(),
                kind: if name.contains("embed") {
                    "embedding"
                } else {
                    "chat"
                }
                .into(),
                context_length: None,
                max_output_tokens: None,
                enabled: true,
                hidden: false,
                created_s: 0,
                targets: vec![Arc::new(Target {
                    id: TargetId(id),
                    provider: Arc::clone(&provider),
                    upstream_model: name.into(),
                    priority: 1,
                    weight: 100,
                    enabled: true,
                    prices: Vec::new(),
                })],
                prices: if name == "jade-preview" {
                    Vec::new()
                } else {
                    vec![price.clone()]
                },
            };
            (Box::from(name), Arc::new(model))
        })
        .collect();
    let keys = PEOPLE.iter().zip(1_u8..).map(|(person, id)| {
        let key = ApiKey {
            id: ApiKeyId(id.into()),
            user_id: UserId(0),
            name: person.name.into(),
            prefix: "sk-mg".into(),
            enabled: true,
            expires_at_ms: None,
            allowed: AllowedModels::All,
        };
        ([id; 32], Arc::new(key))
    });
    Catalog {
        models,
        keys: keys.collect(),
        ..Catalog::default()
    }
}

#[test]
fn thirty_days_that_repeat_and_add_up() {
    let catalog = catalog();
    let rows = history(&catalog, chrono_tz::UTC, NOW_MS, 1);
    assert_eq!(rows, history(&catalog, chrono_tz::UTC, NOW_MS, 1));
    assert!(
        (15_000..60_000).contains(&rows.len()),
        "{} rows",
        rows.len()
    );
    assert!(
        rows.windows(2).all(|w| w[0].0.id < w[1].0.id),
        "ids follow time"
    );
    assert!(
        rows.iter()
            .all(|(r, _)| r.finished_ms < NOW_MS && r.finished_ms >= r.started_ms)
    );
    for status in Status::ALL.iter().filter(|s| **s != Status::Pending) {
        assert!(rows.iter().any(|(r, _)| r.status == *status), "no {status}");
    }
    assert!(rows.iter().any(|(_, attempts)| attempts.len() == 2));
    assert!(
        rows.iter()
            .any(|(r, _)| r.usage.cached > 0 && r.cost_nanos.is_some())
    );
    assert!(rows.iter().any(|(r, _)| r.usage.reasoning > 0));
    assert!(
        rows.iter()
            .any(|(r, _)| r.status == Status::Success && r.cost_nanos.is_none()),
        "one model has no price"
    );
}

#[test]
fn people_work_by_day_and_rest_at_the_weekend() {
    let rows = history(&catalog(), chrono_tz::UTC, NOW_MS, 2);
    let count = |days: [i64; 2], hours: std::ops::Range<i64>| {
        let inside = |ms: i64| {
            // 1 January 1970 was a Thursday
            let day = (ms / 86_400_000 + 3) % 7;
            days.contains(&day) && hours.contains(&(ms / 3_600_000 % 24))
        };
        rows.iter().filter(|(r, _)| inside(r.started_ms)).count()
    };
    assert!(
        count([1, 2], 9..17) > 2 * count([5, 6], 9..17),
        "weekdays against the weekend"
    );
    assert!(
        count([1, 2], 9..17) > 4 * count([1, 2], 20..24),
        "days against evenings"
    );
}
