//! What models take that speak a dialect and not all of it. A row for each family, so that the code that writes requests
//! knows no model.
//!
//! As of November 2026, from the vendors' public references: `OpenAI` (reasoning models), Anthropic (extended and adaptive
//! thinking, effort, structured outputs), Google (compatibility with `OpenAI`), xAI, `DeepSeek` (thinking mode) and Z.ai
//! (`thinking.type`).

/// What a model behind chat completions takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatModel {
    /// Limits the answer by `max_completion_tokens` and refuses `max_tokens`.
    pub max_completion_tokens: bool,
    /// Knows `reasoning_effort`.
    pub effort: bool,
    /// Knows `temperature` and `top_p`.
    pub sampling: bool,
    /// Is told by `thinking.type` whether to think.
    pub switch: bool,
    /// Refuses a conversation with calls of tools where an answer comes back without its `reasoning_content`.
    pub wants_thoughts: bool,
}

const PLAIN: ChatModel = ChatModel {
    max_completion_tokens: false,
    effort: false,
    sampling: true,
    switch: false,
    wants_thoughts: false,
};
const REASONER: ChatModel = ChatModel {
    max_completion_tokens: true,
    effort: true,
    sampling: false,
    ..PLAIN
};
const SWITCHED: ChatModel = ChatModel {
    switch: true,
    ..PLAIN
};
const THINKER: ChatModel = ChatModel {
    effort: true,
    ..PLAIN
};

/// By the beginning of the name; the first that fits counts.
const CHAT: [(&str, ChatModel); 16] = [
    (
        "gpt-5-chat",
        ChatModel {
            max_completion_tokens: true,
            ..PLAIN
        },
    ),
    (
        "o1-mini",
        ChatModel {
            effort: false,
            ..REASONER
        },
    ),
    ("o1", REASONER),
    ("o3", REASONER),
    ("o4", REASONER),
    ("gpt-5", REASONER),
    ("gpt-oss", THINKER),
    ("gemini-2-5", THINKER),
    ("gemini-3", THINKER),
    ("grok-3-mini", THINKER),
    ("codex", REASONER),
    (
        "deepseek-v4",
        ChatModel {
            effort: true,
            wants_thoughts: true,
            ..SWITCHED
        },
    ),
    ("glm-4-5", SWITCHED),
    ("glm-4-6", SWITCHED),
    ("glm-4-7", SWITCHED),
    ("glm-5", SWITCHED),
];

/// How a model behind the messages dialect is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingForm {
    /// It cannot.
    None,
    /// With a budget of tokens.
    Budget,
    /// `adaptive`, with an effort beside it.
    Adaptive,
}

/// What a model behind the messages dialect takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagesModel {
    /// How it is told to think.
    pub thinking: ThinkingForm,
    /// Knows schemas for its answers and strict tools.
    pub schemas: bool,
    /// Knows `temperature`, `top_p` and `top_k`.
    pub sampling: bool,
    /// Knows the efforts above `high`.
    pub extra_effort: bool,
}

const BUDGET: MessagesModel = MessagesModel {
    thinking: ThinkingForm::Budget,
    schemas: false,
    sampling: true,
    extra_effort: false,
};
const BUDGET_SCHEMAS: MessagesModel = MessagesModel {
    schemas: true,
    ..BUDGET
};
const ADAPTIVE: MessagesModel = MessagesModel {
    thinking: ThinkingForm::Adaptive,
    ..BUDGET_SCHEMAS
};
const NEWEST: MessagesModel = MessagesModel {
    sampling: false,
    extra_effort: true,
    ..ADAPTIVE
};

const MESSAGES: [(&str, MessagesModel); 13] = [
    ("claude-3-7", BUDGET),
    (
        "claude-3",
        MessagesModel {
            thinking: ThinkingForm::None,
            ..BUDGET
        },
    ),
    ("claude-opus-4-0", BUDGET),
    ("claude-opus-4-1", BUDGET_SCHEMAS),
    ("claude-opus-4-2", BUDGET),
    ("claude-opus-4-5", BUDGET_SCHEMAS),
    ("claude-opus-4-6", ADAPTIVE),
    ("claude-sonnet-4-0", BUDGET),
    ("claude-sonnet-4-2", BUDGET),
    ("claude-sonnet-4-5", BUDGET_SCHEMAS),
    ("claude-sonnet-4-6", ADAPTIVE),
    ("claude-haiku-4-5", BUDGET_SCHEMAS),
    ("claude-", NEWEST),
];

/// What the model takes that a vendor calls so. Of a name not in the table nothing special is known.
pub fn chat(name: &str) -> ChatModel {
    find(&CHAT, name).unwrap_or(PLAIN)
}

