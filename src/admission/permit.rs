//! Admission itself, and the permit that gives everything back when it is dropped.

use std::sync::Arc;

use super::live::{Counter, Counters, LiveCounters};
use super::rules::{Ask, Refusal, refuse};

/// The shared state of admission. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    counters: Arc<Counters>,
}

/// One admitted call. Whatever way the call ends, dropping this takes it off the counters.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's admission"]
pub struct Permit {
    counters: Arc<Counters>,
    key: Arc<Counter>,
    stream: bool,
}

impl Admission {
    /// Nothing is running.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks every rule, and counts the call in only when all of them let it through.
    pub fn admit(&self, ask: &Ask<'_>) -> Result<Permit, Refusal> {
        refuse(ask)?;
        let key = self.counters.of(ask.key.id);
        self.counters.total.add(ask.stream, 1);
        key.add(ask.stream, 1);
        Ok(Permit {
            counters: Arc::clone(&self.counters),
            key,
            stream: ask.stream,
        })
    }

    /// What runs now in this process.
    pub fn live(&self) -> LiveCounters {
        self.counters.read()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.key.add(self.stream, -1);
        self.counters.total.add(self.stream, -1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::KeyLive;
    use crate::catalog::fixtures::Build;
    use modelgate_domain::ApiKeyId;

    #[test]
    fn a_permit_counts_until_it_is_dropped_and_a_refusal_never_counts() {
        let catalog = Build::new()
            .provider(1, "acme")
            .model(1, "gpt-x", &[1])
            .done();
        let resolved = catalog.resolve("gpt-x").unwrap();
        let key = Build::key();
        let ask = |stream| Ask {
            key: &key,
            resolved: &resolved,
            stream,
            now_ms: 0,
        };
        let admission = Admission::new();
        let plain = admission.admit(&ask(false)).unwrap();
        let stream = admission.clone().admit(&ask(true)).unwrap();
        let live = KeyLive {
            active_requests: 2,
            active_streams: 1,
        };
        assert_eq!(admission.live().by_key, [(ApiKeyId(1), live)]);
        assert_eq!(admission.live().active_streams, 1);
        let barred = Build::key_only(&[], &[]);
        let refused = admission.admit(&Ask {
            key: &barred,
            ..ask(true)
        });
        assert_eq!(refused.unwrap_err().code, "model_not_allowed");
        assert_eq!(admission.live().active_requests, 2);
        drop(stream);
        assert_eq!(admission.live().active_streams, 0);
        assert_eq!(admission.live().active_requests, 1);
        drop(plain);
        assert_eq!(admission.live(), LiveCounters::default());
    }
}
