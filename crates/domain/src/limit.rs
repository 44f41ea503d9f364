//! The vocabulary of limits.

use crate::closed_set::closed_set;
use crate::{Currency, ModelId};

closed_set! {
    /// What a limit applies to.
    LimitScope {
        /// One API key.
        #[default]
        ApiKey = "api_key",
        /// All keys of one account.
        User = "user",
        /// One public model.
        Model = "model",
        /// One vendor credential.
        ProviderKey = "provider_key",
    }
}

closed_set! {
    /// What a limit counts.
    LimitKind {
        /// Requests per minute.
        #[default]
        Rpm = "rpm",
        /// Tokens per minute.
        Tpm = "tpm",
        /// Calls at the same time.
        Concurrency = "concurrency",
        /// Money.
        Budget = "budget",
    }
}

closed_set! {
    /// Whether a limit refuses.
    LimitMode {
        /// It refuses.
        #[default]
        Enforce = "enforce",
        /// It only says what it would have refused.
        Observe = "observe",
    }
}

closed_set! {
    /// How long a budget lasts, in the business time zone.
    Period {
        /// From midnight to midnight.
        #[default]
        Day = "day",
        /// From Monday to Sunday.
        Week = "week",
        /// A calendar month.
        Month = "month",
        /// For good.
        Total = "total",
    }
}

/// One limit, with everything that tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// What it applies to.
    pub scope: LimitScope,
    /// The row of that thing.
    pub scope_id: i64,
    /// Only for calls of this model; 0 for any.
    pub model_id: ModelId,
    /// What it counts.
    pub kind: LimitKind,
    /// How much is allowed: requests, tokens or calls, or for a budget nano-units of `currency`.
    pub amount: i64,
    /// A budget's currency; empty otherwise.
    pub currency: Currency,
    /// A budget's period; absent otherwise.
    pub period: Option<Period>,
    /// Whether it refuses.
    pub mode: LimitMode,
}
