//! When, from where and how much an API key may call, as a provisioning file says it; and the file that makes one key.

use chrono::{DateTime, Utc};
use modelgate_domain::naming;

use super::NewKey;
use super::document::{Place, Placed, Problem, Table};
use super::file::named;
use super::rules::{self, AllowanceSpecs};
use super::spec::{ApiKeySpec, File, Given, KeyRulesSpec, ModelsSpec};
use crate::forwarded::network;

/// The fields of one of `[[api_keys]]`.
pub(super) const API_KEY: &[&str] = &[
    "name",
    "secret",
    "secret_env",
    "enabled",
    "note",
    "tags",
    "user",
    "models",
    "expires_at",
    "time_zone",
    "allowed_cidrs",
    "time_rules",
    "fallbacks",
    "bypass_busyness",
    "strict_conversion",
    "limits",
    "budget",
];

/// Reads the rules of one of `[[api_keys]]`.
pub(super) fn read(table: &Table<'_>) -> Result<KeyRulesSpec, Problem> {
    Ok(KeyRulesSpec {
        expires_at: expires_at(table)?,
        time_zone: time_zone(table)?,
        allowed_cidrs: networks(table)?,
        time_rules: rules::time_rules(table)?,
        fallbacks: table.boolean("fallbacks")?,
        bypass_busyness: table.boolean("bypass_busyness")?,
        strict_conversion: table.boolean("strict_conversion")?,
        allowances: AllowanceSpecs::read(table, rules::KEY_LIMITS, rules::KEY_BUDGET)?,
    })
}

/// Tags in their order.
pub(super) fn tags(table: &Table<'_>) -> Result<Option<Vec<String>>, Problem> {
    let Some(list) = table.texts("tags")? else {
        return Ok(None);
    };
    match naming::tags(list.iter().map(|tag| tag.value.as_str())) {
        Ok(tags) => Ok(Some(tags)),
        Err(e) => {
            let alone = |tag: &&Placed<String>| naming::tags(std::iter::once(&*tag.value)).is_err();
            let wrong = list.iter().find(alone).or(list.first());
            Err(wrong.map_or_else(
                || table.missing("tags", "must be a list of tags"),
                |tag| tag.place.problem(e.to_string()),
            ))
        }
    }
}

fn expires_at(table: &Table<'_>) -> Result<Option<Given<DateTime<Utc>>>, Problem> {
    let Some(text) = table.text("expires_at")? else {
        return Ok(None);
    };
    if text.value.is_empty() {
        return Ok(Some(None));
    }
    let right = "must be a time such as \"2027-01-31T00:00:00Z\", or \"\" for never";
    let time = DateTime::parse_from_rfc3339(&text.value);
    time.map(|at| Some(Some(at.with_timezone(&Utc))))
        .map_err(|_bad| text.place.problem(right))
}

fn time_zone(table: &Table<'_>) -> Result<Option<String>, Problem> {
    let Some(text) = table.text("time_zone")? else {
        return Ok(None);
    };
    if !text.value.is_empty() && text.value.parse::<chrono_tz::Tz>().is_err() {
        let right = "must be a time zone such as \"Asia/Shanghai\" or \"Europe/Berlin\"";
        return Err(text.place.problem(right));
    }
    Ok(Some(text.value))
}

/// Networks in their one spelling; an address alone is a network of one.
fn networks(table: &Table<'_>) -> Result<Option<Vec<String>>, Problem> {
    let Some(list) = table.texts("allowed_cidrs")? else {
        return Ok(None);
    };
    let networks = list.into_iter().map(|text| {
        let right = "must be a network such as \"10.0.0.0/8\" or an address";
        match network(&text.value) {
            Some(network) => Ok(network.trunc().to_string()),
            None => Err(text.place.problem(right)),
        }
    });
    networks.collect::<Result<_, _>>().map(Some)
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
            tags: None,
            user: None,
            models,
            rules: KeyRulesSpec::default(),
        };
        Ok(Self {
            api_keys: vec![spec],
            ..Self::default()
        })
    }
}
