//! What a call may use before anybody knows what it does use.

use modelgate_domain::{Currency, Price, Usage};

use super::learned::Outputs;
use crate::catalog::{ApiKey, Model, Resolved, Target};

/// What is assumed of a model's answers before any is known, in tokens.
const UNKNOWN_OUTPUT: i64 = 1_024;

/// What a request says about its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// What the prompt is estimated to weigh, in tokens.
    pub prompt: i64,
    /// The most that the caller lets an answer be, in tokens.
    pub max_output: Option<i64>,
    /// How many answers it asks for.
    pub choices: i64,
}

/// What is held back for a call, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The prompt.
    pub prompt: i64,
    /// All answers together.
    pub output: i64,
    /// Nothing is known of the model's answers yet.
    pub guess: bool,
}

impl Estimate {
    /// The prompt, and for each answer the smaller of what the caller allows and what 95 of 100 answers of the model
    /// stay within, in `percent`.
    pub(super) fn of(weight: Weight, model: &Model, outputs: &Outputs, percent: u64) -> Self {
        let learned = outputs.p95(model.id);
        let percent = i64::try_from(percent).unwrap_or(i64::MAX);
        let usual = match learned {
            Some(p95) => p95.saturating_mul(percent) / 100,
            None if &*model.kind == "embedding" => 0,
            None => UNKNOWN_OUTPUT,
        };
        let most = [weight.max_output, model.max_output_tokens];
        let each = most.into_iter().flatten().fold(usual, i64::min).max(0);
        Self {
            prompt: weight.prompt.max(0),
            output: each.saturating_mul(weight.choices.max(1)),
            guess: learned.is_none(),
        }
    }

    /// All tokens.
    pub fn tokens(&self) -> i64 {
        self.prompt.saturating_add(self.output)
    }

    /// What that costs at a price, and what the prompt alone costs.
    pub(super) fn cost(&self, price: &Price) -> (i64, i64) {
        let of = |completion| {
            price.cost(&Usage {
                prompt: self.prompt,
                completion,
                ..Usage::default()
            })
        };
        (of(self.output), of(0))
    }
}

/// The targets that may serve a call, as far as the configuration says.
pub(super) fn usable<'a>(
    key: &'a ApiKey,
    resolved: &'a Resolved,
) -> impl Iterator<Item = &'a Target> + Clone {
    let on = |target: &&Target| target.enabled && target.weight > 0 && target.provider.enabled;
    resolved
        .model
        .targets
        .iter()
        .map(|target| &**target)
        .filter(|target| resolved.pinned.is_none_or(|id| id == target.provider.id))
        .filter(on)
        .filter(|target| key.may_use(&resolved.model, Some(target)))
}

/// The price in force for a model at a target.
pub fn price_at<'a>(model: &'a Model, target: &'a Target, at_ms: i64) -> Option<&'a Price> {
    let newest = |prices: &'a [Price]| prices.iter().find(|p| p.effective_from_ms <= at_ms);
    newest(&target.prices).or_else(|| newest(&model.prices))
}

/// The most that a call may cost in a currency at any of the targets, and its prompt alone.
pub(super) fn dearest<'a>(
    prices: impl Iterator<Item = &'a Price>,
    currency: &Currency,
    estimate: Estimate,
) -> (i64, i64) {
    let own = prices.filter(|price| price.currency == *currency);
    own.map(|price| estimate.cost(price))
        .max()
        .unwrap_or((0, 0))
}
