//! From rows to a snapshot. Cannot fail: a row that cannot be used is left out, with a note.

use std::sync::Arc;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use chrono_tz::Tz;
use modelgate_domain::{
    ApiKeyId, Limit, LimitKind, LimitMode, LimitScope, ModelId, Price, ProviderId, Secret,
    TargetId, TimeRule, UserId,
};
use modelgate_store::api_keys::{self, Allowed};
use modelgate_store::catalog::CatalogRows;
use modelgate_store::prices::PriceOf;
use modelgate_store::{busyness_rules, error_rules, models, provider_keys, providers, targets};

use super::ErrorRule;
use super::outbound;
use super::snapshot::{
    AllowedModels, ApiKey, BusynessRule, Catalog, Credential, Fallback, KeyRules, Model, Note,
    Provider, Target,
};
use crate::forwarded::network;
use crate::secrets::{Keyring, SecretsError};

/// The table name that a sealed credential is bound to, with its row.
pub const SEALED_IN: &str = "provider_keys";

/// Builds the snapshot of one generation, decrypting the vendors' credentials.
///
/// `user_agent` is what providers without one of their own send.
pub fn build(rows: CatalogRows, keyring: &Keyring, user_agent: &str) -> Catalog {
    let mut notes = Vec::new();
    let mut limits = Limits::sort(&rows.limits);
    let mut credentials = open_credentials(&rows, &mut limits, keyring, &mut notes);
    let mut prices = Prices::sort(rows.prices);
    let providers: AHashMap<ProviderId, Arc<Provider>> = rows
        .providers
        .into_iter()
        .map(|row| {
            let mut made = provider_or_off(row, keyring, &mut notes);
            made.credentials = credentials.remove(&made.id).unwrap_or_default();
            made.introduce(user_agent);
            (made.id, Arc::new(made))
        })
        .collect();
    let mut targets = targets_by_model(rows.targets, &providers, &mut prices, &mut notes);
    let model_names: AHashMap<ModelId, Box<str>> = rows
        .models
        .iter()
        .map(|row| (row.id, row.name.as_str().into()))
        .collect();
    let mut fallbacks = fallbacks(&rows.fallbacks, &model_names);
    let models = rows
        .models
        .into_iter()
        .map(|row| {
            let hangs_on = HangsOn {
                targets: targets.remove(&row.id).unwrap_or_default(),
                prices: prices.of_model(row.id),
                fallbacks: fallbacks.remove(&row.id).unwrap_or_default(),
                limits: limits.take(LimitScope::Model, row.id.0),
            };
            let made = Arc::new(model(row, hangs_on));
            (made.name.clone(), made)
        })
        .collect();
    let keys = Keys {
        lists: allow_lists(rows.api_key_models),
        time_rules: time_rules(rows.time_rules),
        limits,
        users: AHashMap::new(),
        off: {
            let users = rows.users.iter().filter(|user| !user.enabled);
            users.map(|user| user.id).collect()
        },
        notes: &mut notes,
    };
    let (keys, previous_keys) = keys.build(rows.api_keys);
    let error_rules = error_rules(rows.error_rules, &mut notes);
    let aliases = rows
        .aliases
        .into_iter()
        .filter_map(|row| Some((row.alias.into(), model_names.get(&row.model_id)?.clone())))
        .collect();
    Catalog {
        generation: rows.generation,
        provider_names: providers.values().map(|p| (p.name.clone(), p.id)).collect(),
        providers,
        models,
        aliases,
        keys,
        previous_keys,
        busyness_rules: busyness_rules(rows.busyness_rules, &model_names),
        budget_sums: Vec::new(),
        error_rules,
        notes,
    }
}

/// The rules that hold; the ones of a provider go with it.
fn error_rules(rows: Vec<error_rules::ErrorRule>, notes: &mut Vec<Note>) -> Vec<ErrorRule> {
    let enabled = rows.into_iter().filter(|row| row.enabled);
    enabled
        .map(|row| {
            let zone = row.reset_zone.parse();
            if zone.is_err() && !row.reset_zone.is_empty() {
                notes.push(Note {
                    object: format!("error rule {}", row.id),
                    problem: format!("{} is no time zone; UTC is taken", row.reset_zone),
                });
            }
            ErrorRule {
                protocol: row.protocol.into(),
                provider: (row.provider_id != ProviderId::NONE).then_some(row.provider_id),
                status: u16::try_from(row.status).unwrap_or(u16::MAX),
                path: row.path.into(),
                value: row.value.into(),
                meaning: row.meaning,
                reset_path: row.reset_path.into(),
                reset_zone: zone.unwrap_or(Tz::UTC),
            }
        })
        .collect()
}

