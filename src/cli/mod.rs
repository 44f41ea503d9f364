//! The commands.

pub mod apply;
pub mod healthcheck;
pub mod simulate;
