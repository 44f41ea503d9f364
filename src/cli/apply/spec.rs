//! What a provisioning file may say, as plain data. An absent field is left alone.

use chrono::{DateTime, Utc};
use modelgate_domain::{
    Busyness, Cause, Currency, KeyText, Modalities, Secret, Strategy, TimeRule,
};

use super::document::{Place, Placed};
use super::rules::AllowanceSpecs;
use super::users::UserSpec;

/// What a file gives: a value, or nothing, which takes away what is there.
pub(super) type Given<T> = Option<T>;

/// A model's `fallbacks`.
pub(super) type Fallbacks = Vec<(Placed<String>, Cause)>;

/// Everything a file says. An absent field is left alone.
#[derive(Debug, Default)]
pub(super) struct File {
    /// `[[providers]]`.
    pub(super) providers: Vec<ProviderSpec>,
    /// `[[models]]`.
    pub(super) models: Vec<ModelSpec>,
    /// `[[users]]`.
    pub(super) users: Vec<UserSpec>,
    /// `[[api_keys]]`.
    pub(super) api_keys: Vec<ApiKeySpec>,
}

/// One of `[[providers]]`.
#[derive(Debug)]
pub(super) struct ProviderSpec {
    pub(super) place: Place,
    pub(super) name: Placed<String>,
    pub(super) display_name: Option<String>,
    pub(super) template: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) connect_timeout_ms: Option<i64>,
    pub(super) first_byte_timeout_ms: Option<i64>,
    pub(super) idle_timeout_ms: Option<i64>,
    pub(super) user_agent: Option<String>,
    pub(super) extra_headers: Option<Vec<(String, Secret)>>,
    /// Empty takes the proxy away.
    pub(super) proxy_url: Option<Secret>,
    pub(super) enabled: Option<bool>,
    pub(super) keys: Option<Vec<CredentialSpec>>,
}

/// One of a provider's `keys`.
#[derive(Debug)]
pub(super) struct CredentialSpec {
    pub(super) place: Place,
    pub(super) label: Placed<String>,
    pub(super) secret: Option<Secret>,
    pub(super) weight: Option<i64>,
    /// 0 takes the limit away.
    pub(super) max_concurrency: Option<i64>,
    pub(super) allowances: AllowanceSpecs,
    pub(super) enabled: Option<bool>,
}

/// One of `[[models]]`.
#[derive(Debug)]
pub(super) struct ModelSpec {
    pub(super) name: Placed<String>,
    pub(super) display_name: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) context_length: Option<i64>,
    pub(super) max_output_tokens: Option<i64>,
    pub(super) modalities: Option<Modalities>,
    pub(super) tools: Option<bool>,
    pub(super) enabled: Option<bool>,
    pub(super) hidden: Option<bool>,
    pub(super) aliases: Option<Vec<Placed<String>>>,
    pub(super) targets: Option<Vec<TargetSpec>>,
    pub(super) price: Option<PriceSpec>,
    pub(super) strategy: Option<Strategy>,
    pub(super) affinity: Option<bool>,
    pub(super) fallbacks: Option<Fallbacks>,
    pub(super) allowances: AllowanceSpecs,
}

/// One of a model's `targets`.
#[derive(Debug)]
pub(super) struct TargetSpec {
    pub(super) place: Place,
    pub(super) provider: Placed<String>,
    pub(super) upstream_model: String,
    pub(super) priority: Option<i64>,
    pub(super) weight: Option<i64>,
    pub(super) enabled: Option<bool>,
    pub(super) busyness_at_most: Option<Given<Busyness>>,
    pub(super) price: Option<PriceSpec>,
}

/// A `price`, in nano-units per million tokens.
#[derive(Debug)]
pub(super) struct PriceSpec {
    pub(super) place: Place,
    pub(super) currency: Currency,
    pub(super) input: i64,
    pub(super) cached_input: Option<i64>,
    pub(super) cache_write: Option<i64>,
    /// May be absent for embeddings.
    pub(super) output: Option<i64>,
    pub(super) reasoning: Option<i64>,
    pub(super) per_request: i64,
}

/// One of `[[api_keys]]`.
#[derive(Debug)]
pub(super) struct ApiKeySpec {
    pub(super) name: Placed<String>,
    pub(super) secret: Option<Placed<KeyText>>,
    pub(super) enabled: Option<bool>,
    pub(super) note: Option<String>,
    pub(super) tags: Option<Vec<String>>,
    /// An account's name; empty for none.
    pub(super) user: Option<Placed<String>>,
    pub(super) models: Option<ModelsSpec>,
    pub(super) rules: KeyRulesSpec,
}

/// When, from where and how much an API key may call.
#[derive(Debug, Default)]
pub(super) struct KeyRulesSpec {
    pub(super) expires_at: Option<Given<DateTime<Utc>>>,
    /// Empty means the business time zone.
    pub(super) time_zone: Option<String>,
    pub(super) allowed_cidrs: Option<Vec<String>>,
    pub(super) time_rules: Option<Vec<TimeRule>>,
    pub(super) fallbacks: Option<bool>,
    pub(super) bypass_busyness: Option<bool>,
    pub(super) strict_conversion: Option<bool>,
    pub(super) allowances: AllowanceSpecs,
}

/// An API key's `models`.
#[derive(Debug)]
pub(super) enum ModelsSpec {
    /// `["*"]`.
    All,
    /// Models, and `provider/model` for one provider's.
    Only(Vec<Placed<String>>),
}
