//! When the next attempt is made: at once elsewhere, after a pause at the same provider, or when the vendor said.

use std::time::Duration;

use modelgate_domain::{ProviderId, ProviderKeyId, TargetId};

/// Before the second try of a provider that failed; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MOST_DOUBLINGS: u32 = 16;
/// The most attempts of one call, wherever they go.
pub(super) const MOST_ATTEMPTS: i64 = 64;

/// A credential at a target.
pub(super) type Spot = (TargetId, ProviderKeyId);

/// The pauses of one call.
pub(super) struct Retries {
    /// What is left of the time that the call may spend waiting.
    left: Duration,
    /// How often each provider has failed.
    failed: Vec<(ProviderId, u32)>,
    /// How often each was asked again because its vendor said when.
    repeated: Vec<(Spot, u32)>,
    chance: u64,
}

impl Retries {
    /// `budget` bounds all pauses together; `seed` spreads them, so that calls that failed together do not come
    /// back together.
    pub(super) fn new(budget: Duration, seed: u64) -> Self {
        Self {
            left: budget,
            failed: Vec::new(),
            repeated: Vec::new(),
            chance: seed,
        }
    }

    /// A provider failed.
    pub(super) fn failed(&mut self, provider: ProviderId) {
        count(&mut self.failed, provider);
    }

    /// How long to wait before an attempt there; nothing at a provider that has not failed yet.
    pub(super) fn pause(&mut self, provider: ProviderId) -> Duration {
        let pause = self.backoff(provider).min(self.left);
        self.left = self.left.saturating_sub(pause);
        pause
    }

    /// How long to wait before an attempt that the vendor asked to make not before `told`: each further one at the
    /// same spot waits twice as long, whatever the vendor says. `None` where the call may not wait so long.
    pub(super) fn pause_of(
        &mut self,
        provider: ProviderId,
        spot: Spot,
        told: Duration,
    ) -> Option<Duration> {
        if self.left < told.max(FIRST_PAUSE / 2) {
            return None;
        }
        let before = count(&mut self.repeated, spot).saturating_sub(1);
        let step = doubled(told.max(FIRST_PAUSE), before);
        // not before it was told, and not together with the calls that were told the same
        let spread = self.jittered(FIRST_PAUSE).saturating_sub(FIRST_PAUSE / 2);
        let pause = told.max(self.jittered(step)).max(self.backoff(provider));
        let pause = pause.saturating_add(spread).min(self.left);
        self.left = self.left.saturating_sub(pause);
        Some(pause)
    }

    fn backoff(&mut self, provider: ProviderId) -> Duration {
        let found = self.failed.iter().find(|(id, _)| *id == provider);
        match found.map(|(_, times)| *times) {
            Some(times) => self.jittered(doubled(FIRST_PAUSE, times.saturating_sub(1))),
            None => Duration::ZERO,
        }
    }

    /// From half of the step to the whole of it.
    fn jittered(&mut self, step: Duration) -> Duration {
        self.chance = self
            .chance
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(1);
        let part = u32::try_from(self.chance >> 48).unwrap_or(0);
        let half = step / 2;
        half.saturating_add((half / (1 << 16)).saturating_mul(part))
    }
}

fn doubled(step: Duration, times: u32) -> Duration {
    step.saturating_mul(1 << times.min(MOST_DOUBLINGS))
}

/// Counts one more of it, and says how many there are now.
fn count<K: PartialEq>(counts: &mut Vec<(K, u32)>, key: K) -> u32 {
    if let Some((_, times)) = counts.iter_mut().find(|(known, _)| *known == key) {
        *times = times.saturating_add(1);
        return *times;
    }
    counts.push((key, 1));
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ProviderId = ProviderId(1);
    const OTHER: ProviderId = ProviderId(2);
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_double_at_one_provider_and_stay_within_the_budget() {
        for seed in [0, 7, u64::MAX] {
            let mut retries = Retries::new(1_000 * MS, seed);
            assert_eq!(retries.pause(ONE), Duration::ZERO);
            let mut waited = Duration::ZERO;
            for step in [100, 200, 400] {
                retries.failed(ONE);
                let pause = retries.pause(ONE);
                assert!(
                    (step / 2 * MS..=step * MS).contains(&pause),
                    "{step}: {pause:?}"
                );
                assert_eq!(retries.pause(OTHER), Duration::ZERO);
                waited += pause;
            }
            for _ in 0..40 {
                retries.failed(ONE);
                waited += retries.pause(ONE);
            }
            assert_eq!(waited, 1_000 * MS);
        }
    }

    const SPOT: Spot = (TargetId(1), ProviderKeyId(1));

    #[test]
    fn what_the_vendor_asks_for_is_waited_for_or_not_at_all() {
        let mut retries = Retries::new(10_000 * MS, 3);
        retries.failed(ONE);
        assert_eq!(retries.pause_of(ONE, SPOT, 11_000 * MS), None);
        let pause = retries.pause_of(ONE, SPOT, 7_000 * MS).unwrap();
        assert!(
            (7_000 * MS..=7_050 * MS).contains(&pause),
            "no sooner than it was told: {pause:?}"
        );
        assert_eq!(retries.pause_of(ONE, SPOT, 4_000 * MS), None);
    }

    #[test]
    fn a_vendor_that_says_now_again_and_again_is_asked_less_and_less_often() {
        for told in [Duration::ZERO, MS, 1_500 * MS] {
            for seed in [0, 7, u64::MAX] {
                let mut retries = Retries::new(30_000 * MS, seed);
                let mut pauses = Vec::new();
                while let Some(pause) = retries.pause_of(ONE, SPOT, told) {
                    pauses.push(pause);
                }
                assert!(pauses.len() <= 11, "{told:?}: {pauses:?}");
                assert!(pauses[0] >= told.max(50 * MS));
                assert!(pauses[2] > pauses[0], "{pauses:?}");
                assert!(pauses.iter().sum::<Duration>() <= 30_000 * MS);
            }
        }
    }
}
