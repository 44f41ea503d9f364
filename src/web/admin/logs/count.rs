//! How many requests match the filter, told after the page: an exact count may take longer than its rows.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;
use modelgate_store::log_count::{self, Matching};
use modelgate_store::request_logs::LogRow;

use super::filter::{Pairs, Query};
use crate::i18n::format;
use crate::web::page::{Look, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/log_count.html")]
struct CountView {
    text: String,
}

/// `GET /admin/logs/count`: the sentence for the foot of the list; a page of its own is the list itself.
pub(super) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    pairs: web::Query<Pairs>,
) -> PageResult {
    let query = Query::from(&*pairs);
    if !page.partial {
        let to = page.url(&query.address(None));
        return Ok(HttpResponse::SeeOther()
            .insert_header((LOCATION, to))
            .finish());
    }
    let (filter, at) = (
        query.filter(page.zone, page.now_ms),
        (page.now_ms, page.business),
    );
    let found = state
        .db
        .read_snapshot(move |c| Box::pin(async move { log_count::count(c, &filter, at).await }))
        .await?;
    page.show(&CountView {
        text: told(&page, found),
    })
}

/// What stands below rows: how many match where these are all, how many these are otherwise.
pub(super) fn shown(page: &Shell, rows: &[LogRow], is_whole: bool) -> String {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let repeats = rows.iter().map(|row| row.record.repeats);
    if is_whole {
        let found = Matching {
            requests: repeats.fold(0, i64::saturating_add),
            is_more: false,
        };
        return told(page, found);
    }
    page.counted("admin-logs-shown", count)
}

fn told(page: &Shell, found: Matching) -> String {
    if found.is_more {
        let least = format::integer(found.requests);
        return page.t1("admin-logs-match-more", "value", least);
    }
    page.counted("admin-logs-match", found.requests)
}
