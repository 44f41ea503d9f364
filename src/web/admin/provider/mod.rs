//! One provider: its settings, its credentials, and the models it serves.

mod health;
mod outbound;

use std::sync::Arc;

use actix_web::web;
use askama::Template;
use modelgate_domain::{Limit, LimitScope, ModelId, ProviderId, TargetId, naming};
use modelgate_store::health_events::{self, HealthEvent};
use modelgate_store::provider_keys::ProviderKey;
use modelgate_store::providers::{Provider, ProviderData};
use modelgate_store::{Conn, changes, limits, models, provider_keys, providers, targets};
use serde_json::json;

use self::outbound::Outbound;
use super::components::confirm::{self, Question};
use super::components::fields::{Dot, Fields, Refused, answer, change, save};
use super::components::key_test::TestResult;
use super::components::removal::{Ended, Ending};
use super::components::version::{self, Opened};
use super::components::{rows, summary};
use super::providers::{
    NewKey, PATH, add_key, is_vendor_key, prefix_in_use, protocol_choices, read_protocol,
};
use crate::secrets::Keyring;
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Known, Look, Page, PageResult, Secrets};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/provider.html", blocks = ["test", "health"])]
pub(super) struct ProviderView<'a> {
    page: &'a Shell,
    name: String,
    /// The page's own address.
    at: String,
    /// Where its requests are.
    logs: String,
    state: FormState,
    add_open: bool,
    keys: Vec<KeyRow>,
    targets: Vec<TargetRow>,
    outbound: outbound::Shown,
    protocols: Vec<(String, String)>,
    health: Vec<health::Now>,
    history: Vec<health::Change>,
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
    /// Its limits in a sentence; empty where it has none.
    rules: String,
    last_ok: Option<Moment>,
    last_error: String,
}

struct TargetRow {
    href: String,
    model: String,
    upstream: String,
}

/// A model that a provider serves.
pub(super) struct Served {
    target: TargetId,
    model: ModelId,
    name: String,
    /// The vendor's name.
    pub(super) upstream: String,
}

const DELETE: Ending = Ending {
    texts: "admin-provider-delete-",
    done: "admin-provider-deleted",
    value: "name",
    action: "provider.delete",
};

/// A provider with what belongs to it.
pub(super) struct Loaded {
    pub(super) provider: Provider,
    pub(super) keys: Vec<ProviderKey>,
    /// Those of its keys.
    pub(super) limits: Vec<Limit>,
    /// Its headers and proxy; nothing where they do not open.
    outbound: Option<Outbound>,
    /// What it serves, by public name.
    pub(super) targets: Vec<Served>,
    /// The newest changes of its health.
    events: Vec<HealthEvent>,
}

impl Loaded {
    /// What the audit log calls it.
    fn object(&self) -> String {
        format!("provider {}", self.provider.name)
    }

    /// The limits on one of its keys.
    pub(super) fn limits_of(&self, key: &ProviderKey) -> Vec<Limit> {
        let own = self.limits.iter().filter(|l| l.scope_id == key.id.0);
        own.cloned().collect()
    }
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin/config/providers/{id}", get)
        .post("/admin/config/providers/{id}", post)
        .get("/admin/config/providers/{id}/delete", ask_delete)
        .post("/admin/config/providers/{id}/delete", delete)
        .post("/admin/config/providers/{id}/keys", add);
}

async fn get(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = load(&state, ProviderId(*id)).await?;
    let view = view(&page, &state, &loaded, None, None);
    page.show_or(&view, &view.as_health())
}

