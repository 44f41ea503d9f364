//! The plans of one call: for the model that was asked for, and for those that may take over.

use std::collections::VecDeque;
use std::sync::Arc;

use modelgate_domain::{Cause, Strategy};

use super::settle::Settlement;
use super::state::Worker;
use crate::admission::{Ask, Weight};
use crate::catalog::{ApiKey, Catalog, Fallback, Resolved};
use crate::routing::{Attempts, Plan, PlanRequest, plan};

/// What a call's plans are made from.
pub(super) struct Planner {
    pub(super) key: Arc<ApiKey>,
    catalog: Arc<Catalog>,
    kind: &'static str,
    only: Option<&'static str>,
    seed: u64,
    conversation: u64,
    fallbacks: VecDeque<Fallback>,
    /// How much the call may use.
    weight: Weight,
}

impl Planner {
    /// For a call of `asked` on an endpoint that serves models of this kind, and only at providers of this protocol. `conversation` is only asked where it
    /// matters; `seed` decides what is left to chance.
    pub(super) fn new(
        (key, catalog): (Arc<ApiKey>, Arc<Catalog>),
        asked: &Resolved,
        (kind, only): (&'static str, Option<&'static str>),
        (seed, weight): (u64, Weight),
        conversation: impl FnOnce() -> Option<u64>,
    ) -> Self {
        // who names a provider wants no other, and so no other model
        let falls_back = key.fallbacks && asked.pinned.is_none();
        let fallbacks = if falls_back {
            asked.model.fallbacks.iter().cloned().collect()
        } else {
            VecDeque::new()
        };
        let told = asked.model.affinity.then(conversation).flatten();
        Self {
            conversation: told.unwrap_or_else(|| of_key(&key)),
            key,
            catalog,
            kind,
            only,
            seed,
            fallbacks,
            weight,
        }
    }

    /// Orders what may serve the call.
    pub(super) fn plan(&self, worker: &Worker, resolved: &Resolved) -> Plan {
        let takes_turns = resolved.model.strategy == Strategy::RoundRobin;
        let turn = || worker.health.turn(resolved.model.id, true);
        plan(
            &worker.health,
            &PlanRequest {
                resolved,
                key: &self.key,
                kind: self.kind,
                only: self.only,
                now_ms: worker.clock.now_ms(),
                seed: self.seed,
                turn: if takes_turns { turn() } else { 0 },
                conversation: Some(self.conversation),
                busyness: worker.admission.busyness(),
            },
        )
    }

    /// Lets the next model take over that may do so for this cause, has somewhere to go, and fits the limits.
    pub(super) async fn take_over(
        &mut self,
        worker: &Worker,
        settlement: &mut Settlement,
        cause: Cause,
    ) -> Option<(Resolved, Attempts)> {
        while let Some(resolved) = self.fall_back(cause) {
            let attempts = Attempts::of(self.plan(worker, &resolved));
            if attempts.is_empty() {
                continue;
            }
            let ask = Ask {
                key: &self.key,
                resolved: &resolved,
                stream: settlement.record.stream,
                weight: self.weight,
                address: settlement.record.client_ip.parse().ok(),
                started_ms: settlement.record.started_ms,
                now_ms: worker.clock.now_ms(),
            };
            if settlement.falls_back(&ask).await {
                return Some((resolved, attempts));
            }
        }
        None
    }

    /// The next model that may take over for this cause; each is given once, and the key must be allowed to use it.
    fn fall_back(&mut self, cause: Cause) -> Option<Resolved> {
        while let Some(fallback) = self.fallbacks.pop_front() {
            if fallback.cause != Cause::Any && fallback.cause != cause {
                continue;
            }
            let found = self.catalog.models.get(&fallback.model);
            let fits = |model: &&Arc<crate::catalog::Model>| {
                model.enabled && &*model.kind == self.kind && self.key.may_use(model, None)
            };
            if let Some(model) = found.filter(fits) {
                return Some(Resolved {
                    model: Arc::clone(model),
                    pinned: None,
                });
            }
        }
        None
    }
}

/// Left-out targets and credentials that a record names at most.
const MOST_LEFT_OUT: usize = 16;

/// What a plan left out and why, for the record: with the reason of the attempt, the decision. Empty where nothing
/// was left out.
pub(super) fn left_out(plan: &Plan) -> String {
    if plan.skipped.is_empty() {
        return String::new();
    }
    let skipped = plan.skipped.iter().take(MOST_LEFT_OUT);
    let skipped: Vec<serde_json::Value> = skipped
        .map(|left| {
            let credential = left.credential.as_ref().map(|c| c.id.0);
            let (target, why) = (left.target.id.0, left.why.code());
            serde_json::json!({ "target": target, "credential": credential, "why": why })
        })
        .collect();
    serde_json::json!({ "skipped": skipped }).to_string()
}

/// The conversation of a caller who does not tell them apart.
pub(super) fn of_key(key: &ApiKey) -> u64 {
    number([&key.id.0.to_le_bytes()[..]])
}

/// A number of what a conversation is told by: the same on every instance and after every start (FNV-1a).
pub(super) fn number<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let bytes = pieces.into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::Build;

    fn names(key: ApiKey, asked: &str, causes: &[Cause]) -> Vec<String> {
        let mut catalog = Build::new()
            .provider(1, "acme")
            .model(1, "first", &[1])
            .model(2, "long", &[1])
            .model(3, "kind", &[1])
            .model(4, "off", &[1])
            .disable_model("off")
            .done();
        let mut first = crate::catalog::fixtures::model(1, "first", vec![]);
        first.targets.clone_from(&catalog.models["first"].targets);
        let fallback = |model: &str, cause| Fallback {
            model: model.into(),
            cause,
        };
        first.fallbacks = vec![
            fallback("off", Cause::Any),
            fallback("gone", Cause::Any),
            fallback("long", Cause::ContextTooLong),
            fallback("kind", Cause::Any),
        ];
        catalog.models.insert("first".into(), Arc::new(first));
        let asked = catalog.resolve(asked).unwrap();
        let parts = (Arc::new(key), Arc::new(catalog));
        let mut planner = Planner::new(
            parts,
            &asked,
            ("chat", None),
            (1, Weight::default()),
            || None,
        );
        let found = causes.iter().filter_map(|cause| planner.fall_back(*cause));
        found
            .map(|resolved| resolved.model.name.to_string())
            .collect()
    }

    #[test]
    fn a_fallback_fits_the_cause_and_the_key_and_is_given_once() {
        let key = Build::key;
        assert_eq!(names(key(), "first", &[Cause::Overloaded; 3]), ["kind"]);
        let long = [Cause::ContextTooLong; 3];
        assert_eq!(names(key(), "first", &long), ["long", "kind"]);
        assert_eq!(names(key(), "acme/first", &long), Vec::<String>::new());
        assert_eq!(
            names(Build::key_only(&[1, 3], &[]), "first", &long),
            ["kind"]
        );
        let without = ApiKey {
            fallbacks: false,
            ..key()
        };
        assert_eq!(names(without, "first", &long), Vec::<String>::new());
    }

    #[test]
    fn numbers_are_the_same_everywhere() {
        assert_eq!(number([&b"a"[..]]), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(number([&b"a"[..], b"b"]), number([&b"ab"[..]]));
    }
}
