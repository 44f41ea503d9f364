//! The sums of days behind the figures, as a file.

use actix_web::web;
use modelgate_store::changes;
use modelgate_store::usage::UsageFilter;
use serde::Deserialize;
use serde_json::json;

use crate::web::admin::components::fields::change;
use crate::web::admin::components::names::Names;
use crate::web::export::{File, Format, days};
use crate::web::figures::RangeQuery;
use crate::web::page::{Look, Page, PageResult};
use crate::web::state::WebState;

/// As what.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AsFile {
    format: String,
}

/// `GET /admin/monitor/export`: the business days that the range touches, by key, model and provider; who took them
/// is noted.
pub(in crate::web) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    range: web::Query<RangeQuery>,
    as_file: web::Query<AsFile>,
) -> PageResult {
    let range = range.range();
    let window = range.window(page.now_ms, page.zone, page.business);
    let (from_ms, to_ms) = (window.from_ms(), window.to_ms().min(page.now_ms));
    let business = state.config.time_zone;
    let file = File {
        format: Format::parse(&as_file.format),
        what: "days",
        from_ms: Some(from_ms),
        to_ms,
        zone: business,
    };
    let after = json!({ "format": file.format.as_str(), "range": range.as_str() });
    let entry = change(
        &page,
        &state,
        "usage.export",
        "usage".to_owned(),
        Some(after),
    );
    let names = state
        .db
        .write(move |c| {
            Box::pin(async move {
                changes::note(c, &entry).await?;
                Names::read(c).await
            })
        })
        .await?;
    let filter = UsageFilter {
        from_ms,
        to_ms,
        ..UsageFilter::default()
    };
    let (columns, rows) = days(state.db.clone(), filter, names, business);
    Ok(file.send(&columns, rows))
}