async fn post(
    page: Page<Secrets>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let id = ProviderId(*id);
    let loaded = load(&state, id).await?;
    let (data, outbound) = match read(&page, &form, &loaded) {
        Ok(read) => read,
        Err(form_state) => return again(&page, &state, &loaded, form_state),
    };
    let object = loaded.object();
    let after = audited(&data, outbound.as_ref().or(loaded.outbound.as_ref()));
    let mut entry = change(&page, &state, "provider.update", object, Some(after));
    let before = ProviderData::from(loaded.provider.clone());
    entry.before = Some(audited(&before, loaded.outbound.as_ref()));
    let sealed = outbound.map(|outbound| outbound.seal(&state.keyring, id));
    let sealed = sealed.transpose().map_err(PageError::internal)?;
    let renamed = data.name != loaded.provider.name;
    let (opened, keyring) = (Opened::of(&form), Arc::clone(&state.keyring));
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = load_from(c, &keyring, id).await?;
            opened.check(c, &stored(&now), &now.object()).await?;
            if renamed && prefix_in_use(c, &data.name).await? {
                return Err(Refused::Field("name", "admin-provider-prefix-taken"));
            }
            if !providers::update(c, id, &data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            if let Some(sealed) = sealed {
                providers::set_outbound(c, id, &sealed).await?;
            }
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    let told = page.t("admin-provider-saved");
    answer(
        &page,
        saved,
        (&format!("{PATH}/{id}"), told),
        |form_state| again(&page, &state, &loaded, form_state),
    )
}

async fn add(
    page: Page<Secrets>,
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
        Err(form_state) => return again(&page, &state, &loaded, form_state),
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
    let told = page.t1("admin-provider-key-added", "label", &label);
    answer(
        &page,
        saved,
        (&format!("{PATH}/{id}"), told),
        |form_state| again(&page, &state, &loaded, form_state),
    )
}

async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let loaded = load(&state, ProviderId(*id)).await?;
    confirm::ask(&page, &question(&page, &loaded.provider, String::new()))
}

async fn delete(
    page: Page<Delete>,
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
    let ended = Ended {
        object: format!("provider {}", provider.name),
        before: Some(audited(&ProviderData::from(provider.clone()), None)),
        name: provider.name,
        to: PATH.to_owned(),
    };
    DELETE
        .end(&page, &state, ended, move |c, entry| {
            Box::pin(async move { providers::delete(c, id, entry.at).await.map(drop) })
        })
        .await
}

/// A provider takes much with it: its name has to be typed.
fn question(page: &Shell, provider: &Provider, typed_error: String) -> Question {
    let back = format!("{PATH}/{}", provider.id);
    let paths = (&*format!("{back}/delete"), &*back);
    Question {
        typed: provider.name.clone(),
        typed_error,
        ..DELETE.question(page, &provider.name, paths)
    }
}

fn again(
    page: &Page<impl Known>,
    web: &WebState,
    loaded: &Loaded,
    form_state: FormState,
) -> PageResult {
    let more = rows::wants_more(&form_state);
    page.once_more(&view(page, web, loaded, Some(form_state), None), more)
}

fn read(
    page: &Shell,
    form: &Form,
    loaded: &Loaded,
) -> Result<(ProviderData, Option<Outbound>), FormState> {
    let mut fields = Fields::new(page, form);
    if rows::wants_more(&fields.state) {
        return Err(fields.state);
    }
    let old = &loaded.provider;
    let check_url = |text: &str| naming::base_url(text).map(|_url| ());
    let printable = |text: &str| {
        let fits = text.len() <= 200 && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        fits.then_some(()).ok_or(())
    };
    let user_agent = fields.text("user_agent", printable, "admin-provider-bad-label");
    let protocol = read_protocol(&mut fields, &old.protocol);
    let data = ProviderData {
        protocol,
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
    let outbound = Outbound::read(&mut fields, form, loaded.outbound.as_ref());
    fields.finish((data, outbound))
}

/// What the audit log keeps of a provider: of headers the names, of a proxy the host.
fn audited(data: &ProviderData, outbound: Option<&Outbound>) -> serde_json::Value {
    json!({
        "name": data.name,
        "display_name": data.display_name,
        "protocol": data.protocol,
        "base_url": data.base_url,
        "user_agent": data.user_agent,
        "connect_timeout_ms": data.connect_timeout_ms,
        "first_byte_timeout_ms": data.first_byte_timeout_ms,
        "idle_timeout_ms": data.idle_timeout_ms,
        "enabled": data.enabled,
        "outbound": outbound.map(Outbound::audited),
    })
}

/// The provider with its credentials and targets; not found where it is deleted.
pub(super) async fn load(state: &WebState, id: ProviderId) -> Result<Loaded, PageError> {
    let keyring = Arc::clone(&state.keyring);
    state
        .db
        .read(move |c| Box::pin(async move { load_from(c, &keyring, id).await }))
        .await
}

pub(super) async fn load_from(
    c: &mut Conn,
    keyring: &Keyring,
    id: ProviderId,
) -> Result<Loaded, PageError> {
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
            Some(Served {
                target: target.id,
                model: model.id,
                name: model.name.clone(),
                upstream: target.upstream_model,
            })
        })
        .collect();
    served.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Loaded {
        keys: provider_keys::list_of(c, id).await?,
        limits: limits::list(c)
            .await?
            .into_iter()
            .filter(|limit| limit.scope == LimitScope::ProviderKey)
            .collect(),
        outbound: Outbound::open(&provider, keyring),
        events: health_events::list(c, id, None, health::LATEST).await?,
        provider,
        targets: served,
    })
}

