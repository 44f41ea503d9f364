//! One vendor credential: its settings, and the test that makes a real call with it.

use std::sync::Arc;

use actix_web::web;
use askama::Template;
use modelgate_domain::{
    CredentialState, Limit, LimitScope, Permission, ProviderId, Secret, StateBy, naming,
};
use modelgate_store::provider_keys::{NewState, ProviderKey};
use modelgate_store::providers::Provider;
use modelgate_store::{changes, limits, models, provider_keys, targets};
use serde_json::json;

use super::components::allowances::{self, Allowances};
use super::components::confirm;
use super::components::fields::{Fields, answer, change, save};
use super::components::removal::{Ended, Ending};
use super::components::rows;
use super::provider::{self, Loaded};
use super::providers::{PATH, is_vendor_key};
use crate::catalog;
use crate::probe::{self, Called, Report, Subject, Verdict};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/provider_key.html")]
struct ProviderKeyView<'a> {
    page: &'a Shell,
    label: String,
    provider: String,
    at: String,
    back: String,
    /// Where the requests with it are.
    logs: String,
    allowances: Allowances,
    state: FormState,
}

/// A credential's own limits, whatever the model.
const SUBJECT: allowances::Subject<'static> = allowances::Subject {
    scope: LimitScope::ProviderKey,
    models: &[],
};

const DELETE: Ending = Ending {
    texts: "admin-provider-key-delete-",
    done: "admin-provider-key-deleted",
    value: "label",
    action: "provider_key.delete",
};

/// What a test said, in the person's language.
#[derive(Default)]
pub(super) struct TestResult {
    pub(super) key_id: i64,
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) body: String,
    /// The vendor's own words, without secrets.
    pub(super) detail: String,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin/config/providers/{id}/keys/{key}", get)
        .post("/admin/config/providers/{id}/keys/{key}", post)
        .get("/admin/config/providers/{id}/keys/{key}/delete", ask_delete)
        .post("/admin/config/providers/{id}/keys/{key}/delete", delete)
        .post("/admin/config/providers/{id}/keys/{key}/test", test);
}

async fn load(
    state: &WebState,
    (provider, key): (i64, i64),
) -> Result<(Loaded, ProviderKey), PageError> {
    let loaded = provider::load(state, ProviderId(provider)).await?;
    let key = loaded.keys.iter().find(|k| k.id.0 == key).cloned();
    Ok((loaded, key.ok_or(PageError::NotFound)?))
}

async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
) -> PageResult {
    let (loaded, key) = load(&state, *ids).await?;
    let form_state = FormState::default()
        .with("label", &key.label)
        .with("weight", key.weight.to_string())
        .ticked("enabled", key.state != CredentialState::Disabled);
    let form_state = allowances::stored(form_state, &loaded.limits_of(&key), SUBJECT);
    page.show(&view(&page, &loaded, &key, form_state))
}

fn view<'a>(
    page: &'a Shell,
    loaded: &Loaded,
    key: &ProviderKey,
    state: FormState,
) -> ProviderKeyView<'a> {
    let back = page.url(&format!("{PATH}/{}", loaded.provider.id));
    ProviderKeyView {
        page,
        label: key.label.clone(),
        provider: loaded.provider.name.clone(),
        at: format!("{back}/keys/{}", key.id),
        back,
        logs: page.url(&format!("/admin/logs?credential={}", key.id)),
        allowances: allowances::view(page, &state, SUBJECT),
        state,
    }
}

/// What the form asks for.
struct Edit {
    label: String,
    weight: i64,
    limits: Vec<Limit>,
    secret: Option<Secret>,
    enabled: bool,
}

fn read(page: &Shell, form: &Form) -> Result<Edit, FormState> {
    let mut fields = Fields::new(page, form);
    if rows::wants_more(&fields.state) {
        return Err(fields.state);
    }
    let secret = form.secret("secret");
    let edit = Edit {
        label: fields.text("label", naming::label, "admin-provider-bad-label"),
        weight: fields.number("weight", &naming::WEIGHTS),
        limits: allowances::read(&mut fields, SUBJECT),
        secret: (!secret.expose().is_empty()).then_some(secret),
        enabled: form.checked("enabled"),
    };
    if edit.secret.as_ref().is_some_and(|s| !is_vendor_key(s)) {
        fields.fail("secret", "admin-provider-bad-secret");
    }
    fields.finish(edit)
}

