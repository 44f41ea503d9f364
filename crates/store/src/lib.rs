//! All persistence: two engines behind one set of queries. No SQL and no diesel type leaks out.
//!
//! [`Db`] has the doors; one module per aggregate has plain structs and functions on [`Conn`].

pub mod announcements;
pub mod api_keys;
pub mod archive;
pub mod audit;
pub mod budgets;
pub mod busyness_rules;
mod care;
pub mod catalog;
pub mod changes;
mod columns;
mod conn;
pub mod daily;
pub mod documents;
pub mod drain;
mod engine;
mod error;
pub mod error_reports;
pub mod error_rules;
pub mod failures;
pub mod health_events;
pub mod instances;
pub mod jobs;
pub mod key_links;
pub mod latency;
pub mod limits;
mod log_row;
pub mod log_views;
mod migrate;
pub mod models;
pub mod notices;
mod page;
mod pool;
mod postgres;
pub mod prices;
pub mod provider_keys;
pub mod providers;
pub mod request_logs;
pub mod retention;
mod schema;
pub mod secrets_check;
pub mod sessions;
pub mod settings;
pub mod setup_links;
mod sqlite;
pub mod targets;
#[cfg(test)]
mod testing;
pub mod time_rules;
mod tls;
mod total;
mod totals;
pub mod usage;
pub mod users;

pub use care::Care;
pub use conn::Conn;
pub use engine::Engine;
pub use error::StoreError;
pub use migrate::MigrationStatus;
pub use page::Page;
pub use pool::Db;
