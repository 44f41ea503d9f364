//! Documents for those who use the gateway: the list, and one of them.

use actix_web::web;
use askama::Template;
use modelgate_domain::Audience;

use crate::web::documents::{self, Group, Query, Reading};
use crate::web::page::{Holder, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

const PATH: &str = "/user/documents";

#[derive(Template)]
#[template(path = "user/documents.html", blocks = ["list"])]
struct DocumentsView<'a> {
    page: &'a Shell,
    at: String,
    query: Query,
    groups: Vec<Group>,
    /// The document that is read; none in the list.
    open: Option<Reading>,
}

/// Routes below the base path.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get(PATH, get)
        .get(&format!("{PATH}/{{id}}"), get_one);
}

async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let query = query.into_inner();
    let is_for_holders = |audience| audience != Audience::Admins;
    let groups = documents::groups(&page, &state, (PATH, &query.q), |heading| {
        is_for_holders(heading.audience)
    })
    .await?;
    let view = DocumentsView {
        page: &page,
        at: page.url(PATH),
        query,
        groups,
        open: None,
    };
    page.show_or(&view, &view.as_list())
}

async fn get_one(page: Page<Holder>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let open = documents::read(&page, &state, *id).await?;
    page.show(&DocumentsView {
        page: &page,
        at: page.url(PATH),
        query: Query::default(),
        groups: Vec::new(),
        open: Some(open),
    })
}
