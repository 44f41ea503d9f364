//! The plan: the attempts for one call, in order, each with its reason, and what was left out and why.

use std::sync::Arc;

use modelgate_domain::{Busyness, Protocol, Strategy};

use super::Reason;
use super::chance::Chance;
use super::health::{Health, Resting};
use super::order::{Rule, Unit, order};
use crate::catalog::{ApiKey, Credential, CredentialState, Resolved, Target};

/// What a plan is made from, beside the health.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// What the caller named.
    pub resolved: &'a Resolved,
    /// Whose call: targets outside the key's allow-list are left out.
    pub key: &'a ApiKey,
    /// The kind of model that the endpoint serves: `chat`, `embedding`.
    pub kind: &'a str,
    /// The one protocol of providers that can serve the endpoint; absent where every one can.
    pub only: Option<&'a str>,
    /// The time, epoch milliseconds.
    pub now_ms: i64,
    /// Chance: the same seed gives the same plan.
    pub seed: u64,
    /// How many calls of the model came before, for models that take turns.
    pub turn: u64,
    /// The number of the conversation, for models that keep one in its place.
    pub conversation: Option<u64>,
    /// How busy the gateway is, for targets that only serve below a bound.
    pub busyness: Busyness,
}

/// One attempt: a target, and the credential to use there.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The model at a provider.
    pub target: Arc<Target>,
    /// One of the provider's credentials.
    pub credential: Arc<Credential>,
    /// Why it stands where it stands, in a stable code: `pinned`, `only`, `priority`, `affinity` or the strategy
    /// (`weight`, `turn`, `least_busy`, `latency`) for the first; `next_credential`, `next_target` after it;
    /// `queued` for what has to be waited for; `last_resort` for what rests.
    pub reason: &'static str,
}

/// Something that was left out.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The target.
    pub target: Arc<Target>,
    /// The credential, where only that was left out.
    pub credential: Option<Arc<Credential>>,
    /// Why.
    pub why: Skip,
}

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The endpoint serves another kind of model.
    KindMismatch,
    /// The provider speaks a protocol that has nothing like the endpoint.
    ProtocolMismatch,
    /// The caller named another provider.
    PinnedElsewhere,
    /// The key's allow-list does not hold it.
    NotAllowed,
    /// The provider is switched off.
    ProviderDisabled,
    /// The target is switched off.
    TargetDisabled,
    /// The gateway is busier than the target allows.
    TooBusy,
    /// A weight of 0: never.
    WeightZero,
    /// The provider has no credential.
    NoCredential,
    /// The credential is switched off.
    CredentialDisabled,
    /// The vendor refused the credential, and nothing says that this is mended.
    CredentialRejected {
        /// When it is asked again, epoch milliseconds, where known.
        until_ms: Option<i64>,
    },
    /// The credential has no quota left.
    CredentialExhausted {
        /// Epoch milliseconds, where known.
        until_ms: Option<i64>,
    },
    /// The credential rests by decision, until then.
    CredentialCooling {
        /// Epoch milliseconds, where known.
        until_ms: Option<i64>,
    },
    /// The credential has reached its `max_concurrency`.
    AtMaxConcurrency,
}

impl Skip {
    /// A stable short code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KindMismatch => "kind_mismatch",
            Self::ProtocolMismatch => "protocol_mismatch",
            Self::PinnedElsewhere => "pinned_elsewhere",
            Self::NotAllowed => "not_allowed",
            Self::ProviderDisabled => "provider_disabled",
            Self::TargetDisabled => "target_disabled",
            Self::TooBusy => "too_busy",
            Self::WeightZero => "weight_zero",
            Self::NoCredential => "no_credential",
            Self::CredentialDisabled => "credential_disabled",
            Self::CredentialRejected { .. } => "credential_rejected",
            Self::CredentialExhausted { .. } => "credential_exhausted",
            Self::CredentialCooling { .. } => "credential_cooling",
            Self::AtMaxConcurrency => "at_max_concurrency",
        }
    }
}

/// The ordered attempts, and what was left out.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// To be tried from the first to the last. What rests stands at the end.
    pub attempts: Vec<Candidate>,
    /// How many of the attempts are well.
    pub well: usize,
    /// What could serve the call as soon as a place is free, the best first; in `skipped`, too.
    pub busy: Vec<Candidate>,
    /// The rest of the model's targets and credentials.
    pub skipped: Vec<Skipped>,
}

/// Why a plan has no attempt: the most hopeful of the reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The model is of another kind than the endpoint serves.
    KindMismatch,
    /// The model's providers have nothing like the endpoint.
    ProtocolMismatch,
    /// Every usable credential is busy: later it will work.
    Busy,
    /// The gateway is busier than the targets allow.
    TooBusy,
    /// Every usable credential rests or is out of quota, until then where that is known.
    Resting {
        /// Epoch milliseconds of the first to come back.
        until_ms: Option<i64>,
    },
    /// Nothing is set up or switched on that could serve it.
    NotConfigured,
}

