//! What the dashboard reads: the sums of one key, its last calls, and the last minutes of everybody.

use std::collections::BTreeMap;

use modelgate_domain::{ApiKeyId, Window};
use modelgate_store::request_logs::{self, LogFilter, LogRow};
use modelgate_store::usage::{self, Cube, Dimension, Totals, UsageFilter};
use modelgate_store::{StoreError, models};

use super::health::WINDOW_MS;
use crate::web::state::WebState;

const LAST: i64 = 10;
const MINUTE_MS: i64 = 60_000;

/// Everything the dashboard shows, as the store has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    pub(super) series: Vec<Totals>,
    pub(super) now: Totals,
    pub(super) before: Totals,
    pub(super) by_model: Vec<(i64, Totals)>,
    pub(super) last: Vec<LogRow>,
    pub(super) models: BTreeMap<i64, String>,
    /// Of all keys: for the score alone, never shown by key.
    pub(super) minutes: Cube,
}

impl Data {
    /// Reads in one snapshot, so that figures agree. Nothing but `minutes` is of any other key.
    pub(super) async fn read(
        state: &WebState,
        key: ApiKeyId,
        window: &Window,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let of = |from_ms: i64, to_ms: i64| UsageFilter {
            api_key_id: Some(key),
            ..UsageFilter::between(from_ms, to_ms, state.config.time_zone)
        };
        let range = of(window.from_ms(), window.to_ms());
        let before = of(window.before.0, window.before.1);
        let edges = window.edges.clone();
        let last = LogFilter {
            api_key_id: Some(key),
            limit: LAST,
            ..LogFilter::default()
        };
        let minute = now_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        state
            .db
            .read_snapshot(move |c| {
                Box::pin(async move {
                    let cube = usage::cube(c, &range).await?;
                    let names = models::names(c).await?;
                    Ok::<_, StoreError>(Self {
                        series: usage::series(c, &range, &edges).await?,
                        now: cube.totals(),
                        before: usage::totals(c, &before).await?,
                        by_model: cube.by(Dimension::Model),
                        last: request_logs::list(c, &last).await?.rows,
                        models: names.into_iter().map(|(id, name)| (id.0, name)).collect(),
                        minutes: usage::minutes(c, minute - WINDOW_MS, minute + MINUTE_MS).await?,
                    })
                })
            })
            .await
    }
}
