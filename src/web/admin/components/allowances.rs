//! Limits and budgets as fields of a form: on an API key, a model or a credential.

use modelgate_domain::money::{format_nanos, parse_nanos};
use modelgate_domain::{
    Currency, Limit, LimitKind, LimitMode, LimitScope, ModelId, Period, naming,
};
use serde_json::{Value, json};

use super::fields::Fields;
use super::rows;
use crate::i18n::ToArg;
use crate::web::form::FormState;
use crate::web::shell::Shell;

const LIMIT: &str = "limit";
const BUDGET: &str = "budget";
/// The field of each limit that is not a budget's.
const RATES: [(&str, LimitKind); 3] = [
    ("rpm", LimitKind::Rpm),
    ("tpm", LimitKind::Tpm),
    ("max_concurrency", LimitKind::Concurrency),
];

/// What a form is about.
#[derive(Clone, Copy, Debug)]
pub(in crate::web::admin) struct Subject<'a> {
    pub(in crate::web::admin) scope: LimitScope,
    /// The models that a limit can be for; empty where it cannot be for one.
    pub(in crate::web::admin) models: &'a [(ModelId, String)],
}

impl Subject<'_> {
    /// The calls at once of a credential are counted by the queue, which only knows how to hold back.
    fn has_mode(&self, kind: LimitKind) -> bool {
        kind != LimitKind::Concurrency || self.scope != LimitScope::ProviderKey
    }

    fn name(&self, id: ModelId) -> &str {
        let found = self.models.iter().find(|(model, _)| *model == id);
        found.map_or("", |(_, name)| name)
    }
}

type Choices = Vec<(String, String)>;

/// The fields as the page shows them.
pub(in crate::web::admin) struct Allowances {
    pub(in crate::web::admin) lines: Vec<Line>,
    pub(in crate::web::admin) limits: Vec<Row>,
    pub(in crate::web::admin) budgets: Vec<Row>,
    pub(in crate::web::admin) kinds: Choices,
    pub(in crate::web::admin) modes: Choices,
    pub(in crate::web::admin) periods: Choices,
    /// For a limit: one has to be chosen.
    pub(in crate::web::admin) models: Choices,
    /// For a budget: any, or one.
    pub(in crate::web::admin) any_model: Choices,
}

/// A limit on all calls.
pub(in crate::web::admin) struct Line {
    pub(in crate::web::admin) name: &'static str,
    pub(in crate::web::admin) label: String,
    pub(in crate::web::admin) amount: String,
    pub(in crate::web::admin) mode: String,
    pub(in crate::web::admin) has_mode: bool,
    pub(in crate::web::admin) error: String,
}

/// A limit for one model, or a budget.
pub(in crate::web::admin) struct Row {
    /// What its fields' names begin with.
    pub(in crate::web::admin) at: String,
    pub(in crate::web::admin) is_new: bool,
    pub(in crate::web::admin) amount: String,
    pub(in crate::web::admin) model: String,
    pub(in crate::web::admin) mode: String,
    pub(in crate::web::admin) kind: String,
    pub(in crate::web::admin) currency: String,
    pub(in crate::web::admin) period: String,
    pub(in crate::web::admin) error: String,
}

/// Presets the fields of what is stored, and a spare row of each sort.
pub(in crate::web::admin) fn stored(
    mut state: FormState,
    limits: &[Limit],
    subject: Subject<'_>,
) -> FormState {
    let (mut rows, mut budgets) = (0, 0);
    for limit in limits {
        let field = RATES.iter().find(|(_, kind)| *kind == limit.kind);
        match field {
            Some((field, _)) if limit.model_id.is_none() => {
                state = state
                    .with(field, limit.amount.to_string())
                    .with(&format!("{field}_mode"), limit.mode.as_str());
            }
            // a limit for a model that is gone limits nothing
            _ if !limit.model_id.is_none() && subject.name(limit.model_id).is_empty() => {}
            Some((field, _)) => {
                let at = format!("{LIMIT}-{rows}");
                rows += 1;
                state = row(state, &at, limit, limit.amount.to_string())
                    .with(&format!("{at}-kind"), *field);
            }
            None => {
                let at = format!("{BUDGET}-{budgets}");
                budgets += 1;
                let period = limit.period.unwrap_or(Period::Total);
                state = row(state, &at, limit, format_nanos(limit.amount))
                    .with(&format!("{at}-currency"), limit.currency.as_str())
                    .with(&format!("{at}-period"), period.as_str());
            }
        }
    }
    if !subject.models.is_empty() {
        state = state.with(&format!("{LIMIT}-{rows}-amount"), "");
    }
    state.with(&format!("{BUDGET}-{budgets}-amount"), "")
}

