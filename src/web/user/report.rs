//! A report of one's own key, made while its holder waits: it reads the sums of one key only.

use actix_web::web;
use modelgate_domain::Range;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::own::Own;
use crate::i18n::format;
use crate::reports::gather::gather;
use crate::reports::params::BadParams;
use crate::reports::{Format, Params, Scope, Source, Told};
use crate::web::attached;
use crate::web::error::PageError;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::state::WebState;

/// So many are made at once; who comes later waits.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

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

/// `GET /user/export/report`
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let own = Own::must(&page.who, &state.catalog.load_full(), query.key)?;
    let params = params(&page, &query, own.key.id.0)?;
    let _turn = AT_ONCE.acquire().await.map_err(PageError::internal)?;
    let source = Source {
        db: &state.db,
        business: page.business,
        site: state.settings.load().runtime.site.name.clone(),
        now_ms: page.now_ms,
        go_on: &|_, _| true,
    };
    let data = gather(&source, &params)
        .await
        .map_err(PageError::internal)?;
    let as_what = if query.format == "xlsx" {
        Format::Xlsx
    } else {
        Format::Docx
    };
    let content = web::block(move || {
        let mut out = Vec::new();
        Told::of(&data).write(as_what, &mut out).map(|()| out)
    })
    .await
    .map_err(PageError::internal)?
    .map_err(PageError::internal)?;
    let ending = as_what.extension();
    let name = format!("{}.{ending}", params.file_stem());
    Ok(attached::serve(&name, ending, content))
}

/// The days of the range, as far as they have come.
fn params(page: &Page<Holder>, query: &Query, key: i64) -> Result<Params, PageError> {
    let range = Range::parse(&query.range, &query.from, &query.to);
    let window = range.window(page.now_ms, page.zone, page.business);
    let last_ms = window.to_ms().saturating_sub(1).min(page.now_ms);
    let day = |ms: i64| {
        let day = format::field_date(ms, window.zone).parse();
        day.map_err(|_unreadable| PageError::BadRequest)
    };
    let params = Params {
        zone: window.zone.name().to_owned(),
        scope: Scope::Key(key),
        ..Params::new(day(window.from_ms())?, day(last_ms)?, page.lang)
    };
    let checked = params.check(page.now_ms, page.business);
    checked.map_err(|_bad: BadParams| PageError::BadRequest)?;
    Ok(params)
}
