//! A sliding minute in 61 buckets of a second each.
//!
//! A bucket counts until the last event that may be in it is a whole minute old: up to a second too long, never too
//! short. So no 60 seconds, wherever they begin, hold more than the limit.

/// How many seconds an event counts, its own included.
const BUCKETS: usize = 61;
const SPAN_S: i64 = 61;
/// How long something counts at most, in milliseconds.
pub(super) const SPAN_MS: i64 = SPAN_S * 1_000;

/// What was used within the last minute.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The newest second that was looked at.
    at_s: i64,
    sum: i64,
    buckets: [i64; BUCKETS],
}

impl Default for Window {
    fn default() -> Self {
        Self {
            at_s: i64::MIN,
            sum: 0,
            buckets: [0; BUCKETS],
        }
    }
}

impl Window {
    /// What counts now.
    pub(super) fn used(&mut self, now_ms: i64) -> i64 {
        self.advance(now_ms);
        self.sum
    }

    /// Counts `amount` from now on; returns the second to name when some of it is taken back.
    pub(super) fn add(&mut self, now_ms: i64, amount: i64) -> i64 {
        self.advance(now_ms);
        let at_s = self.at_s;
        self.put(at_s, amount);
        at_s
    }

    /// Takes back what was added at second `at_s`, where that still counts.
    pub(super) fn take_back(&mut self, at_s: i64, amount: i64) {
        if at_s <= self.at_s && at_s > self.at_s.saturating_sub(SPAN_S) {
            let held = self.buckets.get(index(at_s)).copied().unwrap_or(0);
            self.put(at_s, -amount.min(held));
        }
    }

    /// Milliseconds until nothing counts any more.
    pub(super) fn empty_in_ms(&mut self, now_ms: i64) -> i64 {
        self.advance(now_ms);
        let newest = (0..SPAN_S).map(|age| self.at_s.saturating_sub(age));
        let mut held = newest.filter(|second| self.bucket(*second) != 0);
        held.next().map_or(0, |second| leaves_in_ms(second, now_ms))
    }

    /// Milliseconds until no more than `most` counts; 0 where that is so now.
    pub(super) fn falls_to_in_ms(&mut self, most: i64, now_ms: i64) -> i64 {
        self.advance(now_ms);
        let mut left = self.sum;
        for age in (0..SPAN_S).rev() {
            if left <= most {
                return 0;
            }
            let second = self.at_s.saturating_sub(age);
            left = left.saturating_sub(self.bucket(second));
            if left <= most {
                return leaves_in_ms(second, now_ms);
            }
        }
        0
    }

    fn bucket(&self, second: i64) -> i64 {
        self.buckets.get(index(second)).copied().unwrap_or(0)
    }

    fn put(&mut self, second: i64, amount: i64) {
        if let Some(bucket) = self.buckets.get_mut(index(second)) {
            *bucket = bucket.saturating_add(amount);
            self.sum = self.sum.saturating_add(amount);
        }
    }

    /// Forgets what is too old. A clock that was set back by more than a minute starts anew; by less, time stands
    /// still until it has caught up.
    fn advance(&mut self, now_ms: i64) {
        let now_s = now_ms.div_euclid(1_000);
        let passed = now_s.saturating_sub(self.at_s);
        if !(-SPAN_S..SPAN_S).contains(&passed) {
            self.buckets = [0; BUCKETS];
            self.sum = 0;
            self.at_s = now_s;
            return;
        }
        while self.at_s < now_s {
            self.at_s = self.at_s.saturating_add(1);
            if let Some(bucket) = self.buckets.get_mut(index(self.at_s)) {
                self.sum = self.sum.saturating_sub(*bucket);
                *bucket = 0;
            }
        }
    }
}

fn index(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SPAN_S)).unwrap_or(0)
}

fn leaves_in_ms(second: i64, now_ms: i64) -> i64 {
    let leaves_ms = second.saturating_add(SPAN_S).saturating_mul(1_000);
    leaves_ms.saturating_sub(now_ms).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a log of every event: whatever minute is looked at, it holds no more than the limit; and after the
        /// time that a refusal names there is room.
        #[test]
        fn no_minute_ever_passes_the_limit(
            limit in 1_i64..40,
            calls in prop::collection::vec((0_i64..9_000, 1_i64..12, 0_i64..4), 1..300),
        ) {
            let mut window = Window::default();
            let mut log: Vec<(i64, i64)> = Vec::new();
            let mut now = 1_800_000_000_123;
            for (pause, need, refund) in calls {
                now += pause;
                let need = need.min(limit);
                if window.used(now) + need > limit {
                    let wait = window.falls_to_in_ms((limit - need).max(0), now);
                    prop_assert!(wait > 0 && wait <= 61_000);
                    let mut later = window.clone();
                    prop_assert!(later.used(now + wait) <= (limit - need).max(0));
                    prop_assert!(later.clone().used(now + wait - 1) <= window.used(now));
                    continue;
                }
                let at = window.add(now, need);
                let back = refund.min(need);
                window.take_back(at, back);
                log.push((now, need - back));
                let within = |at: i64| at > now - 60_000 && at <= now;
                let exact: i64 = log.iter().filter(|(at, _)| within(*at)).map(|(_, n)| n).sum();
                prop_assert!(exact <= limit, "{exact} of {limit}");
                prop_assert!(window.used(now) >= exact);
                let all = window.empty_in_ms(now);
                prop_assert_eq!(window.clone().used(now + all), 0);
            }
        }
    }

    #[test]
    fn a_minute_later_all_is_free_again_and_nothing_returns() {
        let mut window = Window::default();
        let at = window.add(10_500, 5);
        assert_eq!(window.used(70_999), 5);
        assert_eq!(window.used(71_000), 0);
        window.take_back(at, 5);
        assert_eq!(window.used(71_000), 0);
    }

    #[test]
    fn a_clock_set_back_neither_opens_nor_locks_for_long() {
        let mut window = Window::default();
        window.add(100_000, 5);
        assert_eq!(window.used(90_000), 5);
        assert_eq!(window.used(-3_600_000), 0);
    }
}
