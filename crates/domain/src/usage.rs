//! Token counts of one request in disjoint buckets.

use serde::{Deserialize, Serialize};

/// Tokens of one request. Buckets are disjoint: `prompt` excludes `cached` and `cache_write`, `completion`
/// excludes `reasoning` where the vendor reports it, so that their sum is the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Prompt tokens billed at the full input price.
    #[serde(skip_serializing_if = "is_zero")]
    pub prompt: i64,
    /// Prompt tokens read from the vendor's cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached: i64,
    /// Prompt tokens written to the vendor's cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: i64,
    /// Visible output tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub completion: i64,
    /// Hidden reasoning tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: i64,
    /// True where the gateway counted because the vendor did not say.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl Usage {
    /// Disjoint buckets from OpenAI's overlapping ones, where `prompt_tokens` includes cached tokens and
    /// `completion_tokens` includes reasoning tokens. Negative or contradictory counts are clamped, never wrapped.
    pub fn from_openai(prompt: i64, cached: i64, completion: i64, reasoning: i64) -> Self {
        let (prompt, completion) = (prompt.max(0), completion.max(0));
        let cached = cached.clamp(0, prompt);
        let reasoning = reasoning.clamp(0, completion);
        Self {
            prompt: prompt.saturating_sub(cached),
            cached,
            cache_write: 0,
            completion: completion.saturating_sub(reasoning),
            reasoning,
            estimated: false,
        }
    }

    /// Everything that went in.
    pub fn input(&self) -> i64 {
        self.prompt
            .saturating_add(self.cached)
            .saturating_add(self.cache_write)
    }

    /// Everything that came out.
    pub fn output(&self) -> i64 {
        self.completion.saturating_add(self.reasoning)
    }

    /// All five buckets.
    pub fn total(&self) -> i64 {
        self.input().saturating_add(self.output())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_disjoint() {
        let usage = Usage::from_openai(100, 40, 50, 20);
        assert_eq!(
            (
                usage.prompt,
                usage.cached,
                usage.completion,
                usage.reasoning
            ),
            (60, 40, 30, 20)
        );
        assert_eq!(usage.total(), 150);
    }

    #[test]
    fn contradictions_are_clamped() {
        let usage = Usage::from_openai(10, 40, -1, 20);
        assert_eq!((usage.prompt, usage.cached, usage.output()), (0, 10, 0));
    }
}
