//! The snapshot's types.

use std::sync::Arc;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use chrono_tz::Tz;
use ipnet::IpNet;
use modelgate_domain::period::BudgetSum;
use modelgate_domain::{
    ApiKeyId, Busyness, BusynessAction, Cause, CredentialState, Limit, Modalities, ModelId, Price,
    ProviderId, ProviderKeyId, Secret, StateBy, Strategy, TargetId, TimeRule, UserId,
};

use super::ErrorRule;

/// Everything a call needs to know about the configuration, at one generation.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The `config_generations` number this was built from.
    pub generation: i64,
    /// Enabled and disabled providers by row.
    pub providers: AHashMap<ProviderId, Arc<Provider>>,
    /// Providers by slug.
    pub provider_names: AHashMap<Box<str>, ProviderId>,
    /// Models by public name, the switched off ones too.
    pub models: AHashMap<Box<str>, Arc<Model>>,
    /// Aliases to public names.
    pub aliases: AHashMap<Box<str>, Box<str>>,
    /// API keys by SHA-256 of the key, the switched off and expired ones too.
    pub keys: AHashMap<[u8; 32], Arc<ApiKey>>,
    /// The same keys by the secrets they had before, each with the moment from which it works no more, epoch
    /// milliseconds.
    pub previous_keys: AHashMap<[u8; 32], (Arc<ApiKey>, i64)>,
    /// What happens to calls while the gateway is busy; the first that holds decides.
    pub busyness_rules: Vec<BusynessRule>,
    /// What was spent of budgets when this was built.
    pub budget_sums: Vec<BudgetSum>,
    /// What vendors' errors mean; the first that fits decides.
    pub error_rules: Vec<ErrorRule>,
    /// Rows that had to be left out, for those who run the gateway.
    pub notes: Vec<Note>,
}

/// What happens to calls while the gateway is busy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusynessRule {
    /// It holds from this level on, and at every busier one.
    pub from_level: Busyness,
    /// What it does.
    pub action: BusynessAction,
    /// For calls of these models; of any where empty.
    pub models: Vec<ModelId>,
    /// The public name of the model that answers instead, or that is suggested.
    pub redirect: Option<Box<str>>,
    /// What callers are told.
    pub message: Box<str>,
}

/// A row that the snapshot does without, and why. The rest of the configuration is not held up by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What: `credential acme/main`.
    pub object: String,
    /// Why, in one sentence without a secret.
    pub problem: String,
}

/// A vendor endpoint.
#[derive(Debug)]
pub struct Provider {
    /// The row.
    pub id: ProviderId,
    /// The slug, the prefix in `provider/model`.
    pub name: Box<str>,
    /// The vendor's dialect: `openai`, `anthropic`.
    pub protocol: Box<str>,
    /// Joined with the endpoint path as it stands.
    pub base_url: Box<str>,
    /// Sent with every call.
    pub extra_headers: Vec<(String, Secret)>,
    /// Sent as `user-agent`; the product's own where empty.
    pub user_agent: Option<String>,
    /// Outbound `http://`, `https://` or `socks5://` proxy.
    pub proxy_url: Option<Secret>,
    /// Until the connection, TLS included, stands.
    pub connect_timeout: Duration,
    /// Until the first event or byte of the body.
    pub first_byte_timeout: Duration,
    /// Between two reads of the body.
    pub idle_timeout: Duration,
    /// Whether calls may go there.
    pub enabled: bool,
    /// Its credentials, in row order.
    pub credentials: Vec<Arc<Credential>>,
}

impl Provider {
    /// Gives it the name that providers without one of their own call themselves by.
    pub fn introduce(&mut self, user_agent: &str) {
        if self.user_agent.is_none() && !user_agent.is_empty() {
            self.user_agent = Some(user_agent.to_owned());
        }
    }
}

/// One vendor credential, decrypted.
#[derive(Debug)]
pub struct Credential {
    /// The row.
    pub id: ProviderKeyId,
    /// What operators call it.
    pub label: Box<str>,
    /// The vendor's key.
    pub secret: Secret,
    /// Share of calls among the provider's credentials; 0 = never.
    pub weight: u32,
    /// At most this many calls at once from this process.
    pub max_concurrency: Option<u32>,
    /// What may not be passed with it, `max_concurrency` aside.
    pub limits: Vec<Limit>,
    /// What the database says of it.
    pub state: CredentialState,
    /// Who says so.
    pub state_by: StateBy,
    /// Until when a state that ends by itself holds, epoch milliseconds.
    pub state_until_ms: Option<i64>,
}

