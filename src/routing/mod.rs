//! Which target to try, in which order, and why: a pure function, and the health it reads.
//!
//! Nothing else chooses a target. Knows nothing of HTTP or storage; time and chance are handed in.

mod attempts;
mod breaker;
mod chance;
mod event;
mod health;
mod hearsay;
mod latency;
mod meaning;
mod mend;
mod order;
mod outcome;
mod places;
mod plan;
mod queue;
mod reason;
pub mod wait;

pub use attempts::{Attempts, InFlight, NoPlace, QueueRule, Waited};
pub use event::{Event, Events, State, Subject};
pub use health::{Ended, Health, Resting, Trouble};
pub use hearsay::Rest;
pub use meaning::{VendorError, meaning};
pub use outcome::Outcome;
pub use plan::{Candidate, Plan, PlanRequest, Skip, Skipped, Why, plan};
pub use reason::Reason;

#[cfg(test)]
mod attempts_tests;
#[cfg(test)]
mod health_tests;
#[cfg(test)]
mod plan_property_tests;
#[cfg(test)]
mod plan_tests;
