//! Time rules as rows of a form.

use modelgate_domain::time_rule::BadTimeRule;
use modelgate_domain::{TimeRule, When};
use serde_json::{Value, json};

use super::fields::Fields;
use super::rows;
use crate::web::form::FormState;
use crate::web::shell::Shell;

const PREFIX: &str = "time";
const KINDS: [&str; 3] = ["time_range", "date_range", "weekday"];

/// One row as the page shows it.
pub(in crate::web::admin) struct TimeRow {
    /// What its fields' names begin with.
    pub(in crate::web::admin) at: String,
    pub(in crate::web::admin) is_new: bool,
    pub(in crate::web::admin) kind: String,
    pub(in crate::web::admin) allowed: String,
    pub(in crate::web::admin) from: String,
    pub(in crate::web::admin) to: String,
    pub(in crate::web::admin) first: String,
    pub(in crate::web::admin) last: String,
    /// Number, name, and whether it is ticked.
    pub(in crate::web::admin) days: Vec<(i64, String, bool)>,
    pub(in crate::web::admin) error: String,
}

/// The rows, and what their lists offer.
pub(in crate::web::admin) struct TimeRows {
    pub(in crate::web::admin) rows: Vec<TimeRow>,
    pub(in crate::web::admin) kinds: Vec<(String, String)>,
    pub(in crate::web::admin) sides: Vec<(String, String)>,
}

/// Presets the rows of what is stored, and a spare one.
pub(in crate::web::admin) fn stored(state: FormState, rules: &[TimeRule]) -> FormState {
    let mut state = state;
    for (n, rule) in rules.iter().enumerate() {
        let name = |field: &str| format!("{PREFIX}-{n}-{field}");
        state = state
            .with(&name("kind"), rule.when.kind())
            .with(&name("allowed"), side(rule.allowed));
        state = match rule.when {
            When::TimeRange { start, end } => state
                .with(&name("from"), start.to_string())
                .with(&name("to"), end.to_string()),
            When::DateRange { start, end } => state
                .with(&name("first"), start.to_string())
                .with(&name("last"), end.to_string()),
            When::Weekday(days) => days.numbers().into_iter().fold(state, |state, day| {
                state.with(&name("day"), day.to_string())
            }),
        };
    }
    state.with(&format!("{PREFIX}-{}-kind", rules.len()), "")
}

fn side(allowed: bool) -> &'static str {
    if allowed { "allow" } else { "deny" }
}

/// The rows of a form.
pub(in crate::web::admin) fn view(page: &Shell, state: &FormState) -> TimeRows {
    let row = |(at, is_new): (String, bool)| {
        let value = |field: &str| state.value(&format!("{at}-{field}")).to_owned();
        let day = format!("{at}-day");
        TimeRow {
            is_new,
            kind: value("kind"),
            allowed: value("allowed"),
            from: value("from"),
            to: value("to"),
            first: value("first"),
            last: value("last"),
            days: (1..=7)
                .map(|n| {
                    let name = page.t(&format!("rules-day-{n}"));
                    (n, name, state.has(&day, &n.to_string()))
                })
                .collect(),
            error: state.error(&at).to_owned(),
            at,
        }
    };
    let none = (String::new(), page.t("rules-none"));
    let kinds = KINDS
        .iter()
        .map(|kind| ((*kind).to_owned(), page.t_code("rules-time-", kind)));
    TimeRows {
        rows: rows::shown(state, PREFIX, "kind")
            .into_iter()
            .map(row)
            .collect(),
        kinds: std::iter::once(none).chain(kinds).collect(),
        sides: [true, false]
            .map(|allowed| {
                let name = side(allowed);
                (name.to_owned(), page.t(&format!("rules-side-{name}")))
            })
            .to_vec(),
    }
}

/// The rules of a posted form; a row without a kind is none.
pub(in crate::web::admin) fn read(fields: &mut Fields<'_>) -> Vec<TimeRule> {
    let mut found = Vec::new();
    let all: Vec<String> = rows::rows(&fields.state, PREFIX, "kind").collect();
    for at in all {
        let value = |field: &str| fields.state.value(&format!("{at}-{field}"));
        let when = match value("kind") {
            "" => continue,
            "time_range" => When::time_range(value("from"), value("to")),
            "date_range" => When::date_range(value("first"), value("last")),
            "weekday" => {
                let day = format!("{at}-day");
                When::weekdays((1..=7).filter(|n| fields.state.has(&day, &n.to_string())))
            }
            _ => Err(BadTimeRule::Kind),
        };
        let allowed = value("allowed") == side(true);
        match when {
            Ok(when) => found.push(TimeRule { allowed, when }),
            Err(bad) => fields.fail(&at, problem(bad)),
        }
    }
    found
}

fn problem(bad: BadTimeRule) -> &'static str {
    match bad {
        BadTimeRule::Time => "rules-bad-time",
        BadTimeRule::EmptyTimeRange => "rules-bad-time-range",
        BadTimeRule::Date => "rules-bad-date",
        BadTimeRule::DateOrder => "rules-bad-date-order",
        BadTimeRule::Weekdays => "rules-bad-weekdays",
        BadTimeRule::Kind => "rules-bad-choice",
    }
}

/// What the audit log keeps of them.
pub(in crate::web::admin) fn audited(rules: &[TimeRule]) -> Value {
    let rule = |rule: &TimeRule| {
        let mut fields = json!({ "kind": rule.when.kind(), "allowed": rule.allowed });
        match rule.when {
            When::TimeRange { start, end } => {
                fields["start"] = json!(start.to_string());
                fields["end"] = json!(end.to_string());
            }
            When::DateRange { start, end } => {
                fields["start"] = json!(start.to_string());
                fields["end"] = json!(end.to_string());
            }
            When::Weekday(days) => fields["weekdays"] = json!(days.numbers()),
        }
        fields
    };
    rules.iter().map(rule).collect()
}
