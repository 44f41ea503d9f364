//! What several pages show alike.

pub(super) mod confirm;
pub(super) mod fields;
pub(super) mod names;
pub(super) mod status;
