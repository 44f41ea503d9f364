//! What happened that those who run the gateway should know: filtered, read, and read away.

use actix_web::web;
use askama::Template;
use modelgate_domain::Severity;
use modelgate_store::StoreError;
use modelgate_store::notices::{self, Filter, Reader};
use serde::Deserialize;

use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::notices::{Row, row};
use crate::web::page::{Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

const PATH: &str = "/admin/notifications";
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "admin/notifications.html", blocks = ["list"])]
struct NotificationsView<'a> {
    page: &'a Shell,
    at: String,
    query: Query,
    /// Value, text, whether it is chosen.
    severities: Vec<(String, String, bool)>,
    rows: Vec<Row>,
    newest: String,
    older: String,
    unread: i64,
    /// What this process could not keep; empty for nothing.
    dropped: String,
}

/// Which notices are looked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    #[serde(default)]
    severity: String,
    /// `unread` leaves out the others.
    #[serde(default)]
    show: String,
    before: Option<i64>,
}

impl Query {
    fn only_unread(&self) -> bool {
        self.show == "unread"
    }

    fn is_set(&self) -> bool {
        self.only_unread() || self.severity.parse::<Severity>().is_ok()
    }

    /// The query without the cursor.
    fn address(&self, at: &str, before: &str) -> String {
        let severity: String = self
            .severity
            .parse::<Severity>()
            .map(|s| s.to_string())
            .unwrap_or_default();
        let show = if self.only_unread() { "unread" } else { "" };
        format!("{at}?severity={severity}&show={show}{before}")
    }
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.get(PATH, get).post(&format!("{PATH}/read"), read);
}

async fn get(page: Page<Look>, state: web::Data<WebState>, query: web::Query<Query>) -> PageResult {
    let query = query.into_inner();
    let filter = Filter {
        severity: query.severity.parse().ok(),
        unread: query.only_unread(),
        before: query.before,
        limit: ROWS,
    };
    let reader = Reader::User(page.who.0.id);
    let (found, unread) = state
        .db
        .read(move |c| {
            Box::pin(async move {
                let boxes = [Reader::Operators];
                let found = notices::list(c, (&boxes, reader), &filter).await?;
                let unread = notices::count_unread(c, &boxes, reader).await?;
                Ok::<_, StoreError>((found, unread))
            })
        })
        .await?;
    let at = page.url(PATH);
    let last = found.rows.last().map_or(0, |(notice, _)| notice.id);
    let dropped = i64::try_from(state.teller.dropped()).unwrap_or(i64::MAX);
    let view = NotificationsView {
        page: &page,
        severities: Severity::ALL
            .iter()
            .map(|severity| {
                let text = page.t_code("notices-severity-", severity.as_str());
                let is_chosen = query.severity == severity.as_str();
                (severity.to_string(), text, is_chosen)
            })
            .collect(),
        newest: if query.before.is_some() {
            query.address(&at, "")
        } else {
            String::new()
        },
        older: if found.more {
            query.address(&at, &format!("&before={last}"))
        } else {
            String::new()
        },
        rows: found
            .rows
            .iter()
            .map(|(notice, is_read)| row(&page, notice, *is_read))
            .collect(),
        dropped: if dropped > 0 {
            page.counted("admin-notifications-dropped", dropped)
        } else {
            String::new()
        },
        at,
        query,
        unread,
    };
    page.show_or(&view, &view.as_list())
}

/// `POST /admin/notifications/read`: one, or all where none is named.
async fn read(page: Page<Look>, state: web::Data<WebState>, form: Form) -> PageResult {
    let id: Option<i64> = form.text("id").parse().ok();
    let reader = Reader::User(page.who.0.id);
    state
        .db
        .write(move |c| {
            Box::pin(async move { notices::mark_read(c, (&[Reader::Operators], reader), id).await })
        })
        .await?;
    let told = Toast::success(page.t("notices-marked"));
    page.redirect_with(PATH, &told)
}
