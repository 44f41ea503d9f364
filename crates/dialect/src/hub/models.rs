//! What models take that speak a dialect and not all of it. A row for each family, so that the code that writes requests
//! knows no model.
//!
//! As of November 2026, from the vendors' public references: `OpenAI` (reasoning models and the efforts of each, what ends an
//! answer), Anthropic (extended and adaptive thinking, effort, structured outputs, largest answers), Google (compatibility with `OpenAI`), xAI, `DeepSeek` (thinking mode), Z.ai
//! (`thinking.type`), Moonshot (thinking models, fixed sampling), `MiniMax` (tags, temperature) and Alibaba's Model Studio
//! (`enable_thinking`).

use super::Effort;

/// What a model behind chat completions takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatModel {
    /// Limits the answer by `max_completion_tokens` and refuses `max_tokens`.
    pub max_completion_tokens: bool,
    /// Knows `reasoning_effort`.
    pub effort: bool,
    /// Knows `temperature` and `top_p`.
    pub sampling: bool,
    /// How it is told whether to think.
    pub switch: ChatSwitch,
    /// Cannot be made to call a tool while it thinks.
    pub unforced: bool,
    /// Refuses a conversation with calls of tools where an answer comes back without its `reasoning_content`.
    pub wants_thoughts: bool,
    /// Has its thoughts between tags in its answer, and wants them back there.
    pub tagged: bool,
    /// Takes a temperature above 0 and up to 1, and refuses others.
    pub narrow: bool,
    /// Seals its thoughts, and knows those again that it has sealed.
    pub seals: bool,
    /// Knows what Google puts at calls of tools (`extra_content`).
    pub google: bool,
    /// Takes what the system says amid a conversation where it stands.
    pub amid: bool,
    /// So many texts that end an answer at most.
    pub stops: usize,
    /// The least effort that it has a word for.
    pub least: Effort,
}

/// How a model behind chat completions is told whether to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatSwitch {
    /// It is not.
    None,
    /// By `thinking.type`.
    Type,
    /// By `enable_thinking`, with a `thinking_budget` beside it.
    Enable,
}

const PLAIN: ChatModel = ChatModel {
    max_completion_tokens: false,
    effort: false,
    sampling: true,
    switch: ChatSwitch::None,
    unforced: false,
    wants_thoughts: false,
    tagged: false,
    narrow: false,
    seals: false,
    google: false,
    amid: false,
    stops: usize::MAX,
    least: Effort::Low,
};
/// What `OpenAI` itself serves takes up to four texts that end an answer
/// (`https://platform.openai.com/docs/api-reference/chat/create`).
const OPENAI: ChatModel = ChatModel {
    amid: true,
    stops: 4,
    ..PLAIN
};
const REASONER: ChatModel = ChatModel {
    max_completion_tokens: true,
    effort: true,
    sampling: false,
    seals: true,
    stops: 0,
    ..OPENAI
};
const MINIMAL: ChatModel = ChatModel {
    least: Effort::Minimal,
    ..REASONER
};
/// Those that think much or not at all.
const PRO: ChatModel = ChatModel {
    least: Effort::Medium,
    ..REASONER
};
const SWITCHED: ChatModel = ChatModel {
    switch: ChatSwitch::Type,
    ..PLAIN
};
const THINKER: ChatModel = ChatModel {
    effort: true,
    ..PLAIN
};
const GOOGLE: ChatModel = ChatModel {
    google: true,
    least: Effort::Minimal,
    ..THINKER
};
const GOOGLE_PLAIN: ChatModel = ChatModel {
    effort: false,
    ..GOOGLE
};
const ENABLED: ChatModel = ChatModel {
    switch: ChatSwitch::Enable,
    ..PLAIN
};
/// Its temperature is fixed: 1 where it thinks, 0.6 where it does not.
const KIMI: ChatModel = ChatModel {
    sampling: false,
    unforced: true,
    wants_thoughts: true,
    ..SWITCHED
};

