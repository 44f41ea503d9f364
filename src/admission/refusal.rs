//! Why a call is not admitted, with everything that a caller needs to do something about it.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use modelgate_domain::money::format_nanos;
use modelgate_domain::{Currency, Limit, LimitKind, Period};

use super::ledger::Denied;
use super::rates::Rates;

/// A rule of the house that is in the way; never a fault of a vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code, the same in the answer and in the record.
    pub code: &'static str,
    /// The HTTP status that fits.
    pub status: u16,
    /// The rule, in words that do not change.
    pub rule: &'static str,
    /// Whose rule: `api_key`, `user`, `model`, `gateway`.
    pub scope: &'static str,
    /// One sentence for the caller. Names no secret.
    pub message: String,
    /// How much is allowed.
    pub limit: Option<Figure>,
    /// How much is used.
    pub used: Option<Figure>,
    /// When there will be room, epoch milliseconds.
    pub reset_at_ms: Option<i64>,
    /// The next moment at which a time rule lets the call through, in the key's zone.
    pub next_allowed_at: Option<String>,
    /// Seconds after which another try makes sense.
    pub retry_after_s: Option<i64>,
    /// How the rate limits stand.
    pub rates: Rates,
}

/// A limit that only observes and would have refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Observed {
    /// Its kind.
    pub rule: &'static str,
    /// What it applies to.
    pub scope: &'static str,
    /// How much is allowed: requests, tokens, calls or nano-units.
    pub limit: i64,
    /// How much was used.
    pub used: i64,
}

/// A figure of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Requests, tokens or calls.
    Count(i64),
    /// Nano-units of a currency.
    Money(i64, Currency),
}

impl Refusal {
    /// A rule without figures.
    pub(super) fn of_rule(
        rule: &'static str,
        scope: &'static str,
        (status, code): (u16, &'static str),
        message: String,
    ) -> Box<Self> {
        Box::new(Self {
            code,
            status,
            rule,
            scope,
            message,
            ..Self::default()
        })
    }

    /// A limit that has no room. `need` is what the call asked for.
    pub(super) fn of_limit(denied: Denied, zone: Tz, now_ms: i64) -> Box<Self> {
        let Denied {
            limit,
            used,
            need,
            wait_ms,
            rates,
        } = denied;
        let reset_at_ms = wait_ms.map(|wait| now_ms.saturating_add(wait));
        let figure = |amount| match limit.kind {
            LimitKind::Budget => Figure::Money(amount, limit.currency.clone()),
            _ => Figure::Count(amount),
        };
        let (status, code) = match limit.kind {
            LimitKind::Rpm => (429, "rpm_exceeded"),
            LimitKind::Tpm => (429, "tpm_exceeded"),
            LimitKind::Concurrency => (429, "concurrency_exceeded"),
            LimitKind::Budget => (402, "budget_exceeded"),
        };
        Box::new(Self {
            code,
            status,
            rule: limit.kind.as_str(),
            scope: limit.scope.as_str(),
            message: limit_message(&limit, (used, need), reset_at_ms, zone),
            limit: Some(figure(limit.amount)),
            used: Some(figure(used)),
            reset_at_ms,
            next_allowed_at: None,
            retry_after_s: wait_ms.map(|wait| match limit.kind {
                // windows go by whole seconds, and none is longer than a minute
                LimitKind::Rpm | LimitKind::Tpm => seconds(wait).min(60),
                _ => seconds(wait),
            }),
            rates,
        })
    }

    /// When there will be room, RFC 3339 in UTC.
    pub fn reset_at(&self) -> Option<String> {
        let at = DateTime::<Utc>::from_timestamp_millis(self.reset_at_ms?)?;
        Some(at.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

/// Milliseconds as whole seconds, at least one.
pub(super) fn seconds(ms: i64) -> i64 {
    (ms.max(0).saturating_add(999) / 1_000).max(1)
}

fn limit_message(
    limit: &Limit,
    (used, need): (i64, i64),
    reset_at_ms: Option<i64>,
    zone: Tz,
) -> String {
    let whose = match (limit.scope.as_str(), limit.model_id.0) {
        ("api_key", 0) => "This API key".to_owned(),
        ("api_key", _) => "This API key with this model".to_owned(),
        ("user", _) => "Your account".to_owned(),
        ("model", _) => "This model".to_owned(),
        _ => "The provider's credential".to_owned(),
    };
    let amount = limit.amount;
    let what = match limit.kind {
        LimitKind::Rpm => format!("is limited to {amount} requests a minute and has made {used}"),
        LimitKind::Tpm if need > amount => format!(
            "is limited to {amount} tokens a minute, and the request alone needs about {need}: it never fits"
        ),
        LimitKind::Tpm => format!(
            "is limited to {amount} tokens a minute, of which {used} are used, and the request needs more than is left"
        ),
        LimitKind::Concurrency => {
            format!("is limited to {amount} calls at the same time, and {used} are running")
        }
        LimitKind::Budget => {
            let (spent, most) = (format_nanos(used), format_nanos(amount));
            let currency = &limit.currency;
            let within = match limit.period {
                Some(Period::Day) => " a day",
                Some(Period::Week) => " a week",
                Some(Period::Month) => " a month",
                Some(Period::Total) | None => " in total",
            };
            if need > amount {
                let need = format_nanos(need);
                return format!(
                    "{whose} has a budget of {most} {currency}{within}, and the request alone may cost {need}: it never fits. A shorter prompt or a smaller limit on the answer makes it cost less."
                );
            }
            format!(
                "has a budget of {most} {currency}{within}, of which {spent} are spent or held back for running calls, and the request may cost more than is left"
            )
        }
    };
    match reset_at_ms.filter(|_| limit.kind != LimitKind::Concurrency) {
        Some(ms) => format!(
            "{whose} {what}. There is room again from {}.",
            moment(ms, zone)
        ),
        None => format!("{whose} {what}."),
    }
}

/// A moment for a person: in a zone, with its offset.
pub(super) fn moment(ms: i64, zone: Tz) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms)
        .unwrap_or_default()
        .with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::Secs, false)
}
