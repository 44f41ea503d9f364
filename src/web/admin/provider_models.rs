//! What a provider offers, compared with what is served here; and the import of what is ticked.
//!
//! Nothing changes before somebody ticked it: a model that is here keeps whatever its admin gave it.

use std::collections::BTreeSet;

use actix_web::web;
use askama::Template;
use modelgate_domain::{ModelId, ProviderId, TargetId, naming};
use modelgate_store::models::{Model, ModelData};
use modelgate_store::providers::Provider;
use modelgate_store::targets::{Target, TargetData};
use modelgate_store::{Conn, StoreError, changes, models, providers, targets};
use serde_json::{Value, json};

use super::catalogue;
use super::catalogue::proposals::entry;
use super::components::facts::Facts;
use super::components::fields::{Refused, change};
use super::components::key_test::{opened, reason};
use super::models::{insert_model, new_target};
use super::provider;
use super::providers::{PATH, after, is_usable};
use crate::probe::{self, Offer};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/provider_models.html")]
struct ProviderModelsView<'a> {
    page: &'a Shell,
    provider: String,
    back: String,
    /// Where the import leads; empty for the provider.
    then: String,
    /// Not served here.
    new: Vec<Row>,
    /// Served, and described otherwise.
    changed: Vec<Row>,
    /// Served, and not offered any more.
    gone: Vec<Row>,
    /// Served and as it was.
    same: Vec<String>,
}

struct Row {
    /// What a tick sends.
    value: String,
    name: String,
    what: Vec<String>,
    /// Cannot be imported.
    is_taken: bool,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .post("/admin/config/providers/{id}/models/fetch", fetch)
        .post("/admin/config/providers/{id}/models", import);
}

/// What is here already.
struct Known {
    models: Vec<Model>,
    /// Of this provider.
    targets: Vec<Target>,
    /// Names that no model can take: aliases and provider prefixes.
    aliases: BTreeSet<String>,
    slugs: Vec<String>,
}

impl Known {
    async fn read(c: &mut Conn, provider: ProviderId) -> Result<Self, StoreError> {
        let (all, aliases) = (targets::list(c).await?, models::aliases(c).await?);
        let slugs = providers::list(c).await?.into_iter().map(|p| p.name);
        let own = all.into_iter().filter(|t| t.provider_id == provider);
        Ok(Self {
            models: models::list(c).await?,
            targets: own.collect(),
            aliases: aliases.into_iter().map(|a| a.alias).collect(),
            slugs: slugs.collect(),
        })
    }

    fn refuses(&self, name: &str) -> bool {
        naming::model(name).is_err()
            || self.aliases.contains(name)
            || naming::taken_prefix(name, self.slugs.iter().map(String::as_str)).is_some()
    }

    /// The models that a name of the vendor serves.
    fn served(&self, upstream: &str) -> impl Iterator<Item = &Model> {
        let own = self.targets.iter();
        let own = own.filter(move |target| target.upstream_model == upstream);
        own.filter_map(|target| self.models.iter().find(|model| model.id == target.model_id))
    }
}

async fn fetch(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = provider::load(&state, ProviderId(*id)).await?;
    let back = format!("{PATH}/{}", loaded.provider.id);
    let to = after(&form, &back);
    let Some(key) = loaded
        .keys
        .iter()
        .find(|key| is_usable(key, state.clock.now_ms()))
    else {
        let toast = Toast::error(page.t("admin-provider-fetch-no-key"));
        return page.redirect_with(&to, &toast);
    };
    let (endpoint, secret) = opened(&state, &loaded.provider, key)?;
    let offers = match probe::fetch_models(&endpoint, &secret).await {
        Ok(offers) => offers,
        Err(failure) => {
            let why = reason(&page, &failure);
            let toast = Toast::error(page.t1("admin-provider-fetch-failed", "why", why));
            return page.redirect_with(&to, &toast);
        }
    };
    let provider = loaded.provider.id;
    let known = state
        .db
        .read(move |c| Box::pin(async move { Known::read(c, provider).await }))
        .await?;
    let mut view = ProviderModelsView {
        page: &page,
        provider: loaded.provider.name.clone(),
        back: page.url(&back),
        then: form.text("then").to_owned(),
        new: Vec::new(),
        changed: Vec::new(),
        gone: gone(&page, &known, &offers),
        same: Vec::new(),
    };
    for offer in &offers {
        let mut served = known.served(&offer.name).peekable();
        if served.peek().is_none() {
            view.new.push(new(&page, &known, (&loaded.provider, offer)));
            continue;
        }
        let what: Vec<String> = served.flat_map(|m| differences(&page, m, offer)).collect();
        if what.is_empty() {
            view.same.push(offer.name.clone());
        } else {
            view.changed.push(row(offer, what));
        }
    }
    page.show(&view)
}

