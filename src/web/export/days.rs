//! The sums of days as rows of a file: what each key used of each model on each business day.

use std::sync::Arc;

use chrono_tz::Tz;
use futures_util::{Stream, stream};
use modelgate_domain::money::format_nanos;
use modelgate_domain::range::{day_of, next_day_of};
use modelgate_store::usage::{self, DayRow, Totals, UsageFilter};
use modelgate_store::{Db, StoreError};
use serde_json::Value;

use super::calls::name;
use super::cells::Cells;
use crate::i18n::format;
use crate::web::admin::components::names::Names;

/// The columns, and the days that the filter's time touches, oldest first: a batch is a day.
pub(in crate::web) fn days(
    db: Db,
    filter: UsageFilter,
    names: Names,
    business: Tz,
) -> (
    Vec<&'static str>,
    impl Stream<Item = Result<Vec<Cells>, StoreError>>,
) {
    let nothing = DayRow {
        day_ms: 0,
        api_key_id: 0.into(),
        model_id: 0.into(),
        provider_id: 0.into(),
        totals: Totals::default(),
    };
    let columns = cells(&nothing, &names, business).into_iter();
    let columns = columns.map(|(name, _)| name).collect();
    let names = Arc::new(names);
    let first = day_of(filter.from_ms, business);
    let batches = stream::try_unfold(first, move |day| {
        let (db, names) = (db.clone(), Arc::clone(&names));
        async move {
            if day >= filter.to_ms {
                return Ok(None);
            }
            let next = next_day_of(day, business);
            let of_day = UsageFilter {
                from_ms: day,
                to_ms: next,
                ..filter
            };
            let rows = db
                .read(move |c| Box::pin(async move { usage::days(c, &of_day).await }))
                .await?;
            let rows = rows.iter();
            let rows = rows.map(|row| cells(row, &names, business)).collect();
            Ok::<_, StoreError>(Some((rows, next)))
        }
    });
    (columns, batches)
}

fn cells(row: &DayRow, names: &Names, business: Tz) -> Cells {
    let totals = &row.totals;
    let cost = totals.cost_nanos.iter().next();
    vec![
        ("day", format::field_date(row.day_ms, business).into()),
        ("key", name(&names.keys, row.api_key_id.0)),
        ("model", name(&names.models, row.model_id.0)),
        ("provider", name(&names.providers, row.provider_id.0)),
        ("requests", totals.requests().into()),
        ("success", totals.success.into()),
        ("error", totals.error.into()),
        ("timeout", totals.timeout.into()),
        ("cancelled", totals.cancelled.into()),
        ("rate_limited", totals.rate_limited.into()),
        ("prompt_tokens", totals.prompt_tokens.into()),
        ("cached_tokens", totals.cached_tokens.into()),
        ("cache_write_tokens", totals.cache_write_tokens.into()),
        ("completion_tokens", totals.completion_tokens.into()),
        ("reasoning_tokens", totals.reasoning_tokens.into()),
        (
            "cost",
            cost.map_or(Value::Null, |(_, nanos)| format_nanos(*nanos).into()),
        ),
        (
            "currency",
            cost.map_or(Value::Null, |(currency, _)| currency.as_str().into()),
        ),
        ("latency_mean_ms", totals.latency_mean_ms().into()),
    ]
}
