//! What the dashboard reads: the figures of one key, its last calls, and the last minutes of everybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use modelgate_domain::{ApiKeyId, Window};
use modelgate_store::request_logs::{self, LogFilter, LogRow};
use modelgate_store::usage::Cube;
use modelgate_store::{StoreError, models};

use super::health::WINDOW_MS;
use crate::web::figures::Figures;
use crate::web::state::WebState;

const LAST: i64 = 10;

/// Everything the dashboard shows, as the store has it.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) figures: Figures,
    pub(super) last: Vec<LogRow>,
    pub(super) models: BTreeMap<i64, String>,
    /// Of all keys: for the score alone, never shown by key.
    pub(super) minutes: Arc<Cube>,
}

impl Data {
    /// Reads in one snapshot, so that the key's figures agree. Nothing but `minutes` is of any other key.
    pub(super) async fn read(
        state: &WebState,
        key: ApiKeyId,
        window: Window,
    ) -> Result<Self, StoreError> {
        let business = state.config.time_zone;
        let last = LogFilter {
            api_key_id: Some(key),
            limit: LAST,
            ..LogFilter::default()
        };
        let minutes = state.lately(WINDOW_MS).await?;
        state
            .db
            .read_snapshot(move |c| {
                Box::pin(async move {
                    let names = models::names(c).await?;
                    Ok::<_, StoreError>(Self {
                        figures: Figures::read(c, window, business, Some(key)).await?,
                        last: request_logs::list(c, &last).await?.rows,
                        models: names.into_iter().map(|(id, name)| (id.0, name)).collect(),
                        minutes,
                    })
                })
            })
            .await
    }
}
