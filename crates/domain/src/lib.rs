//! The product's nouns as plain data: ids, money, token usage, prices, outcomes, the request record.
//!
//! Owns meaning and arithmetic. No I/O, no clock, no async, nothing of HTTP or SQL.

pub mod account;
pub mod api_key;
pub mod closed_set;
pub mod credential;
pub mod histogram;
pub mod ids;
pub mod limit;
pub mod money;
pub mod naming;
pub mod outcome;
pub mod price;
pub mod record;
pub mod secret;
pub mod usage;

pub use account::Role;
pub use api_key::KeyText;
pub use credential::{CredentialState, StateBy};
pub use ids::{ApiKeyId, ModelId, PriceId, ProviderId, ProviderKeyId, RequestId, TargetId, UserId};
pub use limit::{LimitKind, LimitScope};
pub use money::Currency;
pub use outcome::{FaultOwner, Status};
pub use price::Price;
pub use record::{AttemptRecord, RequestRecord};
pub use secret::Secret;
pub use usage::Usage;
