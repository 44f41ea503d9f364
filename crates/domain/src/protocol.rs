//! What vendors speak.

use crate::closed_set::closed_set;

closed_set! {
    /// How a provider is called: its addresses, its form of requests and answers, and how it is shown the key.
    Protocol {
        /// OpenAI's chat completions, embeddings and what stands beside them.
        #[default]
        Openai = "openai",
        /// The same at Azure: another header for the key and, with an `api-version` in the address, deployments in the path.
        #[serde(rename = "azure-openai")]
        AzureOpenai = "azure-openai",
        /// Anthropic's messages.
        Anthropic = "anthropic",
        /// OpenAI's responses.
        #[serde(rename = "openai-responses")]
        OpenaiResponses = "openai-responses",
        /// Google's `generateContent`.
        Gemini = "gemini",
        /// Ollama's own chat; embeddings and completions on its OpenAI-compatible surface.
        Ollama = "ollama",
    }
}

impl Protocol {
    /// The protocol whose endpoints it has: its own, but for what only calls them in another way.
    #[must_use]
    pub const fn surface(self) -> Self {
        match self {
            Self::AzureOpenai => Self::Openai,
            own => own,
        }
    }

    /// Whether a provider of this protocol (by name) has the endpoints of that one (by name).
    pub fn serves(provider: &str, endpoint: &str) -> bool {
        let known: Result<Self, _> = provider.parse();
        known.map_or(provider == endpoint, |known| {
            let beside = known == Self::Ollama && endpoint == Self::Openai.as_str();
            beside || known.surface().as_str() == endpoint
        })
    }

    /// All names, as a sentence has them.
    pub fn names() -> String {
        let names = Self::ALL.iter().map(|one| format!("\"{one}\""));
        let names: Vec<String> = names.collect();
        match names.split_last() {
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_calls_in_another_way_has_the_same_endpoints() {
        assert!(Protocol::serves("azure-openai", "openai"));
        assert!(Protocol::serves("anthropic", "anthropic"));
        assert!(!Protocol::serves("gemini", "openai"));
        assert!(Protocol::serves("ollama", "openai") && !Protocol::serves("openai", "ollama"));
        for one in Protocol::ALL {
            let stored = serde_json::to_value(one).unwrap();
            assert_eq!(stored, one.as_str());
        }
        assert!(Protocol::names().ends_with("or \"ollama\""));
    }
}
