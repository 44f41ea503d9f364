//! How a request ended, and whose fault it was.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// Every value, in the order pages list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in the database, in JSON and in metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text).ok_or(UnknownName)
            }
        }
    };
}

/// The text names no value of a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known names")]
pub struct UnknownName;

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