async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
    form: Form,
) -> PageResult {
    let (loaded, key) = load(&state, *ids).await?;
    let again = |form_state: FormState| {
        let more = rows::wants_more(&form_state);
        page.once_more(&view(&page, &loaded, &key, form_state), more)
    };
    let edit = match read(&page, &form) {
        Ok(edit) => edit,
        Err(form_state) => return again(form_state),
    };
    if edit.secret.is_some() && !page.may(Permission::Secrets) {
        return Err(PageError::Forbidden);
    }
    let object = format!("provider {} key {}", loaded.provider.name, key.label);
    let after = json!({
        "label": edit.label, "weight": edit.weight, "enabled": edit.enabled,
        "limits": allowances::audited(&edit.limits, SUBJECT), "secret_replaced": edit.secret.is_some(),
    });
    let mut entry = change(&page, &state, "provider_key.update", object, Some(after));
    entry.before = Some(json!({
        "label": key.label, "weight": key.weight, "enabled": key.state != CredentialState::Disabled,
        "limits": allowances::audited(&loaded.limits_of(&key), SUBJECT),
    }));
    let (id, now, keyring) = (key.id, entry.at, Arc::clone(&state.keyring));
    let new_state = new_state(&key, &edit);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            provider_keys::update(c, id, &edit.label, edit.weight, now).await?;
            if let Some(secret) = &edit.secret {
                let sealed = keyring
                    .seal("provider_keys", id.0, secret)
                    .map_err(PageError::internal)?;
                provider_keys::set_secret(c, id, &sealed, &secret.last4(), now).await?;
            }
            if let Some(new_state) = new_state {
                provider_keys::set_state(c, id, &new_state, now).await?;
            }
            limits::replace(c, LimitScope::ProviderKey, id.0, &edit.limits).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    let to = format!("{PATH}/{}", loaded.provider.id);
    answer(&page, saved, (&to, page.t("admin-provider-saved")), again)
}

/// A key that is switched on again, or gets a new secret, starts afresh; what an admin switched off stays off.
fn new_state(key: &ProviderKey, edit: &Edit) -> Option<NewState> {
    let state = match (edit.enabled, key.state) {
        (false, CredentialState::Disabled) => return None,
        (false, _) => CredentialState::Disabled,
        (true, CredentialState::Active) => return None,
        (true, CredentialState::Disabled) => CredentialState::Active,
        (true, _) if edit.secret.is_some() => CredentialState::Active,
        (true, _) => return None,
    };
    Some(NewState {
        state,
        reason: String::new(),
        by: StateBy::Admin,
        until_ms: None,
    })
}

async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
) -> PageResult {
    let (loaded, key) = load(&state, *ids).await?;
    let back = format!("{PATH}/{}", loaded.provider.id);
    let action = format!("{back}/keys/{}/delete", key.id);
    confirm::ask(&page, &DELETE.question(&page, &key.label, (&action, &back)))
}

async fn delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
    _form: Form,
) -> PageResult {
    let (loaded, key) = load(&state, *ids).await?;
    let id = key.id;
    let ended = Ended {
        object: format!("provider {} key {}", loaded.provider.name, key.label),
        before: None,
        name: key.label,
        to: format!("{PATH}/{}", loaded.provider.id),
    };
    DELETE
        .end(&page, &state, ended, move |c, entry| {
            Box::pin(async move { provider_keys::delete(c, id, entry.at).await.map(drop) })
        })
        .await
}

