//! Limits, budgets and time rules in a provisioning file: how they are read, shown and written back.

use std::collections::BTreeMap;

use modelgate_domain::time_rule::BadTimeRule;
use modelgate_domain::{
    Currency, Limit, LimitKind, LimitMode, LimitScope, ModelId, Period, TimeRule, When, money,
    naming,
};

use super::document::{Placed, Problem, Table};

/// A limit or a budget as a file writes it; known by everything but its amount and mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    pub(super) kind: LimitKind,
    /// Only for calls of this model.
    pub(super) model: Option<String>,
    /// A budget's is in nano-units.
    pub(super) amount: i64,
    /// Of a budget.
    pub(super) money: Option<(Currency, Period)>,
    pub(super) mode: LimitMode,
}

/// What a file says of limits; where a list is absent, what is there is left alone.
#[derive(Debug, Default)]
pub(super) struct AllowanceSpecs {
    pub(super) limits: Option<Vec<AllowanceSpec>>,
    pub(super) budgets: Option<Vec<AllowanceSpec>>,
}

/// One allowance, its model not looked up yet.
#[derive(Debug)]
pub(super) struct AllowanceSpec {
    pub(super) allowance: Allowance,
    pub(super) model: Option<Placed<String>>,
}

/// The fields of `limits` on an API key.
pub(super) const KEY_LIMITS: &[&str] = &["model", "rpm", "tpm", "max_concurrency", "mode"];
/// The fields of `limits` on a model.
pub(super) const MODEL_LIMITS: &[&str] = &["rpm", "tpm", "max_concurrency", "mode"];
/// The fields of `limits` on a provider's key, whose `max_concurrency` stands beside its label.
pub(super) const CREDENTIAL_LIMITS: &[&str] = &["rpm", "tpm", "mode"];
/// The fields of `budget` on an API key.
pub(super) const KEY_BUDGET: &[&str] = &["model", "amount", "currency", "period", "mode"];
/// The fields of `budget` elsewhere.
pub(super) const BUDGET: &[&str] = &["amount", "currency", "period", "mode"];
pub(super) const TIME_RULE: &[&str] = &["kind", "allowed", "start", "end", "weekdays"];
const RATES: [(&str, LimitKind); 3] = [
    ("rpm", LimitKind::Rpm),
    ("tpm", LimitKind::Tpm),
    ("max_concurrency", LimitKind::Concurrency),
];

impl AllowanceSpecs {
    /// Reads `limits` and `budget`, each a table or a list of them.
    pub(super) fn read(
        parent: &Table<'_>,
        limits: &'static [&'static str],
        budget: &'static [&'static str],
    ) -> Result<Self, Problem> {
        Ok(Self {
            limits: all(parent, "limits", limits, rates)?,
            budgets: all(parent, "budget", budget, |t| Ok(vec![one_budget(t)?]))?,
        })
    }

    /// The allowances of a thing after the file; `name` says which model is meant.
    pub(super) fn over(
        &self,
        old: &[Allowance],
        name: impl Fn(&Placed<String>) -> Result<String, Problem>,
    ) -> Result<Vec<Allowance>, Problem> {
        let stays = |a: &&Allowance| match a.kind {
            LimitKind::Budget => self.budgets.is_none(),
            _ => self.limits.is_none(),
        };
        let mut next: Vec<Allowance> = old.iter().filter(stays).cloned().collect();
        for spec in self.limits.iter().chain(&self.budgets).flatten() {
            let model = spec.model.as_ref().map(&name).transpose()?;
            next.push(Allowance {
                model,
                ..spec.allowance.clone()
            });
        }
        sort(&mut next);
        Ok(next)
    }
}

fn all<'t>(
    parent: &Table<'t>,
    key: &str,
    known: &'static [&'static str],
    read: impl Fn(&Table<'t>) -> Result<Vec<AllowanceSpec>, Problem>,
) -> Result<Option<Vec<AllowanceSpec>>, Problem> {
    let Some(tables) = parent.table_or_tables(key, known)? else {
        return Ok(None);
    };
    let mut found: Vec<AllowanceSpec> = Vec::new();
    for table in &tables {
        for spec in read(table)? {
            let same = |other: &AllowanceSpec| {
                let names = |s: &AllowanceSpec| s.model.as_ref().map(|m| m.value.clone());
                other.allowance.kind == spec.allowance.kind
                    && other.allowance.money == spec.allowance.money
                    && names(other) == names(&spec)
            };
            if found.iter().any(same) {
                let what = spec.allowance.what();
                let right = format!("{what} is limited twice here: once is right");
                return Err(table.place().problem(right));
            }
            found.push(spec);
        }
    }
    Ok(Some(found))
}

