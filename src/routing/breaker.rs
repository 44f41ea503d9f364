//! When something that fails rests, for how long, and how it comes back: the state machine, on plain data.
//!
//! Closed, it counts: failures in a row, and their share among recent calls. Open, it rests until a time that
//! doubles with every failed return. Then it is half open: one trial call at a time, and the first that succeeds
//! closes it.

use super::Reason;

/// Calls older than twice this do not count for the share of failures.
const HALF_WINDOW_MS: i64 = 15_000;

/// When troubles become a rest, for one kind of thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Failures in a row.
    pub(super) in_a_row: u32,
    /// Fewest recent calls whose share of failures says something; half of them failed is too many.
    pub(super) calls: u32,
}

/// A credential at a target: single failures are the vendor's everyday noise.
pub(super) const PAIR: Bounds = Bounds {
    in_a_row: 3,
    calls: 20,
};
/// A credential as a whole: more than one target can cause alone, since what rests is not counted further up.
pub(super) const CREDENTIAL: Bounds = Bounds {
    in_a_row: 5,
    calls: 40,
};
/// A provider as a whole.
pub(super) const PROVIDER: Bounds = Bounds {
    in_a_row: 8,
    calls: 60,
};

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Calls go.
    Closed,
    /// No call until then, but as a last resort.
    Open { until_ms: i64 },
    /// The rest is over, and one call may try.
    HalfOpen,
    /// The one call is on its way.
    Trying,
}

/// One breaker.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    pub(super) reason: Reason,
    /// Rests so far without a success in between: what the next one's length grows with.
    rests: u32,
    in_a_row: u32,
    /// When the present rest began; absent while closed.
    opened_ms: Option<i64>,
    until_ms: i64,
    trying: bool,
    recent: Recent,
}

impl Breaker {
    pub(super) fn new(now_ms: i64) -> Self {
        Self {
            reason: Reason::Failing,
            rests: 0,
            in_a_row: 0,
            opened_ms: None,
            until_ms: 0,
            trying: false,
            recent: Recent::new(now_ms),
        }
    }

    pub(super) fn standing(&self, now_ms: i64) -> Standing {
        if self.opened_ms.is_none() {
            Standing::Closed
        } else if self.until_ms > now_ms {
            Standing::Open {
                until_ms: self.until_ms,
            }
        } else if self.trying {
            Standing::Trying
        } else {
            Standing::HalfOpen
        }
    }

    /// Takes the one trial; false where none is due or another call has it.
    pub(super) fn take_trial(&mut self, now_ms: i64) -> bool {
        let due = self.standing(now_ms) == Standing::HalfOpen;
        self.trying |= due;
        due
    }

    /// The trial ended without saying anything: the next call may try.
    pub(super) fn give_trial_back(&mut self) {
        self.trying = false;
    }

    /// A call that began at `begun_ms` was served. True where that ends a rest. Calls that were on their way when
    /// the rest began say nothing about it.
    pub(super) fn served(&mut self, begun_ms: i64, now_ms: i64) -> bool {
        self.recent.count(false, now_ms);
        if self.opened_ms.is_some_and(|opened| begun_ms < opened) {
            return false;
        }
        self.in_a_row = 0;
        self.rests = 0;
        self.trying = false;
        self.until_ms = 0;
        let rested = self.opened_ms.take().is_some();
        if rested {
            self.recent = Recent::new(now_ms);
        }
        rested
    }

    /// Ends a rest without a call that was served: how often it rested stays known, so that the next rest is longer.
    pub(super) fn reopen(&mut self) -> bool {
        self.trying = false;
        self.until_ms = 0;
        self.opened_ms.take().is_some()
    }

    /// Whether nothing is left to remember.
    pub(super) fn is_spent(&self, now_ms: i64) -> bool {
        self.opened_ms.is_none() && self.rests == 0 && self.recent.failed(now_ms) == 0
    }

