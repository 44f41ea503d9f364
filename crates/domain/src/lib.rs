//! The product's nouns as plain data: ids, money, token usage, prices, outcomes, the request record.
//!
//! Owns meaning and arithmetic. No I/O, no clock, no async, nothing of HTTP or SQL.

pub mod api_key;
pub mod histogram;
pub mod ids;
pub mod money;
pub mod outcome;
pub mod price;
pub mod record;
pub mod secret;
pub mod usage;

pub use api_key::KeyText;
pub use ids::{ApiKeyId, ModelId, PriceId, ProviderId, ProviderKeyId, RequestId, TargetId, UserId};
pub use money::Currency;
pub use outcome::{FaultOwner, Status};
pub use price::Price;
pub use record::{AttemptRecord, RequestRecord};
pub use secret::Secret;
pub use usage::Usage;
