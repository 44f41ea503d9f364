//! Reading Google's `usageMetadata` into disjoint buckets: `promptTokenCount` includes what was read from the cache,
//! `candidatesTokenCount` is without the thoughts (`https://ai.google.dev/api/generate-content#UsageMetadata`).

use modelgate_domain::Usage;
use serde::Deserialize;

use crate::hub::json::Json;
use crate::lenient;

/// `usageMetadata`; what is not named here is ignored, what is absent counts 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    #[serde(rename = "promptTokenCount", deserialize_with = "lenient::count")]
    prompt: Option<i64>,
    #[serde(
        rename = "cachedContentTokenCount",
        deserialize_with = "lenient::count"
    )]
    cached_content: Option<i64>,
    #[serde(
        rename = "toolUsePromptTokenCount",
        deserialize_with = "lenient::count"
    )]
    tool_use_prompt: Option<i64>,
    #[serde(rename = "candidatesTokenCount", deserialize_with = "lenient::count")]
    candidates: Option<i64>,
    #[serde(rename = "thoughtsTokenCount", deserialize_with = "lenient::count")]
    thoughts: Option<i64>,
}

impl WireUsage {
    /// The disjoint buckets, or `None` where nothing was counted. Negative counts are clamped.
    pub(super) fn into_usage(self) -> Option<Usage> {
        if self.prompt.is_none() && self.candidates.is_none() {
            return None;
        }
        let count = |tokens: Option<i64>| tokens.unwrap_or(0).max(0);
        let prompt = count(self.prompt);
        let cached = count(self.cached_content).min(prompt);
        let tools = count(self.tool_use_prompt);
        Some(Usage {
            prompt: prompt.saturating_sub(cached).saturating_add(tools),
            cached,
            completion: count(self.candidates),
            reasoning: count(self.thoughts),
            ..Usage::default()
        })
    }
}

/// Reads the object that `from` begins with, whatever follows it.
pub(super) fn read(from: &[u8]) -> Option<Usage> {
    let mut values = serde_json::Deserializer::from_slice(from).into_iter::<WireUsage>();
    values.next()?.ok()?.into_usage()
}

/// The members of `usageMetadata`, some of whose counts overlap here.
pub(super) fn write(json: &mut Json, usage: &Usage) {
    json.number("promptTokenCount", usage.input());
    json.number("candidatesTokenCount", usage.completion);
    json.number("totalTokenCount", usage.total());
    if usage.cached > 0 {
        json.number("cachedContentTokenCount", usage.cached);
    }
    if usage.reasoning > 0 {
        json.number("thoughtsTokenCount", usage.reasoning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_disjoint() {
        let full =
            br#"{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":30,
            "thoughtsTokenCount":20,"toolUsePromptTokenCount":5,"totalTokenCount":155,
            "promptTokensDetails":[{"modality":"TEXT","tokenCount":100}]} , 1"#;
        let usage = read(full).unwrap();
        let buckets = (
            usage.prompt,
            usage.cached,
            usage.completion,
            usage.reasoning,
        );
        assert_eq!(buckets, (65, 40, 30, 20));
        assert_eq!(usage.total(), 155);
        let odd =
            br#"{"promptTokenCount":3,"cachedContentTokenCount":9,"candidatesTokenCount":-1}"#;
        assert_eq!(read(odd).unwrap().total(), 3);
        for none in ["{}", "null", r#"{"totalTokenCount":5}"#, "[]", "{"] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }
}