fn row(state: FormState, at: &str, limit: &Limit, amount: String) -> FormState {
    let model = if limit.model_id.is_none() {
        String::new()
    } else {
        limit.model_id.to_string()
    };
    state
        .with(&format!("{at}-amount"), amount)
        .with(&format!("{at}-model"), model)
        .with(&format!("{at}-mode"), limit.mode.as_str())
}

/// The fields of a form.
pub(in crate::web::admin) fn view(
    page: &Shell,
    state: &FormState,
    subject: Subject<'_>,
) -> Allowances {
    let line = |(name, kind): (&'static str, LimitKind)| Line {
        name,
        label: page.t_code("rules-rate-", name),
        amount: state.value(name).to_owned(),
        mode: state.value(&format!("{name}_mode")).to_owned(),
        has_mode: subject.has_mode(kind),
        error: state.error(name).to_owned(),
    };
    let rows = |prefix: &'static str| -> Vec<Row> {
        let all = rows::shown(state, prefix, "amount").into_iter();
        all.map(|(at, is_new)| shown(state, at, is_new)).collect()
    };
    let named = |prefix: &str, names: &[&str]| -> Choices {
        let pair = |name: &&str| ((*name).to_owned(), page.t_code(prefix, name));
        names.iter().map(pair).collect()
    };
    let models = |none: &str| -> Choices {
        let all = subject
            .models
            .iter()
            .map(|(id, name)| (id.to_string(), name.clone()));
        std::iter::once((String::new(), page.t(none)))
            .chain(all)
            .collect()
    };
    Allowances {
        lines: RATES.map(line).into(),
        limits: rows(LIMIT),
        budgets: rows(BUDGET),
        kinds: named("rules-rate-", &RATES.map(|(name, _)| name)),
        modes: named("rules-mode-", &["enforce", "observe"]),
        periods: named("rules-period-", &["day", "week", "month", "total"]),
        models: models("rules-model-choose"),
        any_model: if subject.models.is_empty() {
            Vec::new()
        } else {
            models("rules-model-any")
        },
    }
}

fn shown(state: &FormState, at: String, is_new: bool) -> Row {
    let value = |field: &str| state.value(&format!("{at}-{field}")).to_owned();
    let or = |text: String, other: &str| {
        if text.is_empty() {
            other.to_owned()
        } else {
            text
        }
    };
    Row {
        is_new,
        amount: value("amount"),
        model: value("model"),
        mode: value("mode"),
        kind: value("kind"),
        currency: or(value("currency"), "USD"),
        period: value("period"),
        error: state.error(&at).to_owned(),
        at,
    }
}

