//! A flood of refusals shares rows: one a second for each key, code, model, endpoint, scope and client address.

use std::sync::{Arc, Mutex, Weak};

use ahash::AHashMap;
use modelgate_domain::{ApiKeyId, ModelId, RequestId, RequestRecord};

use super::frame::News;
use super::lock;
use super::shared::{Holder, Shared};
use super::writer::Appender;

const WINDOW_MS: i64 = 1_000;
/// Windows are swept when there are this many, so that old keys do not pile up.
const SWEEP_AT: usize = 1_024;

/// Records refusals of all serving threads in one segment, so that a repetition always follows what it repeats.
#[derive(Debug)]
pub(super) struct Refusals {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    appender: Appender,
    windows: AHashMap<Kinship, Window>,
}

/// Refusals that may share a row. The roll-ups stay exact, since none of their keys is lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kinship {
    key: ApiKeyId,
    model: ModelId,
    code: String,
    endpoint: String,
    /// Whose rule it was.
    scope: &'static str,
    client: String,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    row: RequestId,
    since_ms: i64,
}

impl Refusals {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        let refusals = Arc::new(Self {
            state: Mutex::new(State {
                appender: Appender::new(Arc::clone(&shared)),
                windows: AHashMap::new(),
            }),
            shared,
        });
        let holder: Weak<Self> = Arc::downgrade(&refusals);
        refusals.shared.register(holder);
        refusals
    }

    /// Records a refusal, as a row or as a repetition.
    pub(super) fn add(&self, record: &RequestRecord, scope: &'static str) {
        let now = self.shared.clock.now_ms();
        let kinship = Kinship {
            key: record.api_key_id,
            model: record.model_id,
            code: record.error_code.clone(),
            endpoint: record.endpoint.clone(),
            scope,
            client: record.client_ip.clone(),
        };
        let fresh = |w: &Window| (w.since_ms..w.since_ms + WINDOW_MS).contains(&now);
        let mut state = lock(&self.state);
        if let Some(window) = state.windows.get(&kinship).copied().filter(fresh) {
            state.appender.append_or_hold(News::Again(window.row));
            return;
        }
        if state.windows.len() >= SWEEP_AT {
            state.windows.retain(|_, window| fresh(window));
        }
        let window = Window {
            row: record.id,
            since_ms: now,
        };
        state.windows.insert(kinship, window);
        state.appender.append_or_hold(News::Ended(record, &[]));
    }
}

impl Holder for Refusals {
    fn flush(&self) {
        lock(&self.state).appender.flush();
    }

    fn holds(&self) -> bool {
        lock(&self.state).appender.holds()
    }
}
