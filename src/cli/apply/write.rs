//! Writing the difference between two states, within the caller's transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use modelgate_domain::credential::{CredentialState, StateBy};
use modelgate_domain::limit::{LimitKind, LimitMode, LimitScope};
use modelgate_domain::{
    ApiKeyId, Currency, KeyText, ModelId, Price, PriceId, ProviderId, TargetId, UserId,
};
use modelgate_store::api_keys::{self, Allowed, ApiKeyData, KeyMaterial};
use modelgate_store::models::{self, ModelData};
use modelgate_store::prices::{self, PriceOf};
use modelgate_store::provider_keys::{self, NewState};
use modelgate_store::providers::{self, ProviderData};
use modelgate_store::targets::{self, TargetData};
use modelgate_store::{Conn, StoreError, limits, time_rules};

use super::ApplyError;
use super::rules::Allowance;
use super::state::{ApiKey, Credential, Field, Model, Models, Provider, State, Target, Tariff};
use crate::catalog::{SEALED_IN, outbound};
use crate::secrets::{Keyring, hash_key, new_api_key};

/// A key that was made because the file gave none: to be shown once.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The API key's name.
    pub name: String,
    /// The key.
    pub key: KeyText,
}

/// Writes `after` over `before`.
pub(super) async fn write(
    c: &mut Conn,
    writer: &Writer,
    before: &State,
    after: &State,
) -> Result<Vec<MadeKey>, ApplyError> {
    let mut slugs = BTreeMap::new();
    for new in &after.providers {
        let old = before.providers.iter().find(|o| o.name == new.name);
        let id = writer.provider(c, old, new).await?;
        slugs.insert(new.name.clone(), id);
        let old_keys = old.map_or(&[][..], |o| &o.keys);
        writer.credentials(c, id, old_keys, &new.keys).await?;
    }
    let changed = |new: &Model| {
        let old = before.models.iter().find(|o| o.name == new.name);
        old.filter(|old| old.aliases != new.aliases)
    };
    // An alias may move from one model to another: all that change are taken off before any is put on.
    for id in after.models.iter().filter_map(|m| changed(m)?.id) {
        models::set_aliases(c, id, &[]).await?;
    }
    let mut names = Names::default();
    for new in &after.models {
        let old = before.models.iter().find(|o| o.name == new.name);
        let id = writer.model(c, old, new).await?;
        names.models.insert(new.name.clone(), id);
        let old_targets = old.map_or(&[][..], |o| &o.targets);
        for (slug, target) in writer
            .targets(c, id, &slugs, (old_targets, &new.targets))
            .await?
        {
            let pinned = names.pinned.entry(format!("{slug}/{}", new.name));
            pinned.or_default().push(target);
        }
    }
    for new in &after.models {
        let old = before.models.iter().find(|o| o.name == new.name);
        hang_on(c, old, new, &names.models).await?;
    }
    for new in &after.users {
        let old = before.users.iter().find(|o| o.name == new.name);
        let id = writer.user(c, old, new).await?;
        names.users.insert(new.name.clone(), id);
    }
    let mut made = Vec::new();
    for new in &after.api_keys {
        let old = before.api_keys.iter().find(|o| o.name == new.name);
        made.extend(writer.api_key(c, old, new, &names).await?);
    }
    Ok(made)
}

/// What allow-list entries mean.
#[derive(Default)]
struct Names {
    models: BTreeMap<String, ModelId>,
    pinned: BTreeMap<String, Vec<TargetId>>,
    users: BTreeMap<String, UserId>,
}

impl Names {
    fn user(&self, name: &str) -> UserId {
        self.users.get(name).copied().unwrap_or(UserId::NONE)
    }
}

/// What every write needs.
pub(super) struct Writer {
    pub(super) keyring: Keyring,
    pub(super) now: DateTime<Utc>,
}

pub(super) fn differ(old: Option<Vec<Field>>, new: &[Field]) -> bool {
    old.is_none_or(|old| old.iter().zip(new).any(|(a, b)| a.value != b.value))
}

