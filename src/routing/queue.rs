//! The lines in front of saturated credentials: whose turn it is, on plain data.
//!
//! A ticket stands in the lines of all credentials that could serve it and leaves all of them with the first place.
//! A place goes to the API keys in turn and, within a key, to the ticket that came first, so that a key with a
//! thousand waiting calls delays another key by one call and no more. A full line makes room for a key that has
//! few tickets in it by turning away the newest of the key that has most.

use std::collections::VecDeque;

use ahash::AHashMap;
use modelgate_domain::{ApiKeyId, ProviderKeyId};

/// A waiting call.
pub(super) type TicketId = u64;

/// All lines. `T` is how a ticket's owner is told.
#[derive(Debug)]
pub(super) struct Lines<T> {
    at: AHashMap<ProviderKeyId, Line>,
    tickets: AHashMap<TicketId, Ticket<T>>,
    next: TicketId,
}

#[derive(Debug)]
struct Ticket<T> {
    key: ApiKeyId,
    at: Vec<ProviderKeyId>,
    owner: T,
}

#[derive(Debug, Default)]
struct Line {
    /// The keys that wait here, the next one first.
    turns: VecDeque<ApiKeyId>,
    of: AHashMap<ApiKeyId, VecDeque<TicketId>>,
    waiting: usize,
}

/// A ticket that has joined.
#[derive(Debug)]
pub(super) struct Joined<T> {
    pub(super) id: TicketId,
    /// How many tickets are served before it, if no more come: in the line where that is fewest.
    pub(super) ahead: usize,
    /// The owners of tickets that had to make room and wait nowhere any more.
    pub(super) turned_away: Vec<T>,
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self {
            at: AHashMap::new(),
            tickets: AHashMap::new(),
            next: 0,
        }
    }
}

impl<T> Lines<T> {
    /// Joins the lines of `credentials` that have room, `bound` tickets in each; gives the owner back where none has.
    pub(super) fn join(
        &mut self,
        key: ApiKeyId,
        credentials: &[ProviderKeyId],
        bound: usize,
        owner: T,
    ) -> Result<Joined<T>, T> {
        let id = self.next;
        let mut at = Vec::with_capacity(credentials.len());
        let mut ahead = usize::MAX;
        let mut turned_away = Vec::new();
        for credential in credentials {
            if at.contains(credential) {
                continue;
            }
            let line = self.at.entry(*credential).or_default();
            if line.waiting >= bound {
                let Some(newest) = line.makes_room_for(key) else {
                    continue;
                };
                turned_away.extend(self.strike(newest, *credential));
            }
            let line = self.at.entry(*credential).or_default();
            ahead = ahead.min(line.ahead_of(key));
            line.push(key, id);
            at.push(*credential);
        }
        if at.is_empty() {
            return Err(owner);
        }
        self.next = self.next.wrapping_add(1);
        self.tickets.insert(id, Ticket { key, at, owner });
        Ok(Joined {
            id,
            ahead,
            turned_away,
        })
    }

    /// Takes the ticket whose turn it is at a credential out of every line.
    pub(super) fn take(&mut self, credential: ProviderKeyId) -> Option<T> {
        let id = self.at.get_mut(&credential)?.first()?;
        self.leave(id)
    }

    /// Takes a ticket out of every line.
    pub(super) fn leave(&mut self, id: TicketId) -> Option<T> {
        let ticket = self.tickets.remove(&id)?;
        for credential in &ticket.at {
            if let Some(line) = self.at.get_mut(credential) {
                line.remove(ticket.key, id);
            }
        }
        Some(ticket.owner)
    }

    /// How many tickets wait at a credential.
    pub(super) fn waiting(&self, credential: ProviderKeyId) -> usize {
        self.at.get(&credential).map_or(0, |line| line.waiting)
    }

    /// How many tickets wait at all, and the keys they are of.
    pub(super) fn by_key(&self) -> AHashMap<ApiKeyId, usize> {
        let mut waiting: AHashMap<ApiKeyId, usize> = AHashMap::new();
        for ticket in self.tickets.values() {
            let count = waiting.entry(ticket.key).or_default();
            *count = count.saturating_add(1);
        }
        waiting
    }

