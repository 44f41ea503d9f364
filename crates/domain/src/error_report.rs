//! How far a report on errors is.

use crate::closed_set::closed_set;

closed_set! {
    /// The state of a report on the errors of a day.
    ReportState {
        /// Somebody asked for it.
        #[default]
        Waiting = "waiting",
        /// It is being written; after a crash it is written again.
        Writing = "writing",
        /// It can be read.
        Done = "done",
    }
}