impl Writer {
    async fn provider(
        &self,
        c: &mut Conn,
        old: Option<&Provider>,
        new: &Provider,
    ) -> Result<ProviderId, ApplyError> {
        let row = match new.id {
            Some(id) => providers::find(c, id).await?,
            None => None,
        };
        let mut data = row.map_or_else(new_provider, ProviderData::from);
        data.name.clone_from(&new.name);
        data.display_name.clone_from(&new.display_name);
        data.template.clone_from(&new.template);
        data.protocol.clone_from(&new.protocol);
        data.base_url.clone_from(&new.base_url);
        data.connect_timeout_ms = new.connect_timeout_ms;
        data.first_byte_timeout_ms = new.first_byte_timeout_ms;
        data.idle_timeout_ms = new.idle_timeout_ms;
        data.user_agent.clone_from(&new.user_agent);
        data.enabled = new.enabled;
        if !differ(old.map(Provider::fields), &new.fields())
            && let Some(id) = new.id
        {
            return Ok(id);
        }
        let id = match new.id {
            None => providers::insert(c, &data, self.now).await?,
            Some(id) => {
                providers::update(c, id, &data, self.now).await?;
                id
            }
        };
        // absent where they did not open: then they stay as they are
        if let (Some(headers), Some(proxy)) = (&new.extra_headers, &new.proxy_url) {
            let sealed = outbound::seal(&self.keyring, id, headers, proxy)?;
            providers::set_outbound(c, id, &sealed).await?;
        }
        Ok(id)
    }

    async fn credentials(
        &self,
        c: &mut Conn,
        provider: ProviderId,
        old: &[Credential],
        new: &[Credential],
    ) -> Result<(), ApplyError> {
        for gone in old {
            if let Some(id) = gone
                .id
                .filter(|_| new.iter().all(|k| k.label != gone.label))
            {
                provider_keys::delete(c, id, self.now).await?;
                limits::replace(c, LimitScope::ProviderKey, id.0, &[]).await?;
            }
        }
        for key in new {
            let old = old.iter().find(|o| o.label == key.label);
            self.credential(c, provider, old, key).await?;
        }
        Ok(())
    }

    async fn credential(
        &self,
        c: &mut Conn,
        provider: ProviderId,
        old: Option<&Credential>,
        new: &Credential,
    ) -> Result<(), ApplyError> {
        if !differ(old.map(Credential::fields), &new.fields()) {
            return Ok(());
        }
        let id = match new.id {
            Some(id) => {
                provider_keys::update(c, id, &new.label, new.weight, self.now).await?;
                id
            }
            None => provider_keys::insert(c, provider, &new.label, new.weight, self.now).await?,
        };
        let replaced = old.is_none_or(|old| old.secret != new.secret);
        if let Some(secret) = new.secret.as_ref().filter(|_| replaced) {
            let sealed = self.keyring.seal(SEALED_IN, id.0, secret)?;
            provider_keys::set_secret(c, id, &sealed, &secret.last4(), self.now).await?;
            provider_keys::forget_tests(c, id).await?;
        }
        let places = new.max_concurrency.map(|amount| Allowance {
            kind: LimitKind::Concurrency,
            model: None,
            amount,
            money: None,
            mode: LimitMode::Enforce,
        });
        let wanted: Vec<Allowance> = new.allowances.iter().cloned().chain(places).collect();
        set_limits(
            c,
            (LimitScope::ProviderKey, id.0),
            &wanted,
            &BTreeMap::new(),
        )
        .await?;
        // A key that was refused or exhausted deserves a fresh start with another secret.
        let was_enabled = old.is_none_or(|old| old.enabled);
        if was_enabled != new.enabled || (replaced && old.is_some() && new.enabled) {
            let state = NewState {
                state: if new.enabled {
                    CredentialState::Active
                } else {
                    CredentialState::Disabled
                },
                reason: String::new(),
                by: StateBy::Admin,
                until_ms: None,
            };
            provider_keys::set_state(c, id, &state, self.now).await?;
        }
        Ok(())
    }

