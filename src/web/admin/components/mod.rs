//! What several pages show alike.

pub(super) mod names;
pub(super) mod status;
