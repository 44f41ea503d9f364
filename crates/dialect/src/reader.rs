//! Reading whole answers in whatever dialect a vendor speaks.

use crate::dialect::Dialect;
use crate::openai::answer::Findings;
use crate::{anthropic, gemini, ollama, openai, responses};

/// The readers of all dialects. Built once and kept: the finders inside are prepared for speed.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    pub(crate) chat: openai::answer::Reader,
    pub(crate) messages: anthropic::answer::Reader,
    pub(crate) gemini: gemini::answer::Reader,
    pub(crate) responses: responses::answer::Reader,
    pub(crate) ollama: ollama::answer::Reader,
}

impl Reader {
    /// What a whole answer says, or the end of one that was too large to keep.
    pub fn read(&self, dialect: Dialect, body: &[u8]) -> Findings {
        match dialect {
            Dialect::Chat => self.chat.read(body),
            Dialect::Messages => self.messages.read(body),
            Dialect::Gemini => self.gemini.read(body),
            Dialect::Responses => self.responses.read(body),
            Dialect::Ollama => self.ollama.read(body),
        }
    }

    /// True where an answer, whatever its status says, is an error and nothing else.
    pub fn is_error(&self, dialect: Dialect, body: &[u8]) -> bool {
        match dialect {
            Dialect::Chat => self.chat.is_error(body) || self.chat.is_base_error(body),
            Dialect::Messages => self.messages.is_error(body),
            Dialect::Gemini => self.gemini.is_error(body),
            Dialect::Responses => self.responses.is_error(body),
            Dialect::Ollama => self.ollama.is_error(body),
        }
    }
}
