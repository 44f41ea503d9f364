//! The present state, read from the database.

use std::collections::{BTreeMap, BTreeSet};

use modelgate_domain::credential::CredentialState;
use modelgate_domain::limit::{LimitKind, LimitScope};
use modelgate_domain::{ApiKeyId, Limit, ModelId, Price, ProviderId, TargetId};
use modelgate_store::api_keys::Allowed;
use modelgate_store::catalog::CatalogRows;
use modelgate_store::prices::PriceOf;

use super::rules::{self, Allowance};
use super::state::{ApiKey, Credential, KeyRules, Model, Models, Provider, State, Target, Tariff};
use super::users;
use crate::catalog::{SEALED_IN, outbound};
use crate::secrets::Keyring;

/// Turns rows into a state; without a keyring, secrets stay closed.
pub(super) fn state(rows: &CatalogRows, keyring: Option<&Keyring>, now_ms: i64) -> State {
    let slugs: BTreeMap<ProviderId, &str> = rows
        .providers
        .iter()
        .map(|p| (p.id, p.name.as_str()))
        .collect();
    State {
        providers: rows
            .providers
            .iter()
            .map(|p| provider(rows, p, keyring))
            .collect(),
        models: rows
            .models
            .iter()
            .map(|m| model(rows, m, &slugs, now_ms))
            .collect(),
        users: users::load(rows),
        api_keys: api_keys(rows, &slugs),
    }
}

fn provider(
    rows: &CatalogRows,
    row: &modelgate_store::providers::Provider,
    keyring: Option<&Keyring>,
) -> Provider {
    let limit = |id: i64| {
        rows.limits
            .iter()
            .find(|l| {
                l.scope == LimitScope::ProviderKey
                    && l.scope_id == id
                    && l.kind == LimitKind::Concurrency
                    && l.model_id == ModelId(0)
            })
            .map(|l| l.amount)
    };
    let keys = rows
        .provider_keys
        .iter()
        .filter(|k| k.provider_id == row.id);
    Provider {
        id: Some(row.id),
        name: row.name.clone(),
        display_name: row.display_name.clone(),
        template: row.template.clone(),
        protocol: row.protocol.clone(),
        base_url: row.base_url.clone(),
        connect_timeout_ms: row.connect_timeout_ms,
        first_byte_timeout_ms: row.first_byte_timeout_ms,
        idle_timeout_ms: row.idle_timeout_ms,
        user_agent: row.user_agent.clone(),
        extra_headers: keyring.and_then(|ring| outbound::headers(row, ring).ok()),
        proxy_url: keyring.and_then(|ring| outbound::proxy(row, ring).ok()),
        enabled: row.enabled,
        keys: keys
            .map(|k| Credential {
                id: Some(k.id),
                label: k.label.clone(),
                secret: keyring
                    .and_then(|ring| ring.open(SEALED_IN, k.id.0, k.secret.expose()).ok()),
                weight: k.weight,
                max_concurrency: limit(k.id.0),
                allowances: allowances(rows, LimitScope::ProviderKey, k.id.0, |l| {
                    l.kind != LimitKind::Concurrency
                }),
                enabled: k.state != CredentialState::Disabled,
            })
            .collect(),
    }
}

fn model(
    rows: &CatalogRows,
    row: &modelgate_store::models::Model,
    slugs: &BTreeMap<ProviderId, &str>,
    now_ms: i64,
) -> Model {
    let aliases = rows.aliases.iter().filter(|a| a.model_id == row.id);
    let targets = rows.targets.iter().filter(|t| t.model_id == row.id);
    Model {
        id: Some(row.id),
        name: row.name.clone(),
        display_name: row.display_name.clone(),
        kind: row.kind.clone(),
        context_length: row.context_length,
        max_output_tokens: row.max_output_tokens,
        modalities: row.modalities,
        tools: row.tools,
        enabled: row.enabled,
        hidden: row.hidden,
        aliases: aliases.map(|a| a.alias.clone()).collect(),
        targets: targets
            .filter_map(|t| {
                Some(Target {
                    id: Some(t.id),
                    provider: (*slugs.get(&t.provider_id)?).to_owned(),
                    upstream_model: t.upstream_model.clone(),
                    priority: t.priority,
                    weight: t.weight,
                    enabled: t.enabled,
                    busyness_at_most: t.busyness_at_most,
                    price: price(rows, PriceOf::Target(t.id), now_ms),
                })
            })
            .collect(),
        price: price(rows, PriceOf::Model(row.id), now_ms),
        strategy: row.strategy,
        affinity: row.affinity,
        fallbacks: {
            let names = model_names(rows);
            let own = rows.fallbacks.iter().filter(|f| f.model_id == row.id);
            own.filter_map(|f| Some(((*names.get(&f.fallback_id)?).to_owned(), f.cause)))
                .collect()
        },
        allowances: allowances(rows, LimitScope::Model, row.id.0, |_| true),
    }
}

