//! All persistence: two engines behind one set of queries. No SQL and no diesel type leaks out.
//!
//! [`Db`] has the doors; one module per aggregate has plain structs and functions on [`Conn`].
#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "aggregates still to come use these"
)]

pub mod api_keys;
pub mod catalog;
pub mod changes;
mod columns;
mod conn;
pub mod drain;
mod engine;
mod error;
pub mod instances;
pub mod limits;
mod migrate;
pub mod models;
mod pool;
mod postgres;
pub mod prices;
pub mod provider_keys;
pub mod providers;
mod schema;
pub mod secrets_check;
pub mod settings;
mod sqlite;
pub mod targets;
#[cfg(test)]
mod testing;
mod tls;

pub use conn::Conn;
pub use engine::Engine;
pub use error::StoreError;
pub use migrate::MigrationStatus;
pub use pool::Db;
