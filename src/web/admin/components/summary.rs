//! The rules of a key, a model or a credential in one plain sentence.
//!
//! Plain data in, text out: no page, no store.

use chrono_tz::Tz;
use modelgate_domain::money::format_nanos;
use modelgate_domain::{Limit, LimitKind, LimitMode, ModelId, Period, TimeRule, When};

use crate::i18n::{Lang, ToArg, format, t, t_with};

/// What a sentence is made of.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Terms<'a> {
    /// The zone of the time rules.
    pub(in crate::web) zone: Tz,
    pub(in crate::web) time_rules: &'a [TimeRule],
    pub(in crate::web) allowed_cidrs: &'a [String],
    pub(in crate::web) limits: &'a [Limit],
    pub(in crate::web) fallbacks: bool,
    pub(in crate::web) bypass_busyness: bool,
    pub(in crate::web) strict_conversion: bool,
}

/// How many networks are named before they are only counted.
const NAMED: usize = 3;

/// “Weekdays 09:00–18:00 Asia/Shanghai, at most 60 requests a minute, 5 USD a day”; empty where there is no rule.
pub(in crate::web) fn sentence(
    lang: Lang,
    rules: &Terms<'_>,
    model: &dyn Fn(ModelId) -> String,
) -> String {
    let mut parts = times(lang, rules);
    parts.extend(networks(lang, rules.allowed_cidrs));
    parts.extend(
        rules
            .limits
            .iter()
            .map(|limit| of_limit(lang, limit, model)),
    );
    if !rules.fallbacks {
        parts.push(t(lang, "rules-no-fallbacks"));
    }
    if rules.bypass_busyness {
        parts.push(t(lang, "rules-bypasses-busyness"));
    }
    if rules.strict_conversion {
        parts.push(t(lang, "rules-strict-conversion"));
    }
    capitalised(&join(lang, "rules-join", parts))
}

/// Limits on a model or a credential as a whole; empty where there is none.
pub(in crate::web) fn of_limits(lang: Lang, limits: &[Limit]) -> String {
    let all = limits.iter().filter(|limit| limit.model_id.is_none());
    let parts = all.map(|limit| of_limit(lang, limit, &|_| String::new()));
    capitalised(&join(lang, "rules-join", parts.collect()))
}

/// One limit: “at most 60 requests a minute for gpt-x”.
pub(in crate::web) fn of_limit(
    lang: Lang,
    limit: &Limit,
    model: &dyn Fn(ModelId) -> String,
) -> String {
    let what = match limit.kind {
        LimitKind::Budget => {
            let period = limit.period.unwrap_or(Period::Total);
            t_with(
                lang,
                &format!("rules-budget-{}", period.as_str()),
                &[
                    ("amount", &format_nanos(limit.amount)),
                    ("currency", &limit.currency.as_str()),
                ],
            )
        }
        kind => t_with(
            lang,
            &format!("rules-limit-{}", kind.as_str()),
            &[
                ("count", &limit.amount),
                ("value", &format::integer(limit.amount)),
            ],
        ),
    };
    let what = if limit.model_id.is_none() {
        what
    } else {
        let named = [
            ("what", &what as &dyn ToArg),
            ("model", &model(limit.model_id)),
        ];
        t_with(lang, "rules-for-model", &named)
    };
    match limit.mode {
        LimitMode::Enforce => what,
        LimitMode::Observe => t_with(lang, "rules-observed", &[("what", &what)]),
    }
}