fn model_names(rows: &CatalogRows) -> BTreeMap<ModelId, &str> {
    let names = rows.models.iter();
    names.map(|m| (m.id, m.name.as_str())).collect()
}

pub(super) fn allowances(
    rows: &CatalogRows,
    scope: LimitScope,
    id: i64,
    wanted: fn(&Limit) -> bool,
) -> Vec<Allowance> {
    let names = model_names(rows);
    let own = rows
        .limits
        .iter()
        .filter(|l| l.scope == scope && l.scope_id == id);
    let mut found: Vec<Allowance> = own
        .filter(|l| wanted(l))
        .filter_map(|limit| Allowance::of_limit(limit, &names))
        .collect();
    rules::sort(&mut found);
    found
}

/// The price that holds now: rows come newest first.
fn price(rows: &CatalogRows, of: PriceOf, now_ms: i64) -> Option<Tariff> {
    let holds = rows
        .prices
        .iter()
        .find(|row| row.of == of && row.price.effective_from_ms <= now_ms)?;
    Some(tariff(&holds.price))
}

fn tariff(price: &Price) -> Tariff {
    Tariff {
        currency: price.currency.as_str().to_owned(),
        input: price.input,
        cached_input: price.cached_input,
        cache_write: price.cache_write,
        output: price.output,
        reasoning: price.reasoning,
        per_request: price.per_request_nanos,
    }
}

fn api_keys(rows: &CatalogRows, slugs: &BTreeMap<ProviderId, &str>) -> Vec<ApiKey> {
    let names = model_names(rows);
    let pinned: BTreeMap<TargetId, String> = rows
        .targets
        .iter()
        .filter_map(|t| {
            let (slug, name) = (slugs.get(&t.provider_id)?, names.get(&t.model_id)?);
            Some((t.id, format!("{slug}/{name}")))
        })
        .collect();
    let list = |id: ApiKeyId| -> BTreeSet<String> {
        rows.api_key_models
            .iter()
            .filter(|(key, _)| *key == id)
            .filter_map(|(_, entry)| match entry {
                Allowed::Model(id) => names.get(id).map(|name| (*name).to_owned()),
                Allowed::Target(id) => pinned.get(id).cloned(),
            })
            .collect()
    };
    rows.api_keys
        .iter()
        .map(|k| ApiKey {
            id: Some(k.id),
            name: k.name.clone(),
            hash: data_encoding::HEXLOWER.encode(&k.key_hash),
            text: None,
            enabled: k.enabled,
            note: k.note.clone(),
            tags: k.tags.clone(),
            user: {
                let owner = rows.users.iter().find(|user| user.id == k.user_id);
                owner.map_or_else(String::new, |user| user.username.clone())
            },
            models: if k.all_models {
                Models::All
            } else {
                Models::Only(list(k.id))
            },
            rules: KeyRules {
                expires_at: k.expires_at,
                time_zone: k.time_zone.clone(),
                allowed_cidrs: k.allowed_cidrs.clone(),
                time_rules: {
                    let own = rows.time_rules.iter().filter(|(key, _)| *key == k.id);
                    own.map(|(_, rule)| *rule).collect()
                },
                fallbacks: k.fallbacks,
                bypass_busyness: k.bypass_busyness,
                strict_conversion: k.strict_conversion,
                allowances: allowances(rows, LimitScope::ApiKey, k.id.0, |_| true),
            },
        })
        .collect()
}
