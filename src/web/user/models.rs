//! The models that a key may use: what they are, what they cost, and whether a call would be answered now.

use std::sync::Arc;

use actix_web::web;
use askama::Template;

use super::dashboard::{Query, choices};
use super::own::Own;
use crate::admission::{Ask, Weight, price_at};
use crate::catalog::{ApiKey, Catalog, Model, Resolved};
use crate::explain::{Question, explain};
use crate::i18n::format;
use crate::web::encode_query;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "user/models.html", blocks = ["models"])]
struct ModelsView<'a> {
    page: &'a Shell,
    at: String,
    has_key: bool,
    /// Id, name, whether it is the present one; empty where there is nothing to choose.
    keys: Vec<(i64, String, bool)>,
    key: i64,
    rows: Vec<Row>,
}

/// One model.
struct Row {
    name: String,
    kind: String,
    context: String,
    output: String,
    price: String,
    cached: String,
    /// What a call would come to now.
    state: String,
    dot: &'static str,
    /// Where its tool settings are; empty where no tool could use it.
    tools: String,
}

/// `GET /user/models`
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let catalog = state.catalog.load_full();
    let own = Own::of(&page.who, &catalog, query.key);
    let mut rows = Vec::new();
    if let Some(own) = &own {
        for model in catalog.visible_models(&own.key) {
            rows.push(row(&page, &state, &catalog, &own.key, &model).await);
        }
    }
    let view = ModelsView {
        at: page.url("/user/models"),
        has_key: own.is_some(),
        keys: choices(own.as_ref()),
        key: own.as_ref().map_or(0, |own| own.key.id.0),
        rows,
        page: page.shell(),
    };
    page.show_or(&view, &view.as_models())
}

async fn row(
    page: &Shell,
    state: &WebState,
    catalog: &Catalog,
    key: &ApiKey,
    model: &Arc<Model>,
) -> Row {
    let resolved = Resolved {
        model: Arc::clone(model),
        pinned: None,
    };
    let question = Question {
        catalog,
        kind: &model.kind,
        ask: Ask {
            key,
            resolved: &resolved,
            stream: false,
            weight: Weight::default(),
            address: None,
            started_ms: page.now_ms,
            now_ms: page.now_ms,
        },
        seed: page.now_ms.unsigned_abs(),
        conversation: None,
    };
    let outcome = explain(&question, &state.admission, &state.health)
        .await
        .outcome;
    let (price, cached) = prices(page, key, model);
    let tools = format!(
        "/user/tools?key={}&model={}",
        key.id,
        encode_query(&model.name)
    );
    Row {
        kind: page.t_code("user-models-kind-", &model.kind),
        context: tokens(model.context_length),
        output: tokens(model.max_output_tokens),
        price,
        cached,
        state: page.t_code("user-models-state-", outcome),
        dot: match outcome {
            "call" => "success",
            "wait" | "fall_back" => "warning",
            _ => "danger",
        },
        tools: if &*model.kind == "chat" {
            page.url(&tools)
        } else {
            String::new()
        },
        name: model.name.to_string(),
    }
}

fn tokens(count: Option<i64>) -> String {
    count.map_or_else(|| "—".to_owned(), format::integer)
}

/// The price at the target that is tried first: input and output, and what is read from cache.
fn prices(page: &Shell, key: &ApiKey, model: &Model) -> (String, String) {
    let mut targets = model
        .targets
        .iter()
        .filter(|target| target.enabled && target.weight > 0 && target.provider.enabled);
    let first = targets.find(|target| key.may_use(model, Some(target)));
    let Some(price) = first.and_then(|target| price_at(model, target, page.now_ms)) else {
        return (page.t("user-models-unpriced"), String::new());
    };
    let amount = |nanos| format::money_exact(&price.currency, nanos);
    let shown = page.t_with(
        "user-models-price",
        &[
            ("input", &amount(price.input)),
            ("output", &amount(price.output)),
        ],
    );
    let cached = price.cached_input.map(amount);
    let cached = cached.map(|nanos| page.t1("user-models-cached", "price", nanos));
    (shown, cached.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_none_and_many() {
        for lang in Lang::ALL {
            for (has_key, count) in [(false, 0), (true, 0), (true, 80)] {
                let page = Shell::sample(lang);
                let row = |_| Row {
                    name: "<script>alert(1)</script>".to_owned() + &"x".repeat(180),
                    kind: page.t("user-models-kind-chat"),
                    context: "128,000".to_owned(),
                    output: "—".to_owned(),
                    price: page.t("user-models-unpriced"),
                    cached: String::new(),
                    state: page.t("user-models-state-call"),
                    dot: "success",
                    tools: "/user/tools".to_owned(),
                };
                let view = ModelsView {
                    page: &page,
                    at: page.url("/user/models"),
                    has_key,
                    keys: Vec::new(),
                    key: 1,
                    rows: (0..count).map(row).collect(),
                };
                let html = view.render().unwrap();
                assert!(!html.contains("<script>alert") && !html.contains("user-models-"));
            }
        }
    }
}
