//! One API key: its rules, and its end.

use actix_web::web::{self, ServiceConfig};
use askama::Template;
use modelgate_domain::ApiKeyId;
use modelgate_store::api_keys::{Allowed, ApiKey, ApiKeyData};
use modelgate_store::{api_keys, changes};

use super::api_keys::{
    Choice, PATH, audited, choices, read, shown, shown_choices, state_of, value_of,
};
use super::components::confirm::{self, Question};
use super::components::fields::{Dot, change, save};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Admin, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/api_key.html")]
struct ApiKeyView<'a> {
    page: &'a Shell,
    name: String,
    shown: String,
    key_state: Dot,
    at: String,
    logs: String,
    state: FormState,
    expires_hint: String,
    models: Vec<Choice>,
}

struct Loaded {
    key: ApiKey,
    allowed: Vec<Allowed>,
    choices: Vec<(String, String)>,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/admin/api-keys/{id}", web::get().to(get))
        .route("/admin/api-keys/{id}", web::post().to(post))
        .route("/admin/api-keys/{id}/revoke", web::get().to(ask_revoke))
        .route("/admin/api-keys/{id}/revoke", web::post().to(revoke));
}

async fn load(state: &WebState, id: i64) -> Result<Loaded, PageError> {
    let id = ApiKeyId(id);
    state
        .db
        .read(move |c| {
            Box::pin(async move {
                let key = api_keys::find(c, id)
                    .await?
                    .filter(|key| key.deleted_at.is_none())
                    .ok_or(PageError::NotFound)?;
                Ok::<_, PageError>(Loaded {
                    key,
                    allowed: api_keys::allowed_of(c, id).await?,
                    choices: choices(c).await?,
                })
            })
        })
        .await
}

async fn get(page: Page<Admin>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = load(&state, *id).await?;
    let key = &loaded.key;
    let local = |at: chrono::DateTime<chrono::Utc>| {
        at.with_timezone(&page.zone)
            .format("%Y-%m-%dT%H:%M")
            .to_string()
    };
    let form_state = FormState::default()
        .with("name", &key.name)
        .with("note", &key.note)
        .with("expires_at", key.expires_at.map(local).unwrap_or_default())
        .ticked("enabled", key.enabled)
        .ticked("all_models", key.all_models);
    let form_state = loaded.allowed.iter().fold(form_state, |state, entry| {
        state.with("model", value_of(entry))
    });
    page.show(&view(&page, &state, &loaded, form_state))
}

fn view<'a>(page: &'a Shell, web: &WebState, loaded: &Loaded, state: FormState) -> ApiKeyView<'a> {
    let key = &loaded.key;
    ApiKeyView {
        page,
        name: key.name.clone(),
        shown: shown(key),
        key_state: state_of(page, key, web.clock.now()),
        at: page.url(&format!("{PATH}/{}", key.id)),
        logs: page.url(&format!("/admin/logs?key={}", key.id)),
        expires_hint: page.t1("admin-api-key-expires-hint", "zone", page.zone.name()),
        models: shown_choices(&loaded.choices, &state),
        state,
    }
}

async fn post(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let again = |form_state| {
        let view = view(&page, &state, &loaded, form_state);
        page.invalid_or(&view, &view)
    };
    let key = &loaded.key;
    let old = ApiKeyData::from(key.clone());
    let (data, allowed) = match read(&page, &form, &loaded.choices, old.clone()) {
        Ok(read) => read,
        Err(form_state) => return again(form_state),
    };
    let object = format!("api_key {}", key.name);
    let after = audited(&data, &allowed, &loaded.choices);
    let mut entry = change(&page, &state, "api_key.update", object, Some(after));
    entry.before = Some(audited(&old, &loaded.allowed, &loaded.choices));
    let id = key.id;
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if !api_keys::update(c, id, &data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            api_keys::set_allowed(c, id, &allowed).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    match saved {
        Ok(()) => {
            let toast = Toast::success(page.t("admin-api-key-saved"));
            page.redirect_with(&format!("{PATH}/{id}"), &toast)
        }
        Err(form_state) => again(form_state),
    }
}

async fn ask_revoke(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let key = load(&state, *id).await?.key;
    let back = page.url(&format!("{PATH}/{}", key.id));
    let question = Question {
        title: page.t1("admin-api-key-revoke-title", "name", &key.name),
        body: page.t("admin-api-key-revoke-body"),
        button: page.t("admin-api-key-revoke-button"),
        action: format!("{back}/revoke"),
        back,
        typed: String::new(),
        typed_error: String::new(),
    };
    confirm::ask(&page, &question)
}

async fn revoke(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let (key, id) = (&loaded.key, loaded.key.id);
    let object = format!("api_key {}", key.name);
    let mut entry = change(&page, &state, "api_key.revoke", object, None);
    entry.before = Some(audited(
        &ApiKeyData::from(key.clone()),
        &loaded.allowed,
        &loaded.choices,
    ));
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                api_keys::delete(c, id, entry.at).await?;
                changes::record(c, &entry).await?;
                Ok::<_, PageError>(())
            })
        })
        .await?;
    let toast = Toast::success(page.t1("admin-api-key-revoked", "name", &key.name));
    page.redirect_with(PATH, &toast)
}
