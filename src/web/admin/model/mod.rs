//! One model: its settings, rules and aliases, who serves it, and what it costs.

mod fallbacks;
mod order;
mod price;
mod stored;
mod target;

use actix_web::web;
use askama::Template;
use modelgate_domain::{
    Busyness, Cause, Limit, LimitScope, Modality, ModelId, Price, Strategy, TargetId, naming,
};
use modelgate_store::models::{Model, ModelData};
use modelgate_store::prices::PriceOf;
use modelgate_store::providers::Provider;
use modelgate_store::targets::Target;
use modelgate_store::{Conn, changes, limits, models, prices, providers, targets};
use serde::Deserialize;
use serde_json::{Value, json};

use self::fallbacks::FallbackRow;
use self::price::{PriceLine, PriceSubject};
use super::catalogue;
use super::components::allowances::{self, Allowances, Subject};
use super::components::confirm;
use super::components::fields::{Fields, Refused, answer, change, save};
use super::components::removal::{Ended, Ending};
use super::components::version::Opened;
use super::components::{rows, summary};
use super::models::{PATH, check_name, is_kind, kind_choices, provider_choices, provider_name};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Known, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/model.html")]
struct ModelView<'a> {
    page: &'a Shell,
    name: String,
    at: String,
    /// Of the form that came back what it holds, of the others what is stored.
    state: FormState,
    /// The version of the settings, and of the price.
    settings: FormState,
    price: FormState,
    kinds: Vec<(String, String)>,
    strategies: Vec<(String, String)>,
    modalities: Vec<(String, String)>,
    tools: Vec<(String, String)>,
    /// Its limits in a sentence; empty where it has none.
    summary: String,
    allowances: Allowances,
    fallbacks: Vec<FallbackRow>,
    causes: Vec<(String, String)>,
    others: Vec<(String, String)>,
    providers: Vec<(String, String)>,
    levels: Vec<(String, String)>,
    targets: Vec<TargetRow>,
    /// What the price that is shown is for, and what else has one of its own.
    of: String,
    subjects: Vec<PriceSubject>,
    prices: Vec<PriceLine>,
    /// Where the catalogue says more of it: what to say, and the address.
    more: Option<(String, String)>,
}

struct TargetRow {
    id: i64,
    provider: String,
    upstream: String,
    state: FormState,
    /// What was wrong with it.
    problem: String,
}

struct Loaded {
    model: Model,
    aliases: Vec<String>,
    fallbacks: Vec<(ModelId, Cause)>,
    limits: Vec<Limit>,
    /// Every other model.
    others: Vec<(ModelId, String)>,
    targets: Vec<Target>,
    /// Of the model, newest first.
    prices: Vec<Price>,
    /// Of targets: those that have one of their own, newest first.
    own_prices: Vec<(TargetId, Vec<Price>)>,
    providers: Vec<Provider>,
    /// Whether the catalogue says more of it.
    more: bool,
}

/// What the address asks to see.
#[derive(Debug, Deserialize)]
struct Shown {
    /// The target whose own price is shown; the model's otherwise.
    #[serde(default)]
    price: String,
}

/// What the settings form asks.
struct Edit {
    data: ModelData,
    aliases: Vec<String>,
    fallbacks: Vec<(ModelId, Cause)>,
    limits: Vec<Limit>,
}

/// All calls of the model together.
const SUBJECT: Subject<'static> = Subject {
    scope: LimitScope::Model,
    models: &[],
};

const DELETE: Ending = Ending {
    texts: "admin-model-delete-",
    done: "admin-model-deleted",
    value: "name",
    action: "model.delete",
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    let at = |rest: &str| format!("{PATH}/{{id}}{rest}");
    routes
        .get(&at(""), get)
        .post(&at(""), post)
        .get(&at("/delete"), ask_delete)
        .post(&at("/delete"), delete)
        .post(&at("/price"), price::set)
        .post(&at("/targets"), target::add)
        .post(&at("/targets/order"), order::post)
        .post(&at("/targets/{target}"), target::edit);
}

async fn load(state: &WebState, id: i64) -> Result<Loaded, PageError> {
    let now_ms = state.clock.now_ms();
    let read = state
        .db
        .read(move |c| Box::pin(async move { Loaded::read(c, ModelId(id), now_ms).await }));
    read.await
}

async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    query: web::Query<Shown>,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let shown = FormState::default().with(price::OF, &query.price);
    page.show(&view(&page, &loaded, shown))
}

