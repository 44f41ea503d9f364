//! The store on both engines: every aggregate, the doors, migrations, TLS.
//!
//! SQLite always; PostgreSQL where `TEST_DATABASE_URL` names a server, each test in a database of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on should stop loudly; tests read their environment and the clock themselves"
)]

mod access;
mod budgets;
mod catalog;
mod doors;
mod history;
mod key_links;
mod log_filters;
mod migrations;
mod schema;
mod support;
mod tls;