    /// Takes a ticket out of one line; its owner, where that was the last.
    fn strike(&mut self, id: TicketId, credential: ProviderKeyId) -> Option<T> {
        let ticket = self.tickets.get_mut(&id)?;
        ticket.at.retain(|at| *at != credential);
        let (key, last) = (ticket.key, ticket.at.is_empty());
        if let Some(line) = self.at.get_mut(&credential) {
            line.remove(key, id);
        }
        if !last {
            return None;
        }
        self.tickets.remove(&id).map(|ticket| ticket.owner)
    }
}

impl Line {
    fn push(&mut self, key: ApiKeyId, id: TicketId) {
        let tickets = self.of.entry(key).or_default();
        if tickets.is_empty() {
            self.turns.push_back(key);
        }
        tickets.push_back(id);
        self.waiting = self.waiting.saturating_add(1);
    }

    /// Whose turn it is; the key goes to the end of the turns.
    fn first(&mut self) -> Option<TicketId> {
        let key = self.turns.pop_front()?;
        self.turns.push_back(key);
        self.of.get(&key)?.front().copied()
    }

    fn remove(&mut self, key: ApiKeyId, id: TicketId) {
        let Some(tickets) = self.of.get_mut(&key) else {
            return;
        };
        let Some(place) = tickets.iter().position(|ticket| *ticket == id) else {
            return;
        };
        tickets.remove(place);
        self.waiting = self.waiting.saturating_sub(1);
        if tickets.is_empty() {
            self.of.remove(&key);
            self.turns.retain(|waiting| *waiting != key);
        }
    }

    /// The newest ticket of the key that has most, where `key` has at least two fewer.
    fn makes_room_for(&self, key: ApiKeyId) -> Option<TicketId> {
        let own = self.of.get(&key).map_or(0, VecDeque::len);
        let most = self.of.values().max_by_key(|tickets| tickets.len())?;
        let greedy = most.len() > own.saturating_add(1);
        greedy.then(|| most.back().copied()).flatten()
    }

