//! The history against a small catalog: it repeats, adds up, and looks like working days.

use std::collections::HashSet;
use std::sync::Arc;

use ahash::AHashMap;
use modelgate_domain::{ApiKeyId, Currency, Price, PriceId, Status};

use super::cast::PEOPLE;
use super::history::history;
use crate::catalog::{ApiKey, Catalog, Model, fixtures};

const NOW_MS: i64 = 1_790_000_000_000;

fn catalog() -> Catalog {
    let mut atlas = fixtures::provider(1, "atlas");
    atlas.credentials = [1, 2].map(|id| Arc::new(fixtures::credential(id))).into();
    let atlas = Arc::new(atlas);
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
            let target = Arc::new(fixtures::target(id, &atlas, 1));
            let mut model = fixtures::model(id, name, vec![target]);
            if name.contains("embed") {
                model.kind = "embedding".into();
            }
            if name != "jade-preview" {
                model.prices = vec![price.clone()];
            }
            (Box::from(name), Arc::new(model))
        })
        .collect();
    let keys = PEOPLE.iter().zip(1_u8..).map(|(person, id)| {
        let key = ApiKey {
            id: ApiKeyId(id.into()),
            name: person.name.into(),
            ..fixtures::Build::key()
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
