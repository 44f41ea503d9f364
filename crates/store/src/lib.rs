//! All persistence: two engines behind one set of queries. No SQL and no diesel type leaks out.
//!
//! [`Db`] has the doors; one module per aggregate has plain structs and functions on [`Conn`].
#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "aggregates still to come use these"
)]

pub mod changes;
mod columns;
mod conn;
mod engine;
mod error;
mod migrate;
mod pool;
mod postgres;
pub mod providers;
mod schema;
mod sqlite;
mod tls;

pub use conn::Conn;
pub use engine::Engine;
pub use error::StoreError;
pub use migrate::MigrationStatus;
pub use pool::Db;
