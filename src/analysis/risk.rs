//! From which length of context on a model gets slow, late or wrong.

use modelgate_store::failures::Band;

/// From so many calls on, rates of a band say something.
const ENOUGH: i64 = 5;
/// Slow: 5 of 100 calls take longer than this.
const SLOW_MS: i64 = 20_000;
/// Timeouts and errors of a thousand that are too many.
const TIMEOUTS: i64 = 50;
const ERRORS: i64 = 80;

/// What a band of context does to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reached {
    /// 5 of 100 calls or more end by a timeout.
    Timeouts,
    /// 8 of 100 calls or more end by an error.
    Errors,
    /// 5 of 100 calls take 20 s or more.
    Slow,
}

impl Reached {
    /// The stable short code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timeouts => "timeouts",
            Self::Errors => "errors",
            Self::Slow => "slow",
        }
    }
}

/// A model's calls by length of context, and from which band on there is trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The model's row.
    pub model_id: i64,
    /// Those bands that had calls.
    pub bands: Vec<Band>,
    /// The first band that reaches each threshold, the worst kind first.
    pub reached: Vec<(Reached, usize)>,
    /// Calls of all bands.
    pub calls: i64,
}

impl Risk {
    /// The worst that longer contexts bring about, and from which band on; what the shortest have too is not theirs.
    pub fn by_context(&self) -> Option<(Reached, usize)> {
        self.reached.iter().copied().find(|(_, band)| *band > 0)
    }
}

/// What a band reaches: all of it, worst first.
pub fn reached(band: &Band) -> Vec<Reached> {
    if band.calls < ENOUGH {
        return Vec::new();
    }
    let per_mille = |part: i64| part.saturating_mul(1_000) / band.calls;
    let mut found = Vec::new();
    if per_mille(band.timeouts) >= TIMEOUTS {
        found.push(Reached::Timeouts);
    }
    if per_mille(band.errors) >= ERRORS {
        found.push(Reached::Errors);
    }
    if band.p95_ms() >= SLOW_MS {
        found.push(Reached::Slow);
    }
    found
}

/// One for each model: those in trouble first, by what they reach and how early; then by calls.
pub fn risks(bands: &[Band]) -> Vec<Risk> {
    let mut all: Vec<Risk> = Vec::new();
    for band in bands {
        let risk = match all.iter_mut().find(|risk| risk.model_id == band.model_id) {
            Some(risk) => risk,
            None => {
                all.push(Risk {
                    model_id: band.model_id,
                    bands: Vec::new(),
                    reached: Vec::new(),
                    calls: 0,
                });
                let Some(made) = all.last_mut() else { continue };
                made
            }
        };
        for kind in reached(band) {
            if risk.reached.iter().all(|(other, _)| *other != kind) {
                risk.reached.push((kind, band.band));
            }
        }
        risk.calls = risk.calls.saturating_add(band.calls);
        risk.bands.push(band.clone());
    }
    for risk in &mut all {
        risk.reached.sort_unstable();
    }
    all.sort_by_key(|risk| {
        let first = risk.reached.first().copied();
        (first.is_none(), first, -risk.calls, risk.model_id)
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(model_id: i64, band: usize, calls: i64, timeouts: i64, errors: i64) -> Band {
        Band {
            model_id,
            band,
            calls,
            timeouts,
            errors,
            latency_sum_ms: calls * 1_000,
            seconds: vec![(1, calls)],
        }
    }

    #[test]
    fn what_the_shortest_contexts_have_too_is_not_theirs() {
        let all = risks(&[band(1, 0, 10, 1, 0), band(1, 3, 10, 1, 5)]);
        assert_eq!(all[0].reached[0], (Reached::Timeouts, 0));
        assert_eq!(all[0].by_context(), Some((Reached::Errors, 3)));
        assert_eq!(risks(&[band(1, 0, 10, 9, 0)])[0].by_context(), None);
    }

    #[test]
    fn too_few_calls_say_nothing() {
        assert_eq!(reached(&band(1, 0, 4, 4, 0)), []);
        assert_eq!(reached(&band(1, 0, 5, 1, 0)), [Reached::Timeouts]);
        assert_eq!(reached(&band(1, 0, 100, 4, 7)), []);
        assert_eq!(
            reached(&band(1, 0, 100, 5, 8)),
            [Reached::Timeouts, Reached::Errors]
        );
        let slow = Band {
            seconds: vec![(1, 94), (19, 6)],
            ..band(1, 0, 100, 0, 0)
        };
        assert_eq!(reached(&slow), [Reached::Slow]);
    }

    #[test]
    fn the_first_band_of_trouble_is_named_and_trouble_stands_first() {
        let all = risks(&[
            band(1, 0, 900, 0, 0),
            band(2, 0, 10, 0, 0),
            band(2, 3, 10, 0, 5),
            band(2, 5, 10, 0, 9),
            band(3, 2, 10, 3, 0),
        ]);
        let order: Vec<i64> = all.iter().map(|risk| risk.model_id).collect();
        assert_eq!(order, [3, 2, 1]);
        assert_eq!(all[1].reached, [(Reached::Errors, 3)]);
        assert_eq!((all[1].calls, all[1].bands.len()), (30, 3));
    }
}
