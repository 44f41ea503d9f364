//! Answers that are worked out once for everybody who asks: per process, not per viewer.
//!
//! What is read quickly is read anew each time. What takes long is shown for fifty times as long as it took, a minute
//! at the most, while one reader fetches it anew behind the pages: however many look, the database works a fiftieth of
//! the time for each range.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use modelgate_store::StoreError;
use tokio::runtime::Handle;

use crate::clock::Clock;

/// What is read in less is read for each page.
const QUICK_MS: i64 = 25;
const TIMES: i64 = 50;
/// No figure on a page is older.
const OLDEST_MS: i64 = 60_000;
/// How many answers are kept: ranges of people's own come and go.
const ROOM: usize = 64;

/// Answers by what they are about.
#[derive(Debug)]
pub(in crate::web) struct Desk<K, T> {
    slots: Mutex<HashMap<K, Arc<Slot<T>>>>,
}

#[derive(Debug)]
struct Slot<T> {
    kept: Mutex<Option<Kept<T>>>,
    /// Held by the one who reads.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Kept<T> {
    value: Arc<T>,
    taken_ms: i64,
    cost_ms: i64,
}

impl<K, T> Default for Desk<K, T> {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
        }
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            ..*self
        }
    }
}

impl<T> Kept<T> {
    /// How long it may be shown without a look at the database.
    fn good_for_ms(&self, at_least_ms: i64) -> i64 {
        if self.cost_ms < QUICK_MS {
            return at_least_ms;
        }
        let worth = self.cost_ms.saturating_mul(TIMES).min(OLDEST_MS);
        worth.max(at_least_ms)
    }
}

impl<K: Eq + Hash + Clone, T: Send + Sync + 'static> Desk<K, T> {
    /// The answer to `key`: one that is kept and good still, or what `read` finds. `at_least_ms` is how long even a
    /// quick answer may be shown to others.
    pub(in crate::web) async fn get<F, R>(
        &self,
        key: &K,
        (clock, behind): (&Clock, &Handle),
        at_least_ms: i64,
        read: F,
    ) -> Result<Arc<T>, StoreError>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let slot = self.slot(key);
        let asked_ms = clock.now_ms();
        if let Some(kept) = slot.kept() {
            let age = asked_ms.saturating_sub(kept.taken_ms);
            if (0..kept.good_for_ms(at_least_ms)).contains(&age) {
                return Ok(kept.value);
            }
            if kept.cost_ms >= QUICK_MS && (0..OLDEST_MS).contains(&age) {
                let clock = clock.clone();
                behind.spawn(async move {
                    // Somebody is reading already: that will do.
                    let Ok(_turn) = slot.turn.try_lock() else {
                        return;
                    };
                    if let Err(error) = slot.fill(&clock, read).await {
                        tracing::warn!(%error, "figures could not be read anew");
                    }
                });
                return Ok(kept.value);
            }
        }
        let _turn = slot.turn.lock().await;
        if let Some(kept) = slot.kept()
            && kept.taken_ms >= asked_ms
        {
            return Ok(kept.value);
        }
        slot.fill(clock, read).await
    }

    fn slot(&self, key: &K) -> Arc<Slot<T>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= ROOM {
            slots.clear();
        }
        let slot = Arc::new(Slot {
            kept: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        });
        slots.insert(key.clone(), Arc::clone(&slot));
        slot
    }
}

impl<T> Slot<T> {
    fn kept(&self) -> Option<Kept<T>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    async fn fill<F, R>(&self, clock: &Clock, read: F) -> Result<Arc<T>, StoreError>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<T, StoreError>>,
    {
        let taken_ms = clock.now_ms();
        let value = Arc::new(read().await?);
        let kept = Kept {
            value: Arc::clone(&value),
            taken_ms,
            cost_ms: clock.now_ms().saturating_sub(taken_ms).max(0),
        };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// A desk whose reads take `cost_ms` of a clock that stands still otherwise.
    struct Trial {
        desk: Desk<u8, usize>,
        clock: Clock,
        reads: Arc<AtomicUsize>,
    }

    impl Trial {
        fn new() -> Self {
            Self {
                desk: Desk::default(),
                clock: Clock::fixed(1_000_000),
                reads: Arc::default(),
            }
        }

        async fn get(&self, at_least_ms: i64, cost_ms: i64) -> usize {
            let (clock, reads) = (self.clock.clone(), Arc::clone(&self.reads));
            let read = move || async move {
                tokio::task::yield_now().await;
                clock.advance_ms(cost_ms);
                Ok(reads.fetch_add(1, Ordering::SeqCst) + 1)
            };
            let place = (&self.clock, &Handle::current());
            *self.desk.get(&1, place, at_least_ms, read).await.unwrap()
        }
    }

    #[tokio::test]
    async fn what_is_quick_is_read_anew_and_shared_among_streams() {
        let trial = Trial::new();
        assert_eq!(trial.get(0, 1).await, 1);
        assert_eq!(trial.get(0, 1).await, 2);
        assert_eq!(trial.get(2_000, 1).await, 2);
        trial.clock.advance_ms(3_000);
        assert_eq!(trial.get(2_000, 1).await, 3);
    }

    #[tokio::test]
    async fn what_is_slow_is_shown_while_one_reads_anew() {
        let trial = Trial::new();
        assert_eq!(trial.get(0, 200).await, 1);
        trial.clock.advance_ms(9_000);
        assert_eq!(trial.get(0, 200).await, 1, "good for fifty times as long");
        trial.clock.advance_ms(2_000);
        assert_eq!(trial.get(0, 200).await, 1, "shown once more");
        while trial.reads.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::task::yield_now().await;
        assert_eq!(trial.get(0, 200).await, 2);
        trial.clock.advance_ms(OLDEST_MS);
        assert_eq!(trial.get(0, 200).await, 3, "too old to be shown");
    }

    #[tokio::test]
    async fn many_who_ask_at_once_are_answered_by_one_reading() {
        let trial = Trial::new();
        let all = futures_util::future::join_all((0..20).map(|_| trial.get(0, 200))).await;
        assert_eq!(all, [1; 20]);
    }
}
