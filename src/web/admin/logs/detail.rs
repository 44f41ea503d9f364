//! One request: what happened in words first, then the time, the attempts, the receipt and the facts.

use std::collections::BTreeMap;

use modelgate_domain::{AttemptRecord, FaultOwner, Price, RequestRecord, Status};

use super::receipt::{Receipt, receipt};
use super::timeline::{Phase, phases};
use crate::i18n::format;
use crate::web::admin::components::names::Names;
use crate::web::admin::components::status::status_kind;
use crate::web::shell::{Moment, Shell};

/// Everything the panel shows.
pub(in crate::web) struct Detail {
    pub(in crate::web) id: String,
    pub(in crate::web) title: String,
    /// What its caller can do about it: the code of the advice.
    pub(in crate::web) advice: &'static str,
    /// Whose fault it was.
    pub(in crate::web) fault: String,
    pub(in crate::web) words: String,
    /// What the vendor or the rule said.
    pub(in crate::web) message: String,
    pub(in crate::web) notice: &'static str,
    pub(in crate::web) status: String,
    pub(in crate::web) kind: &'static str,
    pub(in crate::web) at: Moment,
    pub(in crate::web) total: String,
    pub(in crate::web) phases: Vec<Phase>,
    pub(in crate::web) longest_gap: String,
    pub(in crate::web) attempts: Vec<Attempt>,
    pub(in crate::web) receipt: Receipt,
    pub(in crate::web) facts: Vec<(String, String)>,
}

/// One vendor call.
pub(in crate::web) struct Attempt {
    pub(in crate::web) number: String,
    pub(in crate::web) target: String,
    pub(in crate::web) outcome: String,
    pub(in crate::web) began: String,
    pub(in crate::web) duration: String,
}

impl Detail {
    pub(in crate::web) fn new(
        page: &Shell,
        record: &RequestRecord,
        attempts: &[AttemptRecord],
        price: Option<&Price>,
        names: &Names,
    ) -> Self {
        Self {
            id: record.id.to_string(),
            title: page.t(title(record)),
            advice: match record.status {
                Status::Cancelled => Status::Cancelled.as_str(),
                _ => record.fault_owner.as_str(),
            },
            fault: page.t_code("fault-", record.fault_owner.as_str()),
            words: words(page, record, names),
            message: record.error_message.clone(),
            notice: match status_kind(record.status) {
                "muted" => "info",
                kind => kind,
            },
            status: page.t_code("status-", record.status.as_str()),
            kind: status_kind(record.status),
            at: page.moment(record.started_ms),
            total: record
                .latency_ms
                .map(|ms| page.duration(&ms))
                .unwrap_or_default(),
            phases: phases(page, record),
            longest_gap: record
                .max_gap_ms
                .map(|ms| page.duration(&ms))
                .unwrap_or_default(),
            attempts: attempts
                .iter()
                .map(|a| attempt(page, a, record, names))
                .collect(),
            receipt: receipt(page, record, price),
            facts: facts(page, record, names),
        }
    }
}

fn title(record: &RequestRecord) -> &'static str {
    match (record.status, record.fault_owner) {
        (Status::Pending, _) => "admin-logs-title-pending",
        (Status::Success, _) => "admin-logs-title-success",
        (Status::Cancelled, _) => "admin-logs-title-cancelled",
        (Status::RateLimited, _) | (_, FaultOwner::Policy) => "admin-logs-title-refused",
        _ => "admin-logs-title-failed",
    }
}

/// One sentence that answers "why?".
fn words(page: &Shell, record: &RequestRecord, names: &Names) -> String {
    let key = match (record.status, record.fault_owner) {
        (Status::Pending, _) => "admin-logs-words-pending",
        (Status::Success, _) => "admin-logs-words-success",
        (Status::Cancelled, _) => "admin-logs-words-cancelled",
        (Status::RateLimited, FaultOwner::Upstream) => "admin-logs-words-limited-upstream",
        (Status::RateLimited, _) => "admin-logs-words-limited",
        (Status::Timeout, _) => "admin-logs-words-timeout",
        (_, FaultOwner::Policy) => "admin-logs-words-policy",
        (_, FaultOwner::Caller) => "admin-logs-words-caller",
        (_, FaultOwner::Gateway) => "admin-logs-words-gateway",
        _ if record.upstream_status > 0 => "admin-logs-words-upstream-status",
        _ => "admin-logs-words-upstream",
    };
    let provider = named(page, &names.providers, record.provider_id.0);
    let after = page.duration(&record.latency_ms.unwrap_or(0));
    let model = names.models.get(&record.model_id.0);
    page.t_with(
        key,
        &[
            ("key", &named(page, &names.keys, record.api_key_id.0)),
            ("model", &model.unwrap_or(&record.requested_model)),
            ("provider", &provider),
            ("status", &record.upstream_status.to_string()),
            ("after", &after),
            ("repeats", &record.repeats.max(1)),
            ("count", &format::integer(record.repeats.max(1))),
            ("attempts", &record.attempts),
        ],
    )
}

