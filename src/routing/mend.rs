//! How trouble ends otherwise than by a served call: a probe, an operator, a changed configuration.

use modelgate_domain::{ProviderId, ProviderKeyId, StateBy};

use super::breaker::Standing;
use super::event::{State, Subject};
use super::health::{Ended, Health, well};
use super::{Outcome, Reason};
use crate::catalog::{Catalog, Credential};

impl Health {
    /// A probe found that a credential works: the calls go there again. The next trouble counts as a repeated one
    /// until a call has been served.
    ///
    /// False where nothing was known of it here: then nobody is told.
    pub fn recovered(&self, subject: Subject, now_ms: i64) -> bool {
        let mut breakers = self.write();
        let Some(breaker) = breakers.get_mut(&subject) else {
            return false;
        };
        let from = State::of(breaker.reason);
        let rested = breaker.reopen();
        drop(breakers);
        if rested {
            self.tell(well(subject, from, "probe", now_ms));
        }
        rested
    }

    /// A probe found that the vendor still does not accept a credential.
    pub fn still_rejected(&self, subject: Subject, now_ms: i64, detail: &str) {
        let ended = Ended {
            outcome: Outcome::Rejected,
            begun_ms: now_ms,
            now_ms,
            detail,
        };
        self.rest(subject, Reason::Rejected, None, &ended);
    }

    /// Forgets every trouble of a provider and of these of its credentials: an operator has changed something, or
    /// a test of the credential went well.
    pub fn forget(&self, provider: ProviderId, credentials: &[ProviderKeyId], now_ms: i64) {
        let mut ended = Vec::new();
        let mut breakers = self.write();
        breakers.retain(|subject, breaker| {
            let concerns = subject.provider == provider
                && subject
                    .credential
                    .is_none_or(|id| credentials.contains(&id));
            if concerns && breaker.standing(now_ms) != Standing::Closed {
                let from = State::of(breaker.reason);
                ended.push(well(*subject, from, "operator", now_ms));
            }
            !concerns
        });
        self.count(&breakers);
        drop(breakers);
        for event in ended {
            self.tell(event);
        }
    }

    /// Puts changed limits in force and forgets what was learnt about whatever an operator has changed: an observer
    /// of the catalog.
    pub fn adopt(&self, old: &Catalog, new: &Catalog, now_ms: i64) {
        for provider in new.providers.values() {
            for credential in &provider.credentials {
                self.places
                    .resize(credential.id, credential.max_concurrency);
            }
        }
        for (id, before) in &old.providers {
            let Some(now) = new.providers.get(id) else {
                let all: Vec<_> = before.credentials.iter().map(|c| c.id).collect();
                self.forget(*id, &all, now_ms);
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
                    moved || kept.is_none_or(|new| was_mended(old, new))
                })
                .map(|credential| credential.id)
                .collect();
            if moved || !changed.is_empty() {
                self.forget(*id, &changed, now_ms);
            }
        }
    }
}

/// An operator, and not this or another gateway, has changed what matters to the vendor.
fn was_mended(old: &Credential, new: &Credential) -> bool {
    let by_hand = new.state != old.state && new.state_by == StateBy::Admin;
    new.secret != old.secret || by_hand
}