async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let edit = match read(&page, &form, &loaded) {
        Ok(edit) => edit,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let id = loaded.model.id;
    let object = loaded.object();
    let after = loaded.audited(&edit);
    let mut entry = change(&page, &state, "model.update", object, Some(after));
    entry.before = Some(loaded.audited(&loaded.present()));
    let renamed = edit.data.name != loaded.model.name;
    let opened = Opened::of(&form);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = Loaded::read(c, id, entry.at.timestamp_millis()).await?;
            opened
                .check(c, &stored::settings(&now), &now.object())
                .await?;
            if renamed {
                check_name(c, &edit.data.name).await?;
            }
            check_aliases(c, &edit.aliases).await?;
            if !models::update(c, id, &edit.data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            models::set_aliases(c, id, &edit.aliases).await?;
            models::set_fallbacks(c, id, &edit.fallbacks).await?;
            limits::replace(c, LimitScope::Model, id.0, &edit.limits).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-saved")
}

fn read(page: &Shell, form: &Form, loaded: &Loaded) -> Result<Edit, FormState> {
    let mut fields = Fields::new(page, form);
    if rows::wants_more(&fields.state) {
        return Err(fields.state);
    }
    let mut aliases: Vec<String> = form
        .text("aliases")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    aliases.sort();
    aliases.dedup();
    let is_strategy = |text: &str| text.parse::<Strategy>().map(|_known| ());
    let strategy = fields.text("strategy", is_strategy, "admin-model-bad-choice");
    let data = ModelData {
        name: fields.text("name", naming::model, "admin-model-bad-name"),
        display_name: form.text("display_name").chars().take(100).collect(),
        kind: fields.text("kind", is_kind, "admin-model-bad-choice"),
        context_length: fields.optional_number("context_length", &naming::TOKENS),
        max_output_tokens: fields.optional_number("max_output_tokens", &naming::TOKENS),
        enabled: form.checked("enabled"),
        hidden: form.checked("hidden"),
        strategy: strategy.parse().unwrap_or_default(),
        affinity: form.checked("affinity"),
        modalities: form
            .all("modality")
            .filter_map(|name| name.parse::<Modality>().ok())
            .collect(),
        tools: match form.text("tools") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
    };
    let unusable = aliases
        .iter()
        .find(|a| naming::model(a).is_err() || **a == data.name);
    if let Some(alias) = unusable {
        fields.fail_with("aliases", "admin-model-bad-alias", &[("alias", alias)]);
    }
    let edit = Edit {
        data,
        aliases,
        fallbacks: fallbacks::read(&mut fields, &loaded.others),
        limits: allowances::read(&mut fields, SUBJECT),
    };
    fields.finish(edit)
}

async fn check_aliases(c: &mut Conn, aliases: &[String]) -> Result<(), Refused> {
    let all = providers::list(c).await?;
    for alias in aliases {
        if naming::taken_prefix(alias, all.iter().map(|p| p.name.as_str())).is_some() {
            return Err(Refused::Field("aliases", "admin-model-taken-prefix"));
        }
        if models::find_by_name(c, alias).await?.is_some() {
            return Err(Refused::Field("aliases", "admin-model-taken-alias"));
        }
    }
    Ok(())
}

impl Loaded {
    async fn read(c: &mut Conn, id: ModelId, now_ms: i64) -> Result<Self, PageError> {
        let model = models::find(c, id)
            .await?
            .filter(|m| m.deleted_at.is_none())
            .ok_or(PageError::NotFound)?;
        let own = models::fallbacks(c).await?.into_iter();
        let others = models::list(c).await?.into_iter();
        let targets = targets::list_of(c, id).await?;
        let mut own_prices = Vec::new();
        for target in &targets {
            let own = prices::list_of(c, PriceOf::Target(target.id)).await?;
            own_prices.push((target.id, own));
        }
        own_prices.retain(|(_, own)| !own.is_empty());
        Ok(Self {
            model,
            own_prices,
            aliases: models::aliases_of(c, id).await?,
            fallbacks: own
                .filter(|f| f.model_id == id)
                .map(|f| (f.fallback_id, f.cause))
                .collect(),
            limits: limits::of(c, LimitScope::Model, id.0).await?,
            others: others
                .filter(|m| m.id != id)
                .map(|m| (m.id, m.name))
                .collect(),
            targets,
            prices: prices::list_of(c, PriceOf::Model(id)).await?,
            providers: providers::list(c).await?,
            more: catalogue::says_more(c, id, now_ms).await?,
        })
    }

    /// The prices of a target of its own, or of the model.
    fn prices_of(&self, of: Option<TargetId>) -> &[Price] {
        let Some(of) = of else {
            return &self.prices;
        };
        let own = self.own_prices.iter().find(|(id, _)| *id == of);
        own.map_or(&[], |(_, prices)| prices)
    }

    /// What the audit log calls it.
    fn object(&self) -> String {
        format!("model {}", self.model.name)
    }

    fn present(&self) -> Edit {
        Edit {
            data: self.model.clone().into(),
            aliases: self.aliases.clone(),
            fallbacks: self.fallbacks.clone(),
            limits: self.limits.clone(),
        }
    }

    /// What the audit log keeps of a model.
    fn audited(&self, edit: &Edit) -> Value {
        let data = &edit.data;
        json!({
            "name": data.name, "display_name": data.display_name, "kind": data.kind,
            "context_length": data.context_length, "max_output_tokens": data.max_output_tokens,
            "modalities": data.modalities.to_string(), "tools": data.tools,
            "enabled": data.enabled, "hidden": data.hidden, "aliases": edit.aliases,
            "strategy": data.strategy, "affinity": data.affinity,
            "fallbacks": fallbacks::audited(&edit.fallbacks, &self.others),
            "limits": allowances::audited(&edit.limits, SUBJECT),
        })
    }
}

async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let model = load(&state, *id).await?.model;
    let back = format!("{PATH}/{}", model.id);
    let question = DELETE.question(&page, &model.name, (&format!("{back}/delete"), &back));
    confirm::ask(&page, &question)
}

