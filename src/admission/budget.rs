//! What is spent of one budget, as this process knows it.
//!
//! Three parts make the sum: what the database says; what calls of this process have cost since, on its way there
//! through the journal; and what running calls may still cost. A sum that the database gives back never lowers what
//! is known, so that a late answer opens nothing.

use chrono_tz::Tz;
use modelgate_domain::Period;
use modelgate_domain::period::Bounds;

use super::meter::Post;
use super::sharing::LEASE_MS;

/// The money of one budget in its newest period and the one before, which calls from before midnight still end in.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget {
    current: Option<Spent>,
    before: Option<Spent>,
}

/// One period, in nano-units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    bounds: Bounds,
    /// What the database says, all instances together.
    base: i64,
    /// Settled here and not in `base` yet.
    undrained: i64,
    /// Held back for calls that run here.
    reserved: i64,
}

impl Spent {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            base: 0,
            undrained: 0,
            reserved: 0,
        }
    }

    /// Spent, on its way or held back.
    pub(super) fn used(&self) -> i64 {
        self.base
            .saturating_add(self.undrained)
            .saturating_add(self.reserved)
    }

    /// When the period ends, epoch milliseconds.
    pub(super) fn end_ms(&self) -> Option<i64> {
        self.bounds.end_ms
    }

    /// How it stands for other instances.
    pub(super) fn post(&self) -> Post {
        Post {
            start_ms: Some(self.bounds.start_ms),
            leased: self.reserved,
            lasting: self.undrained,
            base: self.base,
            ends_in_ms: LEASE_MS,
            eases_in_ms: 0,
        }
    }

    /// Holds money back; returns the period to name when it is let go.
    pub(super) fn reserve(&mut self, nanos: i64) -> i64 {
        self.reserved = self.reserved.saturating_add(nanos);
        self.bounds.start_ms
    }
}

impl Budget {
    /// The period that a moment belongs to.
    pub(super) fn at(&mut self, at_ms: i64, period: Period, zone: Tz) -> &mut Spent {
        let within = |spent: &Option<Spent>| spent.is_some_and(|s| s.bounds.contains(at_ms));
        if !within(&self.current) {
            if within(&self.before) {
                return self
                    .before
                    .get_or_insert_with(|| Spent::new(period.bounds(zone, at_ms)));
            }
            let fresh = Spent::new(period.bounds(zone, at_ms));
            let newer = self
                .current
                .is_none_or(|s| s.bounds.start_ms < fresh.bounds.start_ms);
            if !newer {
                return self.before.insert(fresh);
            }
            self.before = self.current.replace(fresh);
        }
        self.current
            .get_or_insert_with(|| Spent::new(period.bounds(zone, at_ms)))
    }

    fn of(&mut self, start_ms: i64) -> Option<&mut Spent> {
        let mut known = [self.current.as_mut(), self.before.as_mut()]
            .into_iter()
            .flatten();
        known.find(|spent| spent.bounds.start_ms == start_ms)
    }

    /// Lets a reservation go and notes what the call cost instead.
    pub(super) fn settle(&mut self, start_ms: i64, reserved: i64, cost: i64) {
        if let Some(spent) = self.of(start_ms) {
            spent.reserved = spent.reserved.saturating_sub(reserved).max(0);
            spent.undrained = spent.undrained.saturating_add(cost);
        }
    }

    /// Takes over what the database says of a period.
    pub(super) fn learn(&mut self, start_ms: i64, nanos: i64, period: Period, zone: Tz) {
        let spent = self.at(start_ms, period, zone);
        if spent.bounds.start_ms == start_ms {
            spent.base = spent.base.max(nanos);
        }
    }

    /// Notes that the database now holds a call's cost.
    pub(super) fn drained(&mut self, started_ms: i64, cost: i64) {
        let known = [self.current.as_mut(), self.before.as_mut()]
            .into_iter()
            .flatten();
        for spent in known.filter(|spent| spent.bounds.contains(started_ms)) {
            spent.undrained = spent.undrained.saturating_sub(cost).max(0);
        }
    }

    /// Both periods as they stand for other instances.
    pub(super) fn posts(&self) -> Vec<Post> {
        let known = [self.current, self.before].into_iter().flatten();
        known.map(|spent| spent.post()).collect()
    }

    /// Nothing runs and nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        let known = [self.current, self.before].into_iter().flatten();
        known
            .into_iter()
            .all(|spent| spent.reserved == 0 && spent.undrained == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::UTC;

    const DAY: i64 = 86_400_000;
    const NOON: i64 = DAY / 2;

    #[test]
    fn money_moves_from_reserved_to_undrained_to_the_database() {
        let mut budget = Budget::default();
        let start = budget.at(NOON, Period::Day, UTC).reserve(100);
        assert_eq!(budget.at(NOON, Period::Day, UTC).used(), 100);
        budget.settle(start, 100, 30);
        assert_eq!(budget.at(NOON, Period::Day, UTC).used(), 30);
        assert!(!budget.is_idle());
        budget.learn(0, 30, Period::Day, UTC);
        budget.drained(NOON, 30);
        assert_eq!(budget.at(NOON, Period::Day, UTC).used(), 30);
        assert!(budget.is_idle());
        budget.learn(0, 10, Period::Day, UTC);
        assert_eq!(budget.at(NOON, Period::Day, UTC).used(), 30, "never less");
    }

    #[test]
    fn a_new_period_begins_at_nothing_and_old_calls_end_in_theirs() {
        let mut budget = Budget::default();
        let old = budget.at(NOON, Period::Day, UTC).reserve(100);
        assert_eq!(budget.at(NOON + DAY, Period::Day, UTC).used(), 0);
        budget.settle(old, 100, 70);
        assert_eq!(budget.at(NOON, Period::Day, UTC).used(), 70);
        assert_eq!(budget.at(NOON + DAY, Period::Day, UTC).used(), 0);
        budget.learn(-DAY, 5, Period::Day, UTC);
        assert_eq!(budget.at(NOON + DAY, Period::Day, UTC).used(), 0);
    }
}
