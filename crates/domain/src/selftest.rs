//! What a self-test of a provider found out: one cell for each case and dialect of clients.

use serde::{Deserialize, Serialize};

use crate::closed_set::closed_set;

closed_set! {
    /// How a case went.
    Verdict {
        /// As it should.
        Passed = "passed",
        /// Not as it should.
        #[default]
        Failed = "failed",
        /// Not tried, since the model is known not to do it.
        Skipped = "skipped",
    }
}

/// One case in one dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trial {
    /// The case's name.
    pub case: String,
    /// The client's dialect, as settings call it.
    pub client: String,
    /// How it went.
    pub verdict: Verdict,
    /// Why it failed, or what is worth knowing although it passed; may be empty.
    pub note: String,
    /// Milliseconds it took.
    pub took_ms: i64,
    /// The HTTP status, 0 where none came.
    pub status: u16,
    /// The request in the log; empty where none came.
    pub request_id: String,
    /// The body that was sent, cut, with long data left out.
    pub sent: String,
    /// The body that came back, cut.
    pub received: String,
}

/// How many of each verdict: passed, failed, skipped.
pub fn count(trials: &[Trial]) -> [i64; 3] {
    let of = |verdict: Verdict| {
        let found = trials.iter().filter(|trial| trial.verdict == verdict);
        i64::try_from(found.count()).unwrap_or(i64::MAX)
    };
    [
        of(Verdict::Passed),
        of(Verdict::Failed),
        of(Verdict::Skipped),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_counted_and_kept_under_their_names() {
        let trial = |verdict| Trial {
            verdict,
            ..Trial::default()
        };
        let trials = [
            trial(Verdict::Passed),
            trial(Verdict::Skipped),
            trial(Verdict::Passed),
        ];
        assert_eq!(count(&trials), [2, 0, 1]);
        for one in Verdict::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
        }
    }
}
