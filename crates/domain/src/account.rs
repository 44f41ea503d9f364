//! People who run the gateway or use it.

use crate::closed_set::closed_set;

closed_set! {
    /// What an account may do.
    Role {
        /// Uses the gateway: sees its own keys and usage.
        #[default]
        User = "user",
        /// Runs the gateway.
        Admin = "admin",
    }
}