    /// A call failed. True where a rest begins, lasts longer than before, or has another reason now.
    pub(super) fn failed(&mut self, bounds: Bounds, now_ms: i64) -> bool {
        self.recent.count(true, now_ms);
        self.in_a_row = self.in_a_row.saturating_add(1);
        match self.standing(now_ms) {
            // calls that were on their way already, or a last resort: nothing new
            Standing::Open { .. } => false,
            Standing::HalfOpen | Standing::Trying => self.rest(Reason::Failing, None, now_ms),
            Standing::Closed => {
                let often = self.in_a_row >= bounds.in_a_row
                    || self.recent.mostly_failed(bounds.calls, now_ms);
                often && self.rest(Reason::Failing, None, now_ms)
            }
        }
    }

    /// A single answer that is reason enough. `told_ms` is until when the vendor asks to wait: of two known times
    /// the later one holds.
    pub(super) fn rest(&mut self, reason: Reason, told_ms: Option<i64>, now_ms: i64) -> bool {
        let standing = self.standing(now_ms);
        let open_until = match standing {
            Standing::Open { until_ms } => Some(until_ms),
            _ => None,
        };
        let same = open_until.is_some() && self.reason == reason;
        let rests = match (same, self.reason == reason) {
            (true, _) => self.rests,
            (false, true) => self.rests.saturating_add(1),
            (false, false) => 1,
        };
        let longest = now_ms.saturating_add(reason.longest_ms());
        let until = told_ms.map_or_else(
            || now_ms.saturating_add(reason.back_off_ms(rests)),
            |told| told.min(longest),
        );
        if let Some(until_ms) = open_until {
            let graver = reason.bars() && !self.reason.bars();
            // what is known to last longer keeps its name, and what is on its way already says nothing new
            if !graver && (until <= until_ms || (same && told_ms.is_none())) {
                return false;
            }
        } else {
            self.opened_ms = Some(now_ms);
        }
        self.rests = rests;
        self.reason = reason;
        self.trying = false;
        self.until_ms = until;
        !same
    }
}

/// Calls of the last while, in two halves.
#[derive(Clone, Debug)]
struct Recent {
    since_ms: i64,
    now: (u32, u32),
    before: (u32, u32),
}

impl Recent {
    fn new(now_ms: i64) -> Self {
        Self {
            since_ms: now_ms,
            now: (0, 0),
            before: (0, 0),
        }
    }

    fn turn(&mut self, now_ms: i64) {
        let age = now_ms.saturating_sub(self.since_ms);
        if age >= HALF_WINDOW_MS {
            let one_half = age < 2 * HALF_WINDOW_MS;
            self.before = if one_half { self.now } else { (0, 0) };
            self.now = (0, 0);
            self.since_ms = now_ms;
        }
    }

    fn count(&mut self, failed: bool, now_ms: i64) {
        self.turn(now_ms);
        self.now.0 = self.now.0.saturating_add(1);
        self.now.1 = self.now.1.saturating_add(u32::from(failed));
    }

    fn failed(&self, now_ms: i64) -> u32 {
        let mut at = self.clone();
        at.turn(now_ms);
        at.now.1.saturating_add(at.before.1)
    }

