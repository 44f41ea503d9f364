//! From rows to a snapshot. Cannot fail: a row that cannot be used is left out, with a note.

use std::sync::Arc;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use modelgate_domain::{
    ApiKeyId, LimitKind, LimitScope, ModelId, Price, ProviderId, ProviderKeyId, TargetId,
};
use modelgate_store::api_keys::{self, Allowed};
use modelgate_store::catalog::CatalogRows;
use modelgate_store::prices::PriceOf;
use modelgate_store::{models, provider_keys, providers, targets};

use super::snapshot::{AllowedModels, ApiKey, Catalog, Credential, Model, Note, Provider, Target};
use crate::secrets::Keyring;

/// The table name that a sealed credential is bound to, with its row.
pub const SEALED_IN: &str = "provider_keys";

/// Builds the snapshot of one generation, decrypting the vendors' credentials.
pub fn build(rows: CatalogRows, keyring: &Keyring) -> Catalog {
    let mut notes = Vec::new();
    let limits = concurrency_limits(&rows);
    let mut credentials = open_credentials(&rows, &limits, keyring, &mut notes);
    let mut prices = Prices::sort(rows.prices);
    let providers: AHashMap<ProviderId, Arc<Provider>> = rows
        .providers
        .into_iter()
        .map(|row| {
            let own = credentials.remove(&row.id).unwrap_or_default();
            (row.id, Arc::new(provider(row, own)))
        })
        .collect();
    let mut targets = targets_by_model(rows.targets, &providers, &mut prices, &mut notes);
    let model_names: AHashMap<ModelId, Box<str>> = rows
        .models
        .iter()
        .map(|row| (row.id, row.name.as_str().into()))
        .collect();
    let models = rows
        .models
        .into_iter()
        .map(|row| {
            let (own, at) = (prices.of_model(row.id), targets.remove(&row.id));
            let made = Arc::new(model(row, at.unwrap_or_default(), own));
            (made.name.clone(), made)
        })
        .collect();
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
        keys: keys(rows.api_keys, rows.api_key_models),
        notes,
    }
}

fn concurrency_limits(rows: &CatalogRows) -> AHashMap<ProviderKeyId, u32> {
    rows.limits
        .iter()
        .filter(|limit| {
            limit.scope == LimitScope::ProviderKey
                && limit.kind == LimitKind::Concurrency
                && limit.model_id.is_none()
        })
        .map(|limit| (ProviderKeyId(limit.scope_id), count(limit.amount)))
        .collect()
}

fn open_credentials(
    rows: &CatalogRows,
    limits: &AHashMap<ProviderKeyId, u32>,
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
        match credential(row, limits.get(&row.id).copied(), keyring) {
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
    max_concurrency: Option<u32>,
    keyring: &Keyring,
) -> Result<Credential, String> {
    let secret = keyring
        .open(SEALED_IN, row.id.0, row.secret.expose())
        .map_err(|error| error.to_string())?;
    Ok(Credential {
        id: row.id,
        label: row.label.as_str().into(),
        secret,
        weight: count(row.weight),
        max_concurrency,
        state: row.state,
        state_until_ms: row.state_until_ms,
    })
}

impl From<providers::Provider> for Provider {
    /// Without credentials: for calls that bring their own, such as a test of one not saved yet.
    fn from(row: providers::Provider) -> Self {
        provider(row, Vec::new())
    }
}

fn provider(row: providers::Provider, credentials: Vec<Arc<Credential>>) -> Provider {
    Provider {
        id: row.id,
        name: row.name.into(),
        base_url: row.base_url.into(),
        extra_headers: row.extra_headers,
        user_agent: row.user_agent.filter(|agent| !agent.is_empty()),
        proxy_url: row.proxy_url.filter(|url| !url.expose().is_empty()),
        connect_timeout: ms(row.connect_timeout_ms),
        first_byte_timeout: ms(row.first_byte_timeout_ms),
        idle_timeout: ms(row.idle_timeout_ms),
        enabled: row.enabled,
        credentials,
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
                prices: prices.of_target(row.id),
            }));
    }
    by_model
}

fn model(row: models::Model, targets: Vec<Arc<Target>>, prices: Vec<Price>) -> Model {
    Model {
        id: row.id,
        name: row.name.into(),
        kind: row.kind.into(),
        context_length: row.context_length,
        max_output_tokens: row.max_output_tokens,
        enabled: row.enabled,
        hidden: row.hidden,
        created_s: row.created_at.timestamp(),
        targets,
        prices,
    }
}

fn keys(
    rows: Vec<api_keys::ApiKey>,
    entries: Vec<(ApiKeyId, Allowed)>,
) -> AHashMap<[u8; 32], Arc<ApiKey>> {
    let mut lists: AHashMap<ApiKeyId, (AHashSet<ModelId>, AHashSet<TargetId>)> = AHashMap::new();
    for (key, entry) in entries {
        let (models, targets) = lists.entry(key).or_default();
        match entry {
            Allowed::Model(id) => models.insert(id),
            Allowed::Target(id) => targets.insert(id),
        };
    }
    rows.into_iter()
        .map(|row| {
            let (models, targets) = lists.remove(&row.id).unwrap_or_default();
            let key = ApiKey {
                id: row.id,
                user_id: row.user_id,
                name: row.name.into(),
                prefix: row.key_prefix.into(),
                enabled: row.enabled,
                expires_at_ms: row.expires_at.map(|at| at.timestamp_millis()),
                allowed: if row.all_models {
                    AllowedModels::All
                } else {
                    AllowedModels::Only { models, targets }
                },
            };
            (row.key_hash, Arc::new(key))
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
