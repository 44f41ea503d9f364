//! The models that a key may use: what they are, what they cost, whether a call would be answered now; which to take,
//! and when.

mod habits;
mod hours;
mod phrased;
mod recommend;

use std::sync::Arc;

use actix_web::web;
use askama::Template;
use modelgate_domain::ApiKeyId;
use modelgate_store::StoreError;

pub(in crate::web) use self::habits::{Habits, OwnUse};
use self::hours::Timing;
use self::phrased::Phrased;
pub(in crate::web) use self::phrased::{Phrases, get as get_phrased};
use self::recommend::Advice;
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
    advice: Vec<Recommended>,
    phrased: Phrased,
    /// Absent where only the table is asked for.
    timing: Option<Timing>,
    /// How far back figures go, in words.
    days: String,
    hours_of: String,
}

/// A recommended model, and how it stands now.
struct Recommended {
    advice: Advice,
    state: String,
    dot: &'static str,
    playground: String,
}

/// One model.
struct Row {
    name: String,
    kind: String,
    context: String,
    output: String,
    takes: String,
    calls_tools: String,
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
    let own = Own::of(&page.who, &catalog, query.key)?;
    let mut rows = Vec::new();
    let (mut advice, mut timing, mut phrased) = (Vec::new(), None, Phrased::Absent);
    if let Some(own) = &own {
        let models = catalog.visible_models(&own.key);
        for model in &models {
            rows.push(row(&page, &state, &catalog, &own.key, model).await);
        }
        if !page.partial && !models.is_empty() {
            let looked = look(&page, &state, own.key.id, &models).await?;
            phrased = Phrased::kept(&state, &page, own.key.id, &looked);
            advice = recommended(&page, own.key.id.0, looked.advice, &rows);
            timing = Some(looked.timing);
        }
    }
    let view = ModelsView {
        at: page.url("/user/models"),
        has_key: own.is_some(),
        keys: choices(own.as_ref()),
        key: own.as_ref().map_or(0, |own| own.key.id.0),
        rows,
        advice,
        phrased,
        timing,
        days: page.counted("user-models-advice-days", habits::DAYS),
        hours_of: page.counted("user-models-hours-of", habits::DAYS),
        page: page.shell(),
    };
    page.show_or(&view, &view.as_models())
}

/// Which models to take, and when.
struct Looked {
    advice: Vec<Advice>,
    timing: Timing,
}

async fn look(
    page: &Shell,
    state: &WebState,
    key: ApiKeyId,
    models: &[Arc<Model>],
) -> Result<Looked, StoreError> {
    let habits = state.habits(page.zone).await?;
    let used = state.own_use(key).await?;
    let ids: Vec<i64> = models.iter().map(|model| model.id.0).collect();
    Ok(Looked {
        advice: recommend::advise(page, models, &used, &habits),
        timing: hours::timing(page, &habits.by_hour(&ids)),
    })
}

fn recommended(page: &Shell, key: i64, advice: Vec<Advice>, rows: &[Row]) -> Vec<Recommended> {
    let found = advice.into_iter().filter_map(|advice| {
        let row = rows.iter().find(|row| row.name == advice.name)?;
        let model = encode_query(&advice.name);
        Some(Recommended {
            state: row.state.clone(),
            dot: row.dot,
            playground: page.url(&format!("/user/playground?key={key}&model={model}")),
            advice,
        })
    });
    found.collect()
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
        takes: takes(page, model),
        calls_tools: match model.tools {
            Some(true) => page.t("state-yes"),
            Some(false) => page.t("state-no"),
            None => "—".to_owned(),
        },
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

fn takes(page: &Shell, model: &Model) -> String {
    if model.modalities.is_unknown() {
        return "—".to_owned();
    }
    let kinds = model.modalities.iter();
    let kinds: Vec<String> = kinds
        .map(|kind| page.t_code("modality-", kind.as_str()))
        .collect();
    kinds.join(" · ")
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
                    takes: "—".to_owned(),
                    calls_tools: page.t("state-yes"),
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
                    advice: Vec::new(),
                    phrased: Phrased::Absent,
                    timing: (count > 0).then(|| hours::timing(&page, &Default::default())),
                    days: String::new(),
                    hours_of: String::new(),
                    rows: (0..count).map(row).collect(),
                };
                let html = view.render().unwrap();
                assert!(!html.contains("<script>alert") && !html.contains("user-models-"));
            }
        }
    }
}
