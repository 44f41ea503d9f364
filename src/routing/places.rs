//! The places of credentials: how many calls each may run, who runs, and who waits.
//!
//! A free place is taken with one atomic step as long as nobody waits. Where somebody does, newcomers go behind
//! them, and whoever gives a place back hands it on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use ahash::AHashMap;
use modelgate_domain::{ApiKeyId, ProviderKeyId};
use tokio::sync::oneshot;

use super::queue::{Lines, TicketId};
use crate::catalog::Credential;

/// All credentials' places. Cheap to clone; all clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    slots: RwLock<AHashMap<ProviderKeyId, Arc<Slot>>>,
    lines: Mutex<Lines<oneshot::Sender<Place>>>,
    divided_by: Arc<AtomicU32>,
}

#[derive(Debug)]
struct Slot {
    credential: ProviderKeyId,
    busy: AtomicU32,
    /// `u32::MAX` for any number.
    limit: AtomicU32,
    /// How many instances share the limit without knowing of each other.
    divided_by: Arc<AtomicU32>,
    /// How many wait: written under the lock of the lines.
    waiting: AtomicU32,
}

/// A place taken; dropping it gives it back, to the next one who waits if there is one.
#[derive(Debug)]
#[must_use = "dropping this frees the place"]
pub(super) struct Place {
    places: Places,
    slot: Arc<Slot>,
}

/// A stand in the lines of one or more credentials; dropping it leaves them.
#[derive(Debug)]
#[must_use = "dropping this leaves the lines"]
pub(super) struct Ticket {
    places: Places,
    id: TicketId,
    /// How many are served before it, as far as was known when it joined.
    pub(super) ahead: usize,
    granted: oneshot::Receiver<Place>,
}

/// The lines are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Slot {
    /// The part of the limit that this instance may use: at least one place of any.
    fn limit(&self) -> u32 {
        let limit = self.limit.load(Ordering::SeqCst);
        match self.divided_by.load(Ordering::Relaxed) {
            0 | 1 => limit,
            _ if limit == u32::MAX || limit == 0 => limit,
            parts => (limit / parts).max(1),
        }
    }

    /// One step, so that a place is never given twice.
    fn take(&self) -> bool {
        let limit = self.limit();
        self.busy
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |busy| {
                (busy < limit).then(|| busy.saturating_add(1))
            })
            .is_ok()
    }
}

impl Place {
    /// Whose place.
    pub(super) fn credential(&self) -> ProviderKeyId {
        self.slot.credential
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.slot.busy.fetch_sub(1, Ordering::SeqCst);
        // Whoever joins looks at `busy` after it shows in `waiting`: one of the two sees the other.
        if self.slot.waiting.load(Ordering::SeqCst) > 0 {
            self.places.hand_out(&self.slot);
        }
    }
}

impl Places {
    /// Takes a place, or none where all are taken or others wait for one.
    pub(super) fn take(&self, credential: &Credential) -> Option<Place> {
        let slot = self.slot(credential.id, credential.max_concurrency);
        if slot.waiting.load(Ordering::SeqCst) > 0 || !slot.take() {
            return None;
        }
        Some(Place {
            places: self.clone(),
            slot,
        })
    }

    /// Whether a place can be taken now. Only [`Places::take`] decides.
    pub(super) fn has_room(&self, credential: &Credential) -> bool {
        let Some(limit) = credential.max_concurrency else {
            return true;
        };
        let slots = self.slots();
        slots.get(&credential.id).map_or(limit > 0, |slot| {
            slot.waiting.load(Ordering::SeqCst) == 0
                && slot.busy.load(Ordering::SeqCst) < slot.limit()
        })
    }

    /// How many places of a credential are taken.
    pub(super) fn busy(&self, credential: ProviderKeyId) -> u32 {
        let slots = self.slots();
        slots
            .get(&credential)
            .map_or(0, |slot| slot.busy.load(Ordering::SeqCst))
    }

    /// How many calls wait for a place of a credential.
    pub(super) fn waiting(&self, credential: ProviderKeyId) -> usize {
        self.lines().waiting(credential)
    }

    /// Calls that wait, by API key.
    pub(super) fn waiting_by_key(&self) -> AHashMap<ApiKeyId, usize> {
        self.lines().by_key()
    }

