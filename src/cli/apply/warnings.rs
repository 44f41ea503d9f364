//! What a configuration says that will not do what it looks like.

use std::collections::BTreeSet;

use super::rules::Allowance;
use super::state::{Model, Models, State};

/// Models that a warning names at most.
const MOST_NAMED: usize = 5;

/// A sentence for each budget that does not count calls of priced models, since they are priced in another currency.
pub(super) fn warnings(state: &State) -> Vec<String> {
    let all: Vec<&Model> = state.models.iter().collect();
    let mut found = Vec::new();
    for key in &state.api_keys {
        let may = |model: &&&Model| match &key.models {
            Models::All => true,
            Models::Only(names) => names
                .iter()
                .any(|name| *name == model.name || name.ends_with(&format!("/{}", model.name))),
        };
        let models: Vec<&Model> = all.iter().filter(may).copied().collect();
        let whose = format!("API key {}", key.name);
        found.extend(uncounted(&whose, &key.rules.allowances, &models));
    }
    for user in &state.users {
        let whose = format!("account {}", user.name);
        found.extend(uncounted(&whose, &user.allowances, &all));
    }
    for model in &state.models {
        let whose = format!("model {}", model.name);
        found.extend(uncounted(&whose, &model.allowances, &[model]));
    }
    found
}

fn uncounted(whose: &str, allowances: &[Allowance], models: &[&Model]) -> Vec<String> {
    let warn = |allowance: &Allowance| {
        let (currency, period) = allowance.money.as_ref()?;
        let meant = |model: &&&Model| {
            let only = allowance.model.as_ref();
            only.is_none_or(|name| *name == model.name)
        };
        let other = |model: &&&Model| {
            let priced = currencies(model);
            !priced.is_empty() && !priced.contains(currency.as_str())
        };
        let of = models.iter().filter(meant).filter(other);
        let names: Vec<&str> = of.map(|model| model.name.as_str()).collect();
        let (named, more) = names.split_at(names.len().min(MOST_NAMED));
        if named.is_empty() {
            return None;
        }
        let more = match more.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (named, period) = (named.join(", "), period.as_str());
        Some(format!(
            "the budget of {whose} in {currency} ({period}) does not count calls of {named}{more}: no price in {currency}"
        ))
    };
    allowances.iter().filter_map(warn).collect()
}

/// In which currencies calls of a model are priced.
fn currencies(model: &Model) -> BTreeSet<&str> {
    let of_targets = model.targets.iter().filter_map(|t| t.price.as_ref());
    let all = of_targets.chain(&model.price);
    all.map(|price| price.currency.as_str()).collect()
}
