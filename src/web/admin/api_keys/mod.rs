//! The list of API keys, and the form that makes one and shows it once.

pub(super) mod form;

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};
use modelgate_domain::{ApiKeyId, Limit, LimitScope, TimeRule};
use modelgate_store::api_keys::{Allowed, ApiKey, KeyMaterial};
use modelgate_store::{api_keys, changes, limits, time_rules};

use self::form::{Choices, Edit, KeyForm};
use super::components::fields::{Dot, change, save};
use super::components::rows;
use crate::secrets::{hash_key, new_api_key};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Look, Page, PageResult, Secrets};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

pub(super) const PATH: &str = "/admin/api-keys";

#[derive(Template)]
#[template(path = "admin/api_keys.html")]
struct ApiKeysView<'a> {
    page: &'a Shell,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    shown: String,
    models: String,
    /// Its rules in a sentence; empty where it has none.
    rules: String,
    last_used: Option<Moment>,
    state: Dot,
}

#[derive(Template)]
#[template(path = "admin/api_key_new.html")]
struct NewView<'a> {
    page: &'a Shell,
    key: KeyForm,
    /// The key itself, this once.
    secret: Option<String>,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get(PATH, get)
        .post(PATH, post)
        .get("/admin/api-keys/new", new);
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let (all, mut rules, choices) = state
        .db
        .read(|c| {
            Box::pin(async move {
                let all = api_keys::list(c).await?;
                let rules = AllRules {
                    allowed: api_keys::all_allowed(c).await?,
                    time_rules: time_rules::list(c).await?,
                    limits: limits::list(c).await?,
                };
                Ok::<_, PageError>((all, rules, Choices::read(c).await?))
            })
        })
        .await?;
    let now = state.clock.now();
    let rows = all
        .into_iter()
        .map(|key| {
            let shown = shown(&key);
            let dot = state_of(&page, &key, now);
            let last_used = key.last_used_at;
            let id = key.id;
            let edit = rules.of(key);
            let names = choices.names(&edit.allowed);
            Row {
                href: page.url(&format!("{PATH}/{id}")),
                shown,
                models: match (edit.data.all_models, names.is_empty()) {
                    (true, _) => page.t("admin-api-keys-all"),
                    (false, true) => page.t("admin-api-keys-none"),
                    (false, false) => names.join(", "),
                },
                rules: edit.sentence(&page, &choices),
                last_used: last_used.map(|at| page.moment(at.timestamp_millis())),
                state: dot,
                name: edit.data.name,
            }
        })
        .collect();
    page.show(&ApiKeysView { page: &page, rows })
}

/// The rules of all keys.
struct AllRules {
    allowed: Vec<(ApiKeyId, Allowed)>,
    time_rules: Vec<(ApiKeyId, TimeRule)>,
    limits: Vec<Limit>,
}

impl AllRules {
    /// Those of one key, taken out.
    fn of(&mut self, key: ApiKey) -> Edit {
        let id = key.id;
        let is_own =
            |limit: &mut Limit| limit.scope == LimitScope::ApiKey && limit.scope_id == id.0;
        Edit {
            allowed: own(&mut self.allowed, id),
            time_rules: own(&mut self.time_rules, id),
            limits: self.limits.extract_if(.., is_own).collect(),
            data: key.into(),
        }
    }
}

fn own<T>(all: &mut Vec<(ApiKeyId, T)>, id: ApiKeyId) -> Vec<T> {
    all.extract_if(.., |(key, _)| *key == id)
        .map(|(_, entry)| entry)
        .collect()
}

/// The public ends of a key.
pub(super) fn shown(key: &ApiKey) -> String {
    format!("{}…{}", key.key_prefix, key.key_last4)
}

pub(super) fn state_of(page: &Shell, key: &ApiKey, now: DateTime<Utc>) -> Dot {
    if !key.enabled {
        Dot::new("muted", page.t("admin-api-keys-off"))
    } else if key.expires_at.is_some_and(|at| at <= now) {
        Dot::new("warning", page.t("admin-api-keys-expired"))
    } else {
        Dot::new("success", page.t("admin-api-keys-active"))
    }
}

async fn new(page: Page<Secrets>, state: web::Data<WebState>) -> PageResult {
    let choices = state.db.read(|c| Box::pin(Choices::read(c))).await?;
    let stored = Edit::default().stored(&page, &choices);
    page.show(&new_view(&page, &choices, stored, None))
}

fn new_view<'a>(
    page: &'a Shell,
    choices: &Choices,
    state: FormState,
    secret: Option<String>,
) -> NewView<'a> {
    NewView {
        page,
        key: KeyForm::new(page, choices, state, page.url(PATH)),
        secret,
    }
}

async fn post(page: Page<Secrets>, state: web::Data<WebState>, form: Form) -> PageResult {
    let choices = state.db.read(|c| Box::pin(Choices::read(c))).await?;
    let again = |form_state: FormState| {
        let more = rows::wants_more(&form_state);
        let view = new_view(&page, &choices, form_state, None);
        page.once_more(&view, more)
    };
    let mut read = match form::read(&page, &form, &choices) {
        Ok(read) => read,
        Err(form_state) => return again(form_state),
    };
    read.data.enabled = true;
    let key = new_api_key().map_err(PageError::internal)?;
    let material = KeyMaterial {
        hash: hash_key(key.expose()),
        prefix: key.prefix(),
        last4: key.last4(),
    };
    let object = format!("api_key {}", read.data.name);
    let after = read.audited(&choices);
    let entry = change(&page, &state, "api_key.create", object, Some(after));
    let made = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let id = api_keys::insert(c, &read.data, &material, entry.at).await?;
            read.write_rules(c, id).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    match made {
        Ok(()) => {
            let secret = Some(key.expose().to_owned());
            page.show(&new_view(&page, &choices, FormState::default(), secret))
        }
        Err(form_state) => again(form_state),
    }
}
