//! The models a provider offers, fetched from it, and the import of those that are ticked.

use std::collections::BTreeSet;

use actix_web::web;
use askama::Template;
use modelgate_domain::{ModelId, ProviderId, naming};
use modelgate_store::models::{Model, ModelData};
use modelgate_store::{Conn, StoreError, changes, models, providers, targets};
use serde_json::json;

use super::components::fields::{Refused, change};
use super::models::{insert_model, new_target};
use super::provider::{self, Loaded};
use super::provider_key::{opened, reason};
use super::providers::{PATH, is_usable};
use crate::probe;
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
    rows: Vec<Row>,
}

struct Row {
    name: String,
    what: String,
    /// Served here already.
    is_bound: bool,
    /// Cannot be imported.
    is_taken: bool,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .post("/admin/config/providers/{id}/models/fetch", fetch)
        .post("/admin/config/providers/{id}/models", import);
}

async fn fetch(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = provider::load(&state, ProviderId(*id)).await?;
    let back = format!("{PATH}/{}", loaded.provider.id);
    let Some(key) = loaded
        .keys
        .iter()
        .find(|key| is_usable(key, state.clock.now_ms()))
    else {
        let toast = Toast::error(page.t("admin-provider-fetch-no-key"));
        return page.redirect_with(&back, &toast);
    };
    let (endpoint, secret) = opened(&state, &loaded.provider, key)?;
    let names = match probe::fetch_models(&endpoint, &secret).await {
        Ok(names) => names,
        Err(failure) => {
            let why = reason(&page, &failure);
            let toast = Toast::error(page.t1("admin-provider-fetch-failed", "why", why));
            return page.redirect_with(&back, &toast);
        }
    };
    let (all, taken) = state.db.read(|c| Box::pin(known(c))).await?;
    let rows = names
        .iter()
        .map(|name| row(&page, &loaded, &all, &taken, name))
        .collect();
    page.show(&ProviderModelsView {
        page: &page,
        provider: loaded.provider.name.clone(),
        back: page.url(&back),
        rows,
    })
}

/// Models by name, and the names that no model can take: aliases and provider prefixes.
struct Taken {
    aliases: BTreeSet<String>,
    slugs: Vec<String>,
}

impl Taken {
    fn refuses(&self, name: &str) -> bool {
        naming::model(name).is_err()
            || self.aliases.contains(name)
            || naming::taken_prefix(name, self.slugs.iter().map(String::as_str)).is_some()
    }
}

async fn known(c: &mut Conn) -> Result<(Vec<Model>, Taken), StoreError> {
    let aliases = models::aliases(c)
        .await?
        .into_iter()
        .map(|a| a.alias)
        .collect();
    let slugs = providers::list(c)
        .await?
        .into_iter()
        .map(|p| p.name)
        .collect();
    Ok((models::list(c).await?, Taken { aliases, slugs }))
}

fn row(page: &Shell, loaded: &Loaded, all: &[Model], taken: &Taken, name: &str) -> Row {
    let is_bound = loaded.targets.iter().any(|served| served.upstream == name);
    let exists = all.iter().any(|model| model.name == name);
    let is_taken = !is_bound && !exists && taken.refuses(name);
    let what = match (is_bound, is_taken, exists) {
        (true, _, _) => "admin-provider-models-bound",
        (_, true, _) => "admin-provider-models-bad",
        (_, _, true) => "admin-provider-models-joins",
        _ => "admin-provider-models-new",
    };
    Row {
        name: name.to_owned(),
        what: page.t(what),
        is_bound,
        is_taken,
    }
}

async fn import(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let provider = provider::load(&state, ProviderId(*id)).await?.provider;
    let names: BTreeSet<String> = form.all("model").map(str::to_owned).collect();
    let count = i64::try_from(names.len()).unwrap_or(i64::MAX);
    let object = format!("provider {} models", provider.name);
    let entry = change(&page, &state, "target.import", object, Some(json!(names)));
    let id = provider.id;
    let done = state
        .db
        .write(move |c| {
            Box::pin(async move {
                for name in &names {
                    let model = model_named(c, name, entry.at).await?;
                    if !is_target(c, model, id, name).await? {
                        targets::insert(c, &new_target(model, id, name), entry.at).await?;
                    }
                }
                if !names.is_empty() {
                    changes::record(c, &entry).await?;
                }
                Ok::<_, Refused>(())
            })
        })
        .await;
    let toast = match done {
        Ok(()) => Toast::success(page.counted("admin-provider-models-imported", count)),
        Err(Refused::Field(_, key)) => Toast::error(page.t(key)),
        Err(Refused::Failed(error)) => return Err(error),
    };
    page.redirect_with(&format!("{PATH}/{id}"), &toast)
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

async fn model_named(
    c: &mut Conn,
    name: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<ModelId, Refused> {
    if let Some(model) = models::find_by_name(c, name).await? {
        return Ok(model.id);
    }
    if naming::model(name).is_err() {
        return Err(PageError::BadRequest.into());
    }
    let kind = if name.contains("embed") {
        "embedding"
    } else {
        "chat"
    };
    let data = ModelData {
        name: name.to_owned(),
        kind: kind.to_owned(),
        ..ModelData::default()
    };
    insert_model(c, &data, now).await
}