fn named(page: &Shell, names: &BTreeMap<i64, String>, id: i64) -> String {
    match names.get(&id) {
        Some(name) => name.clone(),
        None if id == 0 => page.t("state-none"),
        None => format!("#{id}"),
    }
}

fn attempt(
    page: &Shell,
    attempt: &AttemptRecord,
    record: &RequestRecord,
    names: &Names,
) -> Attempt {
    let mut outcome = Vec::new();
    if attempt.upstream_status > 0 {
        outcome.push(attempt.upstream_status.to_string());
    }
    if !attempt.error_code.is_empty() {
        outcome.push(attempt.error_code.clone());
    }
    let began = attempt.started_ms.saturating_sub(record.started_ms).max(0);
    Attempt {
        number: attempt.number.to_string(),
        target: format!(
            "{} · {}",
            named(page, &names.providers, attempt.provider_id.0),
            named(page, &names.credentials, attempt.provider_key_id.0)
        ),
        outcome: if outcome.is_empty() {
            page.t("status-success")
        } else {
            outcome.join(" ")
        },
        began: format!("+{}", page.duration(&began)),
        duration: page.duration(&attempt.duration_ms),
    }
}

/// Names and values; what is empty is left out.
fn facts(page: &Shell, record: &RequestRecord, names: &Names) -> Vec<(String, String)> {
    let answer = [number(record.http_status), record.error_code.clone()];
    let asked = if record.stream {
        page.t1("admin-logs-fact-stream", "model", &record.requested_model)
    } else {
        record.requested_model.clone()
    };
    let served = if record.provider_id.is_none() {
        String::new()
    } else {
        let provider = named(page, &names.providers, record.provider_id.0);
        join(&[provider, record.upstream_model.clone()])
    };
    let rows = [
        (
            "admin-logs-fact-fault",
            page.t_code("fault-", record.fault_owner.as_str()),
        ),
        ("admin-logs-fact-answer", join(&answer)),
        ("admin-logs-fact-vendor", number(record.upstream_status)),
        (
            "admin-logs-fact-key",
            named(page, &names.keys, record.api_key_id.0),
        ),
        ("admin-logs-fact-asked", asked),
        ("admin-logs-fact-served", served),
        ("admin-logs-fact-credential", credential(record, names)),
        (
            "admin-logs-fact-reason",
            page.t_code("admin-logs-route-", &record.route_reason),
        ),
        ("admin-logs-fact-attempts", number(record.attempts)),
        ("admin-logs-fact-finish", record.finish_reason.clone()),
        (
            "admin-logs-fact-client",
            join(&[record.client_ip.clone(), record.user_agent.clone()]),
        ),
        ("admin-logs-fact-session", record.session_id.clone()),
        (
            "admin-logs-fact-endpoint",
            join(&[record.endpoint.clone(), record.dialect.clone()]),
        ),
        ("admin-logs-fact-size", size(record)),
    ];
    rows.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (page.t(key), value))
        .collect()
}

fn credential(record: &RequestRecord, names: &Names) -> String {
    let known = names.credentials.get(&record.provider_key_id.0);
    known.cloned().unwrap_or_default()
}

fn size(record: &RequestRecord) -> String {
    if record.request_bytes > 0 {
        format::bytes(record.request_bytes)
    } else {
        String::new()
    }
}

fn number(value: i64) -> String {
    if value > 0 {
        value.to_string()
    } else {
        String::new()
    }
}

fn join(parts: &[String]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|p| !p.is_empty())
        .collect();
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use modelgate_domain::ProviderKeyId;

    #[test]
    fn the_first_sentence_answers_why() {
        let page = Shell::sample(Lang::En);
        let names = Names {
            providers: [(1, "acme".to_owned())].into(),
            keys: [(1, "alice".to_owned())].into(),
            ..Names::default()
        };
        let record = RequestRecord {
            api_key_id: 1.into(),
            provider_id: 1.into(),
            status: Status::Error,
            fault_owner: FaultOwner::Upstream,
            upstream_status: 503,
            ..RequestRecord::default()
        };
        assert_eq!(words(&page, &record, &names), "acme answered 503.");
        assert_eq!(title(&record), "admin-logs-title-failed");
        let refused = RequestRecord {
            status: Status::RateLimited,
            fault_owner: FaultOwner::Policy,
            repeats: 3,
            ..record
        };
        assert!(words(&page, &refused, &names).contains("alice"));
        assert!(words(&page, &refused, &names).contains('3'));
    }

    #[test]
    fn attempts_name_vendor_and_outcome() {
        let page = Shell::sample(Lang::En);
        let record = RequestRecord {
            started_ms: 1_000,
            ..RequestRecord::default()
        };
        let tried = AttemptRecord {
            number: 1,
            provider_id: 7.into(),
            provider_key_id: ProviderKeyId(3),
            upstream_status: 429,
            error_code: "rate_limited".to_owned(),
            started_ms: 1_031,
            duration_ms: 250,
        };
        let shown = attempt(&page, &tried, &record, &Names::default());
        assert_eq!(
            [shown.target, shown.outcome, shown.began, shown.duration],
            ["#7 · #3", "429 rate_limited", "+31 ms", "250 ms"]
        );
    }
}
