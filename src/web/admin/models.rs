//! The list of models, and the form that adds one.

use actix_web::web;
use askama::Template;
use modelgate_domain::money::format_nanos;
use modelgate_domain::{ModelId, Price, ProviderId, naming};
use modelgate_store::models::{Alias, Model, ModelData};
use modelgate_store::prices::{PriceOf, PriceRow};
use modelgate_store::providers::Provider;
use modelgate_store::targets::{Target, TargetData};
use modelgate_store::{Conn, changes, models, prices, providers, targets};
use serde_json::json;

use super::catalogue;
use super::catalogue::proposals::entry;
use super::components::facts::Facts;
use super::components::fields::{Dot, Fields, Refused, change, save};
use crate::i18n::ToArg;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

pub(super) const PATH: &str = "/admin/config/models";
/// What a model can be.
const KINDS: [&str; 2] = ["chat", "embedding"];

#[derive(Template)]
#[template(path = "admin/models.html")]
struct ModelsView<'a> {
    page: &'a Shell,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    aliases: String,
    kind: String,
    /// Each with its own price; empty where the model's holds.
    targets: Vec<(String, String)>,
    price: String,
    state: Dot,
}

#[derive(Template)]
#[template(path = "admin/model_new.html")]
struct NewView<'a> {
    page: &'a Shell,
    state: FormState,
    kinds: Vec<(String, String)>,
    providers: Vec<(String, String)>,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get(PATH, get)
        .post(PATH, post)
        .get("/admin/config/models/new", new);
}

/// Everything the list shows.
struct All {
    models: Vec<Model>,
    aliases: Vec<Alias>,
    targets: Vec<Target>,
    providers: Vec<Provider>,
    prices: Vec<PriceRow>,
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let all = state
        .db
        .read(|c| {
            Box::pin(async move {
                Ok::<_, PageError>(All {
                    models: models::list(c).await?,
                    aliases: models::aliases(c).await?,
                    targets: targets::list(c).await?,
                    providers: providers::list(c).await?,
                    prices: prices::list(c).await?,
                })
            })
        })
        .await?;
    let now_ms = state.clock.now_ms();
    let rows = all
        .models
        .iter()
        .map(|model| row(&page, &all, model, now_ms))
        .collect();
    page.show(&ModelsView { page: &page, rows })
}

fn row(page: &Shell, all: &All, model: &Model, now_ms: i64) -> Row {
    let aliases: Vec<&str> = all
        .aliases
        .iter()
        .filter(|alias| alias.model_id == model.id)
        .map(|alias| alias.alias.as_str())
        .collect();
    let served = all
        .targets
        .iter()
        .filter(|target| target.model_id == model.id);
    let price_of = |of: PriceOf| {
        let rows = all.prices.iter().filter(|row| row.of == of);
        rows.map(|row| &row.price)
            .filter(|price| price.effective_from_ms <= now_ms)
            .max_by_key(|price| (price.effective_from_ms, price.id))
    };
    let price = price_of(PriceOf::Model(model.id));
    Row {
        href: page.url(&format!("{PATH}/{}", model.id)),
        name: model.name.clone(),
        aliases: aliases.join(", "),
        kind: page.t_code("kind-", &model.kind),
        targets: served
            .map(|target| {
                let provider = provider_name(&all.providers, target.provider_id);
                let own = price_of(PriceOf::Target(target.id));
                (
                    format!("{provider}/{}", target.upstream_model),
                    own.map(shown_price).unwrap_or_default(),
                )
            })
            .collect(),
        price: price.map_or_else(|| page.t("admin-models-unpriced"), shown_price),
        state: match (model.enabled, model.hidden) {
            (false, _) => Dot::new("muted", page.t("admin-models-off")),
            (true, true) => Dot::new("info", page.t("admin-models-hidden")),
            (true, false) => Dot::new("success", page.t("admin-models-on")),
        },
    }
}

fn shown_price(price: &Price) -> String {
    format!(
        "{} {} / {}",
        price.currency.sign(),
        format_nanos(price.input),
        format_nanos(price.output)
    )
}

pub(super) fn provider_name(providers: &[Provider], id: ProviderId) -> &str {
    providers
        .iter()
        .find(|p| p.id == id)
        .map_or("", |p| &p.name)
}

async fn new(page: Page<Operate>, state: web::Data<WebState>) -> PageResult {
    let providers = state.db.read(|c| Box::pin(providers::list(c))).await?;
    page.show(&new_view(
        &page,
        &providers,
        FormState::default().with("kind", "chat"),
    ))
}

fn new_view<'a>(page: &'a Shell, providers: &[Provider], state: FormState) -> NewView<'a> {
    let mut choices = vec![(String::new(), page.t("admin-model-target-none"))];
    choices.extend(provider_choices(providers));
    NewView {
        page,
        state,
        kinds: kind_choices(page),
        providers: choices,
    }
}

