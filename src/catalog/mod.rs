//! The in-memory picture of providers, models, prices and API keys that the data plane reads.
//!
//! Immutable once built; replaced as a whole. Never waits for the database on behalf of a request.

mod lookup;
mod snapshot;

use std::sync::Arc;

pub use lookup::Resolved;
pub use snapshot::{
    AllowedModels, ApiKey, Catalog, Credential, CredentialState, Model, Provider, Target,
};

/// The snapshot in force, replaced by the updater and read by everyone else.
pub type CatalogHandle = Arc<arc_swap::ArcSwap<Catalog>>;

#[cfg(test)]
pub(crate) mod fixtures;
