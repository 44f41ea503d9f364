//! The dialects that are converted into one another.

/// A wire format for conversations with a model, as vendors speak it.
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

    /// What it is called in settings.
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

/// What a caller speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// OpenAI's chat completions, and what stands beside them: completions, embeddings.
    Chat,
    /// Anthropic's messages.
    Messages,
    /// OpenAI's responses.
    Responses,
}

impl Caller {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Messages, Self::Responses];

    /// The dialect of vendors that is the same, where there is one.
    pub const fn native(self) -> Option<Dialect> {
        match self {
            Self::Chat => Some(Dialect::Chat),
            Self::Messages => Some(Dialect::Messages),
            Self::Responses => None,
        }
    }

    /// Whether a vendor of this dialect understands the caller.
    pub fn is(self, vendor: Dialect) -> bool {
        self.native() == Some(vendor)
    }

    /// What it is called in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "openai",
            Self::Messages => "anthropic",
            Self::Responses => "openai-responses",
        }
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "OpenAI chat completions",
            Self::Messages => "Anthropic messages",
            Self::Responses => "OpenAI responses",
        }
    }
}
