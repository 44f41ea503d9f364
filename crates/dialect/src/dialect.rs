//! The dialects that are converted into one another.

/// A wire format for conversations with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI's chat completions, and what stands beside them: completions, embeddings.
    Chat,
    /// Anthropic's messages.
    Messages,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Messages];

    /// The dialect of a provider's protocol; absent where it is not known here.
    pub fn of_protocol(protocol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.protocol() == protocol)
    }

    /// What it is called in settings and records.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Chat => "openai",
            Self::Messages => "anthropic",
        }
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "OpenAI chat completions",
            Self::Messages => "Anthropic messages",
        }
    }

    /// Where a conversation is sent to, behind the vendor's base address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }
}
