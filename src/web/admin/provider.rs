//! One provider: its settings, its credentials, and the models it serves.

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};
use askama::Template;
use modelgate_domain::{ProviderId, naming};
use modelgate_store::provider_keys::ProviderKey;
use modelgate_store::providers::{Provider, ProviderData};
use modelgate_store::{Conn, changes, models, provider_keys, providers, targets};
use serde_json::json;

use super::components::confirm::{self, Question};
use super::components::fields::{Dot, Fields, Refused, change, save};
use super::provider_key::TestResult;
use super::providers::{NewKey, PATH, add_key, is_vendor_key, prefix_in_use};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Admin, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/provider.html", blocks = ["test"])]
pub(super) struct ProviderView<'a> {
    page: &'a Shell,
    name: String,
    /// The page's own address.
    at: String,
    state: FormState,
    add_open: bool,
    keys: Vec<KeyRow>,
    targets: Vec<TargetRow>,
    /// The key that was tested, 0 for none.
    tested: i64,
    /// What the test said.
    test: TestResult,
}

struct KeyRow {
    id: i64,
    label: String,
    last4: String,
    weight: i64,
    state: Dot,
    reason: String,
    last_ok: Option<Moment>,
    last_error: String,
}

struct TargetRow {
    href: String,
    model: String,
    upstream: String,
}

/// A provider with what belongs to it.
pub(super) struct Loaded {
    pub(super) provider: Provider,
    pub(super) keys: Vec<ProviderKey>,
    /// Model row, its public name, the vendor's name.
    pub(super) targets: Vec<(i64, String, String)>,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/admin/config/providers/{id}", web::get().to(get))
        .route("/admin/config/providers/{id}", web::post().to(post))
        .route(
            "/admin/config/providers/{id}/delete",
            web::get().to(ask_delete),
        )
        .route(
            "/admin/config/providers/{id}/delete",
            web::post().to(delete),
        )
        .route("/admin/config/providers/{id}/keys", web::post().to(add));
}

async fn get(page: Page<Admin>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = load(&state, ProviderId(*id)).await?;
    page.show(&view(&page, &loaded, None, None))
}

async fn post(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let id = ProviderId(*id);
    let loaded = load(&state, id).await?;
    let data = match read(&page, &form, &loaded.provider) {
        Ok(data) => data,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let object = format!("provider {}", loaded.provider.name);
    let mut entry = change(&page, &state, "provider.update", object, Some(shown(&data)));
    entry.before = Some(shown(&ProviderData::from(loaded.provider.clone())));
    let renamed = data.name != loaded.provider.name;
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if renamed && prefix_in_use(c, &data.name).await? {
                return Err(Refused::Field("name", "admin-provider-prefix-taken"));
            }
            if !providers::update(c, id, &data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    match saved {
        Ok(()) => {
            let toast = Toast::success(page.t("admin-provider-saved"));
            page.redirect_with(&format!("{PATH}/{id}"), &toast)
        }
        Err(form_state) => again(&page, &loaded, form_state),
    }
}

async fn add(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let id = ProviderId(*id);
    let loaded = load(&state, id).await?;
    let mut fields = Fields::new(&page, &form);
    let key = NewKey {
        label: fields.text("label", naming::label, "admin-provider-bad-label"),
        weight: fields
            .optional_number("weight", &naming::WEIGHTS)
            .unwrap_or(naming::WEIGHT),
        max_concurrency: fields.optional_number("max_concurrency", &naming::CONCURRENCY),
        secret: form.secret("secret"),
    };
    if !is_vendor_key(&key.secret) {
        fields.fail("secret", "admin-provider-bad-secret");
    }
    let key = match fields.finish(key) {
        Ok(key) => key,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let object = format!("provider {} key {}", loaded.provider.name, key.label);
    let after = json!({ "weight": key.weight, "max_concurrency": key.max_concurrency });
    let entry = change(&page, &state, "provider_key.create", object, Some(after));
    let (keyring, label) = (Arc::clone(&state.keyring), key.label.clone());
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            add_key(c, &keyring, id, &key, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    match saved {
        Ok(()) => {
            let toast = Toast::success(page.t1("admin-provider-key-added", "label", &label));
            page.redirect_with(&format!("{PATH}/{id}"), &toast)
        }
        Err(form_state) => again(&page, &loaded, form_state),
    }
}

async fn ask_delete(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let loaded = load(&state, ProviderId(*id)).await?;
    confirm::ask(&page, &question(&page, &loaded.provider, String::new()))
}

async fn delete(
    page: Page<Admin>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let id = ProviderId(*id);
    let provider = load(&state, id).await?.provider;
    if form.text("typed") != provider.name {
        let error = page.t("confirm-mistyped");
        return confirm::ask(&page, &question(&page, &provider, error));
    }
    let object = format!("provider {}", provider.name);
    let mut entry = change(&page, &state, "provider.delete", object, None);
    entry.before = Some(shown(&ProviderData::from(provider.clone())));
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                providers::delete(c, id, entry.at).await?;
                changes::record(c, &entry).await?;
                Ok::<_, PageError>(())
            })
        })
        .await?;
    let toast = Toast::success(page.t1("admin-provider-deleted", "name", &provider.name));
    page.redirect_with(PATH, &toast)
}

fn question(page: &Shell, provider: &Provider, typed_error: String) -> Question {
    let at = page.url(&format!("{PATH}/{}", provider.id));
    Question {
        title: page.t1("admin-provider-delete-title", "name", &provider.name),
        body: page.t("admin-provider-delete-body"),
        button: page.t("admin-provider-delete-button"),
        action: format!("{at}/delete"),
        back: at,
        typed: provider.name.clone(),
        typed_error,
    }
}

