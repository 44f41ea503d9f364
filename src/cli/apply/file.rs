//! A provisioning file: what it may say, and the checks that need nothing but the file.

use modelgate_domain::{Currency, KeyText, Secret, money, naming};

use super::NewKey;
use super::document::{Document, Place, Placed, Problem, Table};
use crate::config::Env;

/// Everything a file says. An absent field is left alone.
#[derive(Debug, Default)]
pub(super) struct File {
    /// `[[providers]]`.
    pub(super) providers: Vec<ProviderSpec>,
    /// `[[models]]`.
    pub(super) models: Vec<ModelSpec>,
    /// `[[api_keys]]`.
    pub(super) api_keys: Vec<ApiKeySpec>,
}

/// One of `[[providers]]`.
#[derive(Debug)]
pub(super) struct ProviderSpec {
    pub(super) place: Place,
    pub(super) name: Placed<String>,
    pub(super) display_name: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) connect_timeout_ms: Option<i64>,
    pub(super) first_byte_timeout_ms: Option<i64>,
    pub(super) idle_timeout_ms: Option<i64>,
    pub(super) user_agent: Option<String>,
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
    pub(super) enabled: Option<bool>,
    pub(super) hidden: Option<bool>,
    pub(super) aliases: Option<Vec<Placed<String>>>,
    pub(super) targets: Option<Vec<TargetSpec>>,
    pub(super) price: Option<PriceSpec>,
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
    pub(super) models: Option<ModelsSpec>,
}

/// An API key's `models`.
#[derive(Debug)]
pub(super) enum ModelsSpec {
    /// `["*"]`.
    All,
    /// Models, and `provider/model` for one provider's.
    Only(Vec<Placed<String>>),
}

const ROOT: &[&str] = &["providers", "models", "api_keys"];
const PROVIDER: &[&str] = &[
    "name",
    "display_name",
    "protocol",
    "base_url",
    "connect_timeout_ms",
    "first_byte_timeout_ms",
    "idle_timeout_ms",
    "user_agent",
    "enabled",
    "keys",
];
const CREDENTIAL: &[&str] = &[
    "label",
    "secret",
    "secret_env",
    "weight",
    "max_concurrency",
    "enabled",
];
const MODEL: &[&str] = &[
    "name",
    "display_name",
    "kind",
    "context_length",
    "max_output_tokens",
    "enabled",
    "hidden",
    "aliases",
    "targets",
    "price",
];
const TARGET: &[&str] = &[
    "provider",
    "upstream_model",
    "priority",
    "weight",
    "enabled",
    "price",
];
const PRICE: &[&str] = &[
    "currency",
    "input",
    "cached_input",
    "cache_write",
    "output",
    "reasoning",
    "per_request",
];
const API_KEY: &[&str] = &["name", "secret", "secret_env", "enabled", "note", "models"];

impl File {
    /// Parses and checks; `secret_env` is looked up in `env`.
    pub(super) fn parse(document: Document<'_>, env: &dyn Env) -> Result<Self, Problem> {
        document.read(ROOT, |root| {
            let file = Self {
                providers: each(root, "providers", PROVIDER, |t| provider(t, env))?
                    .unwrap_or_default(),
                models: each(root, "models", MODEL, model)?.unwrap_or_default(),
                api_keys: each(root, "api_keys", API_KEY, |t| api_key(t, env))?.unwrap_or_default(),
            };
            once(file.providers.iter().map(|p| &p.name), "this provider")?;
            once(file.models.iter().map(|m| &m.name), "this model")?;
            once(file.api_keys.iter().map(|k| &k.name), "this API key")?;
            Ok(file)
        })
    }
}

impl File {
    /// A file that makes one API key, from arguments; a place is then the argument's name.
    pub(super) fn one_key(new: &NewKey) -> Result<Self, Problem> {
        let placed = |argument: &str, value: &str| Placed {
            value: value.to_owned(),
            place: Place {
                file: String::new(),
                line: 0,
                field: argument.to_owned(),
            },
        };
        let name = named(placed("NAME", &new.name), naming::label)?;
        let models = match &new.models {
            None => Some(ModelsSpec::All),
            Some(list) if list.iter().any(|m| m == "*") => Some(ModelsSpec::All),
            Some(list) => {
                let mut list: Vec<_> = list.iter().map(|m| placed("--models", m.trim())).collect();
                list.dedup_by(|a, b| a.value == b.value);
                Some(ModelsSpec::Only(list))
            }
        };
        let spec = ApiKeySpec {
            name,
            secret: None,
            enabled: None,
            note: Some(new.note.clone()),
            models,
        };
        Ok(Self {
            api_keys: vec![spec],
            ..Self::default()
        })
    }
}

