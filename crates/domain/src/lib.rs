//! The product's nouns as plain data: ids, money, token usage, prices, outcomes, the request record.
//!
//! Owns meaning and arithmetic. No I/O, no clock, no async, nothing of HTTP or SQL.

pub mod account;
pub mod api_key;
pub mod audience;
pub mod busyness;
pub mod closed_set;
pub mod credential;
pub mod error_report;
pub mod histogram;
pub mod ids;
pub mod job;
pub mod limit;
pub mod meaning;
pub mod modality;
pub mod money;
pub mod naming;
pub mod outcome;
pub mod period;
pub mod phase;
pub mod price;
pub mod protocol;
pub mod range;
pub mod record;
pub mod routing;
pub mod secret;
pub mod selftest;
pub mod severity;
pub mod time_rule;
pub mod usage;
pub mod usage_report;

pub use account::{Permission, Role};
pub use api_key::KeyText;
pub use audience::Audience;
pub use busyness::{Busyness, BusynessAction};
pub use credential::{CredentialState, StateBy};
pub use error_report::ReportState;
pub use ids::{ApiKeyId, ModelId, PriceId, ProviderId, ProviderKeyId, RequestId, TargetId, UserId};
pub use job::{Cron, Job, JobOutcome, JobStep, JobTrigger};
pub use limit::{Limit, LimitKind, LimitMode, LimitScope, Period};
pub use meaning::Meaning;
pub use modality::{Modalities, Modality};
pub use money::Currency;
pub use outcome::{FaultOwner, Status};
pub use phase::{Phase, Phases};
pub use price::Price;
pub use protocol::Protocol;
pub use range::{Bucket, Range, Window};
pub use record::{AttemptRecord, RequestRecord};
pub use routing::{Cause, Strategy};
pub use secret::Secret;
pub use severity::Severity;
pub use time_rule::{DayTime, TimeRule, Weekdays, When};
pub use usage::Usage;
pub use usage_report::UsageReportState;
