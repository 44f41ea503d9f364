//! The stored state of a vendor credential.

use crate::closed_set::closed_set;

closed_set! {
    /// Whether a credential may be used, and why not.
    CredentialState {
        /// May be used.
        #[default]
        Active = "active",
        /// Resting after errors.
        Cooldown = "cooldown",
        /// Out of quota.
        Exhausted = "exhausted",
        /// The vendor refused it.
        Rejected = "rejected",
        /// Switched off.
        Disabled = "disabled",
    }
}

closed_set! {
    /// Who put a credential into its state. What an operator disabled stays disabled.
    StateBy {
        /// An operator.
        #[default]
        Admin = "admin",
        /// The gateway itself.
        System = "system",
    }
}
