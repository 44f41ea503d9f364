//! One vendor credential: its settings, and the test that makes a real call with it.

use std::sync::Arc;

use actix_web::web;
use askama::Template;
use modelgate_domain::{
    CredentialState, Limit, LimitScope, Permission, ProviderId, Secret, StateBy, naming,
};
use modelgate_store::provider_keys::{NewState, ProviderKey};
use modelgate_store::{Conn, changes, limits, provider_keys};
use serde_json::json;

use super::components::allowances::{self, Allowances};
use super::components::confirm;
use super::components::fields::{Fields, answer, change, save};
use super::components::key_test;
use super::components::removal::{Ended, Ending};
use super::components::rows;
use super::components::version::{self, Opened};
use super::provider::{self, Loaded};
use super::providers::{PATH, is_vendor_key};
use crate::secrets::Keyring;
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

/// The field that stands for the secret in the form's version.
const SECRET: &str = "last4";

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
    let (keyring, ids) = (Arc::clone(&state.keyring), (ProviderId(provider), key));
    let read = state
        .db
        .read(move |c| Box::pin(async move { load_from(c, &keyring, ids).await }));
    read.await
}

async fn load_from(
    c: &mut Conn,
    keyring: &Keyring,
    (provider, key): (ProviderId, i64),
) -> Result<(Loaded, ProviderKey), PageError> {
    let loaded = provider::load_from(c, keyring, provider).await?;
    let key = loaded.keys.iter().find(|k| k.id.0 == key).cloned();
    Ok((loaded, key.ok_or(PageError::NotFound)?))
}

async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
) -> PageResult {
    let (loaded, key) = load(&state, *ids).await?;
    let stored = stored(&loaded, &key).with(SECRET, &key.secret_last4);
    let form_state = version::stamped(stored, &object(&loaded, &key));
    page.show(&view(&page, &loaded, &key, form_state))
}

/// The fields of what is stored, but for the secret.
fn stored(loaded: &Loaded, key: &ProviderKey) -> FormState {
    let state = FormState::default()
        .with("label", &key.label)
        .with("weight", key.weight.to_string())
        .ticked("enabled", key.state != CredentialState::Disabled);
    allowances::stored(state, &loaded.limits_of(key), SUBJECT)
}

/// What the audit log calls it.
fn object(loaded: &Loaded, key: &ProviderKey) -> String {
    format!("provider {} key {}", loaded.provider.name, key.label)
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
    let object = object(&loaded, &key);
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
    let (opened, provider) = (Opened::of(&form), loaded.provider.id);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let (all, key) = load_from(c, &keyring, (provider, id.0)).await?;
            let stored = stored(&all, &key);
            // only who brings another secret can undo the change of one
            let stored = match &edit.secret {
                Some(_) => stored.with(SECRET, &key.secret_last4),
                None => stored,
            };
            opened.check(c, &stored, &self::object(&all, &key)).await?;
            provider_keys::update(c, id, &edit.label, edit.weight, now).await?;
            if let Some(secret) = &edit.secret {
                let sealed = keyring
                    .seal("provider_keys", id.0, secret)
                    .map_err(PageError::internal)?;
                provider_keys::set_secret(c, id, &sealed, &secret.last4(), now).await?;
                provider_keys::forget_tests(c, id).await?;
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
        object: object(&loaded, &key),
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
    form: Form,
) -> PageResult {
    let (loaded, key) = load(&state, *ids).await?;
    let result = key_test::run(&page, &state, (&loaded.provider, &key), &form).await?;
    let fresh = provider::load(&state, loaded.provider.id).await?;
    let view = provider::view(&page, &state, &fresh, None, Some(result));
    page.show_or(&view, &view.as_test())
}
