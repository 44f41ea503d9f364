//! How busy the gateway is: six levels from the last ten minutes, computed once a minute.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use modelgate_domain::Busyness;

use crate::config::Thresholds;

/// What "lately" means.
pub(super) const LATELY_MS: i64 = 10 * 60_000;
const HOUR_MS: i64 = 60 * 60_000;

/// What a level is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Keys that called within ten minutes.
    pub active_keys: u64,
    /// Calls that ended within ten minutes.
    pub requests: u64,
    /// Those that were answered with 429.
    pub rate_limited: u64,
    /// Calls that ended within the hour.
    pub requests_hour: u64,
    /// Providers of which every credential rests.
    pub resting_providers: u64,
}

/// The level of a set of figures.
pub fn level(figures: &Figures, thresholds: &Thresholds) -> Busyness {
    let share = figures.rate_limited.saturating_mul(100);
    let refusing = share
        > thresholds
            .rate_limited_percent
            .saturating_mul(figures.requests);
    if figures.active_keys > thresholds.active_keys && refusing {
        return match figures.resting_providers {
            resting if resting >= thresholds.resting_critical => Busyness::ExtremelyBusy,
            resting if resting >= thresholds.resting_busy => Busyness::VeryBusy,
            _ => Busyness::Busy,
        };
    }
    match (figures.requests, figures.requests_hour) {
        (1.., _) => Busyness::Normal,
        (0, 1..) => Busyness::Idle,
        (0, 0) => Busyness::Quiet,
    }
}

/// Counts what ends, and keeps an hour of readings.
#[derive(Debug)]
pub(super) struct Activity {
    requests: AtomicU64,
    rate_limited: AtomicU64,
    /// The counts at each look, oldest first.
    looks: Mutex<VecDeque<Look>>,
    /// The level in force, as its place in the list of all.
    level: AtomicU8,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    at_ms: i64,
    requests: u64,
    rate_limited: u64,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            requests: AtomicU64::new(0),
            rate_limited: AtomicU64::new(0),
            looks: Mutex::default(),
            level: AtomicU8::new(Busyness::Quiet as u8),
        }
    }
}

impl Activity {
    /// Counts a call that ended.
    pub(super) fn ended(&self, rate_limited: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if rate_limited {
            self.rate_limited.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The level in force.
    pub(super) fn level(&self) -> Busyness {
        let at = usize::from(self.level.load(Ordering::Relaxed));
        Busyness::ALL.get(at).copied().unwrap_or_default()
    }

    /// Reads the counters; `rest` holds what others know.
    pub(super) fn look(&self, now_ms: i64, rest: Figures) -> Figures {
        let now = Look {
            at_ms: now_ms,
            requests: self.requests.load(Ordering::Relaxed),
            rate_limited: self.rate_limited.load(Ordering::Relaxed),
        };
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = |span: i64| {
            let old = |look: &&Look| look.at_ms <= now_ms.saturating_sub(span);
            looks.iter().rev().find(old).copied()
        };
        let counts = |look: Option<Look>| look.map_or((0, 0), |l| (l.requests, l.rate_limited));
        let (lately, hour) = (counts(before(LATELY_MS)), counts(before(HOUR_MS)));
        // One look beyond the hour is the hour's beginning.
        while looks
            .get(1)
            .is_some_and(|look| look.at_ms <= now_ms.saturating_sub(HOUR_MS))
        {
            looks.pop_front();
        }
        looks.push_back(now);
        Figures {
            requests: now.requests.saturating_sub(lately.0),
            rate_limited: now.rate_limited.saturating_sub(lately.1),
            requests_hour: now.requests.saturating_sub(hour.0),
            ..rest
        }
    }

    /// Puts a level in force.
    pub(super) fn set(&self, level: Busyness) {
        self.level.store(level as u8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Policy;

    #[test]
    fn levels_follow_the_figures() {
        let busy = Figures {
            active_keys: 11,
            requests: 100,
            rate_limited: 51,
            requests_hour: 100,
            resting_providers: 0,
        };
        let of = |figures: Figures| level(&figures, &Policy::default().busyness);
        assert_eq!(of(busy), Busyness::Busy);
        assert_eq!(
            of(Figures {
                resting_providers: 1,
                ..busy
            }),
            Busyness::VeryBusy
        );
        assert_eq!(
            of(Figures {
                resting_providers: 3,
                ..busy
            }),
            Busyness::ExtremelyBusy
        );
        assert_eq!(
            of(Figures {
                active_keys: 10,
                ..busy
            }),
            Busyness::Normal
        );
        assert_eq!(
            of(Figures {
                rate_limited: 50,
                ..busy
            }),
            Busyness::Normal
        );
        assert_eq!(
            of(Figures {
                requests: 0,
                rate_limited: 0,
                ..busy
            }),
            Busyness::Idle
        );
        assert_eq!(of(Figures::default()), Busyness::Quiet);
    }

    #[test]
    fn figures_are_those_of_the_last_ten_minutes_and_the_last_hour() {
        let activity = Activity::default();
        let look = |minute: i64| {
            let figures = activity.look(minute * 60_000, Figures::default());
            (
                figures.requests,
                figures.rate_limited,
                figures.requests_hour,
            )
        };
        assert_eq!(look(0), (0, 0, 0));
        for _ in 0..4 {
            activity.ended(false);
        }
        activity.ended(true);
        assert_eq!(look(1), (5, 1, 5));
        for minute in 2..=10 {
            assert_eq!(look(minute), (5, 1, 5), "minute {minute}");
        }
        for minute in 11..=60 {
            assert_eq!(look(minute), (0, 0, 5), "minute {minute}");
        }
        assert_eq!(look(61), (0, 0, 0));
        assert!(activity.looks.lock().unwrap().len() <= 62);
    }
}
