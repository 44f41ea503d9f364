//! Reading a provisioning file, with the checks that need nothing but the file.

use hyper::header::{HeaderName, HeaderValue};
use modelgate_domain::{
    Busyness, Cause, Currency, KeyText, Modalities, Modality, Protocol, Secret, Strategy, money,
    naming,
};

use super::document::{Document, Placed, Problem, Table};
use super::key_rules::{self, API_KEY};
use super::rules::{self, AllowanceSpecs};
use super::spec::{
    ApiKeySpec, CredentialSpec, Fallbacks, File, ModelSpec, ModelsSpec, PriceSpec, ProviderSpec,
    TargetSpec,
};
use super::users;
use crate::config::Env;
use crate::upstream::OutboundProxy;
use crate::vendors;

const ROOT: &[&str] = &["providers", "models", "users", "api_keys"];
const PROVIDER: &[&str] = &[
    "name",
    "display_name",
    "template",
    "protocol",
    "base_url",
    "connect_timeout_ms",
    "first_byte_timeout_ms",
    "idle_timeout_ms",
    "user_agent",
    "extra_headers",
    "proxy_url",
    "proxy_url_env",
    "enabled",
    "keys",
];
const HEADER: &[&str] = &["name", "value", "value_env"];
const CREDENTIAL: &[&str] = &[
    "label",
    "secret",
    "secret_env",
    "weight",
    "max_concurrency",
    "limits",
    "budget",
    "enabled",
];
const MODEL: &[&str] = &[
    "name",
    "display_name",
    "kind",
    "context_length",
    "max_output_tokens",
    "modalities",
    "tools",
    "enabled",
    "hidden",
    "aliases",
    "targets",
    "price",
    "strategy",
    "affinity",
    "fallbacks",
    "limits",
    "budget",
];
const FALLBACK: &[&str] = &["model", "cause"];
const TARGET: &[&str] = &[
    "provider",
    "upstream_model",
    "priority",
    "weight",
    "enabled",
    "busyness_at_most",
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
impl File {
    /// Parses and checks; `secret_env` is looked up in `env`.
    pub(super) fn parse(document: Document<'_>, env: &dyn Env) -> Result<Self, Problem> {
        document.read(ROOT, |root| {
            let file = Self {
                providers: each(root, "providers", PROVIDER, |t| provider(t, env))?
                    .unwrap_or_default(),
                models: each(root, "models", MODEL, model)?.unwrap_or_default(),
                users: each(root, "users", users::FIELDS, users::read)?.unwrap_or_default(),
                api_keys: each(root, "api_keys", API_KEY, |t| api_key(t, env))?.unwrap_or_default(),
            };
            once(file.providers.iter().map(|p| &p.name), "this provider")?;
            once(file.models.iter().map(|m| &m.name), "this model")?;
            once(file.users.iter().map(|u| &u.name), "this account")?;
            once(file.api_keys.iter().map(|k| &k.name), "this API key")?;
            Ok(file)
        })
    }
}

pub(super) fn each<'t, R>(
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

pub(super) fn named(
    text: Placed<String>,
    check: fn(&str) -> Result<(), naming::BadName>,
) -> Result<Placed<String>, Problem> {
    match check(&text.value) {
        Ok(()) => Ok(text),
        Err(e) => Err(text.place.problem(e.to_string())),
    }
}

pub(super) fn line(table: &Table<'_>, key: &str) -> Result<Option<String>, Problem> {
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
    let known = |text: &str| text.parse::<Protocol>().is_ok();
    if let Some(protocol) = protocol.as_ref().filter(|p| !known(&p.value)) {
        return Err(protocol.place.problem(format!(
            "must be {}, what this version speaks to vendors",
            Protocol::names()
        )));
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
        template: template(table)?,
        protocol: protocol.map(|p| p.value),
        base_url,
        connect_timeout_ms: table.integer("connect_timeout_ms", naming::TIMEOUT_MS)?,
        first_byte_timeout_ms: table.integer("first_byte_timeout_ms", naming::TIMEOUT_MS)?,
        idle_timeout_ms: table.integer("idle_timeout_ms", naming::TIMEOUT_MS)?,
        user_agent: line(table, "user_agent")?,
        extra_headers: each(table, "extra_headers", HEADER, |t| header(t, env))?,
        proxy_url: proxy_url(table, env)?,
        enabled: table.boolean("enabled")?,
        keys,
    })
}

/// The id of a vendor that is known here.
fn template(table: &Table<'_>) -> Result<Option<String>, Problem> {
    match table.text("template")? {
        Some(text) if !text.value.is_empty() && vendors::find(&text.value).is_none() => {
            let known: Vec<&str> = vendors::all().iter().map(|v| v.id.as_str()).collect();
            let known = known.join(", ");
            Err(text
                .place
                .problem(format!("no such vendor is known: there are {known}")))
        }
        text => Ok(text.map(|t| t.value)),
    }
}

