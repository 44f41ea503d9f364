//! How much a piece of news matters.

use crate::closed_set::closed_set;

closed_set! {
    /// How much a piece of news matters.
    Severity {
        /// Good to know.
        #[default]
        Info = "info",
        /// Somebody should look at it soon.
        Warning = "warning",
        /// Calls fail, or will.
        Danger = "danger",
    }
}
