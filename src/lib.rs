//! ModelGate: one gateway between people, their tools and every model vendor.
//!
//! `docs/ARCHITECTURE.md` shows which module may import which; `tests/conventions.rs` holds them to it.

pub mod admission;
pub mod analysis;
pub mod app;
pub mod assistant;
pub mod backup;
pub mod calls;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod csv;
pub mod disk;
pub mod explain;
pub mod forwarded;
pub mod i18n;
pub mod journal;
pub mod notices;
pub mod probe;
pub mod proxy;
pub mod reports;
pub mod routing;
pub mod scheduler;
pub mod secrets;
pub mod selftest;
pub mod shared;
pub mod simulator;
pub mod telemetry;
pub mod tokens;
pub mod upstream;
pub mod vendors;
pub mod web;
