//! What a call wants of its limits.

use modelgate_domain::{Currency, Limit, LimitKind, LimitMode, LimitScope, ModelId, Price};

use super::ledger::{Claim, Receipt};
use super::meter::Times;
use super::permit::Ask;
use super::refusal::Refusal;
use super::sharing::part;
use super::weight::{Estimate, dearest, price_at, usable};
use crate::catalog::{Credential, Target};

/// What a call may cost at each target that may serve it.
pub(super) fn prices<'a>(ask: &Ask<'a>) -> impl Iterator<Item = &'a Price> + Clone {
    let (model, started_ms) = (&ask.resolved.model, ask.started_ms);
    let targets = usable(ask.key, ask.resolved);
    targets.filter_map(move |target| price_at(model, target, started_ms))
}

pub(super) fn times(ask: &Ask<'_>) -> Times {
    Times {
        now_ms: ask.now_ms,
        started_ms: ask.started_ms,
    }
}

/// What a call wants of its limits beside what it holds already.
pub(super) fn claims<'a, 'p>(
    limits: &[&'a Limit],
    (estimate, prices): (Estimate, impl Iterator<Item = &'p Price> + Clone),
    living: u32,
    held: Option<&Receipt>,
) -> Vec<Claim<'a>> {
    let all = limits
        .iter()
        .map(|limit| claim((*limit, living), estimate, prices.clone()));
    let mut claims: Vec<Claim<'a>> = all.collect();
    if let Some(held) = held {
        claims.retain_mut(|claim| top_up(claim, held));
    }
    claims
}

/// Whether a limit is on a receipt already.
pub(super) fn holds(receipt: Option<&Receipt>, limit: &Limit) -> bool {
    receipt.is_some_and(|receipt| receipt.held(limit).is_some())
}

/// Leaves of a claim what is not held yet; false where nothing is left.
fn top_up(claim: &mut Claim<'_>, receipt: &Receipt) -> bool {
    let Some(held) = receipt.held(claim.limit) else {
        return true;
    };
    claim.need = claim.need.saturating_sub(held).max(0);
    claim.least = claim.least.saturating_sub(held).clamp(0, claim.need);
    claim.need > 0
}

/// What a call wants of a limit, or of the part of it that falls to one of `living` instances.
fn claim<'a, 'p>(
    (limit, living): (&'a Limit, u32),
    estimate: Estimate,
    prices: impl Iterator<Item = &'p Price>,
) -> Claim<'a> {
    let amount = part(limit.kind, limit.amount, living);
    let (need, least) = match limit.kind {
        LimitKind::Rpm | LimitKind::Concurrency => (1, 1),
        LimitKind::Tpm => {
            // An estimate above the whole limit would never pass; the prompt is what counts then.
            let most = amount.max(estimate.prompt);
            let need = estimate.tokens().min(most);
            (need, need)
        }
        LimitKind::Budget => {
            let (whole, prompt) = dearest(prices, &limit.currency, estimate);
            let least = if estimate.guess { prompt.max(1) } else { whole };
            (whole, least.min(whole))
        }
    };
    Claim {
        limit,
        amount,
        need,
        least,
    }
}

/// Keys under a budget may be kept to calls whose cost is known.
pub(super) fn check_priced(ask: &Ask<'_>, limits: &[&Limit]) -> Result<(), Box<Refusal>> {
    let budgets: Vec<&&Limit> = limits
        .iter()
        .filter(|limit| limit.kind == LimitKind::Budget && limit.mode == LimitMode::Enforce)
        .collect();
    let Some(first) = budgets.first() else {
        return Ok(());
    };
    let model = &ask.resolved.model;
    let counted = |target: &Target| {
        price_at(model, target, ask.started_ms)
            .is_some_and(|price| budgets.iter().any(|b| b.currency == price.currency))
    };
    if usable(ask.key, ask.resolved).all(counted) {
        return Ok(());
    }
    let message = format!(
        "The model {} has no price in {}, and calls that a budget cannot count are not allowed here.",
        model.name, first.currency
    );
    let what = (402, "model_unpriced");
    Err(Refusal::of_rule(
        "unpriced",
        first.scope.as_str(),
        what,
        message,
    ))
}

/// That limit, for all instances together.
pub(super) fn places(credential: &Credential) -> Option<Limit> {
    Some(Limit {
        scope: LimitScope::ProviderKey,
        scope_id: credential.id.0,
        model_id: ModelId::NONE,
        kind: LimitKind::Concurrency,
        amount: i64::from(credential.max_concurrency?),
        currency: Currency::unpriced(),
        period: None,
        mode: LimitMode::Enforce,
    })
}

/// Every limit of a credential that counts for calls of a model, its places among them.
pub fn limits_of(credential: &Credential, model: ModelId) -> Vec<Limit> {
    let concerned = |limit: &&Limit| limit.model_id.is_none() || limit.model_id == model;
    let own = credential.limits.iter().filter(concerned).cloned();
    places(credential).into_iter().chain(own).collect()
}

/// The plain limit of running calls on a credential is counted where calls wait for it.
pub(super) fn queued(limit: &Limit) -> bool {
    limit.kind == LimitKind::Concurrency
        && limit.model_id.0 == 0
        && limit.mode == LimitMode::Enforce
}
