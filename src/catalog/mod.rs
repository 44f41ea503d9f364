//! The in-memory picture of providers, models, prices and API keys that the data plane reads.
//!
//! Immutable once built; replaced as a whole. Never waits for the database on behalf of a request.

mod snapshot;

pub use snapshot::{
    AllowedModels, ApiKey, Catalog, Credential, CredentialState, Model, Provider, Target,
};