    /// Joins the lines of these credentials, of which each takes `bound` tickets.
    pub(super) fn join(
        &self,
        key: ApiKeyId,
        credentials: &[&Credential],
        bound: usize,
    ) -> Result<Ticket, Full> {
        let slots: Vec<Arc<Slot>> = credentials
            .iter()
            .map(|c| self.slot(c.id, c.max_concurrency))
            .collect();
        let ids: Vec<ProviderKeyId> = slots.iter().map(|slot| slot.credential).collect();
        let (told, granted) = oneshot::channel();
        let joined = {
            let mut lines = self.lines();
            let joined = lines.join(key, &ids, bound, told);
            let joined = joined.map_err(|_told| Full)?;
            self.show_waiting(&lines, &ids);
            joined
        };
        // their owners learn of it by the closed channel
        drop(joined.turned_away);
        for slot in &slots {
            self.hand_out(slot);
        }
        Ok(Ticket {
            places: self.clone(),
            id: joined.id,
            ahead: joined.ahead,
            granted,
        })
    }

    /// Puts a new limit in force; what it makes free is handed out at once.
    pub(super) fn resize(&self, credential: ProviderKeyId, limit: Option<u32>) {
        let known = self.slots().get(&credential).map(Arc::clone);
        if let Some(slot) = known {
            slot.limit
                .store(limit.unwrap_or(u32::MAX), Ordering::SeqCst);
            self.hand_out(&slot);
        }
    }

    /// Leaves this instance one part of so many of every limit; what that makes free is handed out at once.
    pub(super) fn divide(&self, parts: u32) {
        if self.shared.divided_by.swap(parts, Ordering::Relaxed) == parts {
            return;
        }
        let slots: Vec<Arc<Slot>> = self.slots().values().map(Arc::clone).collect();
        for slot in &slots {
            self.hand_out(slot);
        }
    }

    /// Gives free places to those who wait for them.
    fn hand_out(&self, slot: &Arc<Slot>) {
        loop {
            let granted = {
                let mut lines = self.lines();
                if lines.waiting(slot.credential) == 0 || !slot.take() {
                    return;
                }
                let place = Place {
                    places: self.clone(),
                    slot: Arc::clone(slot),
                };
                let owner = lines.take(slot.credential);
                self.show_all_waiting(&lines);
                (owner, place)
            };
            // Out of the lock: a place that nobody takes any more is given back, and that takes the lock.
            match granted {
                (Some(owner), place) => drop(owner.send(place)),
                (None, place) => drop(place),
            }
        }
    }

    fn show_waiting(&self, lines: &Lines<oneshot::Sender<Place>>, of: &[ProviderKeyId]) {
        let slots = self.slots();
        for credential in of {
            if let Some(slot) = slots.get(credential) {
                let waiting = u32::try_from(lines.waiting(*credential)).unwrap_or(u32::MAX);
                slot.waiting.store(waiting, Ordering::SeqCst);
            }
        }
    }

    fn show_all_waiting(&self, lines: &Lines<oneshot::Sender<Place>>) {
        for (credential, slot) in self.slots().iter() {
            let waiting = u32::try_from(lines.waiting(*credential)).unwrap_or(u32::MAX);
            slot.waiting.store(waiting, Ordering::SeqCst);
        }
    }

    fn slot(&self, credential: ProviderKeyId, limit: Option<u32>) -> Arc<Slot> {
        if let Some(slot) = self.slots().get(&credential) {
            return Arc::clone(slot);
        }
        let slots = &self.shared.slots;
        let mut slots = slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(credential).or_insert_with(|| {
            Arc::new(Slot {
                credential,
                busy: AtomicU32::new(0),
                limit: AtomicU32::new(limit.unwrap_or(u32::MAX)),
                divided_by: Arc::clone(&self.shared.divided_by),
                waiting: AtomicU32::new(0),
            })
        });
        Arc::clone(slot)
    }

    fn slots(&self) -> std::sync::RwLockReadGuard<'_, AHashMap<ProviderKeyId, Arc<Slot>>> {
        let slots = &self.shared.slots;
        slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, Lines<oneshot::Sender<Place>>> {
        let lines = &self.shared.lines;
        lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Waits for a place; [`Full`] where the ticket had to make room for another key's.
    pub(super) async fn granted(&mut self) -> Result<Place, Full> {
        (&mut self.granted).await.map_err(|_turned_away| Full)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lines = self.places.lines();
        if lines.leave(self.id).is_some() {
            self.places.show_all_waiting(&lines);
        }
        // A place that was granted meanwhile goes with the channel, after the lock.
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
