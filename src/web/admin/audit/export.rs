//! The entries that the filter lets through, as a file.

use actix_web::web;
use futures_util::{Stream, stream};
use modelgate_store::audit::{self, AuditFilter, Entry};
use modelgate_store::{Db, StoreError, changes};
use serde_json::{Value, json};

use super::filter::Query;
use crate::i18n::format;
use crate::web::admin::components::fields::change;
use crate::web::export::{Cells, File, Format};
use crate::web::page::{Look, Page, PageResult};
use crate::web::state::WebState;

/// Rows that are held at once.
const BATCH: i64 = 500;

const COLUMNS: [&str; 9] = [
    "id",
    "at",
    "actor",
    "address",
    "action",
    "object",
    "generation",
    "before",
    "after",
];

/// `GET /admin/audit/export`: newest first; who took which is noted.
pub(super) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let filter = AuditFilter {
        before: None,
        limit: BATCH,
        ..query.filter(page.zone)
    };
    let file = File {
        format: Format::parse(&query.format),
        what: "audit",
        from_ms: filter.from.map(|at| at.timestamp_millis()),
        to_ms: filter.to.map_or(page.now_ms, |at| at.timestamp_millis()),
        zone: page.zone,
    };
    let after = json!({ "format": file.format.as_str(), "filter": query.address("", None) });
    let object = "audit log".to_owned();
    let entry = change(&page, &state, "audit_log.export", object, Some(after));
    state
        .db
        .write(move |c| Box::pin(async move { changes::note(c, &entry).await }))
        .await?;
    Ok(file.send(&COLUMNS, entries(state.db.clone(), filter)))
}

fn entries(db: Db, filter: AuditFilter) -> impl Stream<Item = Result<Vec<Cells>, StoreError>> {
    stream::try_unfold(Some(filter), move |filter| {
        let db = db.clone();
        async move {
            let Some(filter) = filter else {
                return Ok(None);
            };
            let asked = filter.clone();
            let page = db
                .read(move |c| Box::pin(async move { audit::search(c, &asked).await }))
                .await?;
            let last = page.rows.last().filter(|_| page.more);
            let next = last.map(|row| AuditFilter {
                before: Some(row.id),
                ..filter
            });
            let rows = page.rows.into_iter().map(cells).collect();
            Ok::<_, StoreError>(Some((rows, next)))
        }
    })
}

fn cells(entry: Entry) -> Cells {
    let at = format::machine_time(entry.at.timestamp_millis());
    let values: [Value; 9] = [
        entry.id.into(),
        at.into(),
        entry.actor.into(),
        entry.actor_address.into(),
        entry.action.into(),
        entry.object.into(),
        entry.generation.into(),
        entry.before.into(),
        entry.after.into(),
    ];
    COLUMNS.into_iter().zip(values).collect()
}