/// Limits by what they apply to.
struct Limits(AHashMap<(LimitScope, i64), Vec<Limit>>);

impl Limits {
    fn sort(rows: &[Limit]) -> Self {
        let mut sorted: AHashMap<_, Vec<Limit>> = AHashMap::new();
        for limit in rows {
            let own = sorted.entry((limit.scope, limit.scope_id)).or_default();
            own.push(limit.clone());
        }
        Self(sorted)
    }

    fn take(&mut self, scope: LimitScope, id: i64) -> Vec<Limit> {
        self.0.remove(&(scope, id)).unwrap_or_default()
    }
}

fn fallbacks(
    rows: &[models::Fallback],
    names: &AHashMap<ModelId, Box<str>>,
) -> AHashMap<ModelId, Vec<Fallback>> {
    let mut sorted: AHashMap<ModelId, Vec<Fallback>> = AHashMap::new();
    for row in rows {
        if let Some(name) = names.get(&row.fallback_id) {
            sorted.entry(row.model_id).or_default().push(Fallback {
                model: name.clone(),
                cause: row.cause,
            });
        }
    }
    sorted
}

fn open_credentials(
    rows: &CatalogRows,
    limits: &mut Limits,
    keyring: &Keyring,
    notes: &mut Vec<Note>,
) -> AHashMap<ProviderId, Vec<Arc<Credential>>> {
    let names: AHashMap<ProviderId, &str> = rows
        .providers
        .iter()
        .map(|row| (row.id, row.name.as_str()))
        .collect();
    let mut opened: AHashMap<ProviderId, Vec<Arc<Credential>>> = AHashMap::new();
    for row in &rows.provider_keys {
        let Some(provider) = names.get(&row.provider_id) else {
            continue;
        };
        let own = limits.take(LimitScope::ProviderKey, row.id.0);
        match credential(row, own, keyring) {
            Ok(made) => opened
                .entry(row.provider_id)
                .or_default()
                .push(Arc::new(made)),
            Err(problem) => notes.push(Note {
                object: format!("credential {provider}/{}", row.label),
                problem,
            }),
        }
    }
    opened
}

fn credential(
    row: &provider_keys::ProviderKey,
    mut limits: Vec<Limit>,
    keyring: &Keyring,
) -> Result<Credential, String> {
    let places = |limit: &Limit| {
        let enforced = limit.mode == LimitMode::Enforce;
        enforced && limit.kind == LimitKind::Concurrency && limit.model_id.is_none()
    };
    let max_concurrency = limits.iter().find(|l| places(l)).map(|l| count(l.amount));
    limits.retain(|limit| !places(limit));
    let secret = keyring
        .open(SEALED_IN, row.id.0, row.secret.expose())
        .map_err(|error| error.to_string())?;
    Ok(Credential {
        id: row.id,
        label: row.label.as_str().into(),
        secret,
        weight: count(row.weight),
        max_concurrency,
        limits,
        state: row.state,
        state_by: row.state_by,
        state_until_ms: row.state_until_ms,
    })
}

/// A provider without credentials: for calls that bring their own, such as a test of one not saved yet.
pub fn open_provider(
    row: providers::Provider,
    keyring: &Keyring,
) -> Result<Provider, SecretsError> {
    let (headers, proxy) = (
        outbound::headers(&row, keyring)?,
        outbound::proxy(&row, keyring)?,
    );
    Ok(provider(row, headers, proxy))
}

/// One whose headers or proxy do not open is switched off: calls without them would go astray.
fn provider_or_off(row: providers::Provider, keyring: &Keyring, notes: &mut Vec<Note>) -> Provider {
    match open_provider(row.clone(), keyring) {
        Ok(provider) => provider,
        Err(error) => {
            notes.push(Note {
                object: format!("provider {}", row.name),
                problem: format!("its headers or its proxy: {error}"),
            });
            let mut closed = provider(row, Vec::new(), Secret::new(""));
            closed.enabled = false;
            closed
        }
    }
}

