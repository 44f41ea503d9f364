//! The rows that the filter lets through, as a file.

use actix_web::web;
use modelgate_store::changes;
use modelgate_store::request_logs::LogFilter;
use serde_json::json;

use super::filter::{Pairs, Query};
use crate::web::admin::components::fields::change;
use crate::web::admin::components::names::Names;
use crate::web::export::{File, Format, Reader, calls};
use crate::web::page::{Look, Page, PageResult};
use crate::web::state::WebState;

/// `GET /admin/logs/export`: all rows, newest first; who took which is noted.
pub(super) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    pairs: web::Query<Pairs>,
) -> PageResult {
    let query = Query::from(&*pairs);
    let format = Format::parse(pairs.value("format"));
    let filter = LogFilter {
        before: None,
        ..query.filter(page.zone, page.now_ms)
    };
    let file = File {
        format,
        what: "calls",
        from_ms: filter.from_ms,
        to_ms: filter.to_ms.unwrap_or(page.now_ms),
        zone: page.zone,
    };
    let after = json!({ "format": format.as_str(), "filter": query.canonical() });
    let entry = change(
        &page,
        &state,
        "request_log.export",
        "request log".to_owned(),
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
    let (columns, rows) = calls(state.db.clone(), filter, names, Reader::Operator);
    Ok(file.send(&columns, rows))
}
