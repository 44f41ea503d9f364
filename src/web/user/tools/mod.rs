//! How to point a tool at this gateway: settings with the real address and the chosen model, to copy or to download.
//!
//! The key is a placeholder everywhere, but for one that has just been issued: pages do not know it.

pub(super) mod merge;
pub(super) mod renew;
pub(super) mod setup;
pub(super) mod trial;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use self::trial::Tried;
use super::dashboard::choices;
use super::own::{Own, asked};
use crate::secrets::hash_key;
use crate::web::encode_query;
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::public::landing::root_url;
use crate::web::shell::Shell;
use crate::web::state::WebState;
use crate::web::tools::{self, Tool, ToolView, Values, tools};

const OPENCODE: &str = "opencode";

#[derive(Template)]
#[template(path = "user/tools.html")]
struct ToolsView<'a> {
    page: &'a Shell,
    at: String,
    has_key: bool,
    keys: Vec<(i64, String, bool)>,
    key: i64,
    models: Vec<(String, bool)>,
    /// The chosen one.
    model: String,
    base_url: String,
    /// Whether the limits of the model are not known here and others are shown.
    assumed: bool,
    tools: Vec<ToolView>,
    /// Whether the holder may issue another secret.
    may_renew: bool,
    /// How long a link for an agent works.
    setup_minutes: String,
    /// The key and the model, as an address asks for them.
    asked: String,
    /// Where a file goes to be merged.
    merge_at: String,
    said: Said,
}

/// What a page says once, after something was asked for on it.
struct Said {
    status: StatusCode,
    /// A secret that has just been issued.
    secret: Option<String>,
    /// A link for an agent that has just been made.
    link: Option<String>,
    /// What was wrong with a file.
    problem: String,
    /// What became of a test.
    tried: Option<Tried>,
}

impl Said {
    fn is_nothing(&self) -> bool {
        self.secret.is_none()
            && self.link.is_none()
            && self.problem.is_empty()
            && self.tried.is_none()
    }
}

impl Default for Said {
    fn default() -> Self {
        Self {
            status: StatusCode::OK,
            secret: None,
            link: None,
            problem: String::new(),
            tried: None,
        }
    }
}

/// What an address of these pages may ask for.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    key: Option<i64>,
    #[serde(default)]
    model: String,
}

impl Query {
    /// The same fields, posted with a form.
    fn of(form: &Form) -> Self {
        Self {
            key: asked(form),
            model: form.text("model").to_owned(),
        }
    }
}

/// `GET /user/tools`
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let said = Said::default();
    show(&page, &state, &query, said)
}

/// The page, with what is said on it this once.
fn show(page: &Page<Holder>, state: &WebState, query: &Query, said: Said) -> PageResult {
    let mut frame = page.shell().clone();
    if !said.is_nothing() {
        // it is said once: who switches the language comes back to the page itself
        frame.here = here(query);
    }
    let own = Own::of(&page.who, &state.catalog.load_full(), query.key)?;
    let secret = said.secret.as_deref().unwrap_or_default();
    let values = own
        .as_ref()
        .and_then(|own| tools::values(page, state, &own.key.allowed, (secret, &query.model)));
    let key = own.as_ref().map_or(0, |own| own.key.id.0);
    let status = said.status;
    let view = ToolsView {
        page: &frame,
        at: page.url("/user/tools"),
        has_key: own.is_some(),
        may_renew: own.as_ref().is_some_and(|own| may_renew(&page.who, own)),
        keys: choices(own.as_ref()),
        key,
        models: values.as_ref().map(Values::choices).unwrap_or_default(),
        model: values
            .as_ref()
            .map_or_else(String::new, |v| v.model().to_owned()),
        base_url: format!("{}/v1", root_url(page, state)),
        assumed: values.as_ref().is_some_and(Values::are_assumed),
        tools: match &values {
            Some(values) => tools()
                .iter()
                .map(|t| shown(page, t, values, key))
                .collect(),
            None => Vec::new(),
        },
        setup_minutes: page.counted("user-tools-link-body", setup::MINUTES),
        merge_at: merge_at(page, key, values.as_ref()),
        asked: asked_for(key, values.as_ref()),
        said,
    };
    page.respond(status, &view)
}

/// A file is posted without other fields: what they would say stands in the address.
fn merge_at(page: &Shell, key: i64, values: Option<&Values>) -> String {
    page.url(&format!("/user/tools/merge?{}", asked_for(key, values)))
}