fn provider(row: providers::Provider, headers: Vec<(String, Secret)>, proxy: Secret) -> Provider {
    Provider {
        id: row.id,
        name: row.name.into(),
        protocol: row.protocol.into(),
        base_url: row.base_url.into(),
        extra_headers: headers,
        user_agent: row.user_agent.filter(|agent| !agent.is_empty()),
        proxy_url: Some(proxy).filter(|url| !url.expose().is_empty()),
        connect_timeout: ms(row.connect_timeout_ms),
        first_byte_timeout: ms(row.first_byte_timeout_ms),
        idle_timeout: ms(row.idle_timeout_ms),
        enabled: row.enabled,
        credentials: Vec::new(),
    }
}

fn targets_by_model(
    rows: Vec<targets::Target>,
    providers: &AHashMap<ProviderId, Arc<Provider>>,
    prices: &mut Prices,
    notes: &mut Vec<Note>,
) -> AHashMap<ModelId, Vec<Arc<Target>>> {
    let mut by_model: AHashMap<ModelId, Vec<Arc<Target>>> = AHashMap::new();
    for row in rows {
        let Some(provider) = providers.get(&row.provider_id) else {
            notes.push(Note {
                object: format!("target {}", row.id),
                problem: "its provider does not exist any more".to_owned(),
            });
            continue;
        };
        by_model
            .entry(row.model_id)
            .or_default()
            .push(Arc::new(Target {
                id: row.id,
                provider: Arc::clone(provider),
                upstream_model: row.upstream_model.into(),
                priority: i32::try_from(row.priority).unwrap_or(i32::MAX),
                weight: count(row.weight),
                enabled: row.enabled,
                busyness_at_most: row.busyness_at_most,
                prices: prices.of_target(row.id),
            }));
    }
    by_model
}

/// What hangs on a model.
struct HangsOn {
    targets: Vec<Arc<Target>>,
    prices: Vec<Price>,
    fallbacks: Vec<Fallback>,
    limits: Vec<Limit>,
}

fn model(row: models::Model, hangs_on: HangsOn) -> Model {
    Model {
        id: row.id,
        name: row.name.into(),
        kind: row.kind.into(),
        context_length: row.context_length,
        max_output_tokens: row.max_output_tokens,
        modalities: row.modalities,
        tools: row.tools,
        enabled: row.enabled,
        hidden: row.hidden,
        created_s: row.created_at.timestamp(),
        strategy: row.strategy,
        affinity: row.affinity,
        fallbacks: hangs_on.fallbacks,
        limits: hangs_on.limits,
        targets: hangs_on.targets,
        prices: hangs_on.prices,
    }
}

type AllowList = (AHashSet<ModelId>, AHashSet<TargetId>);

fn allow_lists(entries: Vec<(ApiKeyId, Allowed)>) -> AHashMap<ApiKeyId, AllowList> {
    let mut lists: AHashMap<ApiKeyId, AllowList> = AHashMap::new();
    for (key, entry) in entries {
        let (models, targets) = lists.entry(key).or_default();
        match entry {
            Allowed::Model(id) => models.insert(id),
            Allowed::Target(id) => targets.insert(id),
        };
    }
    lists
}

fn time_rules(rows: Vec<(ApiKeyId, TimeRule)>) -> AHashMap<ApiKeyId, Vec<TimeRule>> {
    let mut rules: AHashMap<ApiKeyId, Vec<TimeRule>> = AHashMap::new();
    for (key, rule) in rows {
        rules.entry(key).or_default().push(rule);
    }
    rules
}

type ByHash = AHashMap<[u8; 32], Arc<ApiKey>>;
type PreviousKeys = AHashMap<[u8; 32], (Arc<ApiKey>, i64)>;

/// What API keys are made from, beside their rows.
struct Keys<'a> {
    lists: AHashMap<ApiKeyId, AllowList>,
    time_rules: AHashMap<ApiKeyId, Vec<TimeRule>>,
    limits: Limits,
    users: AHashMap<UserId, Arc<[Limit]>>,
    /// Accounts that are switched off, and their keys with them.
    off: AHashSet<UserId>,
    notes: &'a mut Vec<Note>,
}

