//! The list of API keys, and the form that makes one and shows it once.

use actix_web::web::{self, ServiceConfig};
use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use modelgate_domain::{ModelId, TargetId, naming};
use modelgate_store::api_keys::{Allowed, ApiKey, ApiKeyData, KeyMaterial};
use modelgate_store::{Conn, api_keys, changes, models, providers, targets};
use serde_json::{Value, json};

use super::components::fields::{Dot, Fields, change, save};
use crate::secrets::{hash_key, new_api_key};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Admin, Page, PageResult};
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
    last_used: Option<Moment>,
    state: Dot,
}

#[derive(Template)]
#[template(path = "admin/api_key_new.html")]
struct NewView<'a> {
    page: &'a Shell,
    state: FormState,
    expires_hint: String,
    models: Vec<Choice>,
    /// The key itself, this once.
    secret: Option<String>,
}

/// A model, or a model at one provider, that a key may be allowed.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route(PATH, web::get().to(get))
        .route(PATH, web::post().to(post))
        .route("/admin/api-keys/new", web::get().to(new));
}

async fn get(page: Page<Admin>, state: web::Data<WebState>) -> PageResult {
    let (all, allowed, choices) = state
        .db
        .read(|c| {
            Box::pin(async move {
                let all = api_keys::list(c).await?;
                let allowed = api_keys::all_allowed(c).await?;
                Ok::<_, PageError>((all, allowed, choices(c).await?))
            })
        })
        .await?;
    let rows = all
        .iter()
        .map(|key| {
            let own = allowed.iter().filter(|(id, _)| *id == key.id);
            let names: Vec<&str> = own
                .filter_map(|(_, entry)| label_of(&choices, entry))
                .collect();
            Row {
                href: page.url(&format!("{PATH}/{}", key.id)),
                name: key.name.clone(),
                shown: shown(key),
                models: match (key.all_models, names.is_empty()) {
                    (true, _) => page.t("admin-api-keys-all"),
                    (false, true) => page.t("admin-api-keys-none"),
                    (false, false) => names.join(", "),
                },
                last_used: key
                    .last_used_at
                    .map(|at| page.moment(at.timestamp_millis())),
                state: state_of(&page, key, state.clock.now()),
            }
        })
        .collect();
    page.show(&ApiKeysView { page: &page, rows })
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

/// Every model, and every model at one provider: the form's value and what it says.
pub(super) async fn choices(c: &mut Conn) -> Result<Vec<(String, String)>, PageError> {
    let (all, targets) = (models::list(c).await?, targets::list(c).await?);
    let providers = providers::list(c).await?;
    let mut out = Vec::new();
    for model in &all {
        out.push((format!("m{}", model.id), model.name.clone()));
        let own: Vec<_> = targets.iter().filter(|t| t.model_id == model.id).collect();
        for target in own.iter().filter(|_| own.len() > 1) {
            let provider = providers.iter().find(|p| p.id == target.provider_id);
            if let Some(provider) = provider {
                out.push((
                    format!("t{}", target.id),
                    format!("{}/{}", provider.name, model.name),
                ));
            }
        }
    }
    Ok(out)
}

/// The form's value of an allow-list entry.
pub(super) fn value_of(entry: &Allowed) -> String {
    match entry {
        Allowed::Model(id) => format!("m{id}"),
        Allowed::Target(id) => format!("t{id}"),
    }
}

fn label_of<'a>(choices: &'a [(String, String)], entry: &Allowed) -> Option<&'a str> {
    let value = value_of(entry);
    choices
        .iter()
        .find(|(v, _)| *v == value)
        .map(|(_, label)| label.as_str())
}

/// The choices as the form shows them.
pub(super) fn shown_choices(choices: &[(String, String)], state: &FormState) -> Vec<Choice> {
    choices
        .iter()
        .map(|(value, label)| Choice {
            value: value.clone(),
            label: label.clone(),
            is_chosen: state.has("model", value),
        })
        .collect()
}

async fn new(page: Page<Admin>, state: web::Data<WebState>) -> PageResult {
    let choices = state.db.read(|c| Box::pin(choices(c))).await?;
    let form_state = FormState::default().ticked("all_models", true);
    page.show(&new_view(&page, &choices, form_state, None))
}

