//! The vocabulary of limits.

use crate::closed_set::closed_set;

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