impl Plan {
    fn skip(&mut self, candidate: Candidate, why: Skip) {
        self.skipped.push(Skipped {
            target: candidate.target,
            credential: Some(candidate.credential),
            why,
        });
    }

    /// Why there is nothing to try; only asked of a plan without attempts.
    pub fn why_empty(&self) -> Why {
        let any = |wanted: Skip| self.skipped.iter().any(|s| s.why == wanted);
        if any(Skip::KindMismatch) {
            return Why::KindMismatch;
        }
        if any(Skip::AtMaxConcurrency) {
            return Why::Busy;
        }
        let resting = self.skipped.iter().filter_map(|s| match s.why {
            Skip::CredentialCooling { until_ms } | Skip::CredentialExhausted { until_ms } => {
                Some(until_ms)
            }
            Skip::CredentialRejected { until_ms } => until_ms.map(Some),
            _ => None,
        });
        let mut resting = resting.peekable();
        if resting.peek().is_none() {
            return if any(Skip::TooBusy) {
                Why::TooBusy
            } else if any(Skip::ProtocolMismatch) {
                Why::ProtocolMismatch
            } else {
                Why::NotConfigured
            };
        }
        Why::Resting {
            until_ms: resting.flatten().min(),
        }
    }
}

/// Orders what may serve a call: by priority, then as the model's strategy says, and the credentials of each target
/// likewise. What rests after trouble comes last, the first to come back first.
pub fn plan(health: &Health, request: &PlanRequest<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut chance = Chance::new(request.seed);
    let mut targets = usable_targets(request, &mut plan);
    let tied = order_targets(health, request, &mut targets, &mut chance);
    let mut resting: Vec<(Resting, Candidate)> = Vec::new();
    for target in targets {
        let mut credentials = usable_credentials(request, &target, &mut plan);
        order_credentials(health, request, &target, &mut credentials, &mut chance);
        for credential in credentials {
            let candidate = Candidate {
                target: Arc::clone(&target),
                credential,
                reason: "",
            };
            match health.resting(&candidate, request.now_ms) {
                Some(rest) if rest.reason.bars() => plan.skip(candidate, barred(rest)),
                Some(rest) => resting.push((rest, candidate)),
                None if !health.places.has_room(&candidate.credential) => {
                    plan.busy.push(candidate.clone());
                    plan.skip(candidate, Skip::AtMaxConcurrency);
                }
                None => plan.attempts.push(candidate),
            }
        }
    }
    plan.well = plan.attempts.len();
    resting.sort_by_key(|(rest, _)| rest.until_ms);
    plan.attempts.extend(resting.into_iter().map(|(_, c)| c));
    name_reasons(&mut plan, request, tied);
    plan
}

fn barred(rest: Resting) -> Skip {
    let until_ms = Some(rest.until_ms);
    if rest.reason == Reason::Exhausted {
        Skip::CredentialExhausted { until_ms }
    } else {
        Skip::CredentialRejected { until_ms }
    }
}

fn usable_targets(request: &PlanRequest<'_>, plan: &mut Plan) -> Vec<Arc<Target>> {
    let model = &request.resolved.model;
    let mut usable = Vec::with_capacity(model.targets.len());
    for target in &model.targets {
        match skip_target(request, target) {
            None => usable.push(Arc::clone(target)),
            Some(why) => plan.skipped.push(Skipped {
                target: Arc::clone(target),
                credential: None,
                why,
            }),
        }
    }
    usable
}

fn skip_target(request: &PlanRequest<'_>, target: &Target) -> Option<Skip> {
    let model = &request.resolved.model;
    let elsewhere = request
        .resolved
        .pinned
        .is_some_and(|id| id != target.provider.id);
    if &*model.kind != request.kind {
        Some(Skip::KindMismatch)
    } else if request
        .only
        .is_some_and(|only| !Protocol::serves(&target.provider.protocol, only))
    {
        Some(Skip::ProtocolMismatch)
    } else if elsewhere {
        Some(Skip::PinnedElsewhere)
    } else if !request.key.may_use(model, Some(target)) {
        Some(Skip::NotAllowed)
    } else if !model.enabled || !target.enabled {
        Some(Skip::TargetDisabled)
    } else if !target.provider.enabled {
        Some(Skip::ProviderDisabled)
    } else if target.weight == 0 {
        Some(Skip::WeightZero)
    } else if !request.key.bypass_busyness
        && target
            .busyness_at_most
            .is_some_and(|most| !request.busyness.is_at_most(most))
    {
        Some(Skip::TooBusy)
    } else if target.provider.credentials.is_empty() {
        Some(Skip::NoCredential)
    } else {
        None
    }
}