/// The same for the messages dialect.
pub fn messages(name: &str) -> MessagesModel {
    find(&MESSAGES, name).unwrap_or(BUDGET)
}

/// How a model of Google's is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeminiThinking {
    /// It cannot, or nothing is known of it.
    None,
    /// With a budget of tokens between these bounds; `off` is the budget that asks for as little as there is.
    Budget {
        /// As little as there is.
        off: i64,
        /// The smallest that is no `off`.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// With a level. Such models want the seals of their thoughts back, and check them.
    Level,
}

const GEMINI: [(&str, GeminiThinking); 6] = [
    (
        "gemini-2-5-pro",
        GeminiThinking::Budget {
            off: 128,
            least: 128,
            most: 32_768,
        },
    ),
    (
        "gemini-2-5-flash-lite",
        GeminiThinking::Budget {
            off: 0,
            least: 512,
            most: 24_576,
        },
    ),
    (
        "gemini-2-5",
        GeminiThinking::Budget {
            off: 0,
            least: 1,
            most: 24_576,
        },
    ),
    ("gemini-2", GeminiThinking::None),
    ("gemini-1", GeminiThinking::None),
    ("gemini-", GeminiThinking::Level),
];

/// The same for `generateContent`.
pub fn gemini(name: &str) -> GeminiThinking {
    find(&GEMINI, name).unwrap_or(GeminiThinking::None)
}

/// How a model at Ollama is told to think. Those that cannot refuse to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OllamaThinking {
    /// It cannot, or nothing is known of it.
    None,
    /// It does or it does not.
    Switch,
    /// So much.
    Level,
}

const OLLAMA: [(&str, OllamaThinking); 7] = [
    ("gpt-oss", OllamaThinking::Level),
    ("deepseek-r1", OllamaThinking::Switch),
    ("deepseek-v3-1", OllamaThinking::Switch),
    ("magistral", OllamaThinking::Switch),
    ("qwen3-coder", OllamaThinking::None),
    ("qwen3-embedding", OllamaThinking::None),
    ("qwen3", OllamaThinking::Switch),
];

/// The same for Ollama's chat.
pub fn ollama(name: &str) -> OllamaThinking {
    find(&OLLAMA, name).unwrap_or(OllamaThinking::None)
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let family = name.rsplit('/').next().unwrap_or(name);
    let family = family.to_ascii_lowercase().replace('.', "-");
    let family = family.rsplit("anthropic-").next().unwrap_or(&family);
    let found = table.iter().find(|(start, _)| family.starts_with(start));
    found.map(|(_, model)| *model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_under_the_names_that_vendors_give_them() {
        for name in ["o3-mini", "openai/gpt-5.1-codex", "GPT-5-mini"] {
            assert_eq!(chat(name), REASONER, "{name}");
        }
        for name in ["gpt-4o", "deepseek-chat", "opus", "qwen3-max", ""] {
            assert_eq!(chat(name), PLAIN, "{name}");
        }
        assert_eq!(chat("google/gemini-2.5-pro"), THINKER);
        assert_eq!(chat("zai-org/GLM-4.6"), SWITCHED);
        assert!(chat("deepseek/deepseek-v4-pro").wants_thoughts);
        assert!(!chat("gpt-5-chat-latest").effort);
        for (name, expected) in [
            ("claude-3-5-haiku-20241022", ThinkingForm::None),
            ("claude-3-7-sonnet-20250219", ThinkingForm::Budget),
            ("claude-sonnet-4-20250514", ThinkingForm::Budget),
            ("anthropic/claude-sonnet-4.5", ThinkingForm::Budget),
            (
                "us.anthropic.claude-sonnet-4-6-v1:0",
                ThinkingForm::Adaptive,
            ),
            ("claude-opus-4-8", ThinkingForm::Adaptive),
            ("claude-haiku-5", ThinkingForm::Adaptive),
            ("kimi-k2", ThinkingForm::Budget),
        ] {
            assert_eq!(messages(name).thinking, expected, "{name}");
        }
        assert_eq!(gemini("models/gemini-3-pro"), GeminiThinking::Level);
        assert_eq!(gemini("gemini-2.0-flash"), GeminiThinking::None);
        assert_ne!(gemini("gemini-2.5-flash"), gemini("gemini-2.5-pro"));
        assert_eq!(ollama("hf.co/org/Qwen3:8b"), OllamaThinking::Switch);
        assert_eq!(ollama("gpt-oss:20b"), OllamaThinking::Level);
        assert_eq!(ollama("qwen3-coder:30b"), OllamaThinking::None);
        assert!(messages("claude-opus-4-6").sampling && !messages("claude-opus-4-8").sampling);
    }
}