fn row(offer: &Offer, what: Vec<String>) -> Row {
    Row {
        value: written(offer),
        name: offer.name.clone(),
        what,
        is_taken: false,
    }
}

fn new(page: &Shell, known: &Known, (provider, offer): (&Provider, &Offer)) -> Row {
    let exists = known.models.iter().any(|model| model.name == offer.name);
    let is_taken = !exists && known.refuses(&offer.name);
    let what = match (is_taken, exists) {
        (true, _) => "admin-provider-models-bad",
        (_, true) => "admin-provider-models-joins",
        _ => "admin-provider-models-new",
    };
    let mut what = vec![page.t(what)];
    if !is_taken && !exists {
        what.extend(filled(page, provider, offer));
    }
    Row {
        is_taken,
        ..row(offer, what)
    }
}

/// What a new model gets from the vendor's list, and, where that says nothing, from the catalogue.
fn filled(page: &Shell, provider: &Provider, offer: &Offer) -> Vec<String> {
    let unknown = Facts::default();
    let mut told = Facts::from(offer).beside(&unknown, (page, &offer.name));
    let more = catalogued(provider, offer);
    if !more.is_empty() {
        let source = catalogue::source(page);
        told.push(page.t1("admin-catalogue-filled", "source", source.as_str()));
        told.extend(more.beside(&unknown, (page, &offer.name)));
    }
    told
}

/// What the catalogue says of an offered model and its vendor does not.
fn catalogued(provider: &Provider, offer: &Offer) -> Facts {
    let entry = entry(provider, &offer.name);
    let entry = entry.as_ref().map(Facts::from).unwrap_or_default();
    entry.missing(&Facts::from(offer))
}

fn gone(page: &Shell, known: &Known, offers: &[Offer]) -> Vec<Row> {
    let is_offered = |name: &str| offers.iter().any(|offer| offer.name == name);
    let gone = known.targets.iter();
    let gone = gone.filter(|t| t.enabled && !is_offered(&t.upstream_model));
    gone.map(|target| {
        let model = known.models.iter().find(|m| m.id == target.model_id);
        let model = model.map_or("", |model| model.name.as_str());
        Row {
            value: target.id.to_string(),
            name: target.upstream_model.clone(),
            what: vec![page.t1("admin-provider-models-gone-of", "model", model)],
            is_taken: false,
        }
    })
    .collect()
}

/// What the vendor says otherwise than what is known here; what it does not say is no difference.
fn differences(page: &Shell, model: &Model, offer: &Offer) -> Vec<String> {
    let (here, there) = (Facts::from(model), Facts::from(offer));
    let news = there.missing(&here).and(&there.otherwise(&here));
    news.beside(&here, (page, &model.name))
}

/// An offer as a tick carries it. Names hold no tabs.
fn written(offer: &Offer) -> String {
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let all = format!(
        "{}\t{}\t{}\t{}\t{}",
        offer.name,
        number(offer.context_length),
        number(offer.max_output_tokens),
        offer.modalities,
        offer.tools.map(|does| does.to_string()).unwrap_or_default()
    );
    all.trim_end().to_owned()
}

/// The offer that a tick carries; facts out of bounds are left out.
fn offered(text: &str) -> Offer {
    let mut parts = text.split('\t');
    let mut part = || parts.next().unwrap_or_default();
    let tokens = |text: &str| {
        let number = text.parse().ok();
        number.filter(|n| naming::TOKENS.contains(n))
    };
    Offer {
        name: part().to_owned(),
        context_length: tokens(part()),
        max_output_tokens: tokens(part()),
        modalities: part().parse().unwrap_or_default(),
        tools: part().parse().ok(),
    }
}

/// What was ticked.
struct Ticked {
    new: Vec<Offer>,
    changed: Vec<Offer>,
    gone: BTreeSet<i64>,
}

impl Ticked {
    fn count(&self) -> i64 {
        let all = self.new.len() + self.changed.len() + self.gone.len();
        i64::try_from(all).unwrap_or(i64::MAX)
    }
}

