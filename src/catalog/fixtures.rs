//! Small catalogs for unit tests, written in a few words.

use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use modelgate_domain::{
    ApiKeyId, Modalities, ModelId, ProviderId, ProviderKeyId, Secret, StateBy, Strategy, TargetId,
    UserId,
};

use super::{
    AllowedModels, ApiKey, Catalog, Credential, CredentialState, KeyRules, Model, Provider, Target,
};

/// One provider with one credential, as the other fixtures start from.
pub(crate) fn provider(id: i64, name: &str) -> Provider {
    Provider {
        id: ProviderId(id),
        name: name.into(),
        protocol: "openai".into(),
        base_url: "http://127.0.0.1:9/v1".into(),
        extra_headers: Vec::new(),
        user_agent: None,
        proxy_url: None,
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_secs(2),
        enabled: true,
        credentials: vec![Arc::new(credential(id * 10))],
    }
}

/// An active credential of weight 100 with the secret `sk-canary-ID`.
pub(crate) fn credential(id: i64) -> Credential {
    Credential {
        id: ProviderKeyId(id),
        label: format!("key {id}").into(),
        secret: Secret::new(format!("sk-canary-{id}")),
        weight: 100,
        max_concurrency: None,
        limits: Vec::new(),
        state: CredentialState::Active,
        state_by: StateBy::Admin,
        state_until_ms: None,
    }
}

/// A target of weight 100.
pub(crate) fn target(id: i64, provider: &Arc<Provider>, priority: i32) -> Target {
    Target {
        id: TargetId(id),
        provider: Arc::clone(provider),
        upstream_model: "vendor-name".into(),
        priority,
        weight: 100,
        enabled: true,
        busyness_at_most: None,
        prices: Vec::new(),
    }
}

/// A chat model with these targets.
pub(crate) fn model(id: i64, name: &str, targets: Vec<Arc<Target>>) -> Model {
    Model {
        id: ModelId(id),
        name: name.into(),
        kind: "chat".into(),
        context_length: None,
        max_output_tokens: None,
        modalities: Modalities::default(),
        tools: None,
        enabled: true,
        hidden: false,
        created_s: 0,
        strategy: Strategy::default(),
        affinity: false,
        fallbacks: Vec::new(),
        limits: Vec::new(),
        targets,
        prices: Vec::new(),
    }
}

/// Builds a catalog of providers with one credential each, and chat models with one target a provider.
#[derive(Default)]
pub(crate) struct Build {
    providers: Vec<Provider>,
    models: Vec<(i64, String, Vec<i64>)>,
    aliases: AHashMap<Box<str>, Box<str>>,
    off: Vec<String>,
    hidden: Vec<String>,
}

impl Build {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn provider(mut self, id: i64, name: &str) -> Self {
        self.providers.push(provider(id, name));
        self
    }

    pub(crate) fn disable_provider(mut self, id: i64) -> Self {
        let found = self.providers.iter_mut().find(|p| p.id.0 == id);
        found.unwrap().enabled = false;
        self
    }

    /// A model with a target (row `model × 100 + provider`) at each of the providers, by priority in that order.
    pub(crate) fn model(mut self, id: i64, name: &str, providers: &[i64]) -> Self {
        self.models.push((id, name.to_owned(), providers.to_vec()));
        self
    }

    pub(crate) fn alias(mut self, alias: &str, model: &str) -> Self {
        self.aliases.insert(alias.into(), model.into());
        self
    }

    pub(crate) fn disable_model(mut self, name: &str) -> Self {
        self.off.push(name.to_owned());
        self
    }

    pub(crate) fn hide_model(mut self, name: &str) -> Self {
        self.hidden.push(name.to_owned());
        self
    }

    pub(crate) fn done(self) -> Catalog {
        let mut catalog = Catalog {
            generation: 1,
            aliases: self.aliases,
            ..Catalog::default()
        };
        for provider in self.providers {
            let provider = Arc::new(provider);
            catalog
                .provider_names
                .insert(provider.name.clone(), provider.id);
            catalog.providers.insert(provider.id, provider);
        }
        for (id, name, providers) in self.models {
            let targets = providers.iter().zip(1..).map(|(provider, priority)| {
                let at = &catalog.providers[&ProviderId(*provider)];
                Arc::new(target(id * 100 + provider, at, priority))
            });
            let mut made = model(id, &name, targets.collect());
            made.enabled = !self.off.contains(&name);
            made.hidden = self.hidden.contains(&name);
            catalog.models.insert(name.into(), Arc::new(made));
        }
        catalog
    }

    /// A key that may use everything.
    pub(crate) fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId(1),
            user_id: UserId::NONE,
            name: "alice".into(),
            prefix: "sk-mg-abcd".into(),
            enabled: true,
            expires_at_ms: None,
            allowed: AllowedModels::All,
            rules: KeyRules::default(),
            limits: Vec::new(),
            user_limits: Arc::default(),
            fallbacks: true,
            bypass_busyness: false,
            strict_conversion: false,
        }
    }

    /// A key with an allow-list of model and target rows.
    pub(crate) fn key_only(models: &[i64], targets: &[i64]) -> ApiKey {
        ApiKey {
            allowed: AllowedModels::Only {
                models: models.iter().copied().map(ModelId).collect(),
                targets: targets.iter().copied().map(TargetId).collect(),
            },
            ..Self::key()
        }
    }
}
