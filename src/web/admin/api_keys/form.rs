//! The form of an API key, with all its rules: making and editing a key share it.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use modelgate_domain::{ApiKeyId, Limit, LimitScope, ModelId, TargetId, TimeRule, UserId, naming};
use modelgate_store::api_keys::{Allowed, ApiKeyData};
use modelgate_store::{
    Conn, StoreError, api_keys, limits, models, providers, targets, time_rules, users,
};
use serde_json::{Value, json};

use crate::forwarded::network;
use crate::web::admin::api_key_secret::Handover;
use crate::web::admin::components::allowances::{self, Allowances, Subject};
use crate::web::admin::components::fields::Fields;
use crate::web::admin::components::rows;
use crate::web::admin::components::summary::{self, Terms};
use crate::web::admin::components::time_rules::{self as time_rows, TimeRows};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::shell::Shell;

/// A key with its rules.
#[derive(Clone, Debug, Default)]
pub(in crate::web::admin) struct Edit {
    pub(in crate::web::admin) data: ApiKeyData,
    pub(in crate::web::admin) allowed: Vec<Allowed>,
    pub(in crate::web::admin) time_rules: Vec<TimeRule>,
    pub(in crate::web::admin) limits: Vec<Limit>,
}

/// What there is to choose from.
pub(in crate::web::admin) struct Choices {
    /// Every model, and every model at one provider: the form's value and what it says.
    targets: Vec<(String, String)>,
    pub(in crate::web::admin) models: Vec<(ModelId, String)>,
    /// Accounts that a key may belong to.
    users: Vec<(UserId, String)>,
}

/// A model, or a model at one provider, that a key may be allowed.
pub(in crate::web::admin) struct Choice {
    pub(in crate::web::admin) value: String,
    pub(in crate::web::admin) label: String,
    pub(in crate::web::admin) is_chosen: bool,
}

/// The form as templates show it.
pub(in crate::web::admin) struct KeyForm {
    pub(in crate::web::admin) at: String,
    pub(in crate::web::admin) state: FormState,
    /// The account it belongs to, for those who may not change that; nothing for those who may.
    pub(in crate::web::admin) settled_owner: Option<String>,
    /// Form value and name of each account, and of none.
    pub(in crate::web::admin) owners: Vec<(String, String)>,
    pub(in crate::web::admin) expires_hint: String,
    pub(in crate::web::admin) zone_hint: String,
    pub(in crate::web::admin) zones: Vec<&'static str>,
    /// How the key gets to its holder, once it is made.
    pub(in crate::web::admin) handovers: Vec<(String, String)>,
    pub(in crate::web::admin) models: Vec<Choice>,
    pub(in crate::web::admin) times: TimeRows,
    pub(in crate::web::admin) allowances: Allowances,
}

impl Choices {
    pub(in crate::web::admin) async fn read(c: &mut Conn) -> Result<Self, StoreError> {
        let (all, targets) = (models::list(c).await?, targets::list(c).await?);
        let providers = providers::list(c).await?;
        let mut out = Vec::new();
        for model in &all {
            out.push((format!("m{}", model.id), model.name.clone()));
            let own: Vec<_> = targets.iter().filter(|t| t.model_id == model.id).collect();
            for target in own.iter().filter(|_| own.len() > 1) {
                let provider = providers.iter().find(|p| p.id == target.provider_id);
                if let Some(provider) = provider {
                    let label = format!("{}/{}", provider.name, model.name);
                    out.push((format!("t{}", target.id), label));
                }
            }
        }
        Ok(Self {
            targets: out,
            models: all.into_iter().map(|m| (m.id, m.name)).collect(),
            users: {
                let all = users::list(c).await?.into_iter();
                all.map(|user| (user.id, user.username)).collect()
            },
        })
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            scope: LimitScope::ApiKey,
            models: &self.models,
        }
    }

    /// The public name of a model; its row where it is gone.
    pub(in crate::web::admin) fn model_name(&self, id: ModelId) -> String {
        let found = self.models.iter().find(|(model, _)| *model == id);
        found.map_or_else(|| format!("#{id}"), |(_, name)| name.clone())
    }

    /// The name of the account; nothing where the key stands alone.
    pub(super) fn owner(&self, id: UserId) -> Option<&str> {
        let found = self.users.iter().find(|(user, _)| *user == id);
        found.map(|(_, name)| &**name)
    }

    /// What the entries of an allow-list are called.
    pub(super) fn names(&self, allowed: &[Allowed]) -> Vec<&str> {
        let name = |entry: &Allowed| {
            let value = value_of(entry);
            let mut known = self.targets.iter();
            known.find(|(v, _)| *v == value).map(|(_, name)| &**name)
        };
        allowed.iter().filter_map(name).collect()
    }
}

