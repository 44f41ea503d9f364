//! What plans promise on random worlds.

use std::sync::Arc;

use ahash::AHashSet;
use modelgate_domain::{ProviderId, TargetId};
use proptest::prelude::*;

use super::plan_tests::{NOW, ask, reasons, report, shape};
use super::{Candidate, Health, Outcome, Plan, plan};
use crate::catalog::fixtures::{self, Build};
use crate::catalog::{AllowedModels, ApiKey, CredentialState, Resolved, Target};

fn any_target(id: i64) -> impl Strategy<Value = Target> {
    let credential = (0..3_u32, 0..5_usize, prop::option::of(1..3_u32));
    let credentials = prop::collection::vec(credential, 0..4);
    (
        0..3_i32,
        0..3_u32,
        any::<bool>(),
        any::<bool>(),
        credentials,
    )
        .prop_map(
            move |(priority, weight, enabled, provider_enabled, credentials)| {
                let states = [
                    CredentialState::Active,
                    CredentialState::Cooldown,
                    CredentialState::Exhausted,
                    CredentialState::Rejected,
                    CredentialState::Disabled,
                ];
                let mut provider = fixtures::provider(id, &format!("p{id}"));
                provider.enabled = provider_enabled;
                let made = credentials.iter().zip(id * 10..).map(|(parts, id)| {
                    let mut credential = fixtures::credential(id);
                    (credential.weight, credential.max_concurrency) = (parts.0, parts.2);
                    credential.state = states[parts.1];
                    Arc::new(credential)
                });
                provider.credentials = made.collect();
                let mut target = fixtures::target(id, &Arc::new(provider), priority);
                (target.weight, target.enabled) = (weight, enabled);
                target
            },
        )
}

fn any_world() -> impl Strategy<Value = (Resolved, ApiKey)> {
    let targets = prop::collection::vec(any::<bool>(), 0..5).prop_flat_map(|t| {
        (1..)
            .zip(t)
            .map(|(id, _)| any_target(id))
            .collect::<Vec<_>>()
    });
    let pinned = prop::option::of(1..5_i64);
    let allowed = prop::option::of((any::<bool>(), prop::collection::vec(1..5_i64, 0..4)));
    (targets, pinned, allowed).prop_map(|(targets, pinned, allowed)| {
        let targets = targets.into_iter().map(Arc::new).collect();
        let resolved = Resolved {
            model: Arc::new(fixtures::model(1, "m", targets)),
            pinned: pinned.map(ProviderId),
        };
        let key = match allowed {
            None => Build::key(),
            Some((true, targets)) => Build::key_only(&[1], &targets),
            Some((false, targets)) => Build::key_only(&[], &targets),
        };
        (resolved, key)
    })
}

fn may_be_tried(candidate: &Candidate, resolved: &Resolved, key: &ApiKey) -> bool {
    let (target, credential) = (&candidate.target, &candidate.credential);
    let allowed = match &key.allowed {
        AllowedModels::All => true,
        AllowedModels::Only { models, targets } => {
            models.contains(&resolved.model.id) || targets.contains(&target.id)
        }
    };
    allowed
        && target.enabled
        && target.provider.enabled
        && target.weight > 0
        && credential.weight > 0
        && credential.state == CredentialState::Active
        && resolved.pinned.is_none_or(|id| id == target.provider.id)
        && target
            .provider
            .credentials
            .iter()
            .any(|c| Arc::ptr_eq(c, credential))
}

proptest! {
    #[test]
    fn a_plan_holds_everything_that_may_be_tried_once_and_nothing_else(
        (resolved, key) in any_world(),
        seed in any::<u64>(),
    ) {
        let health = Health::new();
        let made = plan(&health, &ask(&resolved, &key, seed));
        let mut seen = AHashSet::new();
        for candidate in &made.attempts {
            prop_assert!(may_be_tried(candidate, &resolved, &key));
            prop_assert!(seen.insert((candidate.target.id, candidate.credential.id)));
        }
        let wanted = resolved.model.targets.iter().flat_map(|target| {
            target.provider.credentials.iter().map(|credential| Candidate {
                target: Arc::clone(target),
                credential: Arc::clone(credential),
                reason: "",
            })
        });
        let wanted = wanted.filter(|c| may_be_tried(c, &resolved, &key)).count();
        prop_assert_eq!(made.attempts.len(), wanted);
        let known: AHashSet<TargetId> = made.skipped.iter().map(|s| s.target.id)
            .chain(made.attempts.iter().map(|c| c.target.id)).collect();
        prop_assert_eq!(known.len(), resolved.model.targets.len());
        let priorities: Vec<i32> = made.attempts.iter().map(|c| c.target.priority).collect();
        prop_assert!(priorities.is_sorted());
    }

    #[test]
    fn the_same_seed_gives_the_same_plan((resolved, key) in any_world(), seed in any::<u64>()) {
        let health = Health::new();
        let once = plan(&health, &ask(&resolved, &key, seed));
        let twice = plan(&health, &ask(&resolved, &key, seed));
        prop_assert_eq!(shape(&once), shape(&twice));
        prop_assert_eq!(reasons(&once), reasons(&twice));
    }

    #[test]
    fn trouble_changes_the_order_and_never_the_set(
        (resolved, key) in any_world(),
        seed in any::<u64>(),
        troubles in prop::collection::vec((0..8_usize, 0..5_usize), 0..8),
    ) {
        let health = Health::new();
        let before = plan(&health, &ask(&resolved, &key, seed));
        let kinds = [
            Outcome::RateLimited { retry_after_ms: None },
            Outcome::AccountLimited { retry_after_ms: None },
            Outcome::Forbidden,
            Outcome::Unreachable,
            Outcome::Failed,
        ];
        for (place, kind) in troubles {
            if let Some(candidate) = before.attempts.get(place) {
                report(&health, candidate, kinds[kind]);
            }
        }
        let after = plan(&health, &ask(&resolved, &key, seed));
        let set = |plan: &Plan| -> AHashSet<(i64, i64)> {
            shape(plan).iter().map(|(t, c, _)| (*t, *c)).collect()
        };
        prop_assert_eq!(set(&before), set(&after));
        let resting: Vec<bool> = after.attempts.iter()
            .map(|c| health.resting(c, NOW).is_some()).collect();
        prop_assert!(resting.is_sorted(), "something well stands behind something that rests");
    }
}
