//! What several pages show alike.

pub(super) mod allowances;
pub(in crate::web) mod confirm;
pub(super) mod facts;
pub(super) mod fields;
pub(super) mod key_test;
pub(in crate::web) mod names;
pub(super) mod places;
pub(super) mod removal;
pub(super) mod rows;
pub(in crate::web) mod status;
pub(super) mod summary;
pub(super) mod time_rules;
pub(in crate::web) mod usage;
pub(super) mod version;
