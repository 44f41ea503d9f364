//! Whom a text is for.

use crate::closed_set::closed_set;

closed_set! {
    /// Whom a text is for.
    Audience {
        /// Whoever opens the site.
        Everyone = "everyone",
        /// Those who use the gateway.
        #[default]
        Holders = "holders",
        /// Those who may look around the console.
        Admins = "admins",
    }
}
