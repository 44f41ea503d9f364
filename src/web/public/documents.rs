//! Documents for whoever opens the site.

use actix_web::web;
use askama::Template;
use modelgate_domain::Audience;

use crate::web::documents::{self, Group, Query, Reading};
use crate::web::page::{Page, PageResult, Visitor};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

const PATH: &str = "/documents";

#[derive(Template)]
#[template(path = "public/documents.html", blocks = ["list"])]
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
        .get(&format!("{PATH}/{{id}}"), get_one)
        .get(&format!("{PATH}/{{id}}/files/{{file}}"), documents::file);
}

async fn get(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let query = query.into_inner();
    let groups = documents::groups(&page, &state, (PATH, &query.q), |heading| {
        heading.audience == Audience::Everyone
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

async fn get_one(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let open = documents::read(&page, &state, *id).await?;
    page.show(&DocumentsView {
        page: &page,
        at: page.url(PATH),
        query: Query::default(),
        groups: Vec::new(),
        open: Some(open),
    })
}
