//! What tokens cost.

use serde::{Deserialize, Serialize};

use crate::{Currency, PriceId, Usage};

/// One price row: nano-units of `currency` per million tokens.
///
/// A bucket without a price of its own falls back: cached and cache-write tokens to `input`, reasoning to `output`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The row.
    pub id: PriceId,
    /// What the amounts are in.
    pub currency: Currency,
    /// Per million prompt tokens.
    pub input: i64,
    /// Per million prompt tokens read from cache.
    pub cached_input: Option<i64>,
    /// Per million prompt tokens written to cache.
    pub cache_write: Option<i64>,
    /// Per million output tokens.
    pub output: i64,
    /// Per million reasoning tokens.
    pub reasoning: Option<i64>,
    /// Per call, whatever its size.
    pub per_request_nanos: i64,
    /// From when it holds, epoch milliseconds.
    pub effective_from_ms: i64,
}

/// One line of a receipt: `tokens` at `price` make `nanos`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptLine {
    /// The bucket's name: `prompt`, `cached`, `cache_write`, `completion`, `reasoning`.
    pub bucket: &'static str,
    /// Tokens in the bucket.
    pub tokens: i64,
    /// Nano-units per million tokens.
    pub price: i64,
    /// What they cost, rounded half up.
    pub nanos: i64,
}

impl Price {
    /// The five buckets with their price and cost, in receipt order.
    pub fn receipt(&self, usage: &Usage) -> [ReceiptLine; 5] {
        let line = |bucket, tokens, price| ReceiptLine {
            bucket,
            tokens,
            price,
            nanos: bucket_cost(tokens, price),
        };
        [
            line("prompt", usage.prompt, self.input),
            line(
                "cached",
                usage.cached,
                self.cached_input.unwrap_or(self.input),
            ),
            line(
                "cache_write",
                usage.cache_write,
                self.cache_write.unwrap_or(self.input),
            ),
            line("completion", usage.completion, self.output),
            line(
                "reasoning",
                usage.reasoning,
                self.reasoning.unwrap_or(self.output),
            ),
        ]
    }

    /// What a request cost in nano-units: each bucket rounded half up once, plus the price per request.
    pub fn cost(&self, usage: &Usage) -> i64 {
        self.receipt(usage)
            .iter()
            .fold(self.per_request_nanos, |sum, line| {
                sum.saturating_add(line.nanos)
            })
    }
}

/// `tokens` × `price` / 10⁶, in 128 bits between, rounded half up; saturates instead of wrapping.
fn bucket_cost(tokens: i64, price: i64) -> i64 {
    let product = i128::from(tokens.max(0)).saturating_mul(i128::from(price));
    i64::try_from(product.saturating_add(500_000).div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price() -> Price {
        Price {
            id: PriceId(1),
            currency: Currency::parse("USD").unwrap(),
            input: 150_000_000,
            cached_input: Some(75_000_000),
            cache_write: None,
            output: 600_000_000,
            reasoning: None,
            per_request_nanos: 0,
            effective_from_ms: 0,
        }
    }

    #[test]
    fn a_known_receipt() {
        let usage = Usage {
            prompt: 804,
            cached: 400,
            completion: 318,
            ..Usage::default()
        };
        assert_eq!(price().cost(&usage), 120_600 + 30_000 + 190_800);
    }

    #[test]
    fn halves_round_up() {
        assert_eq!(bucket_cost(1, 500_000), 1);
        assert_eq!(bucket_cost(1, 499_999), 0);
        assert_eq!(bucket_cost(i64::MAX, i64::MAX), i64::MAX);
    }

    proptest! {
        #[test]
        fn more_tokens_never_cost_less(a in 0_i64..1 << 40, b in 0_i64..1 << 20, p in 0_i64..1 << 40) {
            prop_assert!(bucket_cost(a, p) <= bucket_cost(a + b, p));
        }
    }
}