async fn delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let id = loaded.model.id;
    let ended = Ended {
        object: loaded.object(),
        before: Some(loaded.audited(&loaded.present())),
        name: loaded.model.name,
        to: PATH.to_owned(),
    };
    DELETE
        .end(&page, &state, ended, move |c, entry| {
            Box::pin(async move { models::delete(c, id, entry.at).await.map(drop) })
        })
        .await
}

fn done(
    page: &Page<impl Known>,
    loaded: &Loaded,
    saved: Result<(), FormState>,
    text: &str,
) -> PageResult {
    let to = format!("{PATH}/{}", loaded.model.id);
    answer(page, saved, (&to, page.t(text)), |form_state| {
        again(page, loaded, form_state)
    })
}

fn again(page: &Page<impl Known>, loaded: &Loaded, form_state: FormState) -> PageResult {
    let more = rows::wants_more(&form_state);
    page.once_more(&view(page, loaded, form_state), more)
}

/// The page: of the form that came back what it holds, of the others what is stored.
fn view<'a>(page: &'a Shell, loaded: &Loaded, form_state: FormState) -> ModelView<'a> {
    let of = price::subject(loaded, form_state.value(price::OF));
    let posted = stored::Posted::sorted(form_state);
    let (settings, price) = (posted.settings(loaded), posted.price(loaded, of));
    let targets = loaded.targets.iter().map(|target| {
        let state = posted.target(loaded, target);
        TargetRow {
            id: target.id.0,
            provider: provider_name(&loaded.providers, target.provider_id).to_owned(),
            upstream: target.upstream_model.clone(),
            problem: ["priority", "weight"]
                .map(|name| state.error(name))
                .concat(),
            state,
        }
    });
    let targets: Vec<TargetRow> = targets.collect();
    let names = |prefix: &str, all: &[&str]| -> Vec<(String, String)> {
        let pair = |name: &&str| ((*name).to_owned(), page.t_code(prefix, name));
        all.iter().map(pair).collect()
    };
    let any = |key: &str| vec![(String::new(), page.t(key))];
    let levels: Vec<&str> = Busyness::ALL.iter().map(|level| level.as_str()).collect();
    let strategies: Vec<&str> = Strategy::ALL.iter().map(|s| s.as_str()).collect();
    let modalities: Vec<&str> = Modality::ALL.iter().map(|m| m.as_str()).collect();
    let causes = ["overloaded", "context_too_long", "refused"];
    let others = loaded.others.iter();
    let state = posted.whole(loaded, of);
    ModelView {
        page,
        settings,
        price,
        name: loaded.model.name.clone(),
        at: page.url(&format!("{PATH}/{}", loaded.model.id)),
        kinds: kind_choices(page),
        strategies: names("admin-model-strategy-", &strategies),
        modalities: names("modality-", &modalities),
        tools: [any("state-unknown"), names("state-", &["yes", "no"])].concat(),
        summary: summary::of_limits(page.lang, &loaded.limits),
        allowances: allowances::view(page, &state, SUBJECT),
        fallbacks: fallbacks::view(&state),
        causes: [
            any("admin-model-cause-any"),
            names("admin-model-cause-", &causes),
        ]
        .concat(),
        others: any("admin-model-fallback-none")
            .into_iter()
            .chain(others.map(|(id, name)| (id.to_string(), name.clone())))
            .collect(),
        providers: provider_choices(&loaded.providers).collect(),
        levels: [
            any("admin-model-busyness-always"),
            names("rules-busyness-", &levels),
        ]
        .concat(),
        targets,
        of: of.map(|id| id.to_string()).unwrap_or_default(),
        subjects: price::subjects(page, loaded, of),
        prices: price::lines(page, loaded.prices_of(of)),
        more: loaded.more.then(|| {
            let source = catalogue::source(page);
            let told = page.t1("admin-catalogue-more", "source", source.as_str());
            (told, page.url(&catalogue::address_for(loaded.model.id)))
        }),
        state,
    }
}