fn each<'t, R>(
    table: &Table<'t>,
    key: &str,
    known: &'static [&'static str],
    read: impl Fn(&Table<'t>) -> Result<R, Problem>,
) -> Result<Option<Vec<R>>, Problem> {
    let Some(tables) = table.tables(key, known)? else {
        return Ok(None);
    };
    tables.iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn once<'a>(names: impl Iterator<Item = &'a Placed<String>>, what: &str) -> Result<(), Problem> {
    let mut seen: Vec<&Placed<String>> = Vec::new();
    for name in names {
        if let Some(first) = seen.iter().find(|other| other.value == name.value) {
            let line = first.place.line;
            return Err(name.place.problem(format!(
                "{what} is named on line {line} already: once is right"
            )));
        }
        seen.push(name);
    }
    Ok(())
}

fn named(
    text: Placed<String>,
    check: fn(&str) -> Result<(), naming::BadName>,
) -> Result<Placed<String>, Problem> {
    match check(&text.value) {
        Ok(()) => Ok(text),
        Err(e) => Err(text.place.problem(e.to_string())),
    }
}

fn line(table: &Table<'_>, key: &str) -> Result<Option<String>, Problem> {
    match table.text(key)? {
        Some(text)
            if text.value.chars().count() > 200 || text.value.chars().any(char::is_control) =>
        {
            Err(text
                .place
                .problem("must be one line of at most 200 characters"))
        }
        text => Ok(text.map(|t| t.value)),
    }
}

fn provider(table: &Table<'_>, env: &dyn Env) -> Result<ProviderSpec, Problem> {
    let name = table.required("name", "the provider's slug, as in name = \"acme\"")?;
    let protocol = table.text("protocol")?;
    if let Some(protocol) = protocol.as_ref().filter(|p| p.value != "openai") {
        return Err(protocol
            .place
            .problem("must be \"openai\", the one protocol that this version speaks to vendors"));
    }
    let base_url = match table.text("base_url")? {
        None => None,
        Some(text) => match naming::base_url(&text.value) {
            Ok(url) => Some(url.to_owned()),
            Err(e) => return Err(text.place.problem(e.to_string())),
        },
    };
    if let Some(text) = table.text("user_agent")?.filter(|t| !t.value.is_ascii()) {
        return Err(text.place.problem("must be ASCII: it is sent in a header"));
    }
    let keys = each(table, "keys", CREDENTIAL, |t| credential(t, env))?;
    once(keys.iter().flatten().map(|k| &k.label), "this label")?;
    Ok(ProviderSpec {
        place: table.place(),
        name: named(name, naming::provider)?,
        display_name: line(table, "display_name")?,
        protocol: protocol.map(|p| p.value),
        base_url,
        connect_timeout_ms: table.integer("connect_timeout_ms", naming::TIMEOUT_MS)?,
        first_byte_timeout_ms: table.integer("first_byte_timeout_ms", naming::TIMEOUT_MS)?,
        idle_timeout_ms: table.integer("idle_timeout_ms", naming::TIMEOUT_MS)?,
        user_agent: line(table, "user_agent")?,
        enabled: table.boolean("enabled")?,
        keys,
    })
}

/// `secret` as it stands, or what the variable named by `secret_env` holds.
fn secret(table: &Table<'_>, env: &dyn Env) -> Result<Option<Placed<Secret>>, Problem> {
    let found = match (table.text("secret")?, table.text("secret_env")?) {
        (Some(secret), None) => secret,
        (None, None) => return Ok(None),
        (Some(_), Some(name)) => {
            return Err(name
                .place
                .problem("secret is given too: one of the two is right"));
        }
        (None, Some(name)) => match env.get(&name.value).filter(|v| !v.is_empty()) {
            Some(value) => Placed {
                value,
                place: name.place,
            },
            None => {
                let right = format!(
                    "the environment has no {}: set it for this command (or in .env)",
                    name.value
                );
                return Err(name.place.problem(right));
            }
        },
    };
    let text = found.value.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(found
            .place
            .problem("must be printable ASCII without spaces, and not empty"));
    }
    Ok(Some(Placed {
        value: Secret::new(text),
        place: found.place,
    }))
}

fn credential(table: &Table<'_>, env: &dyn Env) -> Result<CredentialSpec, Problem> {
    let label = table.required("label", "what you call this key, as in label = \"main\"")?;
    Ok(CredentialSpec {
        place: table.place(),
        label: named(label, naming::label)?,
        secret: secret(table, env)?.map(|s| s.value),
        weight: table.integer("weight", naming::WEIGHTS)?,
        max_concurrency: table.integer("max_concurrency", 0..=*naming::CONCURRENCY.end())?,
        enabled: table.boolean("enabled")?,
    })
}