/// `secret` as it stands, or what the variable named by `secret_env` holds.
fn secret(table: &Table<'_>, env: &dyn Env) -> Result<Option<Placed<Secret>>, Problem> {
    let Some(found) = given(table, "secret", "secret_env", env)? else {
        return Ok(None);
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

/// A text as it stands, or what the variable holds that the other field names.
fn given(
    table: &Table<'_>,
    plain: &str,
    named: &str,
    env: &dyn Env,
) -> Result<Option<Placed<String>>, Problem> {
    match (table.text(plain)?, table.text(named)?) {
        (found, None) => Ok(found),
        (Some(_), Some(name)) => Err(name
            .place
            .problem(format!("{plain} is given too: one of the two is right"))),
        (None, Some(name)) => match env.get(&name.value).filter(|v| !v.is_empty()) {
            Some(value) => Ok(Some(Placed {
                value,
                place: name.place,
            })),
            None => {
                let right = format!(
                    "the environment has no {}: set it for this command (or in .env)",
                    name.value
                );
                Err(name.place.problem(right))
            }
        },
    }
}

fn credential(table: &Table<'_>, env: &dyn Env) -> Result<CredentialSpec, Problem> {
    let label = table.required("label", "what you call this key, as in label = \"main\"")?;
    Ok(CredentialSpec {
        place: table.place(),
        label: named(label, naming::label)?,
        secret: secret(table, env)?.map(|s| s.value),
        weight: table.integer("weight", naming::WEIGHTS)?,
        max_concurrency: table.integer("max_concurrency", 0..=*naming::CONCURRENCY.end())?,
        allowances: AllowanceSpecs::read(table, rules::CREDENTIAL_LIMITS, rules::BUDGET)?,
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
        modalities: modalities(table)?,
        tools: table.boolean("tools")?,
        enabled: table.boolean("enabled")?,
        hidden: table.boolean("hidden")?,
        aliases,
        targets,
        price: price(table)?,
        strategy: one_of(table, "strategy", Strategy::ALL, Strategy::as_str)?,
        affinity: table.boolean("affinity")?,
        fallbacks: fallbacks(table)?,
        allowances: AllowanceSpecs::read(table, rules::MODEL_LIMITS, rules::BUDGET)?,
    })
}

fn modalities(table: &Table<'_>) -> Result<Option<Modalities>, Problem> {
    let Some(names) = table.texts("modalities")? else {
        return Ok(None);
    };
    let all = names.into_iter().map(|name| {
        let known = name.value.parse::<Modality>();
        known.map_err(|_unknown| {
            let known: Vec<&str> = Modality::ALL.iter().map(|m| m.as_str()).collect();
            let known = known.join("\", \"");
            name.place.problem(format!("must be one of \"{known}\""))
        })
    });
    all.collect::<Result<_, _>>().map(Some)
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
        busyness_at_most: match table.text("busyness_at_most")? {
            Some(text) if text.value.is_empty() => Some(None),
            _ => one_of(table, "busyness_at_most", Busyness::ALL, Busyness::as_str)?.map(Some),
        },
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

/// One of `extra_headers`.
fn header(table: &Table<'_>, env: &dyn Env) -> Result<(String, Secret), Problem> {
    let name = table.required("name", "as in name = \"x-team\"")?;
    if HeaderName::from_bytes(name.value.as_bytes()).is_err() {
        return Err(name.place.problem("is no name of an HTTP header"));
    }
    let value = given(table, "value", "value_env", env)?
        .ok_or_else(|| table.missing("value", "value = \"…\", or value_env = \"NAME\""))?;
    if HeaderValue::from_str(&value.value).is_err() {
        return Err(value.place.problem("must be printable ASCII"));
    }
    Ok((name.value.to_ascii_lowercase(), Secret::new(value.value)))
}

fn proxy_url(table: &Table<'_>, env: &dyn Env) -> Result<Option<Secret>, Problem> {
    let Some(found) = given(table, "proxy_url", "proxy_url_env", env)? else {
        return Ok(None);
    };
    if !found.value.is_empty()
        && let Err(error) = OutboundProxy::parse(&found.value)
    {
        return Err(found.place.problem(error.message));
    }
    Ok(Some(Secret::new(found.value)))
}

/// One of the names of a closed set.
pub(super) fn one_of<T: Copy + std::str::FromStr>(
    table: &Table<'_>,
    key: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, Problem> {
    let Some(text) = table.text(key)? else {
        return Ok(None);
    };
    text.value.parse().map(Some).map_err(|_unknown| {
        let names: Vec<String> = all.iter().map(|v| format!("\"{}\"", name(*v))).collect();
        text.place
            .problem(format!("must be one of {}", names.join(", ")))
    })
}

/// `["gpt-y"]`, or tables where a fallback is for one cause alone.
fn fallbacks(parent: &Table<'_>) -> Result<Option<Fallbacks>, Problem> {
    if let Ok(Some(names)) = parent.texts("fallbacks") {
        once(names.iter(), "this fallback")?;
        return Ok(Some(names.into_iter().map(|n| (n, Cause::Any)).collect()));
    }
    if let Some(place) = parent.mixed("fallbacks") {
        let right = "must be all names, as in [\"gpt-y\"], or all tables, as in [{ model = \"gpt-y\", cause = \"overloaded\" }]";
        return Err(place.problem(right));
    }
    each(parent, "fallbacks", FALLBACK, |table| {
        let model = table.required("model", "a model's name, as in model = \"gpt-y\"")?;
        let causes: Vec<Cause> = Cause::ALL
            .iter()
            .copied()
            .filter(|c| *c != Cause::Any)
            .collect();
        let cause = one_of(table, "cause", &causes, Cause::as_str)?;
        Ok((model, cause.unwrap_or_default()))
    })
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
        tags: key_rules::tags(table)?,
        user: table.text("user")?,
        models,
        rules: key_rules::read(table)?,
    })
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