/// By the beginning of the name, or by all of it where `$` ends it; the first that fits counts.
const CHAT: [(&str, ChatModel); 42] = [
    (
        "gpt-5-chat",
        ChatModel {
            max_completion_tokens: true,
            ..OPENAI
        },
    ),
    ("gpt-3-5", OPENAI),
    ("gpt-4", OPENAI),
    ("chatgpt", OPENAI),
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
    (
        "gpt-5-pro",
        ChatModel {
            least: Effort::High,
            ..REASONER
        },
    ),
    ("gpt-5-4-pro", PRO),
    ("gpt-5-5-pro", PRO),
    ("gpt-5$", MINIMAL),
    ("gpt-5-mini", MINIMAL),
    ("gpt-5-nano", MINIMAL),
    ("gpt-5-2025", MINIMAL),
    ("gpt-5", REASONER),
    ("gpt-6", REASONER),
    ("gpt-oss", THINKER),
    ("gemini-2-5", GOOGLE),
    ("gemini-2", GOOGLE_PLAIN),
    ("gemini-1", GOOGLE_PLAIN),
    ("gemini-", GOOGLE),
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
    (
        "kimi-k2-thinking",
        ChatModel {
            wants_thoughts: true,
            ..PLAIN
        },
    ),
    ("kimi-k2-5", KIMI),
    ("kimi-k2-6", KIMI),
    (
        "minimax-m",
        ChatModel {
            tagged: true,
            narrow: true,
            ..PLAIN
        },
    ),
    // the names at Alibaba's own place: the open weights are told in other ways elsewhere
    ("qwen-plus", ENABLED),
    ("qwen-flash", ENABLED),
    ("qwen-turbo", ENABLED),
    ("qwen3-vl-plus", ENABLED),
    ("qwen3-vl-flash", ENABLED),
    ("qwen3-5-plus", ENABLED),
    ("qwen3-5-flash", ENABLED),
    ("qwen3-6-plus", ENABLED),
    ("qwen3-6-flash", ENABLED),
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
    /// Checks the seals of the thoughts that come back.
    pub seals: bool,
    /// The most tokens that an answer of it may be allowed.
    pub largest: i64,
}

const BUDGET: MessagesModel = MessagesModel {
    thinking: ThinkingForm::Budget,
    schemas: false,
    sampling: true,
    extra_effort: false,
    seals: true,
    largest: 64_000,
};
/// Other vendors' models behind this dialect, of which nothing is known.
const STRANGE: MessagesModel = MessagesModel {
    seals: false,
    largest: i64::MAX,
    ..BUDGET
};
const BUDGET_OPUS: MessagesModel = MessagesModel {
    largest: 32_000,
    ..BUDGET
};
const BUDGET_SCHEMAS: MessagesModel = MessagesModel {
    schemas: true,
    ..BUDGET
};
const ADAPTIVE: MessagesModel = MessagesModel {
    thinking: ThinkingForm::Adaptive,
    largest: 128_000,
    ..BUDGET_SCHEMAS
};
const NEWEST: MessagesModel = MessagesModel {
    sampling: false,
    extra_effort: true,
    largest: i64::MAX,
    ..ADAPTIVE
};

const MESSAGES: [(&str, MessagesModel); 14] = [
    ("claude-3-7", BUDGET),
    (
        "claude-3-5",
        MessagesModel {
            thinking: ThinkingForm::None,
            largest: 8_192,
            ..BUDGET
        },
    ),
    (
        "claude-3",
        MessagesModel {
            thinking: ThinkingForm::None,
            largest: 4_096,
            ..BUDGET
        },
    ),
    ("claude-opus-4-0", BUDGET_OPUS),
    (
        "claude-opus-4-1",
        MessagesModel {
            schemas: true,
            ..BUDGET_OPUS
        },
    ),
    ("claude-opus-4-2", BUDGET_OPUS),
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
    find(&MESSAGES, name).unwrap_or(STRANGE)
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

/// What a model of Google's takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeminiModel {
    /// How it is told to think.
    pub thinking: GeminiThinking,
    /// Keeps to a form of its answer where it may call functions as well
    /// (`https://ai.google.dev/gemini-api/docs/structured-output`).
    pub forms_beside_tools: bool,
}