    fn mostly_failed(&self, fewest: u32, now_ms: i64) -> bool {
        let mut at = self.clone();
        at.turn(now_ms);
        let calls = at.now.0.saturating_add(at.before.0);
        let failed = at.now.1.saturating_add(at.before.1);
        calls >= fewest && failed.saturating_mul(2) >= calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resting(breaker: &Breaker, now_ms: i64) -> Option<i64> {
        match breaker.standing(now_ms) {
            Standing::Open { until_ms } => Some(until_ms),
            _ => None,
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_trial_at_a_time_closes_it() {
        let mut one = Breaker::new(0);
        assert!(!one.failed(PAIR, 0) && !one.failed(PAIR, 1));
        one.served(1, 2);
        assert!(!one.failed(PAIR, 3) && !one.failed(PAIR, 4));
        assert_eq!(one.standing(4), Standing::Closed);
        assert!(one.failed(PAIR, 5));
        assert_eq!(resting(&one, 6), Some(1_005));
        assert!(!one.take_trial(6));
        assert_eq!(one.standing(1_005), Standing::HalfOpen);
        assert!(one.take_trial(1_005) && !one.take_trial(1_006));
        assert_eq!(one.standing(1_007), Standing::Trying);
        one.give_trial_back();
        assert!(one.take_trial(1_008));
        assert!(one.failed(PAIR, 1_010), "a failed trial");
        assert_eq!(resting(&one, 1_010), Some(3_010), "twice as long");
        assert!(one.take_trial(3_010));
        assert!(one.served(3_010, 3_020));
        assert_eq!(one.standing(3_020), Standing::Closed);
        assert!(one.is_spent(3_020));
    }

    #[test]
    fn half_of_many_failing_opens_it_although_never_three_in_a_row() {
        let mut one = Breaker::new(0);
        let mut opened = None;
        for call in 0..60_i64 {
            let now = call * 100;
            if call % 2 == 0 {
                if one.failed(PAIR, now) {
                    opened = Some(call);
                    break;
                }
            } else {
                one.served(now, now);
            }
        }
        assert_eq!(opened, Some(20), "twenty calls say something");
        let mut slow = Breaker::new(0);
        for call in 0..60_i64 {
            let now = call * 2_000;
            let opens = call % 2 == 0 && slow.failed(PAIR, now);
            assert!(!opens, "a few calls a minute say nothing");
            if call % 2 == 1 {
                slow.served(now, now);
            }
        }
        let mut mostly_well = Breaker::new(0);
        for call in 0..600_i64 {
            if call % 3 == 0 {
                assert!(!mostly_well.failed(PAIR, call));
            } else {
                mostly_well.served(call, call);
            }
        }
    }

    #[test]
    fn the_longest_known_wait_wins() {
        let mut one = Breaker::new(0);
        assert!(one.rest(Reason::RateLimited, Some(5_000), 0));
        assert!(!one.rest(Reason::RateLimited, Some(2_000), 10));
        assert_eq!(resting(&one, 20), Some(5_000));
        assert!(
            !one.rest(Reason::RateLimited, Some(9_000), 30),
            "no new state"
        );
        assert_eq!(resting(&one, 40), Some(9_000));
        assert!(!one.rest(Reason::RateLimited, None, 50));
        assert!(!one.rest(Reason::Forbidden, Some(60), 50));
        assert_eq!(
            (one.reason, resting(&one, 60)),
            (Reason::RateLimited, Some(9_000))
        );
        assert!(
            one.rest(Reason::Exhausted, Some(90_000), 70),
            "another reason"
        );
        assert_eq!(
            (one.reason, resting(&one, 80)),
            (Reason::Exhausted, Some(90_000))
        );
    }

    #[test]
    fn a_wrong_header_does_not_bench_anybody_for_ever() {
        let mut one = Breaker::new(0);
        one.rest(Reason::RateLimited, Some(i64::MAX), 1_000);
        assert_eq!(
            resting(&one, 1_000),
            Some(1_000 + Reason::RateLimited.longest_ms())
        );
    }

    #[test]
    fn calls_that_were_on_their_way_say_nothing() {
        let mut one = Breaker::new(0);
        one.rest(Reason::Unreachable, None, 1_000);
        for ms in 1_000..1_050 {
            assert!(!one.rest(Reason::Unreachable, None, ms));
        }
        assert_eq!(resting(&one, 1_050), Some(2_000));
        assert!(!one.served(900, 1_100), "it began before the rest");
        assert_eq!(resting(&one, 1_100), Some(2_000));
        assert!(one.served(1_050, 1_100), "a last resort that was answered");
    }
}
