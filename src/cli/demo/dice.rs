//! Chance that repeats: the same seed rolls the same numbers, so that every demo looks alike.

/// A `SplitMix64` generator.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly between 0 and 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Evenly from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).saturating_add(1).max(1);
        let roll = self.next() % width.unsigned_abs();
        low.saturating_add(i64::try_from(roll).unwrap_or(0))
    }

    /// Around `median`, seldom a third of it or its triple, as sizes and durations are.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "made-up sizes far below 2^53"
    )]
    pub(super) fn around(&mut self, median: i64) -> i64 {
        // the sum of twelve even rolls is normal enough
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        ((median as f64) * (0.55 * normal).exp()).round().max(1.0) as i64
    }

    /// One of the entries, by weight.
    pub(super) fn pick<'a, T>(&mut self, entries: &'a [(T, f64)]) -> Option<&'a T> {
        let total: f64 = entries.iter().map(|(_, weight)| weight).sum();
        let mut left = self.unit() * total;
        for (entry, weight) in entries {
            left -= weight;
            if left < 0.0 {
                return Some(entry);
            }
        }
        entries.last().map(|(entry, _)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolls_repeat_and_stay_in_bounds() {
        let (mut one, mut two) = (Dice::new(7), Dice::new(7));
        for _ in 0..1_000 {
            let roll = one.between(3, 5);
            assert_eq!(roll, two.between(3, 5));
            assert!((3..=5).contains(&roll));
        }
        let mut picks = [0; 2];
        for _ in 0..1_000 {
            picks[*one.pick(&[(0, 9.0), (1, 1.0)]).unwrap()] += 1;
        }
        assert!(picks[0] > 800 && picks[1] > 40, "{picks:?}");
    }
}
