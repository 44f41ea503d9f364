//! Why a call would go where it would go, or nowhere: the decision as data, rule by rule and target by target.
//!
//! Asks the same functions as a call does, and changes nothing: no vendor is called and nothing is counted.

use std::sync::Arc;

use modelgate_dialect::openai::request::{BadRequest, Peek};
use modelgate_domain::{Cause, Limit, LimitKind, LimitMode};
use serde::Serialize;

use crate::admission::{Admission, Ask, Refusal, Weight, limits_of, price_at};
use crate::catalog::{Catalog, Credential, Model, Resolved, Target};
use crate::routing::{Candidate, Health, Plan, PlanRequest, Skip, Why, plan};

/// The rules of a key, in the order in which they are asked.
const RULES: [&str; 5] = [
    "enabled",
    "expires_at",
    "allowed_cidrs",
    "time_rules",
    "allowed_models",
];

/// What is to be explained.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The configuration.
    pub catalog: &'a Catalog,
    /// Who would ask for what.
    pub ask: Ask<'a>,
    /// The kind of model that the endpoint serves: `chat`, `embedding`.
    pub kind: &'a str,
    /// Chance: the same seed gives the same order.
    pub seed: u64,
    /// The number of the conversation.
    pub conversation: Option<u64>,
}

/// What the body of a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The name of the model.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// How much it may use.
    pub weight: Weight,
}

/// Reads the body of a request as a call would.
pub fn asked(body: &[u8]) -> Result<Asked, BadRequest> {
    let peek = Peek::read(body)?;
    Ok(Asked {
        stream: peek.stream,
        weight: Weight {
            prompt: peek.prompt.tokens(),
            max_output: peek.max_output,
            choices: peek.choices,
        },
        model: peek.model,
    })
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `explanation`.
    pub object: &'static str,
    /// The model that the name means.
    pub model: String,
    /// What would happen: `call`, `wait`, `refuse`, `fall_back`, `fail`.
    pub outcome: &'static str,
    /// The same in a sentence.
    pub detail: String,
    /// Whose use the figures of limits are: of `all_instances`, or of `this_instance` where it does not know the others'.
    pub figures: &'static str,
    /// What the rules say.
    pub rules: Vec<Finding>,
    /// What would be tried, in this order.
    pub attempts: Vec<Step>,
    /// What would not be tried.
    pub skipped: Vec<Left>,
    /// The models that would take over, in this order.
    pub fallbacks: Vec<Instead>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule: `enabled`, `time_rules`, `rpm` and others.
    pub rule: &'static str,
    /// Whose: `api_key`, `user`, `model`, `provider_key`.
    pub scope: &'static str,
    /// `passes`, `refuses`, `would_refuse` (it only observes), or `not_asked` after a refusal.
    pub outcome: &'static str,
    /// Figures or a sentence; may be empty.
    pub detail: String,
}

/// Something that would be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The provider's name.
    pub provider: String,
    /// Its name for the model.
    pub upstream_model: String,
    /// Which of the provider's credentials, from 1.
    pub credential: usize,
    /// What operators call it: for them alone.
    #[serde(skip)]
    pub label: String,
    /// Why it stands where it stands, as the record's `route_reason` says it.
    pub reason: &'static str,
    /// `ready`, `busy` or `resting`.
    pub state: &'static str,
    /// Calls that run with the credential now.
    pub in_flight: u32,
    /// Calls that wait for it.
    pub waiting: usize,
    /// The credential's own limits.
    pub limits: Vec<Finding>,
    /// How soon the target is expected to answer, in milliseconds; absent where nothing is known.
    pub latency_ms: Option<u64>,
}

/// Something that would not be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The provider's name.
    pub provider: String,
    /// Its name for the model.
    pub upstream_model: String,
    /// Which of the provider's credentials, from 1; absent where none of them would be.
    pub credential: Option<usize>,
    /// What operators call it: for them alone.
    #[serde(skip)]
    pub label: String,
    /// A stable short code: `weight_zero`, `credential_rejected` and others.
    pub why: &'static str,
    /// Until when, epoch milliseconds, where that is known.
    pub until_ms: Option<i64>,
}