    /// How many tickets come before a new one of `key`.
    fn ahead_of(&self, key: ApiKeyId) -> usize {
        let own = self.of.get(&key).map_or(0, VecDeque::len);
        let place = self.turns.iter().position(|waiting| *waiting == key);
        let place = place.unwrap_or(self.turns.len());
        let others = self.turns.iter().enumerate();
        let before = others
            .filter(|(_, other)| **other != key)
            .map(|(at, other)| {
                // those whose turn comes sooner have one round more
                let rounds = own.saturating_add(usize::from(at < place));
                self.of.get(other).map_or(0, |t| t.len().min(rounds))
            });
        before.sum::<usize>().saturating_add(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: ProviderKeyId = ProviderKeyId(1);
    const TWO: ProviderKeyId = ProviderKeyId(2);

    /// Joins with the key as the owner's name, and says how many are ahead.
    fn join(lines: &mut Lines<i64>, key: i64, at: &[ProviderKeyId], bound: usize) -> Option<usize> {
        let joined = lines.join(ApiKeyId(key), at, bound, key).ok()?;
        Some(joined.ahead)
    }

    fn drain(lines: &mut Lines<i64>, at: ProviderKeyId) -> Vec<i64> {
        std::iter::from_fn(|| lines.take(at)).collect()
    }

    #[test]
    fn keys_take_turns_and_each_is_served_in_its_own_order() {
        let mut lines = Lines::default();
        let ahead: Vec<_> = [7, 7, 7, 8, 9, 8]
            .iter()
            .map(|key| join(&mut lines, *key, &[ONE], 10).unwrap())
            .collect();
        assert_eq!(ahead, [0, 1, 2, 1, 2, 4]);
        assert_eq!(drain(&mut lines, ONE), [7, 8, 9, 7, 8, 7]);
    }

    #[test]
    fn a_ticket_waits_everywhere_and_is_served_once() {
        let mut lines = Lines::default();
        join(&mut lines, 7, &[ONE, TWO, ONE], 10);
        join(&mut lines, 8, &[TWO], 10);
        assert_eq!((lines.waiting(ONE), lines.waiting(TWO)), (1, 2));
        assert_eq!(lines.take(ONE), Some(7));
        assert_eq!((lines.waiting(ONE), lines.waiting(TWO)), (0, 1));
        assert_eq!(drain(&mut lines, TWO), [8]);
        let gone = lines.join(ApiKeyId(9), &[ONE, TWO], 10, 9).unwrap();
        assert_eq!(lines.leave(gone.id), Some(9));
        assert_eq!(lines.leave(gone.id), None);
        assert_eq!((lines.take(ONE), lines.take(TWO)), (None, None));
    }

    #[test]
    fn a_full_line_makes_room_for_a_key_that_has_less_in_it() {
        let mut lines = Lines::default();
        for _ in 0..4 {
            join(&mut lines, 7, &[ONE], 4).unwrap();
        }
        assert_eq!(join(&mut lines, 7, &[ONE], 4), None, "full");
        let other = lines.join(ApiKeyId(8), &[ONE], 4, 8).unwrap();
        assert_eq!((other.turned_away, other.ahead), (vec![7], 1));
        join(&mut lines, 8, &[ONE], 4).unwrap();
        assert_eq!(join(&mut lines, 8, &[ONE], 4), None, "half each");
        assert_eq!(drain(&mut lines, ONE), [7, 8, 7, 8]);
        assert_eq!(join(&mut lines, 9, &[], 4), None, "nowhere to wait");
    }

    #[test]
    fn one_that_waits_elsewhere_too_only_loses_the_full_line() {
        let mut lines = Lines::default();
        for _ in 0..2 {
            join(&mut lines, 7, &[ONE, TWO], 2).unwrap();
        }
        let other = lines.join(ApiKeyId(8), &[ONE], 2, 8).unwrap();
        assert!(other.turned_away.is_empty());
        assert_eq!((lines.waiting(ONE), lines.waiting(TWO)), (2, 2));
        assert_eq!(drain(&mut lines, TWO), [7, 7]);
        assert_eq!(drain(&mut lines, ONE), [8]);
    }

    proptest! {
        /// However many calls of one key wait: a call of another key is served after at most one of them for
        /// each of its own key before it.
        #[test]
        fn nobody_is_starved(greedy in 1..1_000_usize, modest in 1..5_usize, late in 0..50_usize) {
            let mut lines = Lines::default();
            for _ in 0..greedy {
                join(&mut lines, 1, &[ONE], 2_000).unwrap();
            }
            for _ in 0..late.min(greedy) {
                lines.take(ONE);
            }
            for _ in 0..modest {
                join(&mut lines, 2, &[ONE], 2_000).unwrap();
            }
            let served = drain(&mut lines, ONE);
            prop_assert_eq!(served.len(), greedy - late.min(greedy) + modest);
            let mut of_two = 0;
            for (place, key) in served.iter().enumerate() {
                if *key == 2 {
                    prop_assert!(place <= 2 * of_two + 1, "{} after {} others", of_two, place);
                    of_two += 1;
                }
            }
            prop_assert_eq!(of_two, modest);
        }

        /// The number told on joining is the number served before, as long as nobody else comes.
        #[test]
        fn the_position_told_is_true(keys in prop::collection::vec(1..6_i64, 1..40), takes in 0..10_usize) {
            let mut lines = Lines::default();
            let (last, before) = keys.split_last().unwrap();
            for key in before {
                lines.join(ApiKeyId(*key), &[ONE], 100, false).unwrap();
            }
            for _ in 0..takes {
                lines.take(ONE);
            }
            let ahead = lines.join(ApiKeyId(*last), &[ONE], 100, true).unwrap().ahead;
            let served: Vec<bool> = std::iter::from_fn(|| lines.take(ONE)).collect();
            prop_assert_eq!(served.iter().position(|mine| *mine), Some(ahead));
        }
    }
}
