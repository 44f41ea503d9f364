//! Reading what Ollama counted: `prompt_eval_count` and `eval_count` in the last object, thoughts among the latter.

use modelgate_domain::Usage;
use serde::Deserialize;

use crate::lenient;

/// The counts; what is not named here is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    #[serde(rename = "prompt_eval_count", deserialize_with = "lenient::count")]
    prompt: Option<i64>,
    #[serde(rename = "eval_count", deserialize_with = "lenient::count")]
    output: Option<i64>,
}

impl Counts {
    pub(super) fn new(prompt: Option<i64>, output: Option<i64>) -> Self {
        Self { prompt, output }
    }

    /// The buckets, or `None` where either count is missing: old versions leave the prompt's out where it was cached.
    pub(super) fn into_usage(self) -> Option<Usage> {
        Some(Usage {
            prompt: self.prompt?.max(0),
            completion: self.output?.max(0),
            ..Usage::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_counts_make_a_usage() {
        let read = |json: &str| serde_json::from_str::<Counts>(json).unwrap().into_usage();
        let usage = read(r#"{"prompt_eval_count":26,"eval_count":-1,"done":true}"#).unwrap();
        assert_eq!((usage.prompt, usage.completion), (26, 0));
        assert_eq!(read(r#"{"eval_count":3}"#), None);
        assert_eq!(read("{}"), None);
    }
}
