//! Documents that operators write: the list, and the texts of one.

mod edit;
mod files;

use actix_web::web;
use askama::Template;
use modelgate_domain::Audience;
use modelgate_store::documents::{self, Heading};

use super::components::fields::Dot;
use crate::web::documents::{Query, title};
use crate::web::page::{Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

const PATH: &str = "/admin/documents";

#[derive(Template)]
#[template(path = "admin/documents.html", blocks = ["list"])]
struct DocumentsView<'a> {
    page: &'a Shell,
    at: String,
    query: Query,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    title: String,
    category: String,
    position: i64,
    audience: String,
    state: Dot,
    changed: Moment,
    by: String,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    let at = |rest: &str| format!("{PATH}/{{id}}{rest}");
    routes
        .get(PATH, get)
        .post(PATH, edit::post)
        .get(&format!("{PATH}/new"), edit::new)
        .get(&at(""), edit::get_one)
        .post(&at(""), edit::post_one)
        .get(&at("/delete"), edit::ask_delete)
        .post(&at("/delete"), edit::delete)
        .post(&at("/files"), files::post)
        .get(&at("/files/{file}/delete"), files::ask_delete)
        .post(&at("/files/{file}/delete"), files::delete);
}

async fn get(page: Page<Look>, state: web::Data<WebState>, query: web::Query<Query>) -> PageResult {
    let query = query.into_inner();
    let sought = query.q.trim().to_lowercase();
    let all = state.db.read(|c| Box::pin(documents::list(c))).await?;
    let fits = |heading: &&Heading| {
        let texts = [&heading.title_en, &heading.title_zh, &heading.category];
        texts
            .iter()
            .any(|text| text.to_lowercase().contains(&sought))
    };
    let view = DocumentsView {
        page: &page,
        at: page.url(PATH),
        query: query.clone(),
        rows: all
            .iter()
            .filter(fits)
            .map(|heading| row(&page, heading))
            .collect(),
    };
    page.show_or(&view, &view.as_list())
}

fn row(page: &Shell, heading: &Heading) -> Row {
    Row {
        href: page.url(&format!("{PATH}/{}", heading.id)),
        title: title(page.lang, heading).to_owned(),
        category: heading.category.clone(),
        position: heading.position,
        audience: audience_text(page, heading.audience),
        state: if heading.published {
            Dot::new("success", page.t("admin-documents-published"))
        } else {
            Dot::new("muted", page.t("admin-documents-draft"))
        },
        changed: page.moment(heading.updated_at.timestamp_millis()),
        by: heading.updated_by.clone(),
    }
}

fn audience_text(page: &Shell, audience: Audience) -> String {
    page.t_code("admin-documents-audience-", audience.as_str())
}
