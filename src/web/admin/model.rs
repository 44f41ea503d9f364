//! One model: its settings and aliases, who serves it, and what it costs.

use actix_web::web::{self, ServiceConfig};
use askama::Template;
use modelgate_domain::money::format_nanos;
use modelgate_domain::{Currency, ModelId, Price, PriceId, TargetId, naming};
use modelgate_store::models::{Model, ModelData};
use modelgate_store::prices::PriceOf;
use modelgate_store::providers::Provider;
use modelgate_store::targets::{Target, TargetData};
use modelgate_store::{Conn, changes, models, prices, providers, targets};
use serde_json::{Value, json};

use super::components::confirm::{self, Question};
use super::components::fields::{Fields, Refused, change, save};
use super::models::{
    PATH, check_name, chosen_provider, is_kind, kind_choices, provider_choices, provider_name,
};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Admin, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/model.html")]
struct ModelView<'a> {
    page: &'a Shell,
    name: String,
    at: String,
    state: FormState,
    kinds: Vec<(String, String)>,
    providers: Vec<(String, String)>,
    targets: Vec<TargetRow>,
    prices: Vec<PriceLine>,
}

struct TargetRow {
    id: i64,
    provider: String,
    upstream: String,
    priority: i64,
    weight: i64,
    enabled: bool,
}

struct PriceLine {
    from: Moment,
    currency: String,
    input: String,
    cached_input: String,
    output: String,
}

struct Loaded {
    model: Model,
    aliases: Vec<String>,
    targets: Vec<Target>,
    prices: Vec<Price>,
    providers: Vec<Provider>,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/admin/config/models/{id}", web::get().to(get))
        .route("/admin/config/models/{id}", web::post().to(post))
        .route(
            "/admin/config/models/{id}/delete",
            web::get().to(ask_delete),
        )
        .route("/admin/config/models/{id}/delete", web::post().to(delete))
        .route("/admin/config/models/{id}/price", web::post().to(set_price))
        .route(
            "/admin/config/models/{id}/targets",
            web::post().to(add_target),
        )
        .route(
            "/admin/config/models/{id}/targets/{target}",
            web::post().to(edit_target),
        );
}

async fn load(state: &WebState, id: i64) -> Result<Loaded, PageError> {
    let id = ModelId(id);
    state
        .db
        .read(move |c| {
            Box::pin(async move {
                let model = models::find(c, id)
                    .await?
                    .filter(|m| m.deleted_at.is_none())
                    .ok_or(PageError::NotFound)?;
                Ok::<_, PageError>(Loaded {
                    model,
                    aliases: models::aliases_of(c, id).await?,
                    targets: targets::list_of(c, id).await?,
                    prices: prices::list_of(c, PriceOf::Model(id)).await?,
                    providers: providers::list(c).await?,
                })
            })
        })
        .await
}

async fn get(page: Page<Admin>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = load(&state, *id).await?;
    page.show(&view(&page, &loaded, FormState::default()))
}