/// Sorts by priority, and equals by the strategy; says whether the first had an equal.
fn order_targets(
    health: &Health,
    request: &PlanRequest<'_>,
    targets: &mut [Arc<Target>],
    chance: &mut Chance,
) -> bool {
    targets.sort_by_key(|target| target.priority);
    let rule = rule(request);
    for equals in targets.chunk_by_mut(|a, b| a.priority == b.priority) {
        order(equals, &rule, chance, |target| {
            let by_load = rule.strategy == Strategy::Latency;
            let by_calls = rule.strategy == Strategy::LeastBusy;
            Unit {
                id: target.id.0,
                weight: target.weight,
                in_flight: if by_calls {
                    health.in_flight_at(target.id)
                } else {
                    0
                },
                load: if by_load {
                    health.load(target.id, request.now_ms)
                } else {
                    0.0
                },
            }
        });
    }
    matches!(targets, [first, second, ..] if first.priority == second.priority)
}

/// Credentials of one target answer equally soon: where targets go by latency, they go by their calls.
fn order_credentials(
    health: &Health,
    request: &PlanRequest<'_>,
    target: &Target,
    credentials: &mut [Arc<Credential>],
    chance: &mut Chance,
) {
    let mut rule = rule(request);
    if rule.strategy == Strategy::Latency {
        rule.strategy = Strategy::LeastBusy;
    }
    // each target's credentials take turns of their own: as often as its turn has come
    let equals = request.resolved.model.targets.iter();
    let equals = equals.filter(|other| other.priority == target.priority);
    rule.turn /= u64::try_from(equals.count().max(1)).unwrap_or(1);
    let by_calls = rule.strategy == Strategy::LeastBusy;
    order(credentials, &rule, chance, |credential| Unit {
        id: credential.id.0,
        weight: credential.weight,
        in_flight: if by_calls {
            health.in_flight(credential.id)
        } else {
            0
        },
        load: 0.0,
    });
}

fn rule(request: &PlanRequest<'_>) -> Rule {
    let model = &request.resolved.model;
    Rule {
        strategy: model.strategy,
        turn: request.turn,
        conversation: request.conversation.filter(|_| model.affinity),
    }
}

fn usable_credentials(
    request: &PlanRequest<'_>,
    target: &Arc<Target>,
    plan: &mut Plan,
) -> Vec<Arc<Credential>> {
    let mut usable = Vec::with_capacity(target.provider.credentials.len());
    for credential in &target.provider.credentials {
        match skip_credential(request.now_ms, credential) {
            None => usable.push(Arc::clone(credential)),
            Some(why) => plan.skipped.push(Skipped {
                target: Arc::clone(target),
                credential: Some(Arc::clone(credential)),
                why,
            }),
        }
    }
    usable
}

fn skip_credential(now_ms: i64, credential: &Credential) -> Option<Skip> {
    let until_ms = credential.state_until_ms;
    let over = until_ms.is_some_and(|until| until <= now_ms);
    match credential.state {
        CredentialState::Disabled => Some(Skip::CredentialDisabled),
        CredentialState::Rejected if !over => Some(Skip::CredentialRejected { until_ms }),
        CredentialState::Exhausted if !over => Some(Skip::CredentialExhausted { until_ms }),
        CredentialState::Cooldown if !over => Some(Skip::CredentialCooling { until_ms }),
        _ => (credential.weight == 0).then_some(Skip::WeightZero),
    }
}

fn name_reasons(plan: &mut Plan, request: &PlanRequest<'_>, tied: bool) {
    let well = plan.well;
    let several = plan.attempts.len() > 1;
    let mut before: Option<Arc<Target>> = None;
    for (place, candidate) in plan.attempts.iter_mut().enumerate() {
        candidate.reason = if place >= well {
            "last_resort"
        } else if let Some(before) = &before {
            if before.id == candidate.target.id {
                "next_credential"
            } else {
                "next_target"
            }
        } else {
            first_reason(request, tied, several)
        };
        before = Some(Arc::clone(&candidate.target));
    }
    for candidate in &mut plan.busy {
        candidate.reason = "queued";
    }
}

fn first_reason(request: &PlanRequest<'_>, tied: bool, several: bool) -> &'static str {
    let model = &request.resolved.model;
    if request.resolved.pinned.is_some() {
        "pinned"
    } else if several && model.affinity && request.conversation.is_some() {
        "affinity"
    } else if tied {
        match model.strategy {
            Strategy::Weighted => "weight",
            Strategy::RoundRobin => "turn",
            Strategy::LeastBusy => "least_busy",
            Strategy::Latency => "latency",
        }
    } else if several {
        "priority"
    } else {
        "only"
    }
}
