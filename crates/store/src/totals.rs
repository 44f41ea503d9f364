//! The figures of usage, and what follows from them: one definition of each for every page.

use std::collections::BTreeMap;

use modelgate_domain::Currency;

/// Sums over roll-ups. Refusals count with their repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Ended with success.
    pub success: i64,
    /// Ended with an error.
    pub error: i64,
    /// Ended by a timeout.
    pub timeout: i64,
    /// The caller went away.
    pub cancelled: i64,
    /// Refused by a limit.
    pub rate_limited: i64,
    /// Errors that the caller has to mend.
    pub error_caller: i64,
    /// Errors by an operator's rule.
    pub error_policy: i64,
    /// Errors of the gateway.
    pub error_gateway: i64,
    /// Errors of the vendor.
    pub error_upstream: i64,
    /// Tokens at the full input price.
    pub prompt_tokens: i64,
    /// Tokens read from cache.
    pub cached_tokens: i64,
    /// Tokens written to cache.
    pub cache_write_tokens: i64,
    /// Visible output tokens.
    pub completion_tokens: i64,
    /// Hidden reasoning tokens.
    pub reasoning_tokens: i64,
    /// Sum of durations of successful requests.
    pub latency_sum_ms: i64,
    /// Sum of times to the first token.
    pub ttft_sum_ms: i64,
    /// How many requests `ttft_sum_ms` is of.
    pub ttft_count: i64,
    /// Nano-units by currency; never added up across currencies. Unpriced usage is not among them.
    pub cost_nanos: BTreeMap<Currency, i64>,
    /// Requests that used tokens and had no price.
    pub unpriced: i64,
}

impl Totals {
    /// Ended requests, refusals included.
    pub fn requests(&self) -> i64 {
        [self.error, self.timeout, self.cancelled, self.rate_limited]
            .iter()
            .fold(self.success, |sum, n| sum.saturating_add(*n))
    }

    /// Errors and timeouts together; “errors” alone are those that ended with one.
    pub fn failures(&self) -> i64 {
        self.error.saturating_add(self.timeout)
    }

    /// Of sums without a currency, the requests that a price is missing for. What was refused or failed before a vendor
    /// answered used nothing and needs none: where there are no tokens, nothing is missing; where there are, they are of
    /// the successful ones, or, where there is none, of those that broke off.
    pub(crate) fn without_price(&self) -> i64 {
        match (self.tokens(), self.success) {
            (0, _) => 0,
            (_, 0) => self.failures().saturating_add(self.cancelled),
            (_, success) => success,
        }
    }

    /// What the gateway and the vendors got wrong, and of how many requests: the error rate's two parts.
    pub fn error_rate(&self) -> (i64, i64) {
        let theirs = self.error_caller.saturating_add(self.error_policy);
        let wrong = self.failures().saturating_sub(theirs);
        let others = self.cancelled.saturating_add(self.rate_limited);
        let of = self.requests().saturating_sub(others);
        (wrong.max(0), of.saturating_sub(theirs).max(0))
    }

    /// All tokens.
    pub fn tokens(&self) -> i64 {
        [
            self.cached_tokens,
            self.cache_write_tokens,
            self.completion_tokens,
            self.reasoning_tokens,
        ]
        .iter()
        .fold(self.prompt_tokens, |sum, n| sum.saturating_add(*n))
    }

    /// The mean duration of successful requests.
    pub fn latency_mean_ms(&self) -> Option<i64> {
        self.latency_sum_ms.checked_div(self.success)
    }

    /// The mean time to the first token.
    pub fn ttft_mean_ms(&self) -> Option<i64> {
        self.ttft_sum_ms.checked_div(self.ttft_count)
    }

    /// All output tokens.
    pub fn output_tokens(&self) -> i64 {
        self.completion_tokens.saturating_add(self.reasoning_tokens)
    }

    /// Output tokens a second of answering: what was written in the time that the successful requests took;
    /// nothing where nothing was written, as by embeddings.
    pub fn output_per_second(&self) -> Option<i64> {
        let written = self.output_tokens().saturating_mul(1_000);
        let speed = written.checked_div(self.latency_sum_ms);
        speed.filter(|_| written > 0)
    }

    /// Counts others in.
    pub fn add(&mut self, other: &Self) {
        let more = other.counts();
        for (field, more) in self.fields().into_iter().zip(more) {
            *field = field.saturating_add(more);
        }
        for (currency, nanos) in &other.cost_nanos {
            let cost = self.cost_nanos.entry(currency.clone()).or_default();
            *cost = cost.saturating_add(*nanos);
        }
    }

    fn counts(&self) -> [i64; 18] {
        let mut copy = Self {
            cost_nanos: BTreeMap::new(),
            ..*self
        };
        copy.fields().map(|field| *field)
    }

    fn fields(&mut self) -> [&mut i64; 18] {
        [
            &mut self.success,
            &mut self.error,
            &mut self.timeout,
            &mut self.cancelled,
            &mut self.rate_limited,
            &mut self.error_caller,
            &mut self.error_policy,
            &mut self.error_gateway,
            &mut self.error_upstream,
            &mut self.prompt_tokens,
            &mut self.cached_tokens,
            &mut self.cache_write_tokens,
            &mut self.completion_tokens,
            &mut self.reasoning_tokens,
            &mut self.latency_sum_ms,
            &mut self.ttft_sum_ms,
            &mut self.ttft_count,
            &mut self.unpriced,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_used_nothing_needs_no_price() {
        let refused = Totals {
            error: 5,
            timeout: 2,
            rate_limited: 9,
            ..Totals::default()
        };
        assert_eq!(refused.without_price(), 0);
        let mixed = Totals {
            success: 3,
            prompt_tokens: 30,
            ..refused.clone()
        };
        assert_eq!(mixed.without_price(), 3);
        let broken_off = Totals {
            cancelled: 1,
            completion_tokens: 4,
            rate_limited: 9,
            ..Totals::default()
        };
        assert_eq!(broken_off.without_price(), 1);
    }
}
