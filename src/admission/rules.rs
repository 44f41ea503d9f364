//! The rules that concern a key alone, as pure functions; they hold for every endpoint.

use std::net::IpAddr;

use chrono_tz::Tz;

use super::refusal::{Refusal, moment, seconds};
use super::schedule;
use crate::catalog::{ApiKey, Resolved};

/// Who calls, from where, when.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Whose call.
    pub key: &'a ApiKey,
    /// The address it comes from, where there is one.
    pub address: Option<IpAddr>,
    /// The time, epoch milliseconds.
    pub now_ms: i64,
}

/// Whether the key works, from here and now. `zone` is the business time zone, for keys without one of their own.
pub fn check_key(caller: &Caller<'_>, zone: Tz) -> Result<(), Box<Refusal>> {
    let Caller { key, now_ms, .. } = *caller;
    let prefix = &key.prefix;
    if !key.enabled {
        let message = format!("The API key {prefix}… is switched off.");
        let what = (401, "api_key_disabled");
        return Err(Refusal::of_rule("enabled", "api_key", what, message));
    }
    if key.expires_at_ms.is_some_and(|until| until <= now_ms) {
        let message = format!("The API key {prefix}… has expired.");
        let what = (401, "api_key_expired");
        return Err(Refusal::of_rule("expires_at", "api_key", what, message));
    }
    check_address(caller)?;
    check_time(caller, zone)
}

fn check_address(caller: &Caller<'_>) -> Result<(), Box<Refusal>> {
    let Some(allowed) = &caller.key.rules.allowed_cidrs else {
        return Ok(());
    };
    let address = caller.address.map(|address| address.to_canonical());
    if address.is_some_and(|at| allowed.iter().any(|net| net.contains(&at))) {
        return Ok(());
    }
    let from = address.map_or_else(|| "an unknown address".to_owned(), |at| at.to_string());
    let prefix = &caller.key.prefix;
    let message = format!("The API key {prefix}… may not be used from {from}.");
    let what = (403, "address_not_allowed");
    Err(Refusal::of_rule("allowed_cidrs", "api_key", what, message))
}

fn check_time(caller: &Caller<'_>, zone: Tz) -> Result<(), Box<Refusal>> {
    let rules = &caller.key.rules;
    if rules.time_rules.is_empty() {
        return Ok(());
    }
    let zone = rules.time_zone.unwrap_or(zone);
    if schedule::allows(&rules.time_rules, zone, caller.now_ms) {
        return Ok(());
    }
    let next = schedule::next_allowed(&rules.time_rules, zone, caller.now_ms);
    let prefix = &caller.key.prefix;
    let message = match next {
        Some(ms) => {
            let from = moment(ms, zone);
            format!(
                "The API key {prefix}… may not be used at this time; it may again from {from} ({zone})."
            )
        }
        None => {
            format!("The API key {prefix}… may not be used at this time, nor at any later one.")
        }
    };
    let what = (403, "outside_allowed_times");
    let mut refusal = Refusal::of_rule("time_rules", "api_key", what, message);
    refusal.next_allowed_at = next.map(|ms| moment(ms, zone));
    refusal.reset_at_ms = next;
    refusal.retry_after_s = next.map(|ms| seconds(ms.saturating_sub(caller.now_ms)));
    Err(refusal)
}

/// Whether the key's allow-list holds what a name means.
pub(super) fn check_model(key: &ApiKey, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    if key.may_use_resolved(resolved) {
        return Ok(());
    }
    let (prefix, model) = (&key.prefix, &resolved.model.name);
    let message = format!("The API key {prefix}… may not use the model {model}.");
    let what = (403, "model_not_allowed");
    Err(Refusal::of_rule("allowed_models", "api_key", what, message))
}
