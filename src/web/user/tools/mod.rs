//! How to point a tool at this gateway: settings with the real address and the chosen model, to copy or to download.
//!
//! The key is a placeholder everywhere: pages do not know it.

mod render;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use self::render::{Tool, Values, tools};
use super::dashboard::choices;
use super::own::Own;
use crate::i18n::Lang;
use crate::web::encode_query;
use crate::web::error::PageError;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::public::landing::root_url;
use crate::web::shell::Shell;
use crate::web::state::WebState;

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
    base_url: String,
    /// Whether the limits of the model are not known here and others are shown.
    assumed: bool,
    tools: Vec<ToolView>,
}

/// One tool.
struct ToolView {
    id: &'static str,
    name: &'static str,
    place: &'static str,
    note: &'static str,
    checked: bool,
    text: String,
    /// Empty where there is no file.
    download: String,
}

/// What an address of these pages may ask for.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    key: Option<i64>,
    #[serde(default)]
    model: String,
}

/// `GET /user/tools`
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let own = Own::of(&page.who, &state.catalog.load_full(), query.key);
    let values = values(&page, &state, own.as_ref(), &query.model);
    let key = own.as_ref().map_or(0, |own| own.key.id.0);
    let view = ToolsView {
        page: page.shell(),
        at: page.url("/user/tools"),
        has_key: own.is_some(),
        keys: choices(own.as_ref()),
        key,
        models: values.as_ref().map(Values::choices).unwrap_or_default(),
        base_url: format!("{}/v1", root_url(&page, &state)),
        assumed: values.as_ref().is_some_and(Values::are_assumed),
        tools: match &values {
            Some(values) => tools()
                .iter()
                .map(|t| shown(&page, t, values, key))
                .collect(),
            None => Vec::new(),
        },
    };
    page.show(&view)
}

/// `GET /user/tools/{id}/file`
pub(in crate::web) async fn download(
    page: Page<Holder>,
    state: web::Data<WebState>,
    id: web::Path<String>,
    query: web::Query<Query>,
) -> PageResult {
    file(&page, &state, &id, &query)
}

/// `GET /opencode/opencode.json`
pub(in crate::web) async fn opencode(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    file(&page, &state, OPENCODE, &query)
}

/// `GET /opencode/setup.md`: what to do, written so that a coding agent can follow it.
pub(in crate::web) async fn setup(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let own = Own::of(&page.who, &state.catalog.load_full(), query.key);
    let values = values(&page, &state, own.as_ref(), &query.model);
    let tool = tools().iter().find(|tool| tool.id == OPENCODE);
    let (Some(values), Some(tool)) = (values, tool) else {
        return Err(PageError::NotFound);
    };
    let models = values.choices();
    let models: Vec<String> = models
        .iter()
        .map(|(name, _)| format!("- `{name}`"))
        .collect();
    let text = page.t_with(
        "user-tools-setup",
        &[
            ("place", &tool.place),
            ("models", &models.join("\n")),
            ("config", &tool.text(&values)),
        ],
    );
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/markdown; charset=utf-8"))
        .body(text))
}

fn file(page: &Page<Holder>, state: &WebState, id: &str, query: &Query) -> PageResult {
    let own = Own::of(&page.who, &state.catalog.load_full(), query.key);
    let values = values(page, state, own.as_ref(), &query.model);
    let tool = tools().iter().find(|tool| tool.id == id);
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

/// What goes into the templates; nothing where the key may use no chat model.
fn values(
    page: &Page<Holder>,
    state: &WebState,
    own: Option<&Own>,
    wanted: &str,
) -> Option<Values> {
    let models = state.catalog.load().visible_models(&own?.key);
    let placeholder = page.t("user-tools-placeholder");
    Values::new(&root_url(page, state), &placeholder, &models, wanted)
}

fn shown(page: &Shell, tool: &'static Tool, values: &Values, key: i64) -> ToolView {
    let path = format!(
        "/user/tools/{}/file?key={key}&model={}",
        tool.id,
        encode_query(values.model())
    );
    ToolView {
        id: &tool.id,
        name: &tool.name,
        place: &tool.place,
        note: match page.lang {
            Lang::Zh => &tool.note_zh,
            Lang::En => &tool.note_en,
        },
        checked: tool.checked,
        text: tool.text(values),
        download: if tool.download.is_empty() {
            String::new()
        } else {
            page.url(&path)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                    base_url: "https://gate.example/v1".to_owned(),
                    assumed: true,
                    tools: tools()
                        .iter()
                        .filter(|_| has_key)
                        .map(|t| shown(&page, t, &values, 1))
                        .collect(),
                };
                let html = view.render().unwrap();
                assert_eq!(html.contains("opencode.ai/config.json"), has_key);
                assert!(!html.contains("user-tools-"));
            }
        }
    }
}
