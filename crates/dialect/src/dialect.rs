//! The dialects that are converted into one another.

use std::borrow::Cow;

use modelgate_domain::Protocol;

use crate::gemini::path::{Verb, path};
use crate::sse;

/// A wire format for conversations with a model, as vendors speak it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI's chat completions, and what stands beside them: completions, embeddings.
    Chat,
    /// Anthropic's messages.
    Messages,
    /// Google's `generateContent`.
    Gemini,
    /// OpenAI's responses.
    Responses,
    /// Ollama's chat.
    Ollama,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::Messages,
        Self::Gemini,
        Self::Responses,
        Self::Ollama,
    ];

    /// The dialect of a provider's protocol; absent where it is not known here.
    pub fn of_protocol(protocol: &str) -> Option<Self> {
        Some(match protocol.parse().ok()? {
            Protocol::Openai | Protocol::AzureOpenai => Self::Chat,
            Protocol::Anthropic => Self::Messages,
            Protocol::Gemini => Self::Gemini,
            Protocol::OpenaiResponses => Self::Responses,
            Protocol::Ollama => Self::Ollama,
        })
    }

    /// What it is called in settings.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Chat => "openai",
            Self::Messages => "anthropic",
            Self::Gemini => "gemini",
            Self::Responses => "openai-responses",
            Self::Ollama => "ollama",
        }
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "OpenAI chat completions",
            Self::Messages => "Anthropic messages",
            Self::Gemini => "Google Gemini",
            Self::Responses => "OpenAI responses",
            Self::Ollama => "Ollama",
        }
    }

    /// Whether its streams are one JSON object a line, and not events.
    pub const fn streams_lines(self) -> bool {
        matches!(self, Self::Ollama)
    }

    /// Where a conversation with this model is sent to, behind the vendor's base address.
    pub fn path(self, model: &str, stream: bool) -> Cow<'static, str> {
        match self {
            Self::Chat => Cow::Borrowed("/chat/completions"),
            Self::Messages => Cow::Borrowed("/v1/messages"),
            Self::Responses => Cow::Borrowed("/responses"),
            Self::Ollama => Cow::Borrowed("/api/chat"),
            Self::Gemini if stream => Cow::Owned(path(model, Verb::Stream)),
            Self::Gemini => Cow::Owned(path(model, Verb::Generate)),
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
    /// Google's `generateContent`.
    Gemini,
}

impl Caller {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chat, Self::Messages, Self::Responses, Self::Gemini];

    /// What keeps a silent stream open and means nothing to its reader.
    pub const fn heartbeat(self) -> &'static [u8] {
        match self {
            Self::Chat | Self::Messages | Self::Responses => sse::HEARTBEAT,
            Self::Gemini => sse::BLANK_HEARTBEAT,
        }
    }

    /// The dialect of vendors that is the same, where there is one.
    pub const fn native(self) -> Option<Dialect> {
        match self {
            Self::Chat => Some(Dialect::Chat),
            Self::Messages => Some(Dialect::Messages),
            Self::Gemini => Some(Dialect::Gemini),
            Self::Responses => Some(Dialect::Responses),
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
            Self::Gemini => "gemini",
        }
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "OpenAI chat completions",
            Self::Messages => "Anthropic messages",
            Self::Responses => "OpenAI responses",
            Self::Gemini => "Google Gemini",
        }
    }
}