fn mode(table: &Table<'_>) -> Result<LimitMode, Problem> {
    let Some(text) = table.text("mode")? else {
        return Ok(LimitMode::Enforce);
    };
    let right = "must be \"enforce\" or \"observe\"";
    text.value
        .parse()
        .map_err(|_unknown| text.place.problem(right))
}

fn rates(table: &Table<'_>) -> Result<Vec<AllowanceSpec>, Problem> {
    let mode = mode(table)?;
    let model = optional(table, "model")?;
    let mut found = Vec::new();
    for (key, kind) in RATES {
        if !table.knows(key) {
            continue;
        }
        let bounds = match kind {
            LimitKind::Concurrency => naming::CONCURRENCY,
            _ => naming::AMOUNTS,
        };
        if let Some(amount) = table.integer(key, bounds)? {
            let allowance = Allowance {
                kind,
                model: None,
                amount,
                money: None,
                mode,
            };
            found.push(AllowanceSpec {
                allowance,
                model: model.clone(),
            });
        }
    }
    if found.is_empty() && (model.is_some() || table.has("mode")) {
        return Err(table.missing("rpm", "how much is allowed, as in rpm = 60"));
    }
    Ok(found)
}

/// A field that this table may not know at all.
fn optional(table: &Table<'_>, key: &str) -> Result<Option<Placed<String>>, Problem> {
    if table.knows(key) {
        table.text(key)
    } else {
        Ok(None)
    }
}

fn one_budget(table: &Table<'_>) -> Result<AllowanceSpec, Problem> {
    let amount = table.required("amount", "as in amount = \"5.00\"")?;
    let currency = table.required("currency", "as in currency = \"USD\"")?;
    let period = table.required("period", "as in period = \"day\"")?;
    let nanos =
        money::parse_nanos(&amount.value).map_err(|e| amount.place.problem(e.to_string()))?;
    if nanos == 0 {
        return Err(amount
            .place
            .problem("must be more than nothing; to stop a key, set enabled = false"));
    }
    let right = "must be \"day\", \"week\", \"month\" or \"total\"";
    let period = period
        .value
        .parse()
        .map_err(|_unknown| period.place.problem(right))?;
    let currency =
        Currency::parse(&currency.value).map_err(|e| currency.place.problem(e.to_string()))?;
    Ok(AllowanceSpec {
        allowance: Allowance {
            kind: LimitKind::Budget,
            model: None,
            amount: nanos,
            money: Some((currency, period)),
            mode: mode(table)?,
        },
        model: optional(table, "model")?,
    })
}

impl Allowance {
    fn what(&self) -> &'static str {
        match self.kind {
            LimitKind::Rpm => "rpm",
            LimitKind::Tpm => "tpm",
            LimitKind::Concurrency => "max_concurrency",
            LimitKind::Budget => "budget",
        }
    }

    /// As rows have it; `names` are those of models.
    pub(super) fn of_limit(limit: &Limit, names: &BTreeMap<ModelId, &str>) -> Option<Self> {
        let model = if limit.model_id.is_none() {
            None
        } else {
            Some((*names.get(&limit.model_id)?).to_owned())
        };
        Some(Self {
            kind: limit.kind,
            model,
            amount: limit.amount,
            money: limit.period.map(|period| (limit.currency.clone(), period)),
            mode: limit.mode,
        })
    }

    /// The row; absent where its model is.
    pub(super) fn limit(
        &self,
        scope: LimitScope,
        scope_id: i64,
        names: &BTreeMap<String, ModelId>,
    ) -> Option<Limit> {
        let (currency, period) = match &self.money {
            Some((currency, period)) => (currency.clone(), Some(*period)),
            None => (Currency::unpriced(), None),
        };
        Some(Limit {
            scope,
            scope_id,
            model_id: match &self.model {
                None => ModelId::NONE,
                Some(name) => *names.get(name)?,
            },
            kind: self.kind,
            amount: self.amount,
            currency,
            period,
            mode: self.mode,
        })
    }

    /// The fields as a file writes them.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut fields = Vec::new();
        if let Some(model) = &self.model {
            fields.push(("model", quoted(model)));
        }
        match &self.money {
            None => fields.push((self.what(), self.amount.to_string())),
            Some((currency, period)) => {
                fields.push(("amount", quoted(&money::format_nanos(self.amount))));
                fields.push(("currency", quoted(currency.as_str())));
                fields.push(("period", quoted(period.as_str())));
            }
        }
        fields.push(("mode", quoted(self.mode.as_str())));
        fields
    }
}

