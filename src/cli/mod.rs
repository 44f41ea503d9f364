//! The commands.

pub mod apply;
pub mod simulate;
