//! How to connect: what those who use the gateway see on their tools page, for any key or for none.

use actix_web::web;
use askama::Template;
use modelgate_domain::ApiKeyId;
use serde::Deserialize;

use crate::catalog::AllowedModels;
use crate::web::error::PageError;
use crate::web::page::{Look, Page, PageResult};
use crate::web::public::landing::root_url;
use crate::web::shell::Shell;
use crate::web::state::WebState;
use crate::web::tools::{self, ToolView, Values, tools};

/// What can be called, below the base URL; `admin-usage-endpoint-` and the last part is the text.
const ENDPOINTS: [(&str, &str, &str); 5] = [
    ("POST", "/chat/completions", "chat"),
    ("POST", "/completions", "completions"),
    ("POST", "/embeddings", "embeddings"),
    ("GET", "/models", "models"),
    ("POST", "/explain", "explain"),
];

#[derive(Template)]
#[template(path = "admin/usage.html")]
struct UsageView<'a> {
    page: &'a Shell,
    /// Number, name, whether it is the present one.
    keys: Vec<(String, String, bool)>,
    models: Vec<(String, bool)>,
    base_url: String,
    login: String,
    /// Method, address, what it does.
    endpoints: Vec<(&'static str, String, String)>,
    /// Whether the limits of the model are not known here and others are shown.
    assumed: bool,
    tools: Vec<ToolView>,
}

/// What the address may ask for.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    #[serde(default)]
    key: String,
    #[serde(default)]
    model: String,
}

/// `GET /admin/usage`
pub(in crate::web) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let catalog = state.catalog.load_full();
    let chosen = query.key.parse().ok().map(ApiKeyId);
    let key = chosen.and_then(|id| catalog.keys.values().find(|key| key.id == id));
    if key.is_none() && !query.key.is_empty() {
        return Err(PageError::NotFound);
    }
    let allowed = key.map_or(&AllowedModels::All, |key| &key.allowed);
    let values = tools::values(&page, &state, allowed, ("", &query.model));
    let mut keys: Vec<_> = catalog
        .keys
        .values()
        .map(|key| {
            (
                key.id.to_string(),
                key.name.to_string(),
                Some(key.id) == chosen,
            )
        })
        .collect();
    keys.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    let root = root_url(&page, &state);
    page.show(&view(&page, (&root, keys), values.as_ref()))
}

fn view<'a>(
    page: &'a Shell,
    (root, keys): (&str, Vec<(String, String, bool)>),
    values: Option<&Values>,
) -> UsageView<'a> {
    let endpoint = |(method, path, name): (&'static str, &str, &str)| {
        let text = page.t_code("admin-usage-endpoint-", name);
        (method, format!("{root}/v1{path}"), text)
    };
    let shown = |values| {
        tools()
            .iter()
            .map(|tool| ToolView::new(page, tool, values))
            .collect()
    };
    UsageView {
        page,
        keys,
        models: values.map(Values::choices).unwrap_or_default(),
        base_url: format!("{root}/v1"),
        login: format!("{root}/user/login"),
        endpoints: ENDPOINTS.into_iter().map(endpoint).collect(),
        assumed: values.is_some_and(Values::are_assumed),
        tools: values.map(shown).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_with_and_without_models() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let keys = vec![("1".to_owned(), "<b>".to_owned(), true)];
            for values in [None, Some(Values::sample())] {
                let shown = view(
                    &page,
                    ("https://gate.example", keys.clone()),
                    values.as_ref(),
                );
                let html = shown.render().unwrap();
                assert!(html.contains("https://gate.example/v1/chat/completions"));
                assert_eq!(html.contains("opencode.ai/config.json"), values.is_some());
                assert!(!html.contains("<b>") && !html.contains("admin-usage-"));
            }
        }
    }
}
