//! What the dashboard reads: the figures of one key, its last calls, and the last minutes of everybody.

use std::collections::BTreeMap;

use modelgate_domain::{ApiKeyId, Window};
use modelgate_store::request_logs::{self, LogFilter, LogRow};
use modelgate_store::usage::{self, Cube};
use modelgate_store::{StoreError, models};

use super::health::WINDOW_MS;
use crate::web::figures::Figures;
use crate::web::state::WebState;

const LAST: i64 = 10;
const MINUTE_MS: i64 = 60_000;

/// Everything the dashboard shows, as the store has it.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) figures: Figures,
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
        window: Window,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let business = state.config.time_zone;
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
                    let names = models::names(c).await?;
                    Ok::<_, StoreError>(Self {
                        figures: Figures::read(c, window, business, Some(key)).await?,
                        last: request_logs::list(c, &last).await?.rows,
                        models: names.into_iter().map(|(id, name)| (id.0, name)).collect(),
                        minutes: usage::minutes(c, minute - WINDOW_MS, minute + MINUTE_MS).await?,
                    })
                })
            })
            .await
    }
}
