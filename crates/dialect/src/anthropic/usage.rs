//! Reading Anthropic's `usage` object, whose buckets are disjoint already but for thoughts.

use modelgate_domain::Usage;
use serde::Deserialize;

use crate::lenient;

/// `usage` as vendors of this dialect send it; what is not named here is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct WireUsage {
    #[serde(rename = "input_tokens", deserialize_with = "lenient::count")]
    input: Option<i64>,
    #[serde(
        rename = "cache_creation_input_tokens",
        deserialize_with = "lenient::count"
    )]
    cache_write: Option<i64>,
    #[serde(
        rename = "cache_read_input_tokens",
        deserialize_with = "lenient::count"
    )]
    cached: Option<i64>,
    #[serde(rename = "output_tokens", deserialize_with = "lenient::count")]
    output: Option<i64>,
}

impl WireUsage {
    /// What a later event says goes before what an earlier one said, field by field.
    pub fn update(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.cache_write = later.cache_write.or(self.cache_write);
        self.cached = later.cached.or(self.cached);
        self.output = later.output.or(self.output);
    }

    /// The disjoint buckets, or `None` where nothing was counted. Negative counts are clamped.
    pub fn into_usage(self) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let count = |tokens: Option<i64>| tokens.unwrap_or(0).max(0);
        Some(Usage {
            prompt: count(self.input),
            cached: count(self.cached),
            cache_write: count(self.cache_write),
            completion: count(self.output),
            ..Usage::default()
        })
    }
}

/// Reads the object that `from` begins with, whatever follows it.
pub fn read(from: &[u8]) -> Option<WireUsage> {
    let mut values = serde_json::Deserializer::from_slice(from).into_iter::<WireUsage>();
    let usage = values.next()?.ok()?;
    (usage != WireUsage::default()).then_some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_stay_as_they_are() {
        let full = br#"{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":40,
            "cache_creation":{"ephemeral_5m_input_tokens":3},"output_tokens":7,"service_tier":"standard"} , 1"#;
        let usage = read(full).unwrap().into_usage().unwrap();
        assert_eq!(
            (
                usage.prompt,
                usage.cached,
                usage.cache_write,
                usage.completion
            ),
            (10, 40, 3, 7)
        );
        assert_eq!(usage.total(), 60);
        let odd = br#"{"input_tokens":-1,"output_tokens":null}"#;
        assert_eq!(read(odd).unwrap().into_usage(), Some(Usage::default()));
        for none in ["{}", "null", "[]", r#"{"input_tokens":"#] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn later_events_go_before_earlier_ones() {
        let mut usage = read(br#"{"input_tokens":10,"output_tokens":1}"#).unwrap();
        usage.update(read(br#"{"output_tokens":90,"input_tokens":null}"#).unwrap());
        let usage = usage.into_usage().unwrap();
        assert_eq!((usage.prompt, usage.completion), (10, 90));
    }
}
