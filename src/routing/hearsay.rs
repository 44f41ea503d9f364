//! What instances tell each other of vendors' health: who rests, and who is well again.

use super::Reason;
use super::breaker::{Breaker, Standing};
use super::event::Subject;
use super::health::Health;

/// Something that rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// What.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
    /// Until when, epoch milliseconds.
    pub until_ms: i64,
}

impl Health {
    /// Everything that rests now.
    pub fn rests(&self, now_ms: i64) -> Vec<Rest> {
        if self.knows_nothing() {
            return Vec::new();
        }
        let breakers = self.read();
        let rests = breakers.iter().filter_map(|(subject, breaker)| {
            let Standing::Open { until_ms } = breaker.standing(now_ms) else {
                return None;
            };
            Some(Rest {
                subject: *subject,
                reason: breaker.reason,
                until_ms,
            })
        });
        rests.collect()
    }

    /// Another instance has learnt that something rests. Nobody is told: that one has told already.
    pub fn hears(&self, rest: &Rest, now_ms: i64) {
        let mut breakers = self.write();
        let breaker = breakers
            .entry(rest.subject)
            .or_insert_with(|| Breaker::new(now_ms));
        breaker.rest(rest.reason, Some(rest.until_ms), now_ms);
        self.count(&breakers);
    }

    /// Another instance has found that something is well again.
    pub fn hears_well(&self, subject: Subject, now_ms: i64) {
        let mut breakers = self.write();
        if let Some(breaker) = breakers.get_mut(&subject) {
            breaker.served(now_ms, now_ms);
            if breaker.is_spent(now_ms) {
                breakers.remove(&subject);
            }
        }
        self.count(&breakers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelgate_domain::{ProviderId, ProviderKeyId};

    #[test]
    fn what_one_learnt_holds_for_another_until_it_is_well_again() {
        let subject = Subject {
            provider: ProviderId(1),
            credential: Some(ProviderKeyId(2)),
            target: None,
        };
        let rest = Rest {
            subject,
            reason: Reason::Exhausted,
            until_ms: 60_000,
        };
        let (health, mut events) = Health::told();
        health.hears(&rest, 1_000);
        assert_eq!(health.rests(1_000), [rest]);
        assert_eq!(health.rests(60_000), [], "it ends by itself");
        health.hears_well(subject, 2_000);
        assert_eq!(health.rests(2_000), []);
        assert!(events.try_recv().is_err(), "who found it out tells it");
    }
}