/// Days with times first, then dates, then what is excepted; the zone stands with the first of them.
fn times(lang: Lang, rules: &Terms<'_>) -> Vec<String> {
    let range = |start: String, end: String| {
        t_with(lang, "rules-range", &[("start", &start), ("end", &end)])
    };
    let of = |allowed: bool, pick: &dyn Fn(&When) -> Option<String>| -> Vec<String> {
        let all = rules
            .time_rules
            .iter()
            .filter(|rule| rule.allowed == allowed);
        all.filter_map(|rule| pick(&rule.when)).collect()
    };
    let hours = |when: &When| match when {
        When::TimeRange { start, end } => Some(range(start.to_string(), end.to_string())),
        _ => None,
    };
    let dates = |when: &When| match when {
        When::DateRange { start, end } if start == end => Some(start.to_string()),
        When::DateRange { start, end } => Some(t_with(
            lang,
            "rules-dates",
            &[("start", &start.to_string()), ("end", &end.to_string())],
        )),
        _ => None,
    };
    let list = |items: Vec<String>| join(lang, "rules-list", items);
    let (days, open) = (days(lang, rules.time_rules), list(of(true, &hours)));
    let mut parts = Vec::new();
    match (days, open.is_empty()) {
        (Some(days), false) => {
            let both = [("days", &days as &dyn ToArg), ("times", &open)];
            parts.push(t_with(lang, "rules-days-times", &both));
        }
        (Some(days), true) => parts.push(days),
        (None, false) => parts.push(t_with(lang, "rules-times", &[("times", &open)])),
        (None, true) => {}
    }
    let others = [
        ("rules-only-dates", of(true, &dates)),
        ("rules-not-times", of(false, &hours)),
        ("rules-not-dates", of(false, &dates)),
    ];
    for (key, items) in others {
        if !items.is_empty() {
            parts.push(t_with(lang, key, &[("what", &list(items))]));
        }
    }
    if let Some(first) = parts.first_mut() {
        let zoned = [("what", first as &dyn ToArg), ("zone", &rules.zone.name())];
        *first = t_with(lang, "rules-in-zone", &zoned);
    }
    parts
}

/// The days of the week that are left; nothing where no rule is about them.
fn days(lang: Lang, rules: &[TimeRule]) -> Option<String> {
    let named = |allowed: bool| {
        let all = rules.iter().filter(move |rule| rule.allowed == allowed);
        all.filter_map(|rule| match rule.when {
            When::Weekday(days) => Some(days.numbers()),
            _ => None,
        })
        .flatten()
        .collect::<Vec<i64>>()
    };
    let (on, off) = (named(true), named(false));
    if on.is_empty() && off.is_empty() {
        return None;
    }
    let left: Vec<i64> = (1..=7)
        .filter(|day| (on.is_empty() || on.contains(day)) && !off.contains(day))
        .collect();
    let name = |day: i64| t(lang, &format!("rules-day-{day}"));
    let runs = left.windows(2).all(|pair| pair[1] == pair[0] + 1);
    Some(match (left.as_slice(), runs) {
        ([], _) => t(lang, "rules-days-none"),
        ([1, 2, 3, 4, 5], _) => t(lang, "rules-days-weekdays"),
        ([6, 7], _) => t(lang, "rules-days-weekend"),
        ([1, 2, 3, 4, 5, 6, 7], _) => t(lang, "rules-days-all"),
        ([first, _, .., last], true) => t_with(
            lang,
            "rules-days-range",
            &[("first", &name(*first)), ("last", &name(*last))],
        ),
        (some, _) => join(
            lang,
            "rules-list",
            some.iter().map(|day| name(*day)).collect(),
        ),
    })
}

fn networks(lang: Lang, all: &[String]) -> Option<String> {
    match all.len() {
        0 => None,
        1..=NAMED => {
            let list = join(lang, "rules-list", all.to_vec());
            Some(t_with(lang, "rules-from", &[("networks", &list)]))
        }
        count => Some(t_with(lang, "rules-from-many", &[("count", &count)])),
    }
}