/// The form's value of an account; nothing where the key stands alone.
fn owner_value(id: UserId) -> String {
    if id.is_none() {
        String::new()
    } else {
        id.to_string()
    }
}

/// The form's value of an allow-list entry.
fn value_of(entry: &Allowed) -> String {
    match entry {
        Allowed::Model(id) => format!("m{id}"),
        Allowed::Target(id) => format!("t{id}"),
    }
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

impl Edit {
    /// The rules in a sentence; empty where there is none. A model that is gone limits nothing.
    pub(in crate::web::admin) fn sentence(&self, page: &Shell, choices: &Choices) -> String {
        let known = |limit: &&Limit| {
            limit.model_id.is_none() || choices.models.iter().any(|(id, _)| *id == limit.model_id)
        };
        let limits: Vec<Limit> = self.limits.iter().filter(known).cloned().collect();
        let rules = Terms {
            zone: self.data.time_zone.parse().unwrap_or(page.business),
            time_rules: &self.time_rules,
            allowed_cidrs: &self.data.allowed_cidrs,
            limits: &limits,
            fallbacks: self.data.fallbacks,
            bypass_busyness: self.data.bypass_busyness,
            strict_conversion: self.data.strict_conversion,
        };
        summary::sentence(page.lang, &rules, &|id| choices.model_name(id))
    }

    /// The fields of what is stored.
    pub(in crate::web::admin) fn stored(&self, page: &Shell, choices: &Choices) -> FormState {
        let data = &self.data;
        let local = |at: DateTime<Utc>| {
            let at = at.with_timezone(&page.zone);
            at.format("%Y-%m-%dT%H:%M").to_string()
        };
        let state = FormState::default()
            .with("name", &data.name)
            .with("note", &data.note)
            .with("tags", data.tags.join(", "))
            .with("owner", owner_value(data.user_id))
            .with("expires_at", data.expires_at.map(local).unwrap_or_default())
            .with("time_zone", &data.time_zone)
            .with("allowed_cidrs", data.allowed_cidrs.join("\n"))
            .ticked("enabled", data.enabled)
            .ticked("no_fallbacks", !data.fallbacks)
            .ticked("bypass_busyness", data.bypass_busyness)
            .ticked("strict_conversion", data.strict_conversion)
            .ticked("all_models", data.all_models);
        let allowed = self.allowed.iter();
        let state = allowed.fold(state, |state, entry| state.with("model", value_of(entry)));
        let state = time_rows::stored(state, &self.time_rules);
        allowances::stored(state, &self.limits, choices.subject())
    }

    /// Replaces the rules of a key that has its row.
    pub(in crate::web::admin) async fn write_rules(
        &self,
        c: &mut Conn,
        id: ApiKeyId,
    ) -> Result<(), StoreError> {
        api_keys::set_allowed(c, id, &self.allowed).await?;
        time_rules::set(c, id, &self.time_rules).await?;
        limits::replace(c, LimitScope::ApiKey, id.0, &self.limits).await
    }

    /// What the audit log keeps of it.
    pub(in crate::web::admin) fn audited(&self, choices: &Choices) -> Value {
        let data = &self.data;
        json!({
            "name": data.name, "owner": choices.owner(data.user_id), "enabled": data.enabled, "expires_at": data.expires_at,
            "tags": data.tags, "all_models": data.all_models, "models": choices.names(&self.allowed), "note": data.note,
            "time_zone": data.time_zone, "allowed_cidrs": data.allowed_cidrs,
            "fallbacks": data.fallbacks, "bypass_busyness": data.bypass_busyness,
            "strict_conversion": data.strict_conversion,
            "time_rules": time_rows::audited(&self.time_rules),
            "limits": allowances::audited(&self.limits, choices.subject()),
        })
    }
}

impl KeyForm {
    /// The form that posts to `at`.
    pub(in crate::web::admin) fn new(
        page: &Shell,
        choices: &Choices,
        state: FormState,
        at: String,
    ) -> Self {
        let choice = |(value, label): &(String, String)| Choice {
            value: value.clone(),
            label: label.clone(),
            is_chosen: state.has("model", value),
        };
        let accounts = choices.users.iter();
        let none = (String::new(), page.t("admin-api-key-no-owner"));
        let owner = state.value("owner");
        let named = accounts
            .clone()
            .find(|(id, _)| owner_value(*id) == owner)
            .map_or_else(|| none.1.clone(), |(_, name)| name.clone());
        Self {
            at,
            settled_owner: (!page.may_handle_secrets()).then_some(named),
            owners: std::iter::once(none)
                .chain(accounts.map(|(id, name)| (owner_value(*id), name.clone())))
                .collect(),
            expires_hint: page.t1("admin-api-key-expires-hint", "zone", page.zone.name()),
            zone_hint: page.t1("admin-api-key-zone-hint", "zone", page.business.name()),
            zones: zones(),
            handovers: Handover::choices(page),
            models: choices.targets.iter().map(choice).collect(),
            times: time_rows::view(page, &state),
            allowances: allowances::view(page, &state, choices.subject()),
            state,
        }
    }
}

/// Time zones that people live in, without the second names of the same.
fn zones() -> Vec<&'static str> {
    let parts = [
        "Africa/",
        "America/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    let all = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    let lived_in = |name: &&str| *name == "UTC" || parts.iter().any(|part| name.starts_with(part));
    all.filter(lived_in).collect()
}

/// Whose the key stays, where somebody asks who may not issue secrets: an owner may issue another one, so that to name
/// an owner is to hand the key over. Nothing for those who may.
pub(in crate::web::admin) fn settled_owner(
    page: &Shell,
    form: &mut Form,
    stored: &Edit,
) -> Result<Option<UserId>, PageError> {
    if page.may_handle_secrets() {
        return Ok(None);
    }
    let owner = owner_value(stored.data.user_id);
    if form.all("owner").any(|asked| asked != owner) {
        return Err(PageError::Forbidden);
    }
    form.set("owner", owner);
    Ok(Some(stored.data.user_id))
}

/// Reads the form of a key.
pub(in crate::web::admin) fn read(
    page: &Shell,
    form: &Form,
    choices: &Choices,
    settled: Option<UserId>,
) -> Result<Edit, FormState> {
    let mut fields = Fields::new(page, form);
    if rows::wants_more(&fields.state) {
        return Err(fields.state);
    }
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
        .filter(|value| choices.targets.iter().any(|(known, _)| known == value))
        .filter_map(entry_of)
        .collect();
    if !all_models && allowed.is_empty() {
        fields.fail("model", "admin-api-key-no-model");
    }
    let owner = settled.unwrap_or_else(|| owner(&mut fields, form.text("owner"), choices));
    let is_zone = |text: &str| match text {
        "" => Ok(()),
        name => name.parse::<Tz>().map(|_zone| ()),
    };
    let edit = Edit {
        data: ApiKeyData {
            name: fields.text("name", naming::label, "admin-api-key-bad-name"),
            enabled: form.checked("enabled"),
            expires_at,
            all_models,
            tags: naming::tags(form.text("tags").split(',')).unwrap_or_else(|_bad| {
                fields.fail("tags", "admin-api-key-bad-tags");
                Vec::new()
            }),
            note: form.text("note").chars().take(2_000).collect(),
            time_zone: fields.text("time_zone", is_zone, "admin-api-key-bad-zone"),
            allowed_cidrs: networks(&mut fields, form.text("allowed_cidrs")),
            fallbacks: !form.checked("no_fallbacks"),
            bypass_busyness: form.checked("bypass_busyness"),
            strict_conversion: form.checked("strict_conversion"),
            user_id: owner,
        },
        allowed: if all_models { Vec::new() } else { allowed },
        time_rules: time_rows::read(&mut fields),
        limits: allowances::read(&mut fields, choices.subject()),
    };
    fields.finish(edit)
}

/// The account that the form names.
fn owner(fields: &mut Fields<'_>, named: &str, choices: &Choices) -> UserId {
    let mut accounts = choices.users.iter().map(|(id, _)| *id);
    let found = accounts.find(|id| owner_value(*id) == named);
    if found.is_none() && !named.is_empty() {
        fields.fail("owner", "rules-bad-choice");
    }
    found.unwrap_or(UserId::NONE)
}

/// Networks in their one spelling; an address alone is a network of one.
fn networks(fields: &mut Fields<'_>, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text
        .split([',', ' ', '\n', '\t'])
        .filter(|word| !word.is_empty())
    {
        match network(word) {
            Some(network) => found.push(network.trunc().to_string()),
            None => fields.fail_with(
                "allowed_cidrs",
                "admin-api-key-bad-network",
                &[("text", &word)],
            ),
        }
    }
    found.dedup();
    found
}

/// What a `datetime-local` field says, in the business time zone; a time that daylight saving skips does not exist.
pub(in crate::web::admin) fn local_time(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats
        .iter()
        .find_map(|f| NaiveDateTime::parse_from_str(text, f).ok())?;
    local
        .and_local_timezone(zone)
        .earliest()
        .map(|at| at.with_timezone(&Utc))
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