impl Keys<'_> {
    fn build(mut self, rows: Vec<api_keys::ApiKey>) -> (ByHash, PreviousKeys) {
        let (mut keys, mut previous) = (ByHash::default(), PreviousKeys::default());
        for row in rows {
            let (hash, before) = (row.key_hash, row.previous_hash.zip(row.previous_until));
            let key = Arc::new(self.key(row));
            if let Some((hash, until)) = before {
                previous.insert(hash, (Arc::clone(&key), until.timestamp_millis()));
            }
            keys.insert(hash, key);
        }
        (keys, previous)
    }

    fn key(&mut self, row: api_keys::ApiKey) -> ApiKey {
        let (models, targets) = self.lists.remove(&row.id).unwrap_or_default();
        ApiKey {
            rules: self.rules(&row),
            limits: self.limits.take(LimitScope::ApiKey, row.id.0),
            user_limits: self.of_user(row.user_id),
            id: row.id,
            user_id: row.user_id,
            name: row.name.into(),
            prefix: row.key_prefix.into(),
            enabled: row.enabled && !self.off.contains(&row.user_id),
            expires_at_ms: row.expires_at.map(|at| at.timestamp_millis()),
            allowed: if row.all_models {
                AllowedModels::All
            } else {
                AllowedModels::Only { models, targets }
            },
            fallbacks: row.fallbacks,
            bypass_busyness: row.bypass_busyness,
            strict_conversion: row.strict_conversion,
        }
    }

    /// Shared by all keys of an account.
    fn of_user(&mut self, user: UserId) -> Arc<[Limit]> {
        if user.is_none() {
            return Arc::default();
        }
        let limits = &mut self.limits;
        let made = || limits.take(LimitScope::User, user.0).into();
        Arc::clone(self.users.entry(user).or_insert_with(made))
    }

    /// A network that cannot be read lets nobody in: it is left out of the list, never the list itself.
    fn rules(&mut self, row: &api_keys::ApiKey) -> KeyRules {
        let mut note = |problem: String| {
            let object = format!("API key {}", row.name);
            self.notes.push(Note { object, problem });
        };
        let mut networks = Vec::with_capacity(row.allowed_cidrs.len());
        for text in &row.allowed_cidrs {
            match network(text) {
                Some(network) => networks.push(network),
                None => note(format!("the network {text:?} cannot be read")),
            }
        }
        let time_zone = match row.time_zone.as_str() {
            "" => None,
            name => name.parse().ok(),
        };
        if time_zone.is_none() && !row.time_zone.is_empty() {
            let zone = &row.time_zone;
            note(format!(
                "the time zone {zone:?} is unknown: the business time zone is used"
            ));
        }
        KeyRules {
            time_zone,
            allowed_cidrs: (!row.allowed_cidrs.is_empty()).then_some(networks),
            time_rules: self.time_rules.remove(&row.id).unwrap_or_default(),
        }
    }
}

fn busyness_rules(
    rows: Vec<busyness_rules::BusynessRule>,
    names: &AHashMap<ModelId, Box<str>>,
) -> Vec<BusynessRule> {
    rows.into_iter()
        .filter(|row| row.enabled)
        .map(|row| BusynessRule {
            from_level: row.from_level,
            action: row.action,
            models: row.models,
            redirect: row.redirect.and_then(|id| names.get(&id).cloned()),
            message: row.message.into(),
        })
        .collect()
}

/// Prices by what they are for, each list newest first as the store gives them.
struct Prices {
    models: AHashMap<ModelId, Vec<Price>>,
    targets: AHashMap<TargetId, Vec<Price>>,
}

impl Prices {
    fn sort(rows: Vec<modelgate_store::prices::PriceRow>) -> Self {
        let mut sorted = Self {
            models: AHashMap::new(),
            targets: AHashMap::new(),
        };
        for row in rows {
            match row.of {
                PriceOf::Model(id) => sorted.models.entry(id).or_default().push(row.price),
                PriceOf::Target(id) => sorted.targets.entry(id).or_default().push(row.price),
            }
        }
        sorted
    }

    fn of_model(&mut self, id: ModelId) -> Vec<Price> {
        self.models.remove(&id).unwrap_or_default()
    }

    fn of_target(&mut self, id: TargetId) -> Vec<Price> {
        self.targets.remove(&id).unwrap_or_default()
    }
}

/// A count from a column; negative ones, which no door lets in, count as 0.
fn count(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

/// A timeout from a column; never 0, which would refuse every call.
fn ms(value: i64) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0).max(1))
}