fn join(lang: Lang, key: &str, parts: Vec<String>) -> String {
    let joined = parts
        .into_iter()
        .rev()
        .reduce(|rest, first| t_with(lang, key, &[("first", &first), ("rest", &rest)]));
    joined.unwrap_or_default()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelgate_domain::{Currency, LimitScope};

    fn limit(kind: LimitKind, amount: i64) -> Limit {
        Limit {
            scope: LimitScope::ApiKey,
            scope_id: 1,
            model_id: ModelId::NONE,
            kind,
            amount,
            currency: Currency::default(),
            period: None,
            mode: LimitMode::Enforce,
        }
    }

    fn budget(units: i64, period: Period) -> Limit {
        Limit {
            currency: Currency::parse("USD").unwrap(),
            period: Some(period),
            ..limit(LimitKind::Budget, units * 1_000_000_000)
        }
    }

    fn told(lang: Lang, time_rules: &[TimeRule], cidrs: &[&str], limits: &[Limit]) -> String {
        let cidrs: Vec<String> = cidrs.iter().map(|&c| c.to_owned()).collect();
        let rules = Terms {
            zone: chrono_tz::Asia::Shanghai,
            time_rules,
            allowed_cidrs: &cidrs,
            limits,
            fallbacks: true,
            bypass_busyness: false,
            strict_conversion: false,
        };
        sentence(lang, &rules, &|_| "gpt-x".to_owned())
    }

    fn rule(allowed: bool, when: When) -> TimeRule {
        TimeRule { allowed, when }
    }

    #[test]
    fn the_usual_key_reads_as_a_person_would_say_it() {
        let rules = [
            rule(true, When::time_range("09:00", "18:00").unwrap()),
            rule(false, When::weekdays([6, 7]).unwrap()),
        ];
        let limits = [limit(LimitKind::Rpm, 60), budget(5, Period::Day)];
        assert_eq!(
            told(Lang::En, &rules, &[], &limits),
            "Weekdays 09:00–18:00 Asia/Shanghai, at most 60 requests a minute, 5 USD a day"
        );
        assert_eq!(
            told(Lang::Zh, &rules, &[], &limits),
            "工作日 09:00–18:00 Asia/Shanghai，每分钟最多 60 次请求，每天 5 USD"
        );
    }

    #[test]
    fn exceptions_networks_models_and_observers_are_named() {
        let rules = [
            rule(true, When::weekdays([1, 2, 3]).unwrap()),
            rule(false, When::time_range("12:00", "13:00").unwrap()),
            rule(false, When::date_range("2026-12-24", "2027-01-01").unwrap()),
            rule(false, When::date_range("2026-05-01", "2026-05-01").unwrap()),
        ];
        let limits = [
            Limit {
                model_id: ModelId(3),
                ..limit(LimitKind::Tpm, 100_000)
            },
            Limit {
                mode: LimitMode::Observe,
                ..limit(LimitKind::Concurrency, 1)
            },
        ];
        let cidrs = ["10.0.0.0/8", "127.0.0.1/32"];
        assert_eq!(
            told(Lang::En, &rules, &cidrs, &limits),
            "Mon to Wed Asia/Shanghai, not 12:00–13:00, not 2026-12-24 to 2027-01-01, 2026-05-01, \
             only from 10.0.0.0/8, 127.0.0.1/32, at most 100,000 tokens a minute for gpt-x, \
             at most one call at once (only observed)"
        );
        assert_eq!(
            told(Lang::Zh, &rules, &cidrs, &limits),
            "周一至周三 Asia/Shanghai，除 12:00–13:00，除 2026-12-24 至 2027-01-01、2026-05-01，\
             仅限来自 10.0.0.0/8、127.0.0.1/32，gpt-x 每分钟最多 100,000 个词元，最多同时 1 个调用（仅观察）"
        );
    }

    #[test]
    fn no_rule_says_nothing_and_contradictions_say_so() {
        assert_eq!(told(Lang::En, &[], &[], &[]), "");
        let rules = [
            rule(true, When::weekdays([6]).unwrap()),
            rule(false, When::weekdays([6]).unwrap()),
        ];
        assert_eq!(told(Lang::En, &rules, &[], &[]), "On no day Asia/Shanghai");
        let many = ["10.0.0.0/8"; 5];
        assert_eq!(told(Lang::En, &[], &many, &[]), "Only from 5 networks");
    }

    #[test]
    fn every_kind_of_limit_and_period_has_its_words() {
        for lang in Lang::ALL {
            for kind in LimitKind::ALL.iter().filter(|k| **k != LimitKind::Budget) {
                assert!(!told(lang, &[], &[], &[limit(*kind, 2)]).contains("rules-"));
            }
            for period in Period::ALL {
                assert!(!told(lang, &[], &[], &[budget(2, *period)]).contains("ules-"));
            }
        }
    }
}
