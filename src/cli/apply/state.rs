//! The provisioned part of the configuration as plain data: what a file is merged into and compared with.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use modelgate_domain::{
    ApiKeyId, Busyness, Cause, KeyText, Modalities, ModelId, ProviderId, ProviderKeyId, Secret,
    Strategy, TargetId, TimeRule, money,
};

use super::rules::{self, Allowance};
use super::users::User;

/// Everything a provisioning file can describe.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) providers: Vec<Provider>,
    pub(super) models: Vec<Model>,
    pub(super) users: Vec<User>,
    pub(super) api_keys: Vec<ApiKey>,
}

/// A provider with its credentials. `id` is absent until it is written.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) id: Option<ProviderId>,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) template: String,
    pub(super) protocol: String,
    pub(super) base_url: String,
    pub(super) connect_timeout_ms: i64,
    pub(super) first_byte_timeout_ms: i64,
    pub(super) idle_timeout_ms: i64,
    pub(super) user_agent: Option<String>,
    /// Absent where they do not open.
    pub(super) extra_headers: Option<Vec<(String, Secret)>>,
    /// Empty for none; absent where it does not open.
    pub(super) proxy_url: Option<Secret>,
    pub(super) enabled: bool,
    pub(super) keys: Vec<Credential>,
}

/// A credential, decrypted; `secret` is absent where it does not open.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) id: Option<ProviderKeyId>,
    pub(super) label: String,
    pub(super) secret: Option<Secret>,
    pub(super) weight: i64,
    pub(super) max_concurrency: Option<i64>,
    /// Everything but `max_concurrency`.
    pub(super) allowances: Vec<Allowance>,
    pub(super) enabled: bool,
}

/// A model with everything that hangs on it.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) id: Option<ModelId>,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) kind: String,
    pub(super) context_length: Option<i64>,
    pub(super) max_output_tokens: Option<i64>,
    pub(super) modalities: Modalities,
    pub(super) tools: Option<bool>,
    pub(super) enabled: bool,
    pub(super) hidden: bool,
    pub(super) aliases: BTreeSet<String>,
    pub(super) targets: Vec<Target>,
    pub(super) price: Option<Tariff>,
    pub(super) strategy: Strategy,
    pub(super) affinity: bool,
    pub(super) fallbacks: Vec<(String, Cause)>,
    pub(super) allowances: Vec<Allowance>,
}

/// A model at a provider.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) id: Option<TargetId>,
    pub(super) provider: String,
    pub(super) upstream_model: String,
    pub(super) priority: i64,
    pub(super) weight: i64,
    pub(super) enabled: bool,
    pub(super) busyness_at_most: Option<Busyness>,
    pub(super) price: Option<Tariff>,
}

/// The amounts of a price, in nano-units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tariff {
    pub(super) currency: String,
    pub(super) input: i64,
    pub(super) cached_input: Option<i64>,
    pub(super) cache_write: Option<i64>,
    pub(super) output: i64,
    pub(super) reasoning: Option<i64>,
    pub(super) per_request: i64,
}

/// An API key, known by its hash.
#[derive(Clone)]
pub(super) struct ApiKey {
    pub(super) id: Option<ApiKeyId>,
    pub(super) name: String,
    /// Empty where a key is still to be made.
    pub(super) hash: String,
    /// The key itself, where the file gave one that the database does not have.
    pub(super) text: Option<KeyText>,
    pub(super) enabled: bool,
    pub(super) note: String,
    pub(super) tags: Vec<String>,
    /// The account's name; empty where it stands alone.
    pub(super) user: String,
    pub(super) models: Models,
    pub(super) rules: KeyRules,
}

/// When, from where and how much an API key may call.
#[derive(Clone)]
pub(super) struct KeyRules {
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// Empty for the business time zone.
    pub(super) time_zone: String,
    pub(super) allowed_cidrs: Vec<String>,
    pub(super) time_rules: Vec<TimeRule>,
    pub(super) fallbacks: bool,
    pub(super) bypass_busyness: bool,
    pub(super) strict_conversion: bool,
    pub(super) allowances: Vec<Allowance>,
}

impl Default for KeyRules {
    /// No rule at all.
    fn default() -> Self {
        Self {
            expires_at: None,
            time_zone: String::new(),
            allowed_cidrs: Vec::new(),
            time_rules: Vec::new(),
            fallbacks: true,
            bypass_busyness: false,
            strict_conversion: false,
            allowances: Vec::new(),
        }
    }
}

impl KeyRules {
    /// The end as a file writes it; empty for none.
    pub(super) fn expires(&self) -> String {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        self.expires_at.map_or_else(String::new, text)
    }
}

/// `limits` and `budget` as fields.
pub(super) fn allowed(allowances: &[Allowance]) -> [Field; 2] {
    [("limits", false), ("budget", true)].map(|(name, budgets)| {
        let text = rules::toml_of(allowances, budgets);
        field(name, if text == "[]" { "" } else { &text })
    })
}

/// An allow-list by name: models, and `provider/model` for one provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Models {
    All,
    Only(BTreeSet<String>),
}

