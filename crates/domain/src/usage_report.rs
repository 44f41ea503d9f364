//! How a report of use stands.

use crate::closed_set::closed_set;

closed_set! {
    /// The state of a report of use.
    UsageReportState {
        /// Nobody has begun it.
        #[default]
        Waiting = "waiting",
        /// It is being made.
        Running = "running",
        /// Its files are there.
        Done = "done",
        /// It could not be made; its row says why.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// Its files are gone; the row remembers that it was made.
        Deleted = "deleted",
    }
}

impl UsageReportState {
    /// Whether it is still to come.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}