fn new_view<'a>(
    page: &'a Shell,
    choices: &[(String, String)],
    state: FormState,
    secret: Option<String>,
) -> NewView<'a> {
    NewView {
        page,
        models: shown_choices(choices, &state),
        expires_hint: page.t1("admin-api-key-expires-hint", "zone", page.zone.name()),
        state,
        secret,
    }
}

async fn post(page: Page<Admin>, state: web::Data<WebState>, form: Form) -> PageResult {
    let choices = state.db.read(|c| Box::pin(choices(c))).await?;
    let again = |form_state| {
        let view = new_view(&page, &choices, form_state, None);
        page.invalid_or(&view, &view)
    };
    let read = read(&page, &form, &choices, ApiKeyData::default());
    let (mut data, allowed) = match read {
        Ok(read) => read,
        Err(form_state) => return again(form_state),
    };
    data.enabled = true;
    let key = new_api_key().map_err(PageError::internal)?;
    let material = KeyMaterial {
        hash: hash_key(key.expose()),
        prefix: key.prefix(),
        last4: key.last4(),
    };
    let object = format!("api_key {}", data.name);
    let after = audited(&data, &allowed, &choices);
    let entry = change(&page, &state, "api_key.create", object, Some(after));
    let made = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let id = api_keys::insert(c, &data, &material, entry.at).await?;
            api_keys::set_allowed(c, id, &allowed).await?;
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

/// The fields that making and editing a key share; what the form does not ask stays as it is in `base`.
pub(super) fn read(
    page: &Shell,
    form: &Form,
    choices: &[(String, String)],
    base: ApiKeyData,
) -> Result<(ApiKeyData, Vec<Allowed>), FormState> {
    let mut fields = Fields::new(page, form);
    let expires_at = match form.text("expires_at") {
        "" => None,
        text => {
            let at = local_time(text, page.zone);
            if at.is_none() {
                fields.fail("expires_at", "admin-api-key-bad-time");
            }
            at
        }
    };
    let all_models = form.checked("all_models");
    let allowed: Vec<Allowed> = form
        .all("model")
        .filter(|value| choices.iter().any(|(known, _)| known == value))
        .filter_map(entry_of)
        .collect();
    if !all_models && allowed.is_empty() {
        fields.fail("model", "admin-api-key-no-model");
    }
    let data = ApiKeyData {
        name: fields.text("name", naming::label, "admin-api-key-bad-name"),
        enabled: form.checked("enabled"),
        expires_at,
        all_models,
        note: form.text("note").chars().take(2_000).collect(),
        ..base
    };
    let allowed = if all_models { Vec::new() } else { allowed };
    fields.finish((data, allowed))
}

fn entry_of(value: &str) -> Option<Allowed> {
    let (kind, id) = value.split_at_checked(1)?;
    let id = id.parse().ok()?;
    match kind {
        "m" => Some(Allowed::Model(ModelId(id))),
        "t" => Some(Allowed::Target(TargetId(id))),
        _ => None,
    }
}

/// What a `datetime-local` field says, in the business time zone; a time that daylight saving skips does not exist.
fn local_time(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats
        .iter()
        .find_map(|f| NaiveDateTime::parse_from_str(text, f).ok())?;
    local
        .and_local_timezone(zone)
        .earliest()
        .map(|at| at.with_timezone(&Utc))
}

/// What the audit log keeps of a key.
pub(super) fn audited(
    data: &ApiKeyData,
    allowed: &[Allowed],
    choices: &[(String, String)],
) -> Value {
    let names: Vec<&str> = allowed
        .iter()
        .filter_map(|entry| label_of(choices, entry))
        .collect();
    json!({
        "name": data.name, "enabled": data.enabled, "expires_at": data.expires_at,
        "all_models": data.all_models, "models": names, "note": data.note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_of_the_business_zone() {
        let at = local_time("2027-01-31T08:00", chrono_tz::Asia::Shanghai).unwrap();
        assert_eq!(at.to_rfc3339(), "2027-01-31T00:00:00+00:00");
        assert!(local_time("2026-03-29T02:30", chrono_tz::Europe::Berlin).is_none());
        assert!(local_time("tomorrow", chrono_tz::UTC).is_none());
    }
}
