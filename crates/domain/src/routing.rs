//! The vocabulary of choosing a target.

use crate::closed_set::closed_set;

closed_set! {
    /// How a model chooses among targets of the same priority.
    Strategy {
        /// By chance, in proportion to the weights.
        #[default]
        Weighted = "weighted",
        /// In turn, in proportion to the weights.
        RoundRobin = "round_robin",
        /// The one with the fewest running calls for its weight.
        LeastBusy = "least_busy",
        /// The one that answers soonest.
        Latency = "latency",
    }
}

closed_set! {
    /// Why a fallback model may take over.
    Cause {
        /// Whatever kept the model from answering.
        #[default]
        Any = "",
        /// No target had room, or the vendors were overloaded.
        Overloaded = "overloaded",
        /// The prompt is longer than the model's context window.
        ContextTooLong = "context_too_long",
        /// The vendor declined to answer this prompt.
        Refused = "refused",
    }
}
