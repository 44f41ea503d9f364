//! A file laid over the present state: the state that would hold, or the first thing wrong with it.
//!
//! Pure: no database, no clock, no randomness.

use std::collections::BTreeSet;

use modelgate_domain::{Modalities, Protocol, Secret, Strategy, naming};

use super::document::{Placed, Problem};
use super::spec::{
    ApiKeySpec, CredentialSpec, File, KeyRulesSpec, ModelSpec, ModelsSpec, PriceSpec, ProviderSpec,
    TargetSpec,
};
use super::state::{ApiKey, Credential, KeyRules, Model, Models, Provider, State, Target, Tariff};
use super::users;
use crate::secrets::hash_key_hex;
use crate::vendors;

/// The state after `file`; `revoked` are the hashes of keys that were deleted.
pub(super) fn merge(current: &State, revoked: &[String], file: &File) -> Result<State, Problem> {
    let mut next = current.clone();
    for spec in &file.providers {
        provider(&mut next, spec)?;
    }
    for spec in &file.models {
        model(&mut next, spec)?;
    }
    check_names(&next, file)?;
    for spec in &file.models {
        fallbacks(&mut next, spec)?;
    }
    users::merge(&mut next, &file.users)?;
    for spec in &file.api_keys {
        api_key(&mut next, spec)?;
    }
    check_secrets(&next, revoked, file)?;
    drop_dangling(&mut next);
    Ok(next)
}

pub(super) fn set<T: Clone>(field: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}

fn set_optional<T: Clone>(field: &mut Option<T>, value: Option<&T>) {
    if value.is_some() {
        *field = value.cloned();
    }
}

/// The element that `is` finds, made first where there is none.
pub(super) fn entry<T>(
    list: &mut Vec<T>,
    is: impl Fn(&T) -> bool,
    make: impl FnOnce() -> T,
) -> Option<&mut T> {
    if !list.iter().any(&is) {
        list.push(make());
    }
    list.iter_mut().find(|item| is(item))
}

