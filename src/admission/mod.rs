//! Who may call what, now: the rules, the live counters, and the permit that every admitted call holds.
//!
//! Checks everything first and then commits everything or nothing. Knows nothing of HTTP or storage.

mod live;
mod permit;
mod rules;

pub use live::{KeyLive, LiveCounters};
pub use permit::{Admission, Permit};
pub use rules::{Ask, Refusal, check_key, refuse};
