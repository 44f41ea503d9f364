//! The present state as a provisioning file, without secrets: applying it again changes nothing.

use std::fmt::Write as _;

use modelgate_domain::{Busyness, Cause};

use super::rules::{self, Allowance};
use super::state::{ApiKey, Model, Models, Provider, State, Tariff};
use super::users;

const HEAD: &str = "\
# Made by `modelgate export`. Secrets are not in it: applied where it came from, it changes nothing;
# applied elsewhere, each provider key needs secret or secret_env, and API keys are made anew. A provider's
# extra_headers and proxy_url may hold secrets, too: they are not in it either, and are left alone.
";

/// The state in the format of `modelgate apply`.
pub(super) fn export(state: &State) -> String {
    let mut out = HEAD.to_owned();
    for p in &state.providers {
        provider(&mut out, p);
    }
    for m in &state.models {
        model(&mut out, m);
    }
    for u in &state.users {
        users::write_toml(&mut out, u);
    }
    for k in &state.api_keys {
        api_key(&mut out, k);
    }
    out
}

pub(super) fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn texts<'a>(values: impl Iterator<Item = &'a String>) -> String {
    let list: Vec<String> = values.map(|v| text(v)).collect();
    format!("[{}]", list.join(", "))
}

pub(super) fn line(out: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _infallible = writeln!(out, "{name} = {value}");
}

fn list(out: &mut String, name: &str, items: &[String]) {
    if items.is_empty() {
        line(out, name, "[]");
        return;
    }
    line(out, name, &format!("[\n  {},\n]", items.join(",\n  ")));
}

fn number(out: &mut String, name: &str, value: Option<i64>) {
    if let Some(value) = value {
        line(out, name, &value.to_string());
    }
}

fn provider(out: &mut String, p: &Provider) {
    out.push_str("\n[[providers]]\n");
    line(out, "name", &text(&p.name));
    if !p.display_name.is_empty() {
        line(out, "display_name", &text(&p.display_name));
    }
    if !p.template.is_empty() {
        line(out, "template", &text(&p.template));
    }
    line(out, "protocol", &text(&p.protocol));
    line(out, "base_url", &text(&p.base_url));
    number(out, "connect_timeout_ms", Some(p.connect_timeout_ms));
    number(out, "first_byte_timeout_ms", Some(p.first_byte_timeout_ms));
    number(out, "idle_timeout_ms", Some(p.idle_timeout_ms));
    if let Some(agent) = &p.user_agent {
        line(out, "user_agent", &text(agent));
    }
    line(out, "enabled", &p.enabled.to_string());
    let keys: Vec<String> = p
        .keys
        .iter()
        .map(|k| {
            let limit = k
                .max_concurrency
                .map_or_else(String::new, |n| format!(", max_concurrency = {n}"));
            format!(
                "{{ label = {}, weight = {}{limit}, limits = {}, budget = {}, enabled = {} }}",
                text(&k.label),
                k.weight,
                rules::toml_of(&k.allowances, false),
                rules::toml_of(&k.allowances, true),
                k.enabled
            )
        })
        .collect();
    list(out, "keys", &keys);
}

fn price(tariff: &Tariff) -> String {
    let fields: Vec<String> = tariff
        .fields()
        .into_iter()
        .map(|(name, value)| format!("{name} = {}", text(&value)))
        .collect();
    format!("{{ {} }}", fields.join(", "))
}

fn model(out: &mut String, m: &Model) {
    out.push_str("\n[[models]]\n");
    line(out, "name", &text(&m.name));
    if !m.display_name.is_empty() {
        line(out, "display_name", &text(&m.display_name));
    }
    line(out, "kind", &text(&m.kind));
    number(out, "context_length", m.context_length);
    number(out, "max_output_tokens", m.max_output_tokens);
    if !m.modalities.is_unknown() {
        let names: Vec<String> = m.modalities.iter().map(|m| m.to_string()).collect();
        line(out, "modalities", &texts(names.iter()));
    }
    if let Some(tools) = m.tools {
        line(out, "tools", &tools.to_string());
    }
    line(out, "enabled", &m.enabled.to_string());
    line(out, "hidden", &m.hidden.to_string());
    line(out, "aliases", &texts(m.aliases.iter()));
    let targets: Vec<String> = m
        .targets
        .iter()
        .map(|t| {
            let own = t.price.as_ref().map(price);
            let own = own.map_or_else(String::new, |p| format!(", price = {p}"));
            format!(
                "{{ provider = {}, upstream_model = {}, priority = {}, weight = {}, enabled = {}, busyness_at_most = {}{own} }}",
                text(&t.provider),
                text(&t.upstream_model),
                t.priority,
                t.weight,
                t.enabled,
                text(t.busyness_at_most.map_or("", Busyness::as_str)),
            )
        })
        .collect();
    list(out, "targets", &targets);
    if let Some(tariff) = &m.price {
        line(out, "price", &price(tariff));
    }
    line(out, "strategy", &text(m.strategy.as_str()));
    line(out, "affinity", &m.affinity.to_string());
    let fallbacks: Vec<String> = m.fallbacks.iter().map(fallback).collect();
    line(out, "fallbacks", &format!("[{}]", fallbacks.join(", ")));
    allowances(out, &m.allowances);
}

fn fallback((name, cause): &(String, Cause)) -> String {
    let name = text(name);
    match cause {
        Cause::Any => format!("{{ model = {name} }}"),
        cause => format!("{{ model = {name}, cause = {} }}", text(cause.as_str())),
    }
}

pub(super) fn allowances(out: &mut String, allowances: &[Allowance]) {
    line(out, "limits", &rules::toml_of(allowances, false));
    line(out, "budget", &rules::toml_of(allowances, true));
}

fn api_key(out: &mut String, k: &ApiKey) {
    out.push_str("\n[[api_keys]]\n");
    line(out, "name", &text(&k.name));
    line(out, "enabled", &k.enabled.to_string());
    if !k.note.is_empty() {
        line(out, "note", &text(&k.note));
    }
    line(out, "tags", &texts(k.tags.iter()));
    if !k.user.is_empty() {
        line(out, "user", &text(&k.user));
    }
    match &k.models {
        Models::All => line(out, "models", "[\"*\"]"),
        Models::Only(names) => line(out, "models", &texts(names.iter())),
    }
    let rules = &k.rules;
    line(out, "expires_at", &text(&rules.expires()));
    line(out, "time_zone", &text(&rules.time_zone));
    line(out, "allowed_cidrs", &texts(rules.allowed_cidrs.iter()));
    list(
        out,
        "time_rules",
        &rules::time_rules_toml(&rules.time_rules),
    );
    line(out, "fallbacks", &rules.fallbacks.to_string());
    line(out, "bypass_busyness", &rules.bypass_busyness.to_string());
    line(
        out,
        "strict_conversion",
        &rules.strict_conversion.to_string(),
    );
    allowances(out, &rules.allowances);
}
