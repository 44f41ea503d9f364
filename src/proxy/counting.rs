//! Counting where no vendor does: for whoever asks for the number of tokens, and for whole answers without usage.
//!
//! Answers that come in pieces are not kept, so theirs is the running estimate of [`super::settle`].

use hyper::header::{CONTENT_TYPE, HeaderValue};
use modelgate_dialect::convert;
use modelgate_dialect::openai::answer::Findings;
use modelgate_domain::Usage;

use super::failure::Refused;
use super::forward::{Job, Step};
use super::headers;
use crate::tokens;

impl Job {
    /// The number of tokens, as far as the gateway can tell.
    pub(super) async fn counted(&self) -> Step {
        let usage = Usage {
            prompt: self.prompt_tokens().await,
            ..Usage::default()
        };
        let mut headers = hyper::HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(headers::X_ESTIMATED, HeaderValue::from_static("true"));
        let whole = Refused {
            status: 200,
            headers,
            body: convert::token_count(&usage, self.endpoint.dialect).into(),
        };
        Step::Whole(whole, Findings::default())
    }

    /// An answer that came whole, with what it used where the vendor did not say.
    pub(super) async fn with_usage(&self, step: Step) -> Step {
        let Step::Whole(whole, mut findings) = step else {
            return step;
        };
        if findings.usage.is_none() && !self.endpoint.only_counts() {
            let completion = tokens::of_answer(whole.body.clone()).await;
            findings.usage = Some(Usage {
                prompt: self.prompt_tokens().await,
                completion: completion.unwrap_or_else(|| findings.text.tokens()),
                estimated: true,
                ..Usage::default()
            });
        }
        Step::Whole(whole, findings)
    }

    /// The tokens of the request, by a tokenizer that may be another one than the model's.
    async fn prompt_tokens(&self) -> i64 {
        let counted = tokens::of_request(self.body.clone()).await;
        counted.unwrap_or_else(|| self.peek.prompt.tokens())
    }
}
