//! What a holder should know: news about the own keys; and what the operators announce is put away here.

use actix_web::web;
use askama::Template;
use modelgate_store::announcements;
use modelgate_store::notices::{self, Filter};

use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::local_path;
use crate::web::notices::{Row, boxes, row};
use crate::web::page::{Holder, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

const PATH: &str = "/user/notifications";
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "user/notifications.html", blocks = ["list"])]
struct NotificationsView<'a> {
    page: &'a Shell,
    at: String,
    rows: Vec<Row>,
    has_unread: bool,
    newest: String,
    older: String,
}

#[derive(Debug, Default, serde::Deserialize)]
struct Query {
    before: Option<i64>,
}

/// Routes below the base path.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get(PATH, get)
        .post(&format!("{PATH}/read"), read)
        .post(&format!("{PATH}/dismiss"), dismiss);
}

async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let (boxes, reader) = boxes(&page.who, &state.catalog.load());
    let filter = Filter {
        before: query.before,
        limit: ROWS,
        ..Filter::default()
    };
    let found = state
        .db
        .read(move |c| Box::pin(async move { notices::list(c, (&boxes, reader), &filter).await }))
        .await?;
    let at = page.url(PATH);
    let last = found.rows.last().map_or(0, |(notice, _)| notice.id);
    let view = NotificationsView {
        page: &page,
        has_unread: found.rows.iter().any(|(_, is_read)| !is_read),
        newest: query.before.map(|_| at.clone()).unwrap_or_default(),
        older: if found.more {
            format!("{at}?before={last}")
        } else {
            String::new()
        },
        rows: found
            .rows
            .iter()
            .map(|(notice, is_read)| row(&page, notice, *is_read))
            .collect(),
        at,
    };
    page.show_or(&view, &view.as_list())
}

/// `POST /user/notifications/read`: one, or all where none is named.
async fn read(page: Page<Holder>, state: web::Data<WebState>, form: Form) -> PageResult {
    let id: Option<i64> = form.text("id").parse().ok();
    let (boxes, reader) = boxes(&page.who, &state.catalog.load());
    state
        .db
        .write(move |c| Box::pin(async move { notices::mark_read(c, (&boxes, reader), id).await }))
        .await?;
    let told = Toast::success(page.t("notices-marked"));
    page.redirect_with(PATH, &told)
}

/// `POST /user/notifications/dismiss`: puts an announcement away, and goes back to where the person was.
async fn dismiss(page: Page<Holder>, state: web::Data<WebState>, form: Form) -> PageResult {
    let id: i64 = form.text("id").parse().unwrap_or(0);
    let (_, reader) = boxes(&page.who, &state.catalog.load());
    state
        .db
        .write(move |c| Box::pin(async move { announcements::put_away(c, id, reader).await }))
        .await?;
    Ok(page.redirect(&local_path(form.text("to"), PATH)))
}