/// The limits of a posted form. A row without an amount is none.
pub(in crate::web::admin) fn read(fields: &mut Fields<'_>, subject: Subject<'_>) -> Vec<Limit> {
    let mut found: Vec<Limit> = Vec::new();
    for (name, kind) in RATES {
        if fields.state.value(name).is_empty() {
            continue;
        }
        let (mode, bounds) = (fields.state.value(&format!("{name}_mode")), bounds(kind));
        let mode = mode.parse().ok().filter(|_| subject.has_mode(kind));
        let amount = fields.number(name, &bounds);
        found.push(plain(subject, kind, amount, mode.unwrap_or_default()));
    }
    for (prefix, one) in [
        (
            LIMIT,
            for_model as fn(&FormState, &str, Subject<'_>) -> Result<Limit, Bad>,
        ),
        (BUDGET, budget),
    ] {
        let all: Vec<String> = rows::rows(&fields.state, prefix, "amount").collect();
        for at in all {
            if fields.state.value(&format!("{at}-amount")).is_empty() {
                continue;
            }
            match one(&fields.state, &at, subject) {
                Ok(limit) if found.iter().any(|other| counts_alike(other, &limit)) => {
                    fields.fail(&at, "rules-bad-twice");
                }
                Ok(limit) => found.push(limit),
                Err(Bad::Text(key)) => fields.fail(&at, key),
                Err(Bad::Number(low, high)) => {
                    let bounds: [(&str, &dyn ToArg); 2] =
                        [("low", &low.to_string()), ("high", &high.to_string())];
                    fields.fail_with(&at, "admin-provider-bad-number", &bounds);
                }
            }
        }
    }
    found
}

/// What is wrong with a row.
enum Bad {
    Text(&'static str),
    Number(i64, i64),
}

fn bounds(kind: LimitKind) -> std::ops::RangeInclusive<i64> {
    match kind {
        LimitKind::Concurrency => naming::CONCURRENCY,
        _ => naming::AMOUNTS,
    }
}

fn plain(subject: Subject<'_>, kind: LimitKind, amount: i64, mode: LimitMode) -> Limit {
    Limit {
        scope: subject.scope,
        scope_id: 0,
        model_id: ModelId::NONE,
        kind,
        amount,
        currency: Currency::unpriced(),
        period: None,
        mode,
    }
}

fn model(text: &str, subject: Subject<'_>) -> Option<ModelId> {
    let known = subject.models.iter().map(|(id, _)| *id);
    known.into_iter().find(|id| id.to_string() == text)
}

fn for_model(state: &FormState, at: &str, subject: Subject<'_>) -> Result<Limit, Bad> {
    let value = |field: &str| state.value(&format!("{at}-{field}"));
    let model = model(value("model"), subject).ok_or(Bad::Text("rules-bad-model"))?;
    let kind = RATES.iter().find(|(name, _)| *name == value("kind"));
    let (_, kind) = kind.ok_or(Bad::Text("rules-bad-choice"))?;
    let bounds = bounds(*kind);
    let amount = value("amount").parse().ok().filter(|n| bounds.contains(n));
    let amount = amount.ok_or(Bad::Number(*bounds.start(), *bounds.end()))?;
    let mode = value("mode").parse().unwrap_or_default();
    Ok(Limit {
        model_id: model,
        ..plain(subject, *kind, amount, mode)
    })
}

fn budget(state: &FormState, at: &str, subject: Subject<'_>) -> Result<Limit, Bad> {
    let value = |field: &str| state.value(&format!("{at}-{field}"));
    let amount = parse_nanos(value("amount")).ok().filter(|nanos| *nanos > 0);
    let currency = Currency::parse(value("currency"));
    let period: Result<Period, _> = value("period").parse();
    Ok(Limit {
        model_id: match value("model") {
            "" => ModelId::NONE,
            text => model(text, subject).ok_or(Bad::Text("rules-bad-model"))?,
        },
        currency: currency.map_err(|_bad| Bad::Text("rules-bad-currency"))?,
        period: Some(period.map_err(|_bad| Bad::Text("rules-bad-choice"))?),
        ..plain(
            subject,
            LimitKind::Budget,
            amount.ok_or(Bad::Text("rules-bad-amount"))?,
            value("mode").parse().unwrap_or_default(),
        )
    })
}

/// Whether two limits would have one meter.
fn counts_alike(a: &Limit, b: &Limit) -> bool {
    (a.kind, a.model_id, &a.currency, a.period) == (b.kind, b.model_id, &b.currency, b.period)
}

/// What the audit log keeps of limits.
pub(in crate::web::admin) fn audited(limits: &[Limit], subject: Subject<'_>) -> Value {
    let limit = |limit: &Limit| {
        let mut fields = json!({ "kind": limit.kind, "mode": limit.mode });
        if !limit.model_id.is_none() {
            fields["model"] = json!(subject.name(limit.model_id));
        }
        match limit.period {
            None => fields["amount"] = json!(limit.amount),
            Some(period) => {
                fields["amount"] = json!(format_nanos(limit.amount));
                fields["currency"] = json!(limit.currency);
                fields["period"] = json!(period);
            }
        }
        fields
    };
    limits.iter().map(limit).collect()
}
