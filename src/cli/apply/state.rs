//! The provisioned part of the configuration as plain data: what a file is merged into and compared with.

use std::collections::BTreeSet;

use modelgate_domain::{
    ApiKeyId, KeyText, ModelId, ProviderId, ProviderKeyId, Secret, TargetId, money,
};

/// Everything a provisioning file can describe.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) providers: Vec<Provider>,
    pub(super) models: Vec<Model>,
    pub(super) api_keys: Vec<ApiKey>,
}

/// A provider with its credentials. `id` is absent until it is written.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) id: Option<ProviderId>,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) protocol: String,
    pub(super) base_url: String,
    pub(super) connect_timeout_ms: i64,
    pub(super) first_byte_timeout_ms: i64,
    pub(super) idle_timeout_ms: i64,
    pub(super) user_agent: Option<String>,
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
    pub(super) enabled: bool,
    pub(super) hidden: bool,
    pub(super) aliases: BTreeSet<String>,
    pub(super) targets: Vec<Target>,
    pub(super) price: Option<Tariff>,
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
    pub(super) models: Models,
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
fn field(name: &'static str, value: impl ToString) -> Field {
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
    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("display_name", &self.display_name),
            field("protocol", &self.protocol),
            field("base_url", &self.base_url),
            field("connect_timeout_ms", self.connect_timeout_ms),
            field("first_byte_timeout_ms", self.first_byte_timeout_ms),
            field("idle_timeout_ms", self.idle_timeout_ms),
            field("user_agent", self.user_agent.as_deref().unwrap_or_default()),
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
    }
}

impl Model {
    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("display_name", &self.display_name),
            field("kind", &self.kind),
            field("context_length", optional(self.context_length)),
            field("max_output_tokens", optional(self.max_output_tokens)),
            field("enabled", self.enabled),
            field("hidden", self.hidden),
            field("aliases", joined(&self.aliases)),
            field("price", tariff(self.price.as_ref())),
        ]
    }
}

impl Target {
    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("priority", self.priority),
            field("weight", self.weight),
            field("enabled", self.enabled),
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
            field("models", models),
        ]
    }
}
