//! What the forms of a model's page show: the settings, the price, each target, and whichever came back.

use modelgate_domain::money::format_nanos;
use modelgate_domain::{Busyness, TargetId, naming};
use modelgate_store::targets::Target;

use super::target::target_object;
use super::{Loaded, SUBJECT, allowances, fallbacks, price};
use crate::web::admin::components::version;
use crate::web::form::FormState;

/// The fields of the settings.
pub(super) fn settings(loaded: &Loaded) -> FormState {
    let model = &loaded.model;
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let tools = model
        .tools
        .map_or("", |does| if does { "yes" } else { "no" });
    let state = FormState::default()
        .with("name", &model.name)
        .with("display_name", &model.display_name)
        .with("kind", &model.kind)
        .with("aliases", loaded.aliases.join("\n"))
        .with("context_length", number(model.context_length))
        .with("max_output_tokens", number(model.max_output_tokens))
        .ticked("enabled", model.enabled)
        .ticked("hidden", model.hidden)
        .with("strategy", model.strategy.as_str())
        .ticked("affinity", model.affinity)
        .with("tools", tools);
    let takes = model.modalities.iter();
    let state = takes.fold(state, |state, kind| state.with("modality", kind.as_str()));
    let state = fallbacks::stored(state, &loaded.fallbacks);
    allowances::stored(state, &loaded.limits, SUBJECT)
}

/// The fields of the price that holds.
pub(super) fn price(loaded: &Loaded, of: Option<TargetId>) -> FormState {
    let price = loaded.prices_of(of).first();
    let amount = |n: Option<i64>| n.map(format_nanos).unwrap_or_default();
    FormState::default()
        .with("currency", price.map_or("USD", |p| p.currency.as_str()))
        .with("input", amount(price.map(|p| p.input)))
        .with("cached_input", amount(price.and_then(|p| p.cached_input)))
        .with("output", amount(price.map(|p| p.output)))
        .with("cache_write", amount(price.and_then(|p| p.cache_write)))
        .with("reasoning", amount(price.and_then(|p| p.reasoning)))
        .with(
            "per_request",
            amount(price.and_then(|p| price::some_nanos(p.per_request_nanos))),
        )
}

/// The fields of a target.
pub(super) fn target(target: &Target) -> FormState {
    let busyness = target.busyness_at_most.map_or("", Busyness::as_str);
    FormState::default()
        .with("priority", target.priority.to_string())
        .with("weight", target.weight.to_string())
        .with("busyness_at_most", busyness)
        .ticked("enabled", target.enabled)
}

/// The form that came back; none where the page is opened.
pub(super) enum Posted {
    Settings(FormState),
    Price(FormState),
    Target(FormState),
    /// A new target, or nothing.
    Other(FormState),
}

impl Posted {
    /// Each form says which it is.
    pub(super) fn sorted(state: FormState) -> Self {
        if state.is_checked("settings") {
            Self::Settings(state)
        } else if state.is_checked("price") {
            Self::Price(state)
        } else if state.is_checked("target") {
            Self::Target(state)
        } else {
            Self::Other(state)
        }
    }

    /// The version of the settings.
    pub(super) fn settings(&self, loaded: &Loaded) -> FormState {
        match self {
            Self::Settings(state) => state.clone(),
            Self::Price(_) | Self::Target(_) | Self::Other(_) => {
                version::stamped(settings(loaded), &loaded.object())
            }
        }
    }

    /// The version of the price.
    pub(super) fn price(&self, loaded: &Loaded, of: Option<TargetId>) -> FormState {
        match self {
            Self::Price(state) => state.clone(),
            Self::Settings(_) | Self::Target(_) | Self::Other(_) => {
                version::stamped(price(loaded, of), &price::object(loaded, of))
            }
        }
    }

    /// The fields of a target.
    pub(super) fn target(&self, loaded: &Loaded, row: &Target) -> FormState {
        match self {
            Self::Target(state) if state.value("target") == row.id.to_string() => state.clone(),
            _ => {
                let object = target_object(loaded, row.provider_id, &row.upstream_model);
                version::stamped(target(row), &object)
            }
        }
    }

    /// The fields of all forms but the targets'.
    pub(super) fn whole(self, loaded: &Loaded, of: Option<TargetId>) -> FormState {
        let settings = settings(loaded);
        let (posted, settings) = match self {
            // a box that is not ticked is not sent: what is stored must not tick it again
            Self::Settings(state) => {
                let boxes = ["enabled", "hidden", "affinity", "modality"];
                (state, settings.without(&boxes))
            }
            Self::Price(state) | Self::Other(state) => (state, settings),
            Self::Target(state) => {
                let mut problem = FormState::default();
                if !state.error("").is_empty() {
                    problem.fail("", state.error("").to_owned());
                }
                (problem, settings)
            }
        };
        let added = FormState::default()
            .with("priority", "1")
            .with("weight", naming::WEIGHT.to_string());
        posted.or(settings).or(price(loaded, of)).or(added)
    }
}