    async fn model(
        &self,
        c: &mut Conn,
        old: Option<&Model>,
        new: &Model,
    ) -> Result<ModelId, ApplyError> {
        let data = ModelData {
            name: new.name.clone(),
            display_name: new.display_name.clone(),
            kind: new.kind.clone(),
            context_length: new.context_length,
            max_output_tokens: new.max_output_tokens,
            modalities: new.modalities,
            tools: new.tools,
            enabled: new.enabled,
            hidden: new.hidden,
            strategy: new.strategy,
            affinity: new.affinity,
        };
        let id = match new.id {
            None => models::insert(c, &data, self.now).await?,
            Some(id) => {
                if differ(old.map(Model::fields), &new.fields()) {
                    models::update(c, id, &data, self.now).await?;
                }
                id
            }
        };
        if old.is_none_or(|old| old.aliases != new.aliases) {
            let aliases: Vec<String> = new.aliases.iter().cloned().collect();
            models::set_aliases(c, id, &aliases).await?;
        }
        let old_price = old.and_then(|old| old.price.as_ref());
        self.price(c, PriceOf::Model(id), old_price, new.price.as_ref())
            .await?;
        Ok(id)
    }

    async fn targets(
        &self,
        c: &mut Conn,
        model: ModelId,
        slugs: &BTreeMap<String, ProviderId>,
        (old, new): (&[Target], &[Target]),
    ) -> Result<Vec<(String, TargetId)>, ApplyError> {
        let kept = |id: TargetId| new.iter().any(|t| t.id == Some(id));
        for id in old.iter().filter_map(|t| t.id).filter(|id| !kept(*id)) {
            targets::delete(c, id, self.now).await?;
        }
        let mut ids = Vec::new();
        for target in new {
            let Some(provider) = slugs.get(&target.provider) else {
                continue;
            };
            let before = old.iter().find(|o| o.id.is_some() && o.id == target.id);
            let data = TargetData {
                model_id: model,
                provider_id: *provider,
                upstream_model: target.upstream_model.clone(),
                priority: target.priority,
                weight: target.weight,
                enabled: target.enabled,
                busyness_at_most: target.busyness_at_most,
            };
            let id = match target.id {
                None => targets::insert(c, &data, self.now).await?,
                Some(id) => {
                    if differ(before.map(Target::fields), &target.fields()) {
                        targets::update(c, id, &data, self.now).await?;
                    }
                    id
                }
            };
            let old_price = before.and_then(|t| t.price.as_ref());
            self.price(c, PriceOf::Target(id), old_price, target.price.as_ref())
                .await?;
            ids.push((target.provider.clone(), id));
        }
        Ok(ids)
    }

    /// A price is never edited: another one supersedes it from now on.
    async fn price(
        &self,
        c: &mut Conn,
        of: PriceOf,
        old: Option<&Tariff>,
        new: Option<&Tariff>,
    ) -> Result<(), ApplyError> {
        let Some(new) = new.filter(|new| old != Some(*new)) else {
            return Ok(());
        };
        let currency =
            Currency::parse(&new.currency).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let price = Price {
            id: PriceId(0),
            currency,
            input: new.input,
            cached_input: new.cached_input,
            cache_write: new.cache_write,
            output: new.output,
            reasoning: new.reasoning,
            per_request_nanos: new.per_request,
            effective_from_ms: self.now.timestamp_millis(),
        };
        prices::insert(c, of, &price, self.now).await?;
        Ok(())
    }

    async fn api_key(
        &self,
        c: &mut Conn,
        old: Option<&ApiKey>,
        new: &ApiKey,
        names: &Names,
    ) -> Result<Option<MadeKey>, ApplyError> {
        let mut made = None;
        let id = match new.id {
            Some(id) => {
                if differ(old.map(ApiKey::fields), &new.fields()) {
                    self.update_key(c, (id, names.user(&new.user)), new).await?;
                }
                id
            }
            None => {
                let text = match &new.text {
                    Some(text) => text.clone(),
                    None => {
                        let key = new_api_key()?;
                        made = Some(MadeKey {
                            name: new.name.clone(),
                            key: key.clone(),
                        });
                        key
                    }
                };
                let data = key_data(new, names.user(&new.user));
                api_keys::insert(c, &data, &material(&text), self.now).await?
            }
        };
        self.allow_list(c, id, old, new, names).await?;
        let (was, is) = (old.map(|old| &old.rules), &new.rules);
        if was.is_none_or(|was| was.time_rules != is.time_rules) {
            time_rules::set(c, id, &is.time_rules).await?;
        }
        if was.is_none_or(|was| was.allowances != is.allowances) {
            let subject = (LimitScope::ApiKey, id.0);
            set_limits(c, subject, &is.allowances, &names.models).await?;
        }
        Ok(made)
    }