/// In the order in which a file lists them.
pub(super) fn sort(allowances: &mut [Allowance]) {
    allowances.sort_by_cached_key(|a| {
        let (currency, period) = match &a.money {
            Some((currency, period)) => (currency.to_string(), period.as_str()),
            None => (String::new(), ""),
        };
        (a.model.clone(), a.kind as u8, currency, period)
    });
}

/// `limits` (or `budget`) as TOML inline tables.
pub(super) fn toml_of(allowances: &[Allowance], budgets: bool) -> String {
    let wanted = |a: &&Allowance| (a.kind == LimitKind::Budget) == budgets;
    let tables: Vec<String> = allowances
        .iter()
        .filter(wanted)
        .map(|a| {
            let fields = a.fields().into_iter();
            let fields: Vec<String> = fields.map(|(k, v)| format!("{k} = {v}")).collect();
            format!("{{ {} }}", fields.join(", "))
        })
        .collect();
    format!("[{}]", tables.join(", "))
}

/// Reads `time_rules`.
pub(super) fn time_rules(parent: &Table<'_>) -> Result<Option<Vec<TimeRule>>, Problem> {
    let Some(tables) = parent.tables("time_rules", TIME_RULE)? else {
        return Ok(None);
    };
    tables
        .iter()
        .map(time_rule)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn time_rule(table: &Table<'_>) -> Result<TimeRule, Problem> {
    let kind = table.required("kind", "\"time_range\", \"date_range\" or \"weekday\"")?;
    let right = "true lets calls through then, false refuses them";
    let allowed = table
        .boolean("allowed")?
        .ok_or_else(|| table.missing("allowed", right))?;
    let bounds = |example: &str| -> Result<(Placed<String>, Placed<String>), Problem> {
        Ok((
            table.required("start", example)?,
            table.required("end", example)?,
        ))
    };
    let foreign: &[&str] = match kind.value.as_str() {
        "weekday" => &["start", "end"],
        "time_range" | "date_range" => &["weekdays"],
        _ => &[],
    };
    if let Some(field) = foreign.iter().find(|field| table.has(field)) {
        let kind = &kind.value;
        let right = format!(
            "\"{field}\" means nothing in a rule of the kind \"{kind}\": write two rules, one of each kind"
        );
        return Err(table.place().problem(right));
    }
    let told = |e: BadTimeRule| table.place().problem(e.to_string());
    let when = match kind.value.as_str() {
        "time_range" => {
            let (start, end) = bounds("a time of the day, as in \"09:00\"")?;
            When::time_range(&start.value, &end.value).map_err(told)?
        }
        "date_range" => {
            let (start, end) = bounds("a date, as in \"2026-12-24\"")?;
            When::date_range(&start.value, &end.value).map_err(told)?
        }
        "weekday" => {
            let days = table.integers("weekdays")?;
            let days = days.ok_or_else(|| table.missing("weekdays", "as in [6, 7]"))?;
            When::weekdays(days).map_err(told)?
        }
        _ => return Err(kind.place.problem(BadTimeRule::Kind.to_string())),
    };
    Ok(TimeRule { allowed, when })
}

/// `time_rules` as TOML inline tables.
pub(super) fn time_rules_toml(rules: &[TimeRule]) -> Vec<String> {
    let table = |rule: &TimeRule| {
        let rest = match rule.when {
            When::TimeRange { start, end } => format!("start = \"{start}\", end = \"{end}\""),
            When::DateRange { start, end } => format!("start = \"{start}\", end = \"{end}\""),
            When::Weekday(days) => format!("weekdays = {:?}", days.numbers()),
        };
        let (kind, allowed) = (rule.when.kind(), rule.allowed);
        format!("{{ kind = \"{kind}\", allowed = {allowed}, {rest} }}")
    };
    rules.iter().map(table).collect()
}
