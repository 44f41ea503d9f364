//! Calls to vendors on an operator's behalf: test a credential, fetch the model list.
//!
//! Makes real calls over the same TLS settings, proxies and headers as the data path, and says in a
//! closed set of verdicts what came of it. Never repeats a vendor's words with a secret in them.

mod classify;
mod models;
mod report;
mod test;
mod vendor;

pub use models::{Offer, fetch_models};
pub use report::{Called, Report, Subject, Verdict};
pub use test::test;

#[cfg(test)]
mod probe_tests;