/// A public model.
#[derive(Debug)]
pub struct Model {
    /// The row.
    pub id: ModelId,
    /// What clients say.
    pub name: Box<str>,
    /// `chat`, `embedding`.
    pub kind: Box<str>,
    /// Context window in tokens.
    pub context_length: Option<i64>,
    /// Largest answer in tokens.
    pub max_output_tokens: Option<i64>,
    /// What it takes in, as far as that is known.
    pub modalities: Modalities,
    /// Whether it calls tools, where that is known.
    pub tools: Option<bool>,
    /// Switched off models are unknown to callers.
    pub enabled: bool,
    /// Not listed, but callable.
    pub hidden: bool,
    /// When the row was made, epoch seconds (the `created` of `/v1/models`).
    pub created_s: i64,
    /// How it chooses among targets of the same priority.
    pub strategy: Strategy,
    /// Whether a conversation stays at its target while that is well.
    pub affinity: bool,
    /// What takes over where it does not answer, in order.
    pub fallbacks: Vec<Fallback>,
    /// What may not be passed by all its calls together.
    pub limits: Vec<Limit>,
    /// Where it can be served, by priority and then row.
    pub targets: Vec<Arc<Target>>,
    /// Prices of the model at any target, newest first.
    pub prices: Vec<Price>,
}

/// A model that takes over for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Its public name, a key of [`Catalog::models`].
    pub model: Box<str>,
    /// For which cause.
    pub cause: Cause,
}

/// A model at one provider.
#[derive(Debug)]
pub struct Target {
    /// The row.
    pub id: TargetId,
    /// The vendor.
    pub provider: Arc<Provider>,
    /// The vendor's name for the model.
    pub upstream_model: Box<str>,
    /// 1 is tried first.
    pub priority: i32,
    /// Share among targets of the same priority; 0 = never.
    pub weight: u32,
    /// Whether calls may go there.
    pub enabled: bool,
    /// Only while the gateway is at most this busy.
    pub busyness_at_most: Option<Busyness>,
    /// Prices of this target, newest first; they go before the model's.
    pub prices: Vec<Price>,
}

/// An API key, known by its hash.
#[derive(Debug)]
pub struct ApiKey {
    /// The row.
    pub id: ApiKeyId,
    /// The account, 0 where it stands alone.
    pub user_id: UserId,
    /// What operators call it.
    pub name: Box<str>,
    /// The public beginning of the key.
    pub prefix: Box<str>,
    /// Whether it works at all.
    pub enabled: bool,
    /// From when it does not work any more, epoch milliseconds.
    pub expires_at_ms: Option<i64>,
    /// What it may call.
    pub allowed: AllowedModels,
    /// When and from where it may call.
    pub rules: KeyRules,
    /// What it may not pass; those of one model among them.
    pub limits: Vec<Limit>,
    /// What all keys of its account together may not pass.
    pub user_limits: Arc<[Limit]>,
    /// Whether fallback models may answer its calls.
    pub fallbacks: bool,
    /// Whether rules of busyness leave it alone.
    pub bypass_busyness: bool,
    /// Whether what a vendor's dialect has nothing for is refused instead of left out.
    pub strict_conversion: bool,
}

/// When and from where an API key may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRules {
    /// The zone of its time rules; the business time zone where absent.
    pub time_zone: Option<Tz>,
    /// The only networks it may be used from; everywhere where absent.
    pub allowed_cidrs: Option<Vec<IpNet>>,
    /// Hours, dates and days of the week.
    pub time_rules: Vec<TimeRule>,
}

/// An API key's allow-list.
#[derive(Debug)]
pub enum AllowedModels {
    /// Every model.
    All,
    /// These models everywhere, and these single targets.
    Only {
        /// Models at any provider.
        models: AHashSet<ModelId>,
        /// Models at one provider.
        targets: AHashSet<TargetId>,
    },
}
