//! How well the gateway does for everybody, as one number: errors, speed and load of the last minutes.

use modelgate_store::usage::{Cube, Dimension};

/// How far back the score looks.
pub(super) const WINDOW_MS: i64 = 20 * 60 * 1000;

/// What the score is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Requests that ended and count for the error rate.
    pub(super) completed: i64,
    /// What the gateway and the vendors got wrong of them.
    pub(super) errors: i64,
    /// The mean duration of successful requests, milliseconds; absent where there was none.
    pub(super) latency_ms: Option<i64>,
    /// Keys that called.
    pub(super) active_keys: i64,
    /// Calls that run now.
    pub(super) pending: i64,
}

/// The score and its parts, each from 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Score {
    /// Of 100.
    pub(super) total: i64,
    pub(super) error: i64,
    pub(super) latency: i64,
    pub(super) load: i64,
    /// `idle`, `excellent`, `healthy`, `busy` or `degraded`.
    pub(super) word: &'static str,
}

impl Figures {
    /// Of the minutes looked at and what runs now.
    pub(super) fn new(minutes: &Cube, pending: i64) -> Self {
        let totals = minutes.totals();
        let (errors, completed) = totals.error_rate();
        let keys = minutes.by(Dimension::ApiKey);
        let keys = keys.iter().filter(|(_, t)| t.requests() > 0).count();
        Self {
            completed,
            errors,
            latency_ms: totals.latency_mean_ms(),
            active_keys: i64::try_from(keys).unwrap_or(i64::MAX),
            pending,
        }
    }

    /// `100 × (0.45 × error + 0.35 × latency + 0.20 × load)`, where each part is 1 at its good bound, 0 at its bad one
    /// and straight in between: errors 1 % to 18 %, the mean 1.8 s to 15 s, load 0.7 of 4 to 18 keys and 0.3 of 1 to
    /// 10 running calls.
    pub(super) fn score(&self) -> Score {
        if self.completed == 0 && self.pending == 0 {
            return Score {
                total: 100,
                error: 1000,
                latency: 1000,
                load: 1000,
                word: "idle",
            };
        }
        let rate = per_100k(self.errors, self.completed);
        let error = part(rate, 1_000, 18_000);
        let latency = self.latency_ms.map_or(1000, |ms| part(ms, 1_800, 15_000));
        let keys = part(self.active_keys, 4, 18);
        let running = part(self.pending, 1, 10);
        let load = (7 * keys + 3 * running) / 10;
        let total = (45 * error + 35 * latency + 20 * load + 500) / 1000;
        Score {
            total,
            error,
            latency,
            load,
            word: match total {
                85.. => "excellent",
                70..=84 => "healthy",
                50..=69 => "busy",
                _ => "degraded",
            },
        }
    }
}

pub(in crate::web::user) fn per_100k(part: i64, whole: i64) -> i64 {
    part.saturating_mul(100_000).checked_div(whole).unwrap_or(0)
}

/// 1000 up to `good`, 0 from `bad` on, straight in between.
pub(in crate::web::user) fn part(value: i64, good: i64, bad: i64) -> i64 {
    let left = bad.saturating_sub(value.clamp(good, bad));
    left.saturating_mul(1000)
        .checked_div(bad - good)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_straight_between_their_bounds() {
        assert_eq!(
            [
                part(0, 4, 18),
                part(4, 4, 18),
                part(11, 4, 18),
                part(18, 4, 18),
                part(99, 4, 18)
            ],
            [1000, 1000, 500, 0, 0]
        );
    }

    #[test]
    fn the_score_is_what_the_formula_says() {
        let quiet = Figures::default().score();
        assert_eq!((quiet.total, quiet.word), (100, "idle"));
        let middling = Figures {
            completed: 1_000,
            errors: 95,
            latency_ms: Some(8_400),
            active_keys: 11,
            pending: 1,
        };
        // error 0.5, latency 0.5, load 0.7 × 0.5 + 0.3 × 1 = 0.65
        let score = middling.score();
        assert_eq!((score.error, score.latency, score.load), (500, 500, 650));
        assert_eq!((score.total, score.word), (53, "busy"));
        let bad = Figures {
            completed: 10,
            errors: 10,
            latency_ms: Some(60_000),
            active_keys: 40,
            pending: 40,
        };
        assert_eq!((bad.score().total, bad.score().word), (0, "degraded"));
        let good = Figures {
            completed: 10,
            latency_ms: None,
            ..Figures::default()
        };
        assert_eq!((good.score().total, good.score().word), (100, "excellent"));
    }
}