/// One attribute as people read it. A hidden one is compared but never shown.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) hidden: bool,
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "takes texts and numbers alike, as the rows are written"
)]
pub(super) fn field(name: &'static str, value: impl ToString) -> Field {
    Field {
        name,
        value: value.to_string(),
        hidden: false,
    }
}

fn hidden(name: &'static str, value: impl Into<String>) -> Field {
    Field {
        name,
        value: value.into(),
        hidden: true,
    }
}

fn optional(value: Option<i64>) -> String {
    value.map_or_else(String::new, |n| n.to_string())
}

fn yes_or_no(it_is: bool) -> &'static str {
    if it_is { "true" } else { "false" }
}

fn joined(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.join(", ")
}

impl Tariff {
    /// The fields as a file writes them.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("currency", self.currency.clone()),
            ("input", money::format_nanos(self.input)),
        ];
        for (name, amount) in [
            ("cached_input", self.cached_input),
            ("cache_write", self.cache_write),
            ("output", Some(self.output)),
            ("reasoning", self.reasoning),
            ("per_request", Some(self.per_request).filter(|n| *n != 0)),
        ] {
            if let Some(amount) = amount {
                fields.push((name, money::format_nanos(amount)));
            }
        }
        fields
    }
}

fn tariff(price: Option<&Tariff>) -> String {
    let Some(price) = price else {
        return String::new();
    };
    let fields: Vec<String> = price
        .fields()
        .into_iter()
        .map(|(name, value)| match name {
            "currency" => value,
            _ => format!("{name} {value}"),
        })
        .collect();
    fields.join(" ")
}

impl Provider {
    /// All headers in one text, to be compared.
    fn headers(&self) -> String {
        let all = self.extra_headers.iter().flatten();
        all.fold(String::new(), |text, (name, value)| {
            format!("{text}{name}: {}\n", value.expose())
        })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("display_name", &self.display_name),
            field("template", &self.template),
            field("protocol", &self.protocol),
            field("base_url", &self.base_url),
            field("connect_timeout_ms", self.connect_timeout_ms),
            field("first_byte_timeout_ms", self.first_byte_timeout_ms),
            field("idle_timeout_ms", self.idle_timeout_ms),
            field("user_agent", self.user_agent.as_deref().unwrap_or_default()),
            hidden("extra_headers", self.headers()),
            hidden(
                "proxy_url",
                self.proxy_url.as_ref().map_or("", Secret::expose),
            ),
            field("enabled", self.enabled),
        ]
    }
}

impl Credential {
    pub(super) fn fields(&self) -> Vec<Field> {
        let secret = self.secret.as_ref().map_or("", Secret::expose);
        vec![
            hidden("secret", secret),
            field("weight", self.weight),
            field("max_concurrency", optional(self.max_concurrency)),
            field("enabled", self.enabled),
        ]
        .into_iter()
        .chain(allowed(&self.allowances))
        .collect()
    }
}

impl Model {
    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("display_name", &self.display_name),
            field("kind", &self.kind),
            field("context_length", optional(self.context_length)),
            field("max_output_tokens", optional(self.max_output_tokens)),
            field("modalities", self.modalities),
            field("tools", self.tools.map_or("", yes_or_no)),
            field("enabled", self.enabled),
            field("hidden", self.hidden),
            field("aliases", joined(&self.aliases)),
            field("price", tariff(self.price.as_ref())),
            field("strategy", self.strategy),
            field("affinity", self.affinity),
            field("fallbacks", self.fallbacks_text()),
        ]
        .into_iter()
        .chain(allowed(&self.allowances))
        .collect()
    }

    fn fallbacks_text(&self) -> String {
        let text = |(name, cause): &(String, Cause)| match cause {
            Cause::Any => name.clone(),
            cause => format!("{name} when {cause}"),
        };
        let all: Vec<String> = self.fallbacks.iter().map(text).collect();
        all.join(", ")
    }
}

impl Target {
    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("priority", self.priority),
            field("weight", self.weight),
            field("enabled", self.enabled),
            field(
                "busyness_at_most",
                self.busyness_at_most.map_or("", Busyness::as_str),
            ),
            field("price", tariff(self.price.as_ref())),
        ]
    }
}

impl ApiKey {
    pub(super) fn fields(&self) -> Vec<Field> {
        let models = match &self.models {
            Models::All => "*".to_owned(),
            Models::Only(names) => joined(names),
        };
        vec![
            hidden("secret", &self.hash),
            field("enabled", self.enabled),
            field("note", &self.note),
            field("tags", self.tags.join(", ")),
            field("user", &self.user),
            field("models", models),
            field("expires_at", self.rules.expires()),
            field("time_zone", &self.rules.time_zone),
            field("allowed_cidrs", self.rules.allowed_cidrs.join(", ")),
            field(
                "time_rules",
                rules::time_rules_toml(&self.rules.time_rules).join(", "),
            ),
            field("fallbacks", self.rules.fallbacks),
            field("bypass_busyness", self.rules.bypass_busyness),
            field("strict_conversion", self.rules.strict_conversion),
        ]
        .into_iter()
        .chain(allowed(&self.rules.allowances))
        .collect()
    }
}
