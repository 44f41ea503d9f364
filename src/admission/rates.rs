//! How a call's rate limits stand, as OpenAI's clients like to be told.

/// One rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How much a minute may hold.
    pub limit: i64,
    /// How much is left.
    pub remaining: i64,
    /// Milliseconds until all of it is free again.
    pub reset_ms: i64,
}

/// The tightest limit of each kind; absent where none applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests a minute.
    pub requests: Option<Rate>,
    /// Tokens a minute.
    pub tokens: Option<Rate>,
}

impl Rate {
    /// The one of the two with less left.
    pub(super) fn tighter(self, other: Option<Self>) -> Self {
        match other {
            Some(other)
                if (other.remaining, -other.reset_ms) < (self.remaining, -self.reset_ms) =>
            {
                other
            }
            _ => self,
        }
    }

    /// The time until all is free as OpenAI writes it: `1s`, `6m0s`; rounded up.
    pub fn reset(&self) -> String {
        let seconds = self.reset_ms.max(0).saturating_add(999) / 1_000;
        match seconds / 60 {
            0 => format!("{seconds}s"),
            minutes => format!("{minutes}m{}s", seconds % 60),
        }
    }
}

impl Rates {
    pub(super) fn tighter(self, other: Self) -> Self {
        let pick = |a: Option<Rate>, b: Option<Rate>| a.map_or(b, |a| Some(a.tighter(b)));
        Self {
            requests: pick(self.requests, other.requests),
            tokens: pick(self.tokens, other.tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_are_written_as_openai_does() {
        let reset = |reset_ms| {
            Rate {
                limit: 1,
                remaining: 0,
                reset_ms,
            }
            .reset()
        };
        assert_eq!(reset(0), "0s");
        assert_eq!(reset(1), "1s");
        assert_eq!(reset(59_001), "1m0s");
        assert_eq!(reset(360_000), "6m0s");
    }
}
