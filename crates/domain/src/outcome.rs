//! How a request ended, and whose fault it was.

use crate::closed_set::closed_set;

closed_set! {
    /// The state of a request's record; all but `Pending` are terminal.
    Status {
        /// Accepted, not ended yet.
        #[default]
        Pending = "pending",
        /// Answered completely.
        Success = "success",
        /// Ended with an error.
        Error = "error",
        /// Ended by one of the gateway's timeouts.
        Timeout = "timeout",
        /// The caller went away.
        Cancelled = "cancelled",
        /// Refused by a limit, ours or the vendor's.
        RateLimited = "rate_limited",
    }
}

closed_set! {
    /// Who has to change something so that it does not happen again.
    FaultOwner {
        /// Nobody: it worked.
        #[default]
        None = "none",
        /// The program that called.
        Caller = "caller",
        /// A rule that an operator set.
        Policy = "policy",
        /// This gateway.
        Gateway = "gateway",
        /// The vendor.
        Upstream = "upstream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for owner in FaultOwner::ALL {
            assert_eq!(owner.as_str().parse(), Ok(*owner));
        }
    }
}