fn provider(next: &mut State, spec: &ProviderSpec) -> Result<(), Problem> {
    let name = &spec.name.value;
    let known = next.providers.iter().any(|p| p.name == *name);
    let vendor = spec.template.as_deref().and_then(vendors::find);
    let usual = vendor.filter(|v| !v.base_url.contains(vendors::BLANK));
    if !known && spec.base_url.is_none() && usual.is_none() {
        let mut place = spec.place.clone();
        place.field.push_str(".base_url");
        let right =
            "missing: a new provider needs one, as in base_url = \"https://api.example.com/v1\"";
        return Err(place.problem(right));
    }
    let make = || Provider {
        id: None,
        name: name.clone(),
        display_name: vendor.map_or_else(String::new, |v| v.name_en.clone()),
        template: String::new(),
        protocol: vendor
            .map_or_else(Protocol::default, |v| v.protocol)
            .to_string(),
        base_url: usual.map_or_else(String::new, |v| v.base_url.clone()),
        connect_timeout_ms: naming::CONNECT_TIMEOUT_MS,
        first_byte_timeout_ms: naming::FIRST_BYTE_TIMEOUT_MS,
        idle_timeout_ms: naming::IDLE_TIMEOUT_MS,
        user_agent: None,
        extra_headers: Some(Vec::new()),
        proxy_url: Some(Secret::new("")),
        enabled: true,
        keys: Vec::new(),
    };
    let Some(p) = entry(&mut next.providers, |p| p.name == *name, make) else {
        return Ok(());
    };
    set(&mut p.display_name, spec.display_name.as_ref());
    set(&mut p.template, spec.template.as_ref());
    set(&mut p.protocol, spec.protocol.as_ref());
    set(&mut p.base_url, spec.base_url.as_ref());
    set(&mut p.connect_timeout_ms, spec.connect_timeout_ms.as_ref());
    set(
        &mut p.first_byte_timeout_ms,
        spec.first_byte_timeout_ms.as_ref(),
    );
    set(&mut p.idle_timeout_ms, spec.idle_timeout_ms.as_ref());
    set_optional(
        &mut p.user_agent,
        spec.user_agent.as_ref().filter(|t| !t.is_empty()),
    );
    if spec.user_agent.as_deref() == Some("") {
        p.user_agent = None;
    }
    set_optional(&mut p.extra_headers, spec.extra_headers.as_ref());
    set_optional(&mut p.proxy_url, spec.proxy_url.as_ref());
    set(&mut p.enabled, spec.enabled.as_ref());
    if let Some(specs) = &spec.keys {
        let old = std::mem::take(&mut p.keys);
        p.keys = specs
            .iter()
            .map(|spec| credential(&old, spec))
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

fn credential(old: &[Credential], spec: &CredentialSpec) -> Result<Credential, Problem> {
    let known = old.iter().find(|c| c.label == spec.label.value).cloned();
    if known.is_none() && spec.secret.is_none() {
        let mut place = spec.place.clone();
        place.field.push_str(".secret");
        return Err(place.problem(
            "missing: a new key needs secret = \"…\", or secret_env = \"NAME\" of an environment variable",
        ));
    }
    let mut c = known.unwrap_or_else(|| Credential {
        id: None,
        label: spec.label.value.clone(),
        secret: None,
        weight: naming::WEIGHT,
        max_concurrency: None,
        allowances: Vec::new(),
        enabled: true,
    });
    set_optional::<Secret>(&mut c.secret, spec.secret.as_ref());
    set(&mut c.weight, spec.weight.as_ref());
    if let Some(limit) = spec.max_concurrency {
        c.max_concurrency = Some(limit).filter(|n| *n > 0);
    }
    c.allowances = spec.allowances.over(&c.allowances, no_model)?;
    set(&mut c.enabled, spec.enabled.as_ref());
    Ok(c)
}

/// Limits elsewhere than on API keys name no model: their tables do not know the field.
pub(super) fn no_model(name: &Placed<String>) -> Result<String, Problem> {
    Err(name
        .place
        .problem("only limits of an API key can be for one model"))
}

fn model(next: &mut State, spec: &ModelSpec) -> Result<(), Problem> {
    let name = &spec.name.value;
    let make = || Model {
        id: None,
        name: name.clone(),
        display_name: String::new(),
        kind: "chat".to_owned(),
        context_length: None,
        max_output_tokens: None,
        modalities: Modalities::default(),
        tools: None,
        enabled: true,
        hidden: false,
        aliases: BTreeSet::new(),
        targets: Vec::new(),
        price: None,
        strategy: Strategy::default(),
        affinity: false,
        fallbacks: Vec::new(),
        allowances: Vec::new(),
    };
    let providers: Vec<String> = next.providers.iter().map(|p| p.name.clone()).collect();
    let Some(m) = entry(&mut next.models, |m| m.name == *name, make) else {
        return Ok(());
    };
    set(&mut m.display_name, spec.display_name.as_ref());
    set(&mut m.kind, spec.kind.as_ref());
    set_optional(&mut m.context_length, spec.context_length.as_ref());
    set_optional(&mut m.max_output_tokens, spec.max_output_tokens.as_ref());
    set(&mut m.modalities, spec.modalities.as_ref());
    set_optional(&mut m.tools, spec.tools.as_ref());
    set(&mut m.enabled, spec.enabled.as_ref());
    set(&mut m.hidden, spec.hidden.as_ref());
    if let Some(aliases) = &spec.aliases {
        m.aliases = aliases.iter().map(|a| a.value.clone()).collect();
    }
    if let Some(specs) = &spec.targets {
        let old = std::mem::take(&mut m.targets);
        for spec in specs {
            if !providers.contains(&spec.provider.value) {
                return Err(unknown_provider(&spec.provider, &providers));
            }
            m.targets.push(target(&old, spec, &m.kind)?);
        }
    }
    if let Some(price) = &spec.price {
        m.price = Some(tariff(price, &m.kind)?);
    }
    set(&mut m.strategy, spec.strategy.as_ref());
    set(&mut m.affinity, spec.affinity.as_ref());
    m.allowances = spec.allowances.over(&m.allowances, no_model)?;
    Ok(())
}

fn unknown_provider(name: &Placed<String>, known: &[String]) -> Problem {
    let list = known.join(", ");
    name.place.problem(if known.is_empty() {
        "there is no such provider: name one of [[providers]]".to_owned()
    } else {
        format!("there is no such provider: there are {list}")
    })
}

fn target(old: &[Target], spec: &TargetSpec, kind: &str) -> Result<Target, Problem> {
    let same =
        |t: &&Target| t.provider == spec.provider.value && t.upstream_model == spec.upstream_model;
    let mut t = old.iter().find(same).cloned().unwrap_or_else(|| Target {
        id: None,
        provider: spec.provider.value.clone(),
        upstream_model: spec.upstream_model.clone(),
        priority: 1,
        weight: naming::WEIGHT,
        enabled: true,
        busyness_at_most: None,
        price: None,
    });
    set(&mut t.priority, spec.priority.as_ref());
    set(&mut t.weight, spec.weight.as_ref());
    set(&mut t.enabled, spec.enabled.as_ref());
    set(&mut t.busyness_at_most, spec.busyness_at_most.as_ref());
    if let Some(price) = &spec.price {
        t.price = Some(tariff(price, kind)?);
    }
    Ok(t)
}

/// Embeddings have no output; every other kind has to say what its output costs.
fn tariff(spec: &PriceSpec, kind: &str) -> Result<Tariff, Problem> {
    let output = match spec.output {
        Some(output) => output,
        None if kind == "embedding" => 0,
        None => {
            let mut place = spec.place.clone();
            place.field.push_str(".output");
            return Err(place.problem("missing: per million tokens, as in output = \"0.60\""));
        }
    };
    Ok(Tariff {
        currency: spec.currency.as_str().to_owned(),
        input: spec.input,
        cached_input: spec.cached_input,
        cache_write: spec.cache_write,
        output,
        reasoning: spec.reasoning,
        per_request: spec.per_request,
    })
}

/// Names and aliases are one space, and none of them may stand under a provider's prefix.
fn check_names(next: &State, file: &File) -> Result<(), Problem> {
    let slugs = || next.providers.iter().map(|p| p.name.as_str());
    let prefix = |name: &Placed<String>| {
        match naming::taken_prefix(&name.value, slugs()) {
        Some(slug) => Err(name.place.problem(format!(
            "begins with the provider {slug} and a slash, which pins that provider: choose another name"
        ))),
        None => Ok(()),
    }
    };
    for spec in &file.models {
        prefix(&spec.name)?;
        let owner = next
            .models
            .iter()
            .find(|m| m.aliases.contains(&spec.name.value));
        if let Some(owner) = owner {
            let right = format!("is an alias of model {}: choose another name", owner.name);
            return Err(spec.name.place.problem(right));
        }
        for alias in spec.aliases.iter().flatten() {
            prefix(alias)?;
            if next.models.iter().any(|m| m.name == alias.value) {
                return Err(alias
                    .place
                    .problem("is the name of a model: choose another alias"));
            }
            let other = next
                .models
                .iter()
                .find(|m| m.name != spec.name.value && m.aliases.contains(&alias.value));
            if let Some(other) = other {
                let right = format!("is an alias of model {} already", other.name);
                return Err(alias.place.problem(right));
            }
        }
    }
    for spec in &file.providers {
        let under = |name: &&String| {
            naming::taken_prefix(name, std::iter::once(spec.name.value.as_str())).is_some()
        };
        let names = next
            .models
            .iter()
            .flat_map(|m| std::iter::once(&m.name).chain(&m.aliases));
        if let Some(name) = names.into_iter().find(under) {
            return Err(spec.name.place.problem(format!(
                "the model name {name} begins with it and a slash, which would pin this provider: choose another name"
            )));
        }
    }
    Ok(())
}

fn api_key(next: &mut State, spec: &ApiKeySpec) -> Result<(), Problem> {
    let name = &spec.name.value;
    let models = match &spec.models {
        None => None,
        Some(ModelsSpec::All) => Some(Models::All),
        Some(ModelsSpec::Only(entries)) => {
            let names = entries.iter().map(|entry| allowed(next, entry));
            Some(Models::Only(names.collect::<Result<_, _>>()?))
        }
    };
    let make = || ApiKey {
        id: None,
        name: name.clone(),
        hash: String::new(),
        text: None,
        enabled: true,
        note: String::new(),
        tags: Vec::new(),
        user: String::new(),
        models: Models::All,
        rules: KeyRules::default(),
    };
    let user = match &spec.user {
        Some(name) => Some(users::known(next, name)?),
        None => None,
    };
    let names = model_names(next);
    let Some(key) = entry(&mut next.api_keys, |k| k.name == *name, make) else {
        return Ok(());
    };
    if let Some(secret) = &spec.secret {
        let hash = hash_key_hex(secret.value.expose());
        if hash != key.hash {
            key.hash = hash;
            key.text = Some(secret.value.clone());
        }
    }
    set(&mut key.enabled, spec.enabled.as_ref());
    set(&mut key.note, spec.note.as_ref());
    set(&mut key.tags, spec.tags.as_ref());
    set(&mut key.user, user.as_ref());
    set(&mut key.models, models.as_ref());
    key_rules(&mut key.rules, &spec.rules, &names)
}

fn key_rules(
    rules: &mut KeyRules,
    spec: &KeyRulesSpec,
    names: &[(String, String)],
) -> Result<(), Problem> {
    set(&mut rules.expires_at, spec.expires_at.as_ref());
    set(&mut rules.time_zone, spec.time_zone.as_ref());
    set(&mut rules.allowed_cidrs, spec.allowed_cidrs.as_ref());
    set(&mut rules.time_rules, spec.time_rules.as_ref());
    set(&mut rules.fallbacks, spec.fallbacks.as_ref());
    set(&mut rules.bypass_busyness, spec.bypass_busyness.as_ref());
    set(
        &mut rules.strict_conversion,
        spec.strict_conversion.as_ref(),
    );
    let known = |name: &Placed<String>| known_model(names, name);
    rules.allowances = spec.allowances.over(&rules.allowances, known)?;
    Ok(())
}

/// Every name and alias with the model it means.
fn model_names(next: &State) -> Vec<(String, String)> {
    let names = next.models.iter().flat_map(|m| {
        let all = std::iter::once(&m.name).chain(&m.aliases);
        all.map(|name| (name.clone(), m.name.clone()))
    });
    names.collect()
}

fn known_model(names: &[(String, String)], name: &Placed<String>) -> Result<String, Problem> {
    let found = names.iter().find(|(known, _)| *known == name.value);
    let right = "there is no such model: write a model's name";
    found
        .map(|(_, model)| model.clone())
        .ok_or_else(|| name.place.problem(right))
}

/// Looked up once all models of the file are there: they may name each other.
fn fallbacks(next: &mut State, spec: &ModelSpec) -> Result<(), Problem> {
    let Some(wanted) = &spec.fallbacks else {
        return Ok(());
    };
    let names = model_names(next);
    let mut found = Vec::new();
    for (name, cause) in wanted {
        let model = known_model(&names, name)?;
        if model == spec.name.value {
            return Err(name.place.problem("a model cannot take over for itself"));
        }
        found.push((model, *cause));
    }
    if let Some(m) = next.models.iter_mut().find(|m| m.name == spec.name.value) {
        m.fallbacks = found;
    }
    Ok(())
}

/// An allow-list entry in its one spelling: a model's name, or `provider/model`.
fn allowed(next: &State, entry: &Placed<String>) -> Result<String, Problem> {
    let text = &entry.value;
    let named = |name: &str| {
        next.models
            .iter()
            .find(|m| m.name == name || m.aliases.contains(name))
    };
    if let Some(model) = named(text) {
        return Ok(model.name.clone());
    }
    let pinned = text.split_once('/').and_then(|(provider, name)| {
        let model = named(name)?;
        let there = model.targets.iter().any(|t| t.provider == provider);
        there.then(|| format!("{provider}/{}", model.name))
    });
    pinned.ok_or_else(|| {
        entry.place.problem(
            "there is no such model: write a model's name, provider/model for one provider's, or [\"*\"] alone for all",
        )
    })
}

/// A key's text belongs to one key for ever, so that a revoked one cannot come back by accident.
fn check_secrets(next: &State, revoked: &[String], file: &File) -> Result<(), Problem> {
    for spec in &file.api_keys {
        let Some(secret) = &spec.secret else { continue };
        let hash = hash_key_hex(secret.value.expose());
        let same = |k: &&ApiKey| k.name != spec.name.value && k.hash == hash;
        if let Some(other) = next.api_keys.iter().find(same) {
            let right = format!(
                "is the secret of API key {} already: choose another",
                other.name
            );
            return Err(secret.place.problem(right));
        }
        if revoked.contains(&hash) {
            return Err(secret
                .place
                .problem("belonged to an API key that was revoked: choose another"));
        }
    }
    Ok(())
}

/// A pinned entry whose targets are gone allows nothing any more: it leaves the list with them.
fn drop_dangling(next: &mut State) {
    let models = &next.models;
    let stands = |entry: &String| {
        models.iter().any(|m| {
            m.name == *entry
                || m.targets
                    .iter()
                    .any(|t| format!("{}/{}", t.provider, m.name) == *entry)
        })
    };
    for key in &mut next.api_keys {
        if let Models::Only(names) = &mut key.models {
            names.retain(stands);
        }
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
