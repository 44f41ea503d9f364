//! Seals of thoughts: opaque texts that a vendor puts on its thoughts, or on what follows them, and wants back unchanged.
//!
//! Callers of other dialects carry them as signatures. A mark in front says who made one, so that none is ever shown to a
//! vendor who did not. What Anthropic signed carries no mark: it only ever comes from and goes to its own dialect.

/// Who made a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Google (`https://ai.google.dev/gemini-api/docs/thought-signatures`).
    Gemini,
    /// `OpenAI` (`https://platform.openai.com/docs/guides/reasoning`, encrypted reasoning items).
    OpenAi,
}

impl Maker {
    const ALL: [Self; 2] = [Self::Gemini, Self::OpenAi];

    const fn mark(self) -> &'static str {
        match self {
            Self::Gemini => "gemini#",
            Self::OpenAi => "openai#",
        }
    }
}

/// The seal as other dialects carry it.
pub fn marked(maker: Maker, seal: &str) -> String {
    format!("{}{seal}", maker.mark())
}

/// The seal as this vendor made it; `None` for what somebody else made.
pub fn unmarked(maker: Maker, signature: &str) -> Option<&str> {
    signature.strip_prefix(maker.mark())
}

/// What stands in front of the seals of all makers.
pub fn marks() -> impl Iterator<Item = &'static str> {
    Maker::ALL.into_iter().map(Maker::mark)
}

/// Whether it is a seal of one of these vendors.
pub fn is_marked(signature: &str) -> bool {
    Maker::ALL
        .iter()
        .any(|maker| signature.starts_with(maker.mark()))
}
