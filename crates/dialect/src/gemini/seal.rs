//! Seals of thoughts: opaque texts that Gemini puts on what follows its thoughts and wants back unchanged
//! (`https://ai.google.dev/gemini-api/docs/thought-signatures`).
//!
//! Callers of other dialects carry them as signatures. A mark in front tells them from those of other vendors, so that
//! none is ever shown to a vendor who did not make it.

/// What stands in front of a seal of Gemini's wherever another dialect carries it.
const MARK: &str = "gemini#";

/// What Google's reference gives for calls whose seal was lost or that another model made: checking is skipped.
pub const SKIP: &str = "skip_thought_signature_validator";

/// The seal as other dialects carry it.
pub fn marked(seal: &str) -> String {
    format!("{MARK}{seal}")
}

/// The seal as Gemini made it; `None` for what somebody else signed.
pub fn unmarked(signature: &str) -> Option<&str> {
    signature.strip_prefix(MARK)
}