pub(super) fn kind_choices(page: &Shell) -> Vec<(String, String)> {
    KINDS
        .iter()
        .map(|kind| ((*kind).to_owned(), page.t_code("kind-", kind)))
        .collect()
}

pub(super) fn provider_choices(providers: &[Provider]) -> impl Iterator<Item = (String, String)> {
    providers
        .iter()
        .map(|provider| (provider.id.to_string(), provider.name.clone()))
}

async fn post(page: Page<Operate>, state: web::Data<WebState>, form: Form) -> PageResult {
    let providers = state.db.read(|c| Box::pin(providers::list(c))).await?;
    let again = |form_state| {
        let view = new_view(&page, &providers, form_state);
        page.invalid_or(&view, &view)
    };
    let mut fields = Fields::new(&page, &form);
    let data = ModelData {
        name: fields.text("name", naming::model, "admin-model-bad-name"),
        kind: fields.text("kind", is_kind, "admin-model-bad-choice"),
        ..ModelData::default()
    };
    let provider = if form.text("provider").is_empty() {
        None
    } else {
        let chosen = chosen_provider(&providers, form.text("provider"));
        if chosen.is_none() {
            fields.fail("provider", "admin-model-bad-choice");
        }
        chosen
    };
    let mut upstream = form.text("upstream_model").to_owned();
    if upstream.is_empty() {
        upstream.clone_from(&data.name);
    } else if naming::model(&upstream).is_err() {
        fields.fail("upstream_model", "admin-model-bad-name");
    }
    let data = match fields.finish(data) {
        Ok(data) => data,
        Err(form_state) => return again(form_state),
    };
    let served = providers.iter().find(|p| Some(p.id) == provider);
    let known = served.and_then(|provider| entry(provider, &upstream));
    let known = known.as_ref().map(Facts::from).unwrap_or_default();
    let data = known.over(data);
    let after = json!({
        "kind": data.kind, "upstream_model": upstream, "from_catalogue": known.audited(),
    });
    let entry = change(
        &page,
        &state,
        "model.create",
        format!("model {}", data.name),
        Some(after),
    );
    let name = data.name.clone();
    let made = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let id = insert_model(c, &data, entry.at).await?;
            if let Some(provider) = provider {
                targets::insert(c, &new_target(id, provider, &upstream), entry.at).await?;
            }
            changes::record(c, &entry).await?;
            Ok(id)
        })
    })
    .await?;
    match made {
        Ok(id) => {
            let toast = Toast::success(created(&page, &name, &known));
            page.redirect_with(&format!("{PATH}/{id}"), &toast)
        }
        Err(form_state) => again(form_state),
    }
}

/// Tells of a new model, and of what was filled in.
fn created(page: &Shell, name: &str, known: &Facts) -> String {
    if known.is_empty() {
        return page.t1("admin-model-created", "name", name);
    }
    let source = catalogue::source(page);
    let facts = known.beside(&Facts::default(), (page, name)).join(" · ");
    let args: [(&str, &dyn ToArg); 3] = [("name", &name), ("source", &source), ("facts", &facts)];
    page.t_with("admin-model-created-filled", &args)
}

pub(super) fn is_kind(text: &str) -> Result<(), ()> {
    KINDS.contains(&text).then_some(()).ok_or(())
}

pub(super) fn chosen_provider(providers: &[Provider], text: &str) -> Option<ProviderId> {
    providers
        .iter()
        .map(|p| p.id)
        .find(|id| id.to_string() == text)
}

/// A target of ordinary priority and weight.
pub(super) fn new_target(model: ModelId, provider: ProviderId, upstream: &str) -> TargetData {
    TargetData {
        model_id: model,
        provider_id: provider,
        upstream_model: upstream.to_owned(),
        priority: 1,
        weight: naming::WEIGHT,
        enabled: true,
        busyness_at_most: None,
    }
}

/// Makes a model whose name no alias and no provider's prefix has taken.
pub(super) async fn insert_model(
    c: &mut Conn,
    data: &ModelData,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<ModelId, Refused> {
    check_name(c, &data.name).await?;
    Ok(models::insert(c, data, now).await?)
}

/// Refuses a name that an alias has taken, or that would pin a provider.
pub(super) async fn check_name(c: &mut Conn, name: &str) -> Result<(), Refused> {
    let all = providers::list(c).await?;
    if naming::taken_prefix(name, all.iter().map(|p| p.name.as_str())).is_some() {
        return Err(Refused::Field("name", "admin-model-taken-prefix"));
    }
    if models::aliases(c)
        .await?
        .iter()
        .any(|alias| alias.alias == name)
    {
        return Err(Refused::Field("name", "admin-model-taken-name"));
    }
    Ok(())
}
