//! Which target to try, in which order, and why: a pure function, and the health it reads.
//!
//! Nothing else chooses a target. Knows nothing of HTTP or storage; time and chance are handed in.

mod chance;
mod health;
mod plan;

pub use health::{Health, InFlight, Outcome, Resting};
pub use plan::{Candidate, Plan, PlanRequest, Skip, Skipped, Why, plan};

#[cfg(test)]
mod health_tests;
#[cfg(test)]
mod plan_tests;