fn model(table: &Table<'_>) -> Result<ModelSpec, Problem> {
    let name = table.required("name", "what clients say, as in name = \"gpt-x\"")?;
    let kind = table.text("kind")?;
    if let Some(kind) = kind
        .as_ref()
        .filter(|k| !["chat", "embedding"].contains(&k.value.as_str()))
    {
        return Err(kind.place.problem("must be \"chat\" or \"embedding\""));
    }
    let aliases = match table.texts("aliases")? {
        None => None,
        Some(list) => {
            once(list.iter(), "this alias")?;
            let named = list.into_iter().map(|alias| named(alias, naming::model));
            Some(named.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let targets = each(table, "targets", TARGET, target)?;
    one_of_each(targets.as_deref().unwrap_or_default())?;
    Ok(ModelSpec {
        name: named(name, naming::model)?,
        display_name: line(table, "display_name")?,
        kind: kind.map(|k| k.value),
        context_length: table.integer("context_length", naming::TOKENS)?,
        max_output_tokens: table.integer("max_output_tokens", naming::TOKENS)?,
        enabled: table.boolean("enabled")?,
        hidden: table.boolean("hidden")?,
        aliases,
        targets,
        price: price(table)?,
    })
}

fn one_of_each(targets: &[TargetSpec]) -> Result<(), Problem> {
    for (i, target) in targets.iter().enumerate() {
        let same = |other: &TargetSpec| {
            other.provider.value == target.provider.value
                && other.upstream_model == target.upstream_model
        };
        if targets.iter().take(i).any(same) {
            return Err(target.place.problem(
                "this provider and upstream_model are in the list already: once is right",
            ));
        }
    }
    Ok(())
}

fn target(table: &Table<'_>) -> Result<TargetSpec, Problem> {
    let provider = table.required("provider", "a provider's name, as in provider = \"acme\"")?;
    let upstream = table.required(
        "upstream_model",
        "the vendor's name for the model, as in upstream_model = \"gpt-x-2026\"",
    )?;
    Ok(TargetSpec {
        place: table.place(),
        provider: named(provider, naming::provider)?,
        upstream_model: named(upstream, naming::model)?.value,
        priority: table.integer("priority", naming::PRIORITIES)?,
        weight: table.integer("weight", naming::WEIGHTS)?,
        enabled: table.boolean("enabled")?,
        price: price(table)?,
    })
}

fn price(parent: &Table<'_>) -> Result<Option<PriceSpec>, Problem> {
    let Some(table) = parent.table("price", PRICE)? else {
        return Ok(None);
    };
    let amount = |key: &str| -> Result<Option<i64>, Problem> {
        let Some(text) = table.text(key)? else {
            return Ok(None);
        };
        money::parse_nanos(&text.value)
            .map(Some)
            .map_err(|e| text.place.problem(e.to_string()))
    };
    let currency = table.required("currency", "as in currency = \"USD\"")?;
    let input = amount("input")?
        .ok_or_else(|| table.missing("input", "per million tokens, as in input = \"0.15\""))?;
    Ok(Some(PriceSpec {
        currency: Currency::parse(&currency.value)
            .map_err(|e| currency.place.problem(e.to_string()))?,
        input,
        cached_input: amount("cached_input")?,
        cache_write: amount("cache_write")?,
        output: amount("output")?,
        reasoning: amount("reasoning")?,
        per_request: amount("per_request")?.unwrap_or(0),
        place: table.place(),
    }))
}

fn api_key(table: &Table<'_>, env: &dyn Env) -> Result<ApiKeySpec, Problem> {
    let name = table.required("name", "what you call this key, as in name = \"alice\"")?;
    let secret = match secret(table, env)? {
        None => None,
        Some(Placed { value, place }) => match KeyText::parse(value.expose()) {
            Ok(value) => Some(Placed { value, place }),
            Err(e) => return Err(place.problem(e.to_string())),
        },
    };
    let models = match table.texts("models")? {
        None => None,
        Some(list) => {
            once(list.iter(), "this model")?;
            match list.iter().find(|entry| entry.value == "*") {
                Some(_) if list.len() == 1 => Some(ModelsSpec::All),
                Some(star) => {
                    return Err(star
                        .place
                        .problem("\"*\" means all models: it stands alone"));
                }
                None => Some(ModelsSpec::Only(list)),
            }
        }
    };
    Ok(ApiKeySpec {
        name: named(name, naming::label)?,
        secret,
        enabled: table.boolean("enabled")?,
        note: line(table, "note")?,
        models,
    })
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