/// The page: the stored settings, or the form that came back.
pub(super) fn view<'a>(
    page: &'a Shell,
    web: &WebState,
    loaded: &Loaded,
    form_state: Option<FormState>,
    test: Option<TestResult>,
) -> ProviderView<'a> {
    let provider = &loaded.provider;
    let adds = form_state
        .as_ref()
        .is_some_and(|s| !s.value("label").is_empty());
    let stored = version::stamped(stored(loaded), &loaded.object());
    let state = match form_state {
        Some(state) if adds => state.or(stored),
        Some(state) => state,
        None => stored,
    };
    ProviderView {
        page,
        name: provider.name.clone(),
        at: page.url(&format!("{PATH}/{}", provider.id)),
        logs: page.url(&format!("/admin/logs?provider={}", provider.id)),
        outbound: outbound::view(&state, loaded.outbound.as_ref()),
        health: health::now(page, loaded, &web.health),
        history: health::history(page, loaded),
        state,
        add_open: adds || loaded.keys.is_empty(),
        keys: loaded
            .keys
            .iter()
            .map(|key| key_row(page, web, loaded, key))
            .collect(),
        targets: loaded
            .targets
            .iter()
            .map(|served| TargetRow {
                href: page.url(&format!("/admin/config/models/{}", served.model)),
                model: served.name.clone(),
                upstream: served.upstream.clone(),
            })
            .collect(),
        protocols: protocol_choices(page),
        tested: test.as_ref().map_or(0, |test| test.key_id),
        test: test.unwrap_or_default(),
    }
}

/// The fields of what is stored.
fn stored(loaded: &Loaded) -> FormState {
    let provider = &loaded.provider;
    let state = FormState::default()
        .with("name", &provider.name)
        .with("display_name", &provider.display_name)
        .with("protocol", &provider.protocol)
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
        .ticked("enabled", provider.enabled);
    outbound::stored(state, loaded.outbound.as_ref())
}

fn key_row(page: &Shell, web: &WebState, loaded: &Loaded, key: &ProviderKey) -> KeyRow {
    use modelgate_domain::CredentialState as State;
    let kind = match key.state {
        State::Active => "success",
        State::Cooldown | State::Exhausted => "warning",
        State::Rejected => "danger",
        State::Disabled => "muted",
    };
    let stored = (
        Dot::new(kind, page.t_code("credential-", key.state.as_str())),
        key.state_reason.clone(),
    );
    let live = match key.state {
        State::Active => health::of_key(page, loaded, &web.health, key),
        _ => None,
    };
    let (state, reason) = live.unwrap_or(stored);
    KeyRow {
        id: key.id.0,
        label: key.label.clone(),
        last4: key.secret_last4.clone(),
        weight: key.weight,
        state,
        rules: summary::of_limits(page.lang, &loaded.limits_of(key)),
        reason,
        last_ok: key.last_ok_at.map(|at| page.moment(at.timestamp_millis())),
        last_error: key.last_error.clone(),
    }
}
