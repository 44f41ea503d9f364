//! One's own calls and one's own sums of days, as files: of the keys that are the holder's, and of no other.

use actix_web::web;
use modelgate_domain::{ApiKeyId, Range};
use modelgate_store::StoreError;
use modelgate_store::request_logs::LogFilter;
use modelgate_store::usage::UsageFilter;
use serde::Deserialize;

use super::own::Own;
use crate::web::admin::components::names::Names;
use crate::web::error::PageError;
use crate::web::export::{File, Format, Reader, calls, days};
use crate::web::page::{Holder, Page, PageResult};
use crate::web::state::WebState;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Query {
    format: String,
    range: String,
    from: String,
    to: String,
    /// One of the holder's keys.
    key: Option<i64>,
}

/// What a file is about.
struct Asked {
    file: File,
    key: ApiKeyId,
    from_ms: i64,
    to_ms: i64,
    names: Names,
}

impl Asked {
    async fn of(
        page: &Page<Holder>,
        state: &WebState,
        query: &Query,
        what: &'static str,
    ) -> Result<Self, PageError> {
        let own = Own::must(&page.who, &state.catalog.load_full(), query.key)?;
        let range = Range::parse(&query.range, &query.from, &query.to);
        let window = range.window(page.now_ms, page.zone, page.business);
        let (from_ms, to_ms) = (window.from_ms(), window.to_ms().min(page.now_ms));
        let names = state
            .db
            .read(|c| Box::pin(async move { Names::read(c).await }))
            .await
            .map_err(|error: StoreError| PageError::from(error))?;
        Ok(Self {
            file: File {
                format: Format::parse(&query.format),
                what,
                from_ms: Some(from_ms),
                to_ms,
                zone: page.zone,
            },
            key: own.key.id,
            from_ms,
            to_ms,
            names: names.for_holders(),
        })
    }
}

/// `GET /user/export/calls`
pub(in crate::web) async fn calls_of_key(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let asked = Asked::of(&page, &state, &query, "calls").await?;
    let filter = LogFilter {
        api_key_id: Some(asked.key),
        from_ms: Some(asked.from_ms),
        to_ms: Some(asked.to_ms),
        ..LogFilter::default()
    };
    let (columns, rows) = calls(state.db.clone(), filter, asked.names, Reader::Holder);
    Ok(asked.file.send(&columns, rows))
}

/// `GET /user/export/days`
pub(in crate::web) async fn days_of_key(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let asked = Asked::of(&page, &state, &query, "days").await?;
    let filter = UsageFilter {
        from_ms: asked.from_ms,
        to_ms: asked.to_ms,
        api_key_id: Some(asked.key),
        ..UsageFilter::default()
    };
    let business = state.config.time_zone;
    let (columns, rows) = days(state.db.clone(), filter, asked.names, business);
    Ok(asked.file.send(&columns, rows))
}
