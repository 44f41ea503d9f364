//! Weighted order from a seed: the same seed gives the same order.

/// `SplitMix64`: small, fast, and good enough to spread load; guards no secret.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Puts the items in a random order in which each place is drawn from those left, in proportion
    /// to their weights. Weights of 0 come last.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T], weight: impl Fn(&T) -> u32) {
        let mut rest = items;
        while rest.len() > 1 {
            let total: u64 = rest.iter().map(|item| u64::from(weight(item))).sum();
            if total == 0 {
                return;
            }
            // The bias of a remainder is below 2⁻²⁰ for any sum of weights that can occur.
            let mut ticket = self.next() % total;
            let drawn = rest.iter().position(|item| {
                let share = u64::from(weight(item));
                let hit = ticket < share;
                ticket = ticket.saturating_sub(share);
                hit
            });
            rest.swap(0, drawn.unwrap_or(0));
            rest = &mut rest[1..];
        }
    }
}
