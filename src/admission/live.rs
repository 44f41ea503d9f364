//! What runs at this moment, counted, and who has called lately.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ahash::AHashMap;
use modelgate_domain::ApiKeyId;

/// A reading of the counters of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveCounters {
    /// Calls that were admitted and have not ended, streams included.
    pub active_requests: i64,
    /// Those that are streams.
    pub active_streams: i64,
    /// The same for each key that has a call running, by key.
    pub by_key: Vec<(ApiKeyId, KeyLive)>,
}

/// One key's share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLive {
    /// Its running calls, streams included.
    pub active_requests: i64,
    /// Those that are streams.
    pub active_streams: i64,
}

#[derive(Debug, Default)]
pub(super) struct Counter {
    requests: AtomicI64,
    streams: AtomicI64,
    /// When a call was last admitted or refused, epoch milliseconds.
    seen_ms: AtomicI64,
}

impl Counter {
    pub(super) fn add(&self, stream: bool, by: i64) {
        self.requests.fetch_add(by, Ordering::Relaxed);
        if stream {
            self.streams.fetch_add(by, Ordering::Relaxed);
        }
    }

    pub(super) fn seen(&self, now_ms: i64) {
        self.seen_ms.store(now_ms, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> KeyLive {
        KeyLive {
            active_requests: self.requests.load(Ordering::Relaxed),
            active_streams: self.streams.load(Ordering::Relaxed),
        }
    }
}

/// The counters of all keys seen by this process: a few words for each, so they are kept.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) total: Counter,
    keys: RwLock<AHashMap<ApiKeyId, Arc<Counter>>>,
}

impl Counters {
    pub(super) fn of(&self, key: ApiKeyId) -> Arc<Counter> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.get(&key) {
            return Arc::clone(counter);
        }
        drop(known);
        let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(key).or_default())
    }

    /// How many keys have a call running or had one since then.
    pub(super) fn active_since(&self, since_ms: i64) -> usize {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let active = |counter: &&Arc<Counter>| {
            counter.seen_ms.load(Ordering::Relaxed) >= since_ms
                || counter.requests.load(Ordering::Relaxed) > 0
        };
        known.values().filter(active).count()
    }

    pub(super) fn read(&self) -> LiveCounters {
        let total = self.total.read();
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut by_key: Vec<_> = known
            .iter()
            .map(|(id, counter)| (*id, counter.read()))
            .filter(|(_, live)| live.active_requests > 0)
            .collect();
        by_key.sort_unstable_by_key(|(id, _)| *id);
        LiveCounters {
            active_requests: total.active_requests,
            active_streams: total.active_streams,
            by_key,
        }
    }
}