/// A model that would take over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instead {
    /// Its name.
    pub model: String,
    /// For which cause; `any` for each of them.
    pub cause: &'static str,
    /// Whether the key may use it and somebody could serve it now.
    pub usable: bool,
}

/// Explains what a call would do now.
pub async fn explain(
    question: &Question<'_>,
    admission: &Admission,
    health: &Health,
) -> Explanation {
    let Question { ask, .. } = question;
    let model = &ask.resolved.model;
    let refusal = admission.would_admit(ask).err();
    let request = PlanRequest {
        resolved: ask.resolved,
        key: ask.key,
        kind: question.kind,
        // embeddings are in one dialect only
        only: (question.kind == "embedding").then_some("openai"),
        now_ms: ask.now_ms,
        seed: question.seed,
        turn: health.turn(model.id, false),
        conversation: question.conversation,
        busyness: admission.busyness(),
    };
    let planned = plan(health, &request);
    let fallbacks = fallbacks(question, &request, health);
    let mut steps = steps(&planned, health, ask.now_ms);
    let own = concerned(ask);
    let of_credentials: Vec<Vec<Limit>> = in_order(&planned)
        .map(|(candidate, _)| limits_of(&candidate.credential, model.id))
        .collect();
    let limits: Vec<&Limit> = own
        .iter()
        .copied()
        .chain(of_credentials.iter().flatten())
        .collect();
    let mut used = admission.used_by_all(&limits, ask.now_ms).await;
    let rest = used.split_off(own.len());
    for ((step, limit), used) in on_steps(&of_credentials).zip(rest) {
        if let Some(step) = steps.get_mut(step) {
            let finding = of_credential(limit, used, step.in_flight);
            step.limits.push(finding);
        }
    }
    let mut rules = findings((&own, &used), refusal.as_deref());
    let of_own = rules.iter_mut().rev().zip(own.iter().rev());
    for (finding, limit) in of_own.filter(|(_, limit)| !counts(limit, ask)) {
        let currency = &limit.currency;
        finding.detail = format!(
            "{}; the model has no price in {currency}, so that its calls do not count",
            finding.detail
        );
    }
    let (outcome, detail) = outcome((refusal.as_deref(), &rules), &planned, &fallbacks);
    Explanation {
        object: "explanation",
        model: model.name.to_string(),
        outcome,
        detail,
        figures: if admission.knows_all() {
            "all_instances"
        } else {
            "this_instance"
        },
        rules,
        attempts: steps,
        skipped: planned.skipped.iter().map(left).collect(),
        fallbacks,
    }
}

fn outcome(
    (refusal, rules): (Option<&Refusal>, &[Finding]),
    plan: &Plan,
    fallbacks: &[Instead],
) -> (&'static str, String) {
    if let Some(refusal) = refusal {
        return ("refuse", refusal.message.clone());
    }
    // what fits here may not fit with what other instances use
    if let Some(full) = rules.iter().find(|finding| finding.outcome == "refuses") {
        let Finding {
            rule,
            scope,
            detail,
            ..
        } = full;
        return (
            "refuse",
            format!("The {rule} limit of the {scope} has no room: {detail}."),
        );
    }
    if let Some(first) = plan.attempts.first().filter(|_| plan.well > 0) {
        let provider = &first.target.provider.name;
        return ("call", format!("The call would go to {provider} first."));
    }
    if let Some(first) = plan.busy.first() {
        let provider = &first.target.provider.name;
        let detail = format!("The call would wait for a free credential at {provider}.");
        return ("wait", detail);
    }
    let takes_over = |instead: &&Instead| {
        let fits = instead.cause == "any" || instead.cause == Cause::Overloaded.as_str();
        instead.usable && fits
    };
    let rests = !plan.attempts.is_empty();
    let why = plan.why_empty();
    let hopeful = rests || matches!(why, Why::Busy | Why::TooBusy | Why::Resting { .. });
    if let Some(instead) = fallbacks.iter().find(takes_over).filter(|_| hopeful) {
        let detail = format!("The model {} would take over.", instead.model);
        return ("fall_back", detail);
    }
    if rests {
        let detail = "Everything rests; the call would be tried as a last resort.";
        return ("call", detail.to_owned());
    }
    let detail = match why {
        Why::KindMismatch => "The model is of another kind than the endpoint serves.",
        Why::ProtocolMismatch => "The model's providers have nothing like the endpoint.",
        Why::Busy => "Every credential is in use.",
        Why::TooBusy => "The gateway is busier than the model's targets allow.",
        Why::Resting { .. } => "No provider can serve the model just now.",
        Why::NotConfigured => "The model is not served by any provider.",
    };
    ("fail", detail.to_owned())
}