    async fn update_key(
        &self,
        c: &mut Conn,
        (id, user): (ApiKeyId, UserId),
        new: &ApiKey,
    ) -> Result<(), ApplyError> {
        api_keys::update(c, id, &key_data(new, user), self.now).await?;
        if let Some(text) = &new.text {
            api_keys::set_key(c, id, &material(text), self.now).await?;
        }
        Ok(())
    }

    /// Rewritten when its names changed, or when one of its targets got another row.
    async fn allow_list(
        &self,
        c: &mut Conn,
        id: ApiKeyId,
        old: Option<&ApiKey>,
        new: &ApiKey,
        names: &Names,
    ) -> Result<(), ApplyError> {
        let present = match old {
            Some(_) => api_keys::allowed_of(c, id).await?,
            None => Vec::new(),
        };
        let stale = present.iter().any(|entry| match entry {
            Allowed::Model(id) => names.models.values().all(|m| m != id),
            Allowed::Target(id) => names.pinned.values().flatten().all(|t| t != id),
        });
        if !stale && old.is_some_and(|old| old.models == new.models) {
            return Ok(());
        }
        let mut entries = Vec::new();
        if let Models::Only(list) = &new.models {
            for name in list {
                entries.extend(names.models.get(name).map(|id| Allowed::Model(*id)));
                let pinned = names.pinned.get(name).into_iter().flatten();
                entries.extend(pinned.map(|id| Allowed::Target(*id)));
            }
        }
        Ok(api_keys::set_allowed(c, id, &entries).await?)
    }
}

/// What names other models, or is limited: once every model has its row.
async fn hang_on(
    c: &mut Conn,
    old: Option<&Model>,
    new: &Model,
    names: &BTreeMap<String, ModelId>,
) -> Result<(), StoreError> {
    let Some(id) = names.get(&new.name) else {
        return Ok(());
    };
    if old.is_none_or(|old| old.fallbacks != new.fallbacks) {
        let fallbacks = new.fallbacks.iter();
        let rows = fallbacks.filter_map(|(name, cause)| Some((*names.get(name)?, *cause)));
        models::set_fallbacks(c, *id, &rows.collect::<Vec<_>>()).await?;
    }
    if old.is_none_or(|old| old.allowances != new.allowances) {
        set_limits(c, (LimitScope::Model, id.0), &new.allowances, names).await?;
    }
    Ok(())
}

pub(super) async fn set_limits(
    c: &mut Conn,
    (scope, id): (LimitScope, i64),
    wanted: &[Allowance],
    names: &BTreeMap<String, ModelId>,
) -> Result<(), StoreError> {
    let limits = wanted.iter().filter_map(|a| a.limit(scope, id, names));
    limits::replace(c, scope, id, &limits.collect::<Vec<_>>()).await
}

/// Everything but what a file says; that is filled in afterwards.
fn new_provider() -> ProviderData {
    ProviderData {
        name: String::new(),
        display_name: String::new(),
        template: String::new(),
        protocol: String::new(),
        base_url: String::new(),
        user_agent: None,
        connect_timeout_ms: 0,
        first_byte_timeout_ms: 0,
        idle_timeout_ms: 0,
        enabled: true,
    }
}

fn key_data(new: &ApiKey, user_id: UserId) -> ApiKeyData {
    ApiKeyData {
        user_id,
        name: new.name.clone(),
        enabled: new.enabled,
        all_models: new.models == Models::All,
        note: new.note.clone(),
        expires_at: new.rules.expires_at,
        time_zone: new.rules.time_zone.clone(),
        allowed_cidrs: new.rules.allowed_cidrs.clone(),
        fallbacks: new.rules.fallbacks,
        bypass_busyness: new.rules.bypass_busyness,
        strict_conversion: new.rules.strict_conversion,
        tags: new.tags.clone(),
    }
}

fn material(key: &KeyText) -> KeyMaterial {
    KeyMaterial {
        hash: hash_key(key.expose()),
        prefix: key.prefix(),
        last4: key.last4(),
    }
}
