//! The in-memory picture of providers, models, prices and API keys that the data plane reads.
//!
//! Immutable once built; replaced as a whole. Never waits for the database on behalf of a request.

mod build;
mod error_rules;
mod lookup;
pub mod outbound;
mod snapshot;
mod updater;

use std::sync::Arc;

pub use build::{SEALED_IN, build, open_provider};
pub use error_rules::ErrorRule;
pub use lookup::Resolved;
pub use modelgate_domain::CredentialState;
pub use snapshot::{
    AllowedModels, ApiKey, BusynessRule, Catalog, Credential, Fallback, KeyRules, Model, Note,
    Provider, Target,
};
pub use updater::{Observer, Status, Updater, effective};

/// The snapshot in force, replaced by the updater and read by everyone else.
pub type CatalogHandle = Arc<arc_swap::ArcSwap<Catalog>>;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod updater_tests;