/// Whether a limit can count the call: a budget needs a price in its currency.
fn counts(limit: &Limit, ask: &Ask<'_>) -> bool {
    let model = &ask.resolved.model;
    let priced = |target: &Arc<Target>| {
        let price = price_at(model, target, ask.now_ms);
        price.is_some_and(|price| price.currency == limit.currency)
    };
    limit.kind != LimitKind::Budget || model.targets.iter().any(priced)
}

/// The limits of the key, its account and the model that count for the call.
fn concerned<'a>(ask: &Ask<'a>) -> Vec<&'a Limit> {
    let model = &ask.resolved.model;
    let limits = ask.key.limits.iter().chain(ask.key.user_limits.iter());
    let limits = limits.chain(model.limits.iter());
    limits
        .filter(|limit| limit.model_id.is_none() || limit.model_id == model.id)
        .collect()
}

/// Every limit with the number of the step that it is on.
fn on_steps(limits: &[Vec<Limit>]) -> impl Iterator<Item = (usize, &Limit)> {
    let all = limits.iter().enumerate();
    all.flat_map(|(step, limits)| limits.iter().map(move |limit| (step, limit)))
}

/// A limit of a credential. Without Redis its places are counted where calls wait for them.
fn of_credential(limit: &Limit, used: i64, in_flight: u32) -> Finding {
    let used = match limit.kind {
        LimitKind::Concurrency => used.max(i64::from(in_flight)),
        _ => used,
    };
    Finding {
        rule: limit.kind.as_str(),
        scope: limit.scope.as_str(),
        outcome: match limit.mode {
            _ if used < limit.amount => "passes",
            LimitMode::Enforce => "refuses",
            LimitMode::Observe => "would_refuse",
        },
        detail: figures(limit, used),
    }
}

fn findings((limits, used): (&[&Limit], &[i64]), refusal: Option<&Refusal>) -> Vec<Finding> {
    let refuses_at = refusal.and_then(|r| RULES.iter().position(|rule| *rule == r.rule));
    let own = RULES.iter().enumerate().map(|(place, rule)| {
        let (outcome, detail) = match refuses_at {
            Some(at) if at == place => (
                "refuses",
                refusal.map(|r| r.message.clone()).unwrap_or_default(),
            ),
            Some(at) if at < place => ("not_asked", String::new()),
            _ => ("passes", String::new()),
        };
        Finding {
            rule,
            scope: "api_key",
            outcome,
            detail,
        }
    });
    let mut all: Vec<Finding> = own.collect();
    all.extend(limits.iter().zip(used).map(|(limit, used)| {
        let used = *used;
        let named = refusal
            .is_some_and(|r| r.rule == limit.kind.as_str() && r.scope == limit.scope.as_str());
        let full = used >= limit.amount || named;
        let outcome = match limit.mode {
            _ if refuses_at.is_some() => "not_asked",
            LimitMode::Enforce if full => "refuses",
            LimitMode::Observe if full => "would_refuse",
            _ => "passes",
        };
        Finding {
            rule: limit.kind.as_str(),
            scope: limit.scope.as_str(),
            outcome,
            detail: figures(limit, used),
        }
    }));
    all
}

