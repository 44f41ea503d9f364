//! When the next attempt is made: at once elsewhere, after a pause at the same provider, or when the vendor said.

use std::time::Duration;

use modelgate_domain::ProviderId;

/// Before the second try of a provider that failed; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MOST_DOUBLINGS: u32 = 16;

/// The pauses of one call.
pub(super) struct Retries {
    /// What is left of the time that the call may spend waiting.
    left: Duration,
    /// How often each provider has failed.
    failed: Vec<(ProviderId, u32)>,
    chance: u64,
}

impl Retries {
    /// `budget` bounds all pauses together; `seed` spreads them, so that calls that failed together do not come
    /// back together.
    pub(super) fn new(budget: Duration, seed: u64) -> Self {
        Self {
            left: budget,
            failed: Vec::new(),
            chance: seed,
        }
    }

    /// A provider failed.
    pub(super) fn failed(&mut self, provider: ProviderId) {
        match self.failed.iter_mut().find(|(id, _)| *id == provider) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => self.failed.push((provider, 1)),
        }
    }

    /// How long to wait before an attempt there; nothing at a provider that has not failed yet.
    pub(super) fn pause(&mut self, provider: ProviderId) -> Duration {
        let pause = self.backoff(provider).min(self.left);
        self.left = self.left.saturating_sub(pause);
        pause
    }

    /// How long to wait before an attempt that the vendor asked to make not before `told`; `None` where that is
    /// longer than the call may wait.
    pub(super) fn pause_of(&mut self, provider: ProviderId, told: Duration) -> Option<Duration> {
        let pause = told.max(self.backoff(provider));
        self.left = self.left.checked_sub(pause)?;
        Some(pause)
    }

    /// From half of the step to the whole of it.
    fn backoff(&mut self, provider: ProviderId) -> Duration {
        let found = self.failed.iter().find(|(id, _)| *id == provider);
        let Some((_, times)) = found else {
            return Duration::ZERO;
        };
        let doublings = times.saturating_sub(1).min(MOST_DOUBLINGS);
        let step = FIRST_PAUSE.saturating_mul(1 << doublings);
        self.chance = self
            .chance
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(1);
        let part = u32::try_from(self.chance >> 48).unwrap_or(0);
        step / 2 + step / 2 * part / (1 << 16)
    }
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

    #[test]
    fn what_the_vendor_asks_for_is_waited_for_or_not_at_all() {
        let mut retries = Retries::new(10_000 * MS, 3);
        retries.failed(ONE);
        assert_eq!(retries.pause_of(ONE, 11_000 * MS), None);
        assert_eq!(retries.pause_of(ONE, 7_000 * MS), Some(7_000 * MS));
        assert_eq!(retries.pause_of(ONE, 4_000 * MS), None);
        let soon = retries.pause_of(ONE, Duration::ZERO).unwrap();
        assert!(
            soon >= 50 * MS,
            "a vendor that says now is not asked without a pause"
        );
    }
}
