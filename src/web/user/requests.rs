//! One of the holder's own calls: what became of it and whose fault a failure was.

use actix_web::web;
use askama::Template;
use modelgate_domain::{RequestId, RequestRecord};
use modelgate_store::request_logs;
use modelgate_store::{StoreError, prices};

use super::own::Own;
use crate::web::admin::components::names::Names;
use crate::web::admin::logs::detail::Detail;
use crate::web::error::PageError;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "user/requests.html")]
struct RequestView<'a> {
    page: &'a Shell,
    back: String,
    one: Detail,
}

/// `GET /user/requests/{id}`: somebody else's call is as unknown as one that never was.
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    id: web::Path<String>,
) -> PageResult {
    let id: RequestId = id.parse().map_err(|_bad_id| PageError::NotFound)?;
    let own = Own::must(&page.who, &state.catalog.load_full(), None)?;
    let found = state
        .db
        .read_snapshot(move |c| {
            Box::pin(async move {
                let Some((row, attempts)) = request_logs::find(c, id).await? else {
                    return Ok::<_, StoreError>(None);
                };
                let price = prices::find(c, row.record.price_id).await?;
                let names = Names::read(c).await?;
                Ok(Some((row.record, attempts, price, names)))
            })
        })
        .await?;
    let (record, attempts, price, names) = found.ok_or(PageError::NotFound)?;
    if !own.has(record.api_key_id) {
        return Err(PageError::NotFound);
    }
    let names = names.for_holders();
    let price = price.map(|row| row.price);
    let one = Detail::new(&page, &record, &attempts, price.as_ref(), &names);
    page.show(&RequestView {
        back: page.url("/user/dashboard"),
        page: page.shell(),
        one,
    })
}

/// The record of a call of one of the holder's keys; nothing where there is none, or it is somebody else's.
pub(super) async fn record(
    state: &WebState,
    own: &Own,
    id: RequestId,
) -> Result<Option<RequestRecord>, PageError> {
    let found = state
        .db
        .read(move |c| Box::pin(async move { request_logs::find(c, id).await }))
        .await?;
    let record = found.map(|(row, _)| row.record);
    Ok(record.filter(|record| own.has(record.api_key_id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn a_hostile_call_is_harmless() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let record = RequestRecord {
                requested_model: "<script>alert(1)</script>".to_owned(),
                user_agent: "\"><img src=x>".to_owned(),
                error_message: "<b>x</b>".to_owned(),
                ..RequestRecord::default()
            };
            let view = RequestView {
                page: &page,
                back: page.url("/user/dashboard"),
                one: Detail::new(&page, &record, &[], None, &Names::default()),
            };
            let html = view.render().unwrap();
            assert!(!html.contains("<script>alert") && !html.contains("<img src=x"));
            assert!(!html.contains("<b>x"));
        }
    }
}