fn figures(limit: &Limit, used: i64) -> String {
    if limit.kind == LimitKind::Budget {
        let money = |nanos| modelgate_domain::money::format_nanos(nanos);
        let period = limit.period.map_or("", |period| period.as_str());
        let (used, amount) = (money(used), money(limit.amount));
        return format!("{used} of {amount} {} {period}", limit.currency);
    }
    format!("{used} of {}", limit.amount)
}

/// What would be tried and what is full, each with its state.
fn in_order(plan: &Plan) -> impl Iterator<Item = (&Candidate, &'static str)> {
    let (well, resting) = plan.attempts.split_at(plan.well.min(plan.attempts.len()));
    let states = [
        (well, "ready"),
        (&plan.busy[..], "busy"),
        (resting, "resting"),
    ];
    states
        .into_iter()
        .flat_map(|(of, state)| of.iter().map(move |candidate| (candidate, state)))
}

fn steps(plan: &Plan, health: &Health, now_ms: i64) -> Vec<Step> {
    in_order(plan)
        .map(|(candidate, state)| step(candidate, state, health, now_ms))
        .collect()
}

fn step(candidate: &Candidate, state: &'static str, health: &Health, now_ms: i64) -> Step {
    let Candidate {
        target,
        credential,
        reason,
    } = candidate;
    let expected = health.latency_ms(target.id, now_ms);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and an expectation is never negative"
    )]
    let latency_ms = (expected > 0.0).then(|| expected.round() as u64);
    Step {
        provider: target.provider.name.to_string(),
        upstream_model: target.upstream_model.to_string(),
        credential: number(target, credential),
        label: credential.label.to_string(),
        reason,
        state,
        in_flight: health.in_flight(credential.id),
        waiting: health.waiting(credential.id),
        limits: Vec::new(),
        latency_ms,
    }
}

fn left(skipped: &crate::routing::Skipped) -> Left {
    let (target, credential) = (&skipped.target, skipped.credential.as_ref());
    let until_ms = match skipped.why {
        Skip::CredentialCooling { until_ms }
        | Skip::CredentialExhausted { until_ms }
        | Skip::CredentialRejected { until_ms } => until_ms,
        _ => None,
    };
    Left {
        provider: target.provider.name.to_string(),
        upstream_model: target.upstream_model.to_string(),
        credential: credential.map(|credential| number(target, credential)),
        label: credential.map_or(String::new(), |credential| credential.label.to_string()),
        why: skipped.why.code(),
        until_ms,
    }
}

/// Which of its provider's credentials it is, from 1: labels are for operators.
fn number(target: &Target, credential: &Arc<Credential>) -> usize {
    let mut all = target.provider.credentials.iter();
    let place = all.position(|other| other.id == credential.id);
    place.map_or(0, |place| place.saturating_add(1))
}

fn fallbacks(question: &Question<'_>, request: &PlanRequest<'_>, health: &Health) -> Vec<Instead> {
    let Ask { key, resolved, .. } = question.ask;
    if !key.fallbacks || resolved.pinned.is_some() {
        return Vec::new();
    }
    let usable = |model: &Arc<Model>| {
        let instead = Resolved {
            model: Arc::clone(model),
            pinned: None,
        };
        let planned = plan(
            health,
            &PlanRequest {
                resolved: &instead,
                ..*request
            },
        );
        let somewhere = !planned.attempts.is_empty() || !planned.busy.is_empty();
        model.enabled && key.may_use_resolved(&instead) && somewhere
    };
    let all = resolved.model.fallbacks.iter().map(|fallback| Instead {
        model: fallback.model.to_string(),
        cause: match fallback.cause {
            Cause::Any => "any",
            cause => cause.as_str(),
        },
        usable: question
            .catalog
            .models
            .get(&fallback.model)
            .is_some_and(usable),
    });
    all.collect()
}