async fn import(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let provider = provider::load(&state, ProviderId(*id)).await?.provider;
    let ticked = Ticked {
        new: form.all("model").map(offered).collect(),
        changed: form.all("change").map(offered).collect(),
        gone: form.all("gone").filter_map(|id| id.parse().ok()).collect(),
    };
    let count = ticked.count();
    let object = format!("provider {} models", provider.name);
    let mut entry = change(&page, &state, "target.import", object, None);
    let id = provider.id;
    let done = state
        .db
        .write(move |c| {
            Box::pin(async move {
                changes::lock(c).await?;
                let known = Known::read(c, id).await?;
                let names: Vec<&str> = ticked.new.iter().map(|o| o.name.as_str()).collect();
                let mut after = json!({ "added": names });
                let mut before = json!({});
                for offer in &ticked.new {
                    let model = model_named(c, (&provider, offer), entry.at).await?;
                    if !is_target(c, model, id, &offer.name).await? {
                        targets::insert(c, &new_target(model, id, &offer.name), entry.at).await?;
                    }
                }
                for offer in &ticked.changed {
                    for model in known.served(&offer.name) {
                        let new = Facts::from(offer).over(model.clone().into());
                        before[&model.name] = Facts::from(model).audited();
                        after[&model.name] = Facts::from(&new).audited();
                        models::update(c, model.id, &new, entry.at).await?;
                    }
                }
                for target in &known.targets {
                    if ticked.gone.contains(&target.id.0) {
                        switch_off(c, target, entry.at).await?;
                    }
                }
                after["switched_off"] = switched_off(&known, &ticked);
                (entry.before, entry.after) = (Some(before), Some(after));
                if count > 0 {
                    changes::record(c, &entry).await?;
                }
                Ok::<_, Refused>(())
            })
        })
        .await;
    let toast = match done {
        Ok(()) => Toast::success(page.counted("admin-provider-models-imported", count)),
        Err(Refused::Field(_, key)) => Toast::error(page.t(key)),
        Err(Refused::Changed(_)) => Toast::error(page.t("version-by-somebody")),
        Err(Refused::Failed(error)) => return Err(error),
    };
    page.redirect_with(&after(&form, &format!("{PATH}/{id}")), &toast)
}

fn switched_off(known: &Known, ticked: &Ticked) -> Value {
    let off = known.targets.iter();
    off.filter(|target| ticked.gone.contains(&target.id.0))
        .map(|target| target.upstream_model.as_str())
        .collect()
}

async fn switch_off(
    c: &mut Conn,
    target: &Target,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), StoreError> {
    let id: TargetId = target.id;
    let data = TargetData {
        model_id: target.model_id,
        provider_id: target.provider_id,
        upstream_model: target.upstream_model.clone(),
        priority: target.priority,
        weight: target.weight,
        enabled: false,
        busyness_at_most: target.busyness_at_most,
    };
    targets::update(c, id, &data, now).await.map(drop)
}

async fn is_target(
    c: &mut Conn,
    model: ModelId,
    provider: ProviderId,
    name: &str,
) -> Result<bool, PageError> {
    let all = targets::list_of(c, model).await?;
    Ok(all
        .iter()
        .any(|t| t.provider_id == provider && t.upstream_model == name))
}

/// The model of the offered name: one that is here as it is, or a new one with what the vendor and, where that says
/// nothing, the catalogue says of it.
async fn model_named(
    c: &mut Conn,
    (provider, offer): (&Provider, &Offer),
    now: chrono::DateTime<chrono::Utc>,
) -> Result<ModelId, Refused> {
    let name = &offer.name;
    if let Some(model) = models::find_by_name(c, name).await? {
        return Ok(model.id);
    }
    if naming::model(name).is_err() {
        return Err(PageError::BadRequest.into());
    }
    let embeds = entry(provider, name).map_or(name.contains("embed"), |entry| entry.embeds);
    let kind = if embeds { "embedding" } else { "chat" };
    let data = ModelData {
        name: name.clone(),
        kind: kind.to_owned(),
        ..ModelData::default()
    };
    let known = Facts::from(offer).and(&catalogued(provider, offer));
    insert_model(c, &known.over(data), now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_survives_the_form_and_nonsense_does_not() {
        let offer = Offer {
            name: "org/x:free".to_owned(),
            context_length: Some(128_000),
            max_output_tokens: None,
            modalities: "text,image".parse().unwrap(),
            tools: Some(false),
        };
        assert_eq!(offered(&written(&offer)), offer);
        let plain = Offer {
            name: "plain".to_owned(),
            ..Offer::default()
        };
        assert_eq!(written(&plain), "plain");
        assert_eq!(offered("plain"), plain);
        assert_eq!(offered("plain\t-5\tmany\tsmell\tperhaps"), plain);
    }
}