fn again(page: &Page<Admin>, loaded: &Loaded, form_state: FormState) -> PageResult {
    let view = view(page, loaded, Some(form_state), None);
    page.invalid_or(&view, &view)
}

fn read(page: &Shell, form: &Form, old: &Provider) -> Result<ProviderData, FormState> {
    let mut fields = Fields::new(page, form);
    let check_url = |text: &str| naming::base_url(text).map(|_url| ());
    let printable = |text: &str| {
        let fits = text.len() <= 200 && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        fits.then_some(()).ok_or(())
    };
    let user_agent = fields.text("user_agent", printable, "admin-provider-bad-label");
    let data = ProviderData {
        name: fields.text("name", naming::provider, "admin-provider-bad-name"),
        display_name: form.text("display_name").chars().take(100).collect(),
        base_url: fields
            .text("base_url", check_url, "admin-provider-bad-url")
            .trim_end_matches('/')
            .to_owned(),
        user_agent: (!user_agent.is_empty()).then_some(user_agent),
        connect_timeout_ms: fields.number("connect_timeout_ms", &naming::TIMEOUT_MS),
        first_byte_timeout_ms: fields.number("first_byte_timeout_ms", &naming::TIMEOUT_MS),
        idle_timeout_ms: fields.number("idle_timeout_ms", &naming::TIMEOUT_MS),
        enabled: form.checked("enabled"),
        ..ProviderData::from(old.clone())
    };
    fields.finish(data)
}

/// What the audit log keeps of a provider.
fn shown(data: &ProviderData) -> serde_json::Value {
    json!({
        "name": data.name,
        "display_name": data.display_name,
        "base_url": data.base_url,
        "user_agent": data.user_agent,
        "connect_timeout_ms": data.connect_timeout_ms,
        "first_byte_timeout_ms": data.first_byte_timeout_ms,
        "idle_timeout_ms": data.idle_timeout_ms,
        "enabled": data.enabled,
    })
}

/// The provider with its credentials and targets; not found where it is deleted.
pub(super) async fn load(state: &WebState, id: ProviderId) -> Result<Loaded, PageError> {
    state.db.read(move |c| Box::pin(load_from(c, id))).await
}

async fn load_from(c: &mut Conn, id: ProviderId) -> Result<Loaded, PageError> {
    let provider = providers::find(c, id)
        .await?
        .filter(|p| p.deleted_at.is_none())
        .ok_or(PageError::NotFound)?;
    let names = models::list(c).await?;
    let mut served: Vec<_> = targets::list(c)
        .await?
        .into_iter()
        .filter(|target| target.provider_id == id)
        .filter_map(|target| {
            let model = names.iter().find(|model| model.id == target.model_id)?;
            Some((model.id.0, model.name.clone(), target.upstream_model))
        })
        .collect();
    served.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(Loaded {
        keys: provider_keys::list_of(c, id).await?,
        provider,
        targets: served,
    })
}

/// The page: the stored settings, or the form that came back.
pub(super) fn view<'a>(
    page: &'a Shell,
    loaded: &Loaded,
    form_state: Option<FormState>,
    test: Option<TestResult>,
) -> ProviderView<'a> {
    let provider = &loaded.provider;
    let adds = form_state
        .as_ref()
        .is_some_and(|s| !s.value("label").is_empty());
    let stored = stored(provider);
    ProviderView {
        page,
        name: provider.name.clone(),
        at: page.url(&format!("{PATH}/{}", provider.id)),
        state: match form_state {
            Some(state) if adds => state.or(stored),
            Some(state) => state,
            None => stored,
        },
        add_open: adds || loaded.keys.is_empty(),
        keys: loaded.keys.iter().map(|key| key_row(page, key)).collect(),
        targets: loaded
            .targets
            .iter()
            .map(|(id, model, upstream)| TargetRow {
                href: page.url(&format!("/admin/config/models/{id}")),
                model: model.clone(),
                upstream: upstream.clone(),
            })
            .collect(),
        tested: test.as_ref().map_or(0, |test| test.key_id),
        test: test.unwrap_or_default(),
    }
}

fn stored(provider: &Provider) -> FormState {
    FormState::default()
        .with("name", &provider.name)
        .with("display_name", &provider.display_name)
        .with("base_url", &provider.base_url)
        .with(
            "user_agent",
            provider.user_agent.clone().unwrap_or_default(),
        )
        .with(
            "connect_timeout_ms",
            provider.connect_timeout_ms.to_string(),
        )
        .with(
            "first_byte_timeout_ms",
            provider.first_byte_timeout_ms.to_string(),
        )
        .with("idle_timeout_ms", provider.idle_timeout_ms.to_string())
        .ticked("enabled", provider.enabled)
}

fn key_row(page: &Shell, key: &ProviderKey) -> KeyRow {
    use modelgate_domain::CredentialState as State;
    let kind = match key.state {
        State::Active => "success",
        State::Cooldown | State::Exhausted => "warning",
        State::Rejected => "danger",
        State::Disabled => "muted",
    };
    KeyRow {
        id: key.id.0,
        label: key.label.clone(),
        last4: key.secret_last4.clone(),
        weight: key.weight,
        state: Dot::new(kind, page.t_code("credential-", key.state.as_str())),
        reason: key.state_reason.clone(),
        last_ok: key.last_ok_at.map(|at| page.moment(at.timestamp_millis())),
        last_error: key.last_error.clone(),
    }
}
