//! Reading the `usage` of a response into disjoint buckets (`https://platform.openai.com/docs/api-reference/responses/object`).

use modelgate_domain::Usage;
use serde::Deserialize;

use crate::lenient;

/// `usage`; what is not named here is ignored, what is absent counts 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    #[serde(deserialize_with = "lenient::count")]
    input_tokens: Option<i64>,
    #[serde(deserialize_with = "lenient::count")]
    output_tokens: Option<i64>,
    #[serde(deserialize_with = "lenient::object")]
    input_tokens_details: Option<Details>,
    #[serde(deserialize_with = "lenient::object")]
    output_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(deserialize_with = "lenient::count")]
    cached_tokens: Option<i64>,
    #[serde(deserialize_with = "lenient::count")]
    reasoning_tokens: Option<i64>,
}

impl WireUsage {
    /// The disjoint buckets, or `None` where neither side was counted.
    pub(super) fn into_usage(self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let cached = self.input_tokens_details.and_then(|d| d.cached_tokens);
        let reasoning = self.output_tokens_details.and_then(|d| d.reasoning_tokens);
        Some(Usage::from_openai(
            self.input_tokens.unwrap_or(0),
            cached.unwrap_or(0),
            self.output_tokens.unwrap_or(0),
            reasoning.unwrap_or(0),
        ))
    }
}

/// Reads the object that `from` begins with, whatever follows it.
pub(super) fn read(from: &[u8]) -> Option<Usage> {
    let mut values = serde_json::Deserializer::from_slice(from).into_iter::<WireUsage>();
    values.next()?.ok()?.into_usage()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_disjoint() {
        let full =
            br#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":50,
            "output_tokens_details":{"reasoning_tokens":20},"total_tokens":150} , 1"#;
        assert_eq!(read(full), Some(Usage::from_openai(100, 40, 50, 20)));
        for none in ["{}", "null", r#"{"total_tokens":5}"#, "[]"] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }
}