async fn post(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let (data, aliases) = match read(&page, &form, &loaded.model) {
        Ok(read) => read,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let id = loaded.model.id;
    let object = format!("model {}", loaded.model.name);
    let mut entry = change(
        &page,
        &state,
        "model.update",
        object,
        Some(shown(&data, &aliases)),
    );
    entry.before = Some(shown(&loaded.model.clone().into(), &loaded.aliases));
    let renamed = data.name != loaded.model.name;
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if renamed {
                check_name(c, &data.name).await?;
            }
            check_aliases(c, &aliases).await?;
            if !models::update(c, id, &data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            models::set_aliases(c, id, &aliases).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-saved")
}

fn read(
    page: &Shell,
    form: &Form,
    old: &models::Model,
) -> Result<(ModelData, Vec<String>), FormState> {
    let mut fields = Fields::new(page, form);
    let mut aliases: Vec<String> = form
        .text("aliases")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    aliases.sort();
    aliases.dedup();
    let data = ModelData {
        name: fields.text("name", naming::model, "admin-model-bad-name"),
        display_name: form.text("display_name").chars().take(100).collect(),
        kind: fields.text("kind", is_kind, "admin-model-bad-choice"),
        context_length: fields.optional_number("context_length", &naming::TOKENS),
        max_output_tokens: fields.optional_number("max_output_tokens", &naming::TOKENS),
        enabled: form.checked("enabled"),
        hidden: form.checked("hidden"),
        strategy: old.strategy,
        affinity: old.affinity,
    };
    let unusable = aliases
        .iter()
        .find(|a| naming::model(a).is_err() || **a == data.name);
    if let Some(alias) = unusable {
        let message = page.t1("admin-model-bad-alias", "alias", alias);
        fields.state.fail("aliases", message);
    }
    fields.finish((data, aliases))
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

fn shown(data: &ModelData, aliases: &[String]) -> Value {
    json!({
        "name": data.name, "display_name": data.display_name, "kind": data.kind,
        "context_length": data.context_length, "max_output_tokens": data.max_output_tokens,
        "enabled": data.enabled, "hidden": data.hidden, "aliases": aliases,
    })
}

async fn add_target(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let mut fields = Fields::new(&page, &form);
    let provider = chosen_provider(&loaded.providers, form.text("provider"));
    if provider.is_none() {
        fields.fail("provider", "admin-model-bad-choice");
    }
    let data = TargetData {
        model_id: loaded.model.id,
        provider_id: provider.unwrap_or_default(),
        upstream_model: fields.text("upstream_model", naming::model, "admin-model-bad-name"),
        priority: fields.number("priority", &naming::PRIORITIES),
        weight: fields.number("weight", &naming::WEIGHTS),
        enabled: true,
        busyness_at_most: None,
    };
    let data = match fields.finish(data) {
        Ok(data) => data,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let object = target_object(&loaded, &data);
    let entry = change(
        &page,
        &state,
        "target.create",
        object,
        Some(shown_target(&data)),
    );
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            targets::insert(c, &data, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-saved")
}

/// Saves a target's priority, weight and switch, or removes it.
async fn edit_target(
    page: Page<Admin>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
    form: Form,
) -> PageResult {
    let (id, target) = *ids;
    let loaded = load(&state, id).await?;
    let target = TargetId(target);
    let old = loaded
        .targets
        .iter()
        .find(|t| t.id == target)
        .ok_or(PageError::NotFound)?;
    let mut fields = Fields::new(&page, &form);
    let removes = form.checked("remove");
    let data = TargetData {
        model_id: old.model_id,
        provider_id: old.provider_id,
        upstream_model: old.upstream_model.clone(),
        priority: fields.number("priority", &naming::PRIORITIES),
        weight: fields.number("weight", &naming::WEIGHTS),
        enabled: form.checked("enabled"),
        busyness_at_most: old.busyness_at_most,
    };
    let data = match fields.finish(data) {
        Ok(data) => data,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let action = if removes {
        "target.delete"
    } else {
        "target.update"
    };
    let after = (!removes).then(|| shown_target(&data));
    let entry = change(&page, &state, action, target_object(&loaded, &data), after);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if removes {
                targets::delete(c, target, entry.at).await?;
            } else {
                targets::update(c, target, &data, entry.at).await?;
            }
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-saved")
}

fn target_object(loaded: &Loaded, data: &TargetData) -> String {
    let provider = provider_name(&loaded.providers, data.provider_id);
    format!(
        "model {} target {provider}/{}",
        loaded.model.name, data.upstream_model
    )
}

fn shown_target(data: &TargetData) -> Value {
    json!({ "priority": data.priority, "weight": data.weight, "enabled": data.enabled })
}

async fn set_price(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let mut fields = Fields::new(&page, &form);
    let currency = Currency::parse(form.text("currency"));
    if currency.is_err() {
        fields.fail("currency", "admin-model-bad-currency");
    }
    let old = loaded.prices.first();
    let price = Price {
        id: PriceId::NONE,
        currency: currency.unwrap_or_default(),
        input: fields.nanos("input"),
        cached_input: fields.optional_nanos("cached_input"),
        cache_write: old.and_then(|p| p.cache_write),
        output: fields.nanos("output"),
        reasoning: old.and_then(|p| p.reasoning),
        per_request_nanos: old.map_or(0, |p| p.per_request_nanos),
        effective_from_ms: state.clock.now_ms(),
    };
    let price = match fields.finish(price) {
        Ok(price) => price,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    if old.is_some_and(|old| same(old, &price)) {
        return done(&page, &loaded, Ok(()), "admin-model-price-same");
    }
    let object = format!("model {} price", loaded.model.name);
    let mut entry = change(
        &page,
        &state,
        "price.create",
        object,
        Some(shown_price(&price)),
    );
    entry.before = old.map(shown_price);
    let model = loaded.model.id;
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            prices::insert(c, PriceOf::Model(model), &price, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-price-saved")
}

/// Whether two prices charge the same.
fn same(a: &Price, b: &Price) -> bool {
    let since = |price: &Price| Price {
        id: PriceId::NONE,
        effective_from_ms: 0,
        ..price.clone()
    };
    since(a) == since(b)
}

fn shown_price(price: &Price) -> Value {
    json!({
        "currency": price.currency, "input": format_nanos(price.input),
        "cached_input": price.cached_input.map(format_nanos), "output": format_nanos(price.output),
    })
}

async fn ask_delete(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let model = load(&state, *id).await?.model;
    let back = page.url(&format!("{PATH}/{}", model.id));
    let question = Question {
        title: page.t1("admin-model-delete-title", "name", &model.name),
        body: page.t("admin-model-delete-body"),
        button: page.t("admin-model-delete-button"),
        action: format!("{back}/delete"),
        back,
        typed: String::new(),
        typed_error: String::new(),
    };
    confirm::ask(&page, &question)
}

async fn delete(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let model = loaded.model;
    let object = format!("model {}", model.name);
    let mut entry = change(&page, &state, "model.delete", object, None);
    entry.before = Some(shown(&model.clone().into(), &loaded.aliases));
    let id = model.id;
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                models::delete(c, id, entry.at).await?;
                changes::record(c, &entry).await?;
                Ok::<_, PageError>(())
            })
        })
        .await?;
    let toast = Toast::success(page.t1("admin-model-deleted", "name", &model.name));
    page.redirect_with(PATH, &toast)
}

fn done(
    page: &Page<Admin>,
    loaded: &Loaded,
    saved: Result<(), FormState>,
    text: &str,
) -> PageResult {
    match saved {
        Ok(()) => {
            let toast = Toast::success(page.t(text));
            page.redirect_with(&format!("{PATH}/{}", loaded.model.id), &toast)
        }
        Err(form_state) => again(page, loaded, form_state),
    }
}

fn again(page: &Page<Admin>, loaded: &Loaded, form_state: FormState) -> PageResult {
    let view = view(page, loaded, form_state);
    page.invalid_or(&view, &view)
}

fn view<'a>(page: &'a Shell, loaded: &Loaded, form_state: FormState) -> ModelView<'a> {
    let targets = loaded.targets.iter().map(|target| TargetRow {
        id: target.id.0,
        provider: provider_name(&loaded.providers, target.provider_id).to_owned(),
        upstream: target.upstream_model.clone(),
        priority: target.priority,
        weight: target.weight,
        enabled: target.enabled,
    });
    let prices = loaded.prices.iter().map(|price| PriceLine {
        from: page.moment(price.effective_from_ms),
        currency: price.currency.to_string(),
        input: format_nanos(price.input),
        cached_input: price.cached_input.map(format_nanos).unwrap_or_default(),
        output: format_nanos(price.output),
    });
    ModelView {
        page,
        name: loaded.model.name.clone(),
        at: page.url(&format!("{PATH}/{}", loaded.model.id)),
        state: form_state.or(stored(loaded)),
        kinds: kind_choices(page),
        providers: provider_choices(&loaded.providers).collect(),
        targets: targets.collect(),
        prices: prices.collect(),
    }
}

fn stored(loaded: &Loaded) -> FormState {
    let (model, price) = (&loaded.model, loaded.prices.first());
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let amount = |n: Option<i64>| n.map(format_nanos).unwrap_or_default();
    FormState::default()
        .with("name", &model.name)
        .with("display_name", &model.display_name)
        .with("kind", &model.kind)
        .with("aliases", loaded.aliases.join("\n"))
        .with("context_length", number(model.context_length))
        .with("max_output_tokens", number(model.max_output_tokens))
        .ticked("enabled", model.enabled)
        .ticked("hidden", model.hidden)
        .with("priority", "1")
        .with("weight", naming::WEIGHT.to_string())
        .with("currency", price.map_or("USD", |p| p.currency.as_str()))
        .with("input", amount(price.map(|p| p.input)))
        .with("cached_input", amount(price.and_then(|p| p.cached_input)))
        .with("output", amount(price.map(|p| p.output)))
}
