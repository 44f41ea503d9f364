//! How a vendor call ended, as far as the next ones are concerned.

/// How a vendor call ended. A wait is what the vendor asks for, in milliseconds, where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The vendor's answer has begun.
    Served,
    /// The vendor answered with an error that is the caller's.
    Answered,
    /// This credential has had enough of this model.
    RateLimited {
        /// What the vendor asks for.
        retry_after_ms: Option<i64>,
    },
    /// This credential has had enough, whatever the model.
    AccountLimited {
        /// What the vendor asks for.
        retry_after_ms: Option<i64>,
    },
    /// The credential has no quota or money left.
    Exhausted {
        /// Until the quota is filled up again.
        retry_after_ms: Option<i64>,
    },
    /// The vendor does not accept the credential.
    Rejected,
    /// The vendor does not let the credential use this model.
    Forbidden,
    /// The vendor does not serve this model, or not to this account.
    Unavailable {
        /// What the vendor asks for.
        retry_after_ms: Option<i64>,
    },
    /// The vendor has too much to do.
    Overloaded {
        /// What the vendor asks for.
        retry_after_ms: Option<i64>,
    },
    /// No connection, or no TLS: nothing at this provider can be reached.
    Unreachable,
    /// 5xx, closed, or silent before the first event.
    Failed,
}
