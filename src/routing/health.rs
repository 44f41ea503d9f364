//! What this process has learnt about vendors: who rests until when, and how busy each credential is.
//!
//! A rest is advice about order, not a ban: the plan tries what rests only after everything else, so
//! that a gateway with a single credential never refuses a call that the vendor might have answered.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ahash::AHashMap;
use modelgate_domain::{ProviderId, ProviderKeyId, TargetId};

use super::plan::Candidate;
use crate::catalog::{Catalog, Credential};

/// The longest rest that a vendor's `retry-after` can ask for; a wrong header shall not bench a key for ever.
const MAX_RETRY_AFTER_MS: i64 = 3_600_000;
/// Failures of a target in a row before it rests: single ones are the vendor's everyday noise.
const FAILURES_BEFORE_REST: u32 = 3;

/// How a vendor call ended, as far as the next ones are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The vendor answered: also with an error that is the caller's.
    Served,
    /// 429: this credential has had enough of this model, until then where the vendor said so.
    RateLimited {
        /// What `retry-after` said, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// 401: the vendor does not accept the credential.
    Rejected,
    /// 403: the vendor does not let the credential use this model.
    Forbidden,
    /// No connection, or no TLS: nothing at this provider can be reached.
    Unreachable,
    /// 5xx, closed, or silent before the first event.
    Failed,
}

/// Why and until when something rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Stable code: `rate_limited`, `rejected`, `forbidden`, `unreachable`, `failing`.
    pub reason: &'static str,
    /// Epoch milliseconds.
    pub until_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Provider(ProviderId),
    Credential(ProviderKeyId),
    Pair(ProviderKeyId, TargetId),
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    reason: &'static str,
    /// In a row, without a call served in between.
    count: u32,
    until_ms: i64,
}

/// The health of this process's view of the vendors. Cheap to clone; all clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Only what is in trouble: empty on a good day, so that a served call takes a read lock and no more.
    troubles: RwLock<AHashMap<Scope, Trouble>>,
    busy: RwLock<AHashMap<ProviderKeyId, Arc<AtomicU32>>>,
}