/// Makes a real call with the key and says what came of it.
async fn test(
    page: Page<Operate>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
    _form: Form,
) -> PageResult {
    let (loaded, key) = load(&state, *ids).await?;
    let result = try_key(&page, &state, &loaded.provider, &key).await?;
    let fresh = provider::load(&state, loaded.provider.id).await?;
    let view = provider::view(&page, &state, &fresh, None, Some(result));
    page.show_or(&view, &view.as_test())
}

/// Makes a real call with a key, and notes what came of it.
pub(super) async fn try_key(
    page: &Shell,
    state: &WebState,
    provider: &Provider,
    key: &ProviderKey,
) -> Result<TestResult, PageError> {
    let (endpoint, secret) = opened(state, provider, key)?;
    let called = first_target(state, provider.id).await?;
    let subject = called.as_ref().map(|(upstream_model, kind)| Subject {
        upstream_model,
        kind,
    });
    let report = probe::test(&endpoint, &secret, subject).await;
    let outcome = match report.verdict {
        Verdict::Ok => Ok(state.clock.now()),
        _ => Err(format!("{}: {}", report.verdict.code(), report.detail)),
    };
    let id = key.id;
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                let outcome = outcome.as_ref().map(|at| *at).map_err(String::as_str);
                provider_keys::set_tested(c, id, outcome).await
            })
        })
        .await?;
    Ok(told(page, id.0, &report))
}

/// The provider as the data path knows it, and the key itself.
pub(super) fn opened(
    state: &WebState,
    provider: &Provider,
    key: &ProviderKey,
) -> Result<(catalog::Provider, Secret), PageError> {
    let secret = state
        .keyring
        .open(catalog::SEALED_IN, key.id.0, key.secret.expose())
        .map_err(PageError::internal)?;
    let opened = catalog::open_provider(provider.clone(), &state.keyring);
    let mut opened = opened.map_err(PageError::internal)?;
    opened.introduce(&state.settings.load().runtime.user_agent);
    Ok((opened, secret))
}

/// The vendor's name and the kind of a model that this provider serves.
async fn first_target(
    state: &WebState,
    provider: ProviderId,
) -> Result<Option<(String, String)>, PageError> {
    let (all, served) = state
        .db
        .read(|c| {
            Box::pin(async move {
                let all = models::list(c).await?;
                Ok::<_, PageError>((all, targets::list(c).await?))
            })
        })
        .await?;
    let kind_of = |id| {
        all.iter()
            .find(|model| model.id == id)
            .map(|model| model.kind.clone())
    };
    let mut own: Vec<_> = served
        .into_iter()
        .filter(|target| target.provider_id == provider && target.enabled)
        .filter_map(|target| Some((target.upstream_model, kind_of(target.model_id)?)))
        .collect();
    own.sort_by_key(|(_, kind)| kind != "chat");
    Ok(own.into_iter().next())
}

/// What a probe found, in the person's language.
fn told(page: &Shell, key_id: i64, report: &Report) -> TestResult {
    let code = report.verdict.code().replace('_', "-");
    let total = page.duration(&report.latency_ms);
    let body = match (report.verdict, report.called, report.ttft_ms) {
        (Verdict::Ok, Called::Models, _) => {
            page.t1("admin-provider-key-test-ok-list", "total", &total)
        }
        (Verdict::Ok, _, ttft) => {
            let ttft = page.duration(&ttft.unwrap_or(report.latency_ms));
            page.t_with(
                "admin-provider-key-test-ok-body",
                &[("ttft", &ttft), ("total", &total)],
            )
        }
        _ => page.t(&format!("admin-provider-key-test-{code}-body")),
    };
    TestResult {
        key_id,
        kind: match report.verdict {
            Verdict::Ok => "success",
            Verdict::RateLimited => "warning",
            _ => "danger",
        },
        title: page.t(&format!("admin-provider-key-test-{code}")),
        body,
        detail: report.detail.clone(),
    }
}

/// Why a call to a vendor failed, in one sentence.
pub(super) fn reason(page: &Shell, report: &Report) -> String {
    let code = report.verdict.code().replace('_', "-");
    let title = page.t(&format!("admin-provider-key-test-{code}"));
    format!("{title} {}", report.detail).trim_end().to_owned()
}
