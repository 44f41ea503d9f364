//! Why something rests, and how long where nobody says.

/// Why something rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Too many calls of this model with this credential.
    RateLimited,
    /// Too many calls with this credential, whatever the model.
    AccountLimited,
    /// No quota or money left.
    Exhausted,
    /// The vendor does not accept the credential.
    Rejected,
    /// The vendor does not let the credential use this model.
    Forbidden,
    /// The vendor does not serve this model, or not to this account.
    Unavailable,
    /// The vendor has too much to do.
    Overloaded,
    /// Nothing at this provider can be reached.
    Unreachable,
    /// Errors, broken connections or silence instead of answers.
    Failing,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Reason {
    /// A stable short code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::AccountLimited => "account_limited",
            Self::Exhausted => "exhausted",
            Self::Rejected => "rejected",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Unreachable => "unreachable",
            Self::Failing => "failing",
        }
    }

    /// The reason with this code.
    pub fn of(code: &str) -> Option<Self> {
        const ALL: [Reason; 9] = [
            Reason::RateLimited,
            Reason::AccountLimited,
            Reason::Exhausted,
            Reason::Rejected,
            Reason::Forbidden,
            Reason::Unavailable,
            Reason::Overloaded,
            Reason::Unreachable,
            Reason::Failing,
        ];
        ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// How long the rest number `rests` lasts, in milliseconds, where the vendor does not say.
    pub fn back_off_ms(self, rests: u32) -> i64 {
        let (first, most) = match self {
            // The first is over as soon as the probe has asked: a vendor's log-in may hiccup.
            Self::Rejected if rests <= 1 => (1_000, 1_000),
            Self::Rejected => (15_000, 30 * MINUTE_MS),
            Self::Forbidden | Self::Unavailable => (30_000, 30 * MINUTE_MS),
            Self::Exhausted => (5 * MINUTE_MS, 6 * HOUR_MS),
            Self::RateLimited
            | Self::AccountLimited
            | Self::Overloaded
            | Self::Unreachable
            | Self::Failing => (1_000, MINUTE_MS),
        };
        let doublings = rests.saturating_sub(1).min(16);
        first.saturating_mul(1 << doublings).min(most)
    }

    /// The longest rest that a vendor can ask for: a wrong header shall not bench a credential for ever.
    pub(super) const fn longest_ms(self) -> i64 {
        match self {
            Self::Exhausted => 32 * DAY_MS,
            Self::RateLimited | Self::AccountLimited => DAY_MS,
            _ => HOUR_MS,
        }
    }

    /// Whether nobody may try before the time is over, not even as a last resort.
    pub const fn bars(self) -> bool {
        matches!(self, Self::Exhausted | Self::Rejected)
    }
}