const fn older(thinking: GeminiThinking) -> GeminiModel {
    let forms_beside_tools = false;
    GeminiModel {
        thinking,
        forms_beside_tools,
    }
}

const fn newer(thinking: GeminiThinking) -> GeminiModel {
    let forms_beside_tools = true;
    GeminiModel {
        thinking,
        forms_beside_tools,
    }
}

const GEMINI: [(&str, GeminiModel); 6] = [
    (
        "gemini-2-5-pro",
        older(GeminiThinking::Budget {
            off: 128,
            least: 128,
            most: 32_768,
        }),
    ),
    (
        "gemini-2-5-flash-lite",
        older(GeminiThinking::Budget {
            off: 0,
            least: 512,
            most: 24_576,
        }),
    ),
    (
        "gemini-2-5",
        older(GeminiThinking::Budget {
            off: 0,
            least: 1,
            most: 24_576,
        }),
    ),
    ("gemini-2", older(GeminiThinking::None)),
    ("gemini-1", older(GeminiThinking::None)),
    ("gemini-", newer(GeminiThinking::Level)),
];

/// The same for `generateContent`.
pub fn gemini(name: &str) -> GeminiModel {
    find(&GEMINI, name).unwrap_or(newer(GeminiThinking::None))
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
    let fits = |start: &str| match start.strip_suffix('$') {
        Some(whole) => family == whole,
        None => family.starts_with(start),
    };
    let found = table.iter().find(|(start, _)| fits(start));
    found.map(|(_, model)| *model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_under_the_names_that_vendors_give_them() {
        for name in ["o3-mini", "openai/gpt-5.1-codex", "gpt-6-luna"] {
            assert_eq!(chat(name), REASONER, "{name}");
        }
        for name in ["GPT-5-mini", "openai/gpt-5", "gpt-5-2025-08-07"] {
            assert_eq!(chat(name), MINIMAL, "{name}");
        }
        assert_eq!(chat("gpt-4o"), OPENAI);
        for name in ["deepseek-chat", "opus", "qwen3-max", ""] {
            assert_eq!(chat(name), PLAIN, "{name}");
        }
        assert_eq!(chat("google/gemini-2.5-pro"), GOOGLE);
        assert_eq!(chat("zai-org/GLM-4.6"), SWITCHED);
        assert!(chat("deepseek/deepseek-v4-pro").wants_thoughts);
        assert_eq!(chat("moonshotai/kimi-k2.5"), KIMI);
        assert!(chat("kimi-k2-thinking-turbo").wants_thoughts);
        assert!(chat("MiniMax-M3").tagged && chat("MiniMax-M3").narrow);
        assert_eq!(chat("qwen3.5-plus-2026-02-15"), ENABLED);
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
        assert_eq!(gemini("models/gemini-3-pro"), newer(GeminiThinking::Level));
        assert_eq!(gemini("gemini-2.0-flash"), older(GeminiThinking::None));
        assert_ne!(gemini("gemini-2.5-flash"), gemini("gemini-2.5-pro"));
        assert_eq!(ollama("hf.co/org/Qwen3:8b"), OllamaThinking::Switch);
        assert_eq!(ollama("gpt-oss:20b"), OllamaThinking::Level);
        assert_eq!(ollama("qwen3-coder:30b"), OllamaThinking::None);
        assert!(messages("claude-opus-4-6").sampling && !messages("claude-opus-4-8").sampling);
    }
}
