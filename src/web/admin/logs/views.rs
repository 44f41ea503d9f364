//! Views of the log: filters and columns under a name, to come back to, to share, or to begin with.

use actix_web::web;
use modelgate_domain::Permission;
use modelgate_store::log_views::{self, LogView, NewLogView};
use modelgate_store::{StoreError, changes};
use serde_json::json;

use super::filter::{EVERYTHING, Query};
use crate::web::admin::components::fields::change;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Known as _, Look, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// Characters of a view's name.
const LONGEST: usize = 60;
/// Bytes of a view's query string.
const LONGEST_QUERY: usize = 2_000;
/// Views of one account.
const MOST: usize = 50;

/// The list of views, and whether the present choice is one of them.
pub(super) struct Views {
    pub(super) list: Vec<View>,
    /// What is shown is called so; empty where it is no view.
    pub(super) current: String,
    /// Whether that is one's own view and shared, and whether it opens with the page.
    pub(super) is_shared: bool,
    pub(super) is_opening: bool,
    /// The present choice, to be kept.
    pub(super) query: String,
    /// Whether a view of somebody's own choice opens with the page.
    pub(super) has_opening: bool,
    pub(super) may_share: bool,
}

/// A view as the list shows it.
pub(super) struct View {
    pub(super) id: i64,
    pub(super) href: String,
    pub(super) name: String,
    /// Whose it is; empty for one's own.
    pub(super) owner: String,
    pub(super) is_shared: bool,
    pub(super) is_own: bool,
    pub(super) is_current: bool,
    pub(super) is_opening: bool,
}

impl Views {
    pub(super) fn new(page: &Shell, query: &Query, all: &[LogView], opening: Option<i64>) -> Self {
        let present = query.canonical();
        let own = page.user.as_ref().map(|user| user.id);
        let view = |view: &LogView| {
            let is_own = own == Some(view.user_id);
            let asked = Query::parse(&view.query);
            View {
                id: view.id,
                href: page.url(&asked.address(None)),
                name: view.name.clone(),
                owner: if is_own {
                    String::new()
                } else {
                    view.owner.clone()
                },
                is_shared: view.shared,
                is_own,
                is_current: asked.canonical() == present,
                is_opening: opening == Some(view.id),
            }
        };
        let list: Vec<View> = all.iter().map(view).collect();
        let current = list.iter().find(|view| view.is_current);
        Self {
            current: current.map(|view| view.name.clone()).unwrap_or_default(),
            is_shared: current.is_some_and(|view| view.is_own && view.is_shared),
            is_opening: current.is_some_and(|view| view.is_opening),
            has_opening: list.iter().any(|view| view.is_opening),
            list,
            query: present,
            may_share: page.may(Permission::Operate),
        }
    }
}

/// `POST /admin/logs/views`: keeps what is shown under a name; who may change nothing else keeps it for himself.
pub(super) async fn save(page: Page<Look>, state: web::Data<WebState>, form: Form) -> PageResult {
    let query = Query::parse(form.text("query"));
    let back = query.address(None);
    let name = form.text("name").to_owned();
    let count = name.chars().count();
    if !(1..=LONGEST).contains(&count) || name.chars().any(char::is_control) {
        let wrong = page.t1("admin-logs-view-bad-name", "most", LONGEST.to_string());
        return page.redirect_with(&back, &Toast::error(wrong));
    }
    let view = NewLogView {
        user_id: page.who.user().id,
        name: name.clone(),
        query: query.canonical(),
        shared: form.checked("shared"),
    };
    if view.query.len() > LONGEST_QUERY {
        return Err(PageError::BadRequest);
    }
    if view.shared && !page.may(Permission::Operate) {
        return Err(PageError::Forbidden);
    }
    let opens = form.checked("opens");
    let after = json!({ "query": view.query, "shared": view.shared });
    let object = format!("log view {name}");
    let entry = change(&page, &state, "log_view.save", object, Some(after));
    let is_kept = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let all = log_views::list(c, view.user_id).await?;
                let mut own = all.iter().filter(|other| other.user_id == view.user_id);
                let is_known = own.clone().any(|other| other.name == view.name);
                if !is_known && own.by_ref().count() >= MOST {
                    return Ok(false);
                }
                let id = log_views::save(c, &view, entry.at).await?;
                if opens {
                    log_views::set_default(c, view.user_id, Some(id)).await?;
                }
                changes::note(c, &entry).await?;
                Ok::<_, StoreError>(true)
            })
        })
        .await?;
    let toast = if is_kept {
        Toast::success(page.t1("admin-logs-view-saved", "name", name))
    } else {
        Toast::error(page.t1("admin-logs-view-too-many", "most", MOST.to_string()))
    };
    page.redirect_with(&back, &toast)
}

/// `POST /admin/logs/views/{id}/delete`: only one's own.
pub(super) async fn delete(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let (id, user) = (id.into_inner(), page.who.user().id);
    let mut entry = change(&page, &state, "log_view.delete", String::new(), None);
    let name = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let all = log_views::list(c, user).await?;
                let found = all.into_iter().find(|v| v.id == id && v.user_id == user);
                let Some(view) = found else {
                    return Ok(None);
                };
                log_views::delete(c, user, id).await?;
                entry.object = format!("log view {}", view.name);
                entry.before = Some(json!({ "query": view.query, "shared": view.shared }));
                changes::note(c, &entry).await?;
                Ok::<_, StoreError>(Some(view.name))
            })
        })
        .await?;
    let name = name.ok_or(PageError::NotFound)?;
    let toast = Toast::success(page.t1("admin-logs-view-deleted", "name", name));
    page.redirect_with(EVERYTHING, &toast)
}

/// `POST /admin/logs/views/opening`: the view that opens with the page, or none.
pub(super) async fn open_with(
    page: Page<Look>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let (wanted, user) = (form.text("view").parse::<i64>().ok(), page.who.user().id);
    let view = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let all = log_views::list(c, user).await?;
                let view = all.into_iter().find(|view| Some(view.id) == wanted);
                if view.is_some() || wanted.is_none() {
                    log_views::set_default(c, user, wanted).await?;
                }
                Ok::<_, StoreError>(view)
            })
        })
        .await?;
    let (to, toast) = match (view, wanted) {
        (Some(view), _) => {
            let text = page.t1("admin-logs-view-opens", "name", &view.name);
            (Query::parse(&view.query).address(None), text)
        }
        (None, None) => (EVERYTHING.to_owned(), page.t("admin-logs-view-opens-all")),
        (None, Some(_)) => return Err(PageError::NotFound),
    };
    page.redirect_with(&to, &Toast::success(toast))
}
