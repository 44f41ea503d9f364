//! What a vendor means by an error.

use crate::closed_set::closed_set;

closed_set! {
    /// What a vendor means by an error, for the next attempt and for those who run the gateway.
    Meaning {
        /// The credential has had enough of this model for now.
        #[default]
        RateLimited = "rate_limited",
        /// The credential has had enough for now, whatever the model.
        AccountLimited = "account_limited",
        /// No quota or money left.
        Exhausted = "exhausted",
        /// The credential is not accepted.
        Rejected = "rejected",
        /// The model is not served, or not to this account.
        Unavailable = "unavailable",
        /// The vendor has too much to do.
        Overloaded = "overloaded",
        /// The prompt is longer than the model's context window.
        ContextTooLong = "context_too_long",
        /// The vendor declines to answer this prompt.
        Refused = "refused",
    }
}
