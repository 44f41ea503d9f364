//! Self-tests that the portal asks for: behind its pages, one at a time of each provider.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use modelgate_domain::{KeyText, ProviderId};
use modelgate_store::{Db, StoreError};

use super::{Gate, OWN, Subject, cases, keep, run};
use crate::assistant::{Front, key};
use crate::clock::Clock;
use crate::secrets::{Keyring, SecretsError};

/// What a bench rests on.
pub struct BenchParts {
    /// Where results are kept.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// Where the gateway is asked.
    pub front: Front,
}

/// How far a self-test has come, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many of so many cases are done.
    Running {
        /// The model's public name.
        model: String,
        /// Cases that are done.
        done: usize,
        /// Cases in all.
        of: usize,
    },
    /// It could not be made.
    Failed(String),
}

/// Runs self-tests in this process.
pub struct Bench {
    parts: BenchParts,
    key: KeyText,
    state: Mutex<HashMap<ProviderId, Progress>>,
}

impl Bench {
    /// Derives the key; asks nothing.
    pub fn new(parts: BenchParts, keyring: &Keyring) -> Result<Self, SecretsError> {
        Ok(Self {
            parts,
            key: key::derive(keyring, &OWN)?,
            state: Mutex::default(),
        })
    }

    /// How far the provider's self-test has come; nothing where none runs here and the last one ended as it should.
    pub fn progress(&self, provider: ProviderId) -> Option<Progress> {
        self.state().get(&provider).cloned()
    }

    /// Begins one, and comes back at once; false where one runs already.
    pub fn begin(self: &Arc<Self>, provider: ProviderId, subject: Subject) -> bool {
        let begun = Progress::Running {
            model: subject.model.clone(),
            done: 0,
            of: cases(),
        };
        let mut state = self.state();
        if matches!(state.get(&provider), Some(Progress::Running { .. })) {
            return false;
        }
        state.insert(provider, begun);
        drop(state);
        let bench = Arc::clone(self);
        self.parts.db.runtime().spawn(async move {
            let ended = bench.test(provider, &subject).await;
            let mut state = bench.state();
            match ended {
                Ok(()) => state.remove(&provider),
                Err(why) => state.insert(provider, Progress::Failed(why)),
            };
        });
        true
    }

    async fn test(&self, provider: ProviderId, subject: &Subject) -> Result<(), String> {
        let gate = self.gate().await?;
        let trials = run(&gate, subject, &self.parts.clock, |_| self.step(provider));
        let tested = trials.await.map_err(|none| none.to_string())?;
        let kept = keep(&self.parts.db, provider, tested).await;
        kept.map(|_id| ()).map_err(|error: StoreError| {
            tracing::warn!(%error, "the result of a self-test could not be kept");
            "the database was away when the result was to be kept".to_owned()
        })
    }

    async fn gate(&self) -> Result<Gate, String> {
        let parts = &self.parts;
        let ensured = key::ensure(&parts.db, &parts.clock, OWN, &self.key).await;
        ensured.map_err(|silent| silent.to_string())?;
        Ok(Gate {
            url: parts.front.url().map_err(|silent| silent.to_string())?,
            key: self.key.clone(),
            http: parts.front.http.clone(),
            db: parts.db.clone(),
        })
    }

    fn step(&self, provider: ProviderId) {
        if let Some(Progress::Running { done, .. }) = self.state().get_mut(&provider) {
            *done += 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, HashMap<ProviderId, Progress>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
