//! Who may call what, now: the rules, the live meters and counters, and the permit that every admitted call holds.
//!
//! Checks everything first and then commits everything or nothing. Knows nothing of HTTP or storage.

mod activity;
mod budget;
mod busyness;
mod cell;
mod claims;
mod confirm;
mod learned;
mod ledger;
mod live;
mod meter;
mod permit;
mod rates;
mod refusal;
mod rules;
pub mod schedule;
mod sharing;
mod weight;
mod window;

pub use activity::{Figures, level};
pub use busyness::{Advice, advise};
pub use claims::limits_of;
pub use live::{KeyLive, LiveCounters};
pub use permit::{Admission, Ask, CredentialPermit, Permit, Saturated, Used};
pub use rates::{Rate, Rates};
pub use refusal::{Figure, Observed, Refusal};
pub use rules::{Caller, check_key};
pub use sharing::{Asked, Board, LEASE_MS, Posting, Standing, Verdict, Which};
pub use weight::{Estimate, Weight, price_at};