fn asked_for(key: i64, values: Option<&Values>) -> String {
    let model = encode_query(values.map_or("", Values::model));
    format!("key={key}&model={model}")
}

/// The page with the same key and model chosen.
fn here(query: &Query) -> String {
    let model = format!("model={}", encode_query(&query.model));
    match query.key {
        Some(key) => format!("/user/tools?key={key}&{model}"),
        None => format!("/user/tools?{model}"),
    }
}

/// Whether the holder may issue another secret for the key: with an account that it belongs to. Whoever has but the key
/// might have found it.
fn may_renew(holder: &Holder, own: &Own) -> bool {
    matches!(holder, Holder::Account(user) if user.id == own.key.user_id)
}

/// `GET /user/tools/{id}/file`
pub(in crate::web) async fn download(
    page: Page<Holder>,
    state: web::Data<WebState>,
    id: web::Path<String>,
    query: web::Query<Query>,
) -> PageResult {
    file(&page, &state, (&id, ""), &query)
}

/// `POST /user/tools/{id}/file`: the file with the key in it, which the page that has just shown it sends along.
pub(in crate::web) async fn download_filled(
    page: Page<Holder>,
    state: web::Data<WebState>,
    id: web::Path<String>,
    form: Form,
) -> PageResult {
    let query = Query::of(&form);
    let own = Own::must(&page.who, &state.catalog.load_full(), query.key)?;
    let secret = form.secret("secret");
    let row = renew::present(&state, own.key.id).await?;
    if row.key_hash != hash_key(secret.expose()) {
        return Err(PageError::BadRequest);
    }
    file(&page, &state, (&id, secret.expose()), &query)
}

/// `GET /opencode/opencode.json`
pub(in crate::web) async fn opencode(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    file(&page, &state, (OPENCODE, ""), &query)
}

/// The settings of a tool, with the secret where one is known.
fn file(
    page: &Page<Holder>,
    state: &WebState,
    (id, secret): (&str, &str),
    query: &Query,
) -> PageResult {
    let own = Own::of(&page.who, &state.catalog.load_full(), query.key)?;
    let values =
        own.and_then(|own| tools::values(page, state, &own.key.allowed, (secret, &query.model)));
    let tool = tools::find(id);
    let (Some(values), Some(tool)) = (values, tool) else {
        return Err(PageError::NotFound);
    };
    if tool.download.is_empty() {
        return Err(PageError::NotFound);
    }
    let name = format!("attachment; filename=\"{}\"", tool.download);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(tool.text(&values)))
}

fn shown(page: &Shell, tool: &'static Tool, values: &Values, key: i64) -> ToolView {
    let path = format!(
        "/user/tools/{}/file?{}",
        tool.id,
        asked_for(key, Some(values))
    );
    ToolView {
        download: if tool.download.is_empty() {
            String::new()
        } else {
            page.url(&path)
        },
        ..ToolView::new(page, tool, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_with_and_without_a_key() {
        for lang in Lang::ALL {
            for has_key in [false, true] {
                let page = Shell::sample(lang);
                let values = Values::sample();
                let view = ToolsView {
                    page: &page,
                    at: page.url("/user/tools"),
                    has_key,
                    keys: Vec::new(),
                    key: 1,
                    models: values.choices(),
                    model: values.model().to_owned(),
                    base_url: "https://gate.example/v1".to_owned(),
                    assumed: true,
                    may_renew: has_key,
                    setup_minutes: page.counted("user-tools-link-body", setup::MINUTES),
                    merge_at: merge_at(&page, 1, Some(&values)),
                    asked: asked_for(1, Some(&values)),
                    said: Said {
                        secret: has_key.then(|| "sk-mg-<b>".to_owned()),
                        link: has_key.then(|| "https://gate.example/opencode/setup.md".to_owned()),
                        problem: "<b>".to_owned(),
                        tried: has_key.then(|| Tried {
                            tool: "opencode",
                            kind: "danger",
                            text: "<b>".to_owned(),
                            href: String::new(),
                        }),
                        ..Said::default()
                    },
                    tools: tools()
                        .iter()
                        .filter(|_| has_key)
                        .map(|t| shown(&page, t, &values, 1))
                        .collect(),
                };
                let html = view.render().unwrap();
                assert_eq!(html.contains("opencode.ai/config.json"), has_key);
                assert!(!html.contains("user-tools-") && !html.contains("<b>"));
            }
        }
    }
}
