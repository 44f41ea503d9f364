//! How soon a target answers, as an average that believes bad news at once and good news slowly.
//!
//! Peak-EWMA: a slower answer than expected replaces the average, a faster one only pulls it down; and what is
//! not asked is slowly forgotten, so that a target that was slow once is tried again.

/// After so long without news, a figure weighs a third (1/e) of what it did.
const MEMORY_MS: f64 = 10_000.0;
/// What one running call weighs where nothing is known yet: the first call of a new target goes there, a second
/// one waits for what the first learns.
const UNKNOWN_MS: f64 = 60_000.0;

/// The average of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Latency {
    ms: f64,
    at_ms: i64,
}

impl Latency {
    /// Takes in a time to the first token, both in milliseconds.
    pub(super) fn observe(&mut self, took_ms: f64, now_ms: i64) {
        let before = self.read(now_ms);
        self.ms = if took_ms >= before {
            took_ms
        } else {
            let kept = self.kept(now_ms);
            self.ms.mul_add(kept, took_ms * (1.0 - kept))
        };
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// Takes in a call that failed after so long: a quick failure says nothing of how quick answers are.
    pub(super) fn observe_failure(&mut self, took_ms: f64, now_ms: i64) {
        if took_ms > self.read(now_ms) {
            self.observe(took_ms, now_ms);
        }
    }

    /// The expected time to the first token in milliseconds; 0 where nothing is known, or not any more.
    pub(super) fn read(&self, now_ms: i64) -> f64 {
        self.ms * self.kept(now_ms)
    }

    /// What the next call would have to expect behind `in_flight` others: the measure to compare targets by.
    pub(super) fn load(&self, in_flight: u32, now_ms: i64) -> f64 {
        let expected = self.read(now_ms);
        if self.at_ms == 0 {
            return f64::from(in_flight) * UNKNOWN_MS;
        }
        expected * (f64::from(in_flight) + 1.0)
    }

    /// The share of the old figure that still counts.
    fn kept(&self, now_ms: i64) -> f64 {
        #[allow(
            clippy::cast_precision_loss,
            reason = "an age in milliseconds needs no more"
        )]
        let age = now_ms.saturating_sub(self.at_ms).max(0) as f64;
        (-age / MEMORY_MS).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 0.01
    }

    #[test]
    fn bad_news_count_at_once_and_good_news_slowly() {
        let mut one = Latency::default();
        one.observe(100.0, 1_000);
        assert!(near(one.read(1_000), 100.0));
        one.observe(900.0, 1_000);
        assert!(near(one.read(1_000), 900.0));
        one.observe(100.0, 1_100);
        let after = one.read(1_100);
        assert!((880.0..900.0).contains(&after), "{after}");
        for ms in 0..600 {
            one.observe(100.0, 1_100 + ms * 100);
        }
        let settled = one.read(61_000);
        assert!((95.0..105.0).contains(&settled), "{settled}");
    }

    #[test]
    fn what_is_not_asked_is_forgotten() {
        let mut one = Latency::default();
        one.observe(1_000.0, 0);
        assert!(near(one.read(10_000), 367.88));
        assert!(one.read(100_000) < 0.1);
        assert!(near(one.read(-5), 1_000.0), "a clock that steps back");
    }

    #[test]
    fn failures_make_it_slower_and_never_faster() {
        let mut one = Latency::default();
        one.observe(200.0, 5);
        one.observe_failure(1.0, 5);
        assert!(near(one.read(5), 200.0));
        one.observe_failure(5_000.0, 5);
        assert!(near(one.read(5), 5_000.0));
    }

    #[test]
    fn running_calls_count_and_an_unknown_target_gets_one_call_first() {
        let new = Latency::default();
        assert!(near(new.load(0, 5), 0.0));
        let mut known = Latency::default();
        known.observe(200.0, 5);
        assert!(near(known.load(0, 5), 200.0));
        assert!(near(known.load(3, 5), 800.0));
        assert!(new.load(1, 5) > known.load(3, 5));
    }
}