/// One running call of a credential; dropping it frees the place.
#[derive(Debug)]
#[must_use = "dropping this frees the place"]
pub struct InFlight(Arc<AtomicU32>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Health {
    /// Nothing known yet: everything counts as well.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one of the credential's places, or none where `max_concurrency` is reached. The plan
    /// looks at the same figure, but only this decides: others may have come in between.
    pub fn acquire(&self, credential: &Credential) -> Option<InFlight> {
        let counter = self.busy_of(credential.id);
        let limit = credential.max_concurrency.unwrap_or(u32::MAX);
        counter
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |busy| {
                (busy < limit).then(|| busy.saturating_add(1))
            })
            .ok()
            .map(|_before| InFlight(counter))
    }

    /// How many calls of a credential run now in this process.
    pub fn in_flight(&self, credential: ProviderKeyId) -> u32 {
        let busy = self
            .shared
            .busy
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        busy.get(&credential)
            .map_or(0, |counter| counter.load(Ordering::Acquire))
    }

    /// Notes how an attempt ended.
    pub fn report(&self, tried: &Candidate, outcome: Outcome, now_ms: i64) {
        let provider = Scope::Provider(tried.target.provider.id);
        let credential = Scope::Credential(tried.credential.id);
        let pair = Scope::Pair(tried.credential.id, tried.target.id);
        match outcome {
            Outcome::Served => self.clear(&[provider, credential, pair]),
            Outcome::RateLimited { retry_after_ms } => {
                self.clear(&[provider]);
                let told = retry_after_ms.map(|ms| ms.clamp(0, MAX_RETRY_AFTER_MS));
                let rest = |count| told.unwrap_or_else(|| backoff(1_000, count, 60_000));
                self.trouble(pair, "rate_limited", now_ms, rest);
            }
            Outcome::Rejected => {
                self.clear(&[provider]);
                let rest = |count| backoff(30_000, count, 1_800_000);
                self.trouble(credential, "rejected", now_ms, rest);
            }
            Outcome::Forbidden => {
                self.clear(&[provider]);
                let rest = |count| backoff(30_000, count, 1_800_000);
                self.trouble(pair, "forbidden", now_ms, rest);
            }
            Outcome::Unreachable => {
                self.trouble(provider, "unreachable", now_ms, |count| {
                    backoff(1_000, count, 60_000)
                });
            }
            Outcome::Failed => {
                self.clear(&[provider]);
                self.trouble(pair, "failing", now_ms, |count| {
                    match count.checked_sub(FAILURES_BEFORE_REST) {
                        Some(beyond) => backoff(1_000, beyond.saturating_add(1), 60_000),
                        None => 0,
                    }
                });
            }
        }
    }

    /// Whether this credential at this target rests now, and for the longest of the reasons.
    pub fn resting(&self, tried: &Candidate, now_ms: i64) -> Option<Resting> {
        let troubles = self.read();
        if troubles.is_empty() {
            return None;
        }
        let scopes = [
            Scope::Provider(tried.target.provider.id),
            Scope::Credential(tried.credential.id),
            Scope::Pair(tried.credential.id, tried.target.id),
        ];
        scopes
            .iter()
            .filter_map(|scope| troubles.get(scope))
            .filter(|trouble| trouble.until_ms > now_ms)
            .max_by_key(|trouble| trouble.until_ms)
            .map(|trouble| Resting {
                reason: trouble.reason,
                until_ms: trouble.until_ms,
            })
    }

    /// What a page shows for a credential: the longest rest of it, at any target, or of its provider.
    pub fn credential_resting(
        &self,
        provider: ProviderId,
        credential: ProviderKeyId,
        now_ms: i64,
    ) -> Option<Resting> {
        let troubles = self.read();
        troubles
            .iter()
            .filter(|(scope, trouble)| {
                let concerns = match scope {
                    Scope::Provider(id) => *id == provider,
                    Scope::Credential(id) | Scope::Pair(id, _) => *id == credential,
                };
                concerns && trouble.until_ms > now_ms
            })
            .max_by_key(|(_, trouble)| trouble.until_ms)
            .map(|(_, trouble)| Resting {
                reason: trouble.reason,
                until_ms: trouble.until_ms,
            })
    }

    /// Forgets every trouble of a provider, its credentials and its targets: an operator has changed
    /// something, or a test of the credential went well.
    pub fn forget(&self, provider: ProviderId, credentials: &[ProviderKeyId]) {
        let mut troubles = self.write();
        troubles.retain(|scope, _| match scope {
            Scope::Provider(id) => *id != provider,
            Scope::Credential(id) | Scope::Pair(id, _) => !credentials.contains(id),
        });
    }

    /// Forgets what was learnt about whatever an operator has changed: an observer of the catalog.
    pub fn adopt(&self, old: &Catalog, new: &Catalog) {
        for (id, before) in &old.providers {
            let Some(now) = new.providers.get(id) else {
                let all: Vec<_> = before.credentials.iter().map(|c| c.id).collect();
                self.forget(*id, &all);
                continue;
            };
            let moved = before.base_url != now.base_url
                || before.proxy_url != now.proxy_url
                || before.extra_headers != now.extra_headers;
            let changed: Vec<_> = before
                .credentials
                .iter()
                .filter(|old| {
                    let kept = now.credentials.iter().find(|new| new.id == old.id);
                    moved
                        || kept.is_none_or(|new| new.secret != old.secret || new.state != old.state)
                })
                .map(|credential| credential.id)
                .collect();
            if moved || !changed.is_empty() {
                self.forget(*id, &changed);
            }
        }
    }

    fn trouble(&self, at: Scope, reason: &'static str, now_ms: i64, rest: impl Fn(u32) -> i64) {
        let mut troubles = self.write();
        let entry = troubles.entry(at).or_insert(Trouble {
            reason,
            count: 0,
            until_ms: now_ms,
        });
        // Calls that were already on their way when the rest began say nothing new.
        let news = entry.until_ms <= now_ms || entry.reason != reason;
        if entry.reason != reason {
            entry.reason = reason;
            entry.count = 0;
        }
        if news {
            entry.count = entry.count.saturating_add(1);
        }
        let until_ms = now_ms.saturating_add(rest(entry.count));
        if news || until_ms > entry.until_ms {
            entry.until_ms = until_ms;
        }
    }

    fn clear(&self, scopes: &[Scope]) {
        let known = self.read();
        if !scopes.iter().any(|scope| known.contains_key(scope)) {
            return;
        }
        drop(known);
        let mut troubles = self.write();
        for scope in scopes {
            troubles.remove(scope);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, AHashMap<Scope, Trouble>> {
        let troubles = &self.shared.troubles;
        troubles.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, AHashMap<Scope, Trouble>> {
        let troubles = &self.shared.troubles;
        troubles.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn busy_of(&self, credential: ProviderKeyId) -> Arc<AtomicU32> {
        let known = self
            .shared
            .busy
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.get(&credential) {
            return Arc::clone(counter);
        }
        drop(known);
        let mut known = self
            .shared
            .busy
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(credential).or_default())
    }
}

/// `first`, doubled for every further trouble in a row, up to `most`.
fn backoff(first: i64, count: u32, most: i64) -> i64 {
    let doublings = count.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(most)
}
