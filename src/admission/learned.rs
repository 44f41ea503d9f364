//! How long a model's answers are, learnt from those it gave.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use ahash::AHashMap;
use arc_swap::ArcSwap;
use modelgate_domain::{ModelId, histogram};

/// As many buckets as answers of two million tokens need.
const BUCKETS: usize = 160;
/// From here on older answers count half, so that a model that changed is learnt anew.
const MOST: u32 = 2_048;
const UNKNOWN: i64 = -1;

/// The learnt lengths of all models. Reading and learning take no lock.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    models: ArcSwap<AHashMap<ModelId, Arc<Lengths>>>,
}

#[derive(Debug)]
struct Lengths {
    counts: [AtomicU32; BUCKETS],
    total: AtomicU32,
    p95: AtomicI64,
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU32::new(0) }; BUCKETS],
            total: AtomicU32::new(0),
            p95: AtomicI64::new(UNKNOWN),
        }
    }
}

impl Outputs {
    /// The length that 95 of 100 answers of the model did not pass, in tokens, rounded up by at most an eighth.
    pub(super) fn p95(&self, model: ModelId) -> Option<i64> {
        let models = self.models.load();
        let p95 = models.get(&model)?.p95.load(Ordering::Relaxed);
        (p95 != UNKNOWN).then_some(p95)
    }

    /// Notes the length of one answer.
    pub(super) fn learn(&self, model: ModelId, tokens: i64) {
        if let Some(known) = self.models.load().get(&model) {
            known.add(tokens);
            return;
        }
        self.models.rcu(|models| {
            let mut more = AHashMap::clone(models);
            more.entry(model).or_default();
            more
        });
        if let Some(new) = self.models.load().get(&model) {
            new.add(tokens);
        }
    }
}

impl Lengths {
    fn add(&self, tokens: i64) {
        let bucket = usize::try_from(histogram::bucket(tokens)).unwrap_or(BUCKETS);
        if let Some(count) = self.counts.get(bucket.min(BUCKETS - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let total = self.total.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if total < 64 || total.is_multiple_of(16) {
            self.weigh(total);
        }
    }

    /// Two threads here at once spoil nothing: the figure is an estimate, and the next answer mends it.
    fn weigh(&self, total: u32) {
        let counts: Vec<u32> = self
            .counts
            .iter()
            .map(|c| c.load(Ordering::Relaxed))
            .collect();
        let sum: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let wanted = sum.saturating_mul(95).div_ceil(100);
        let mut seen = 0_u64;
        let reached = counts.iter().position(|count| {
            seen = seen.saturating_add(u64::from(*count));
            seen >= wanted
        });
        let bucket = i64::try_from(reached.unwrap_or(0)).unwrap_or(0);
        let (_, longest) = histogram::bounds(bucket);
        self.p95.store(longest, Ordering::Relaxed);
        if total >= MOST {
            for count in &self.counts {
                count.store(count.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
            }
            self.total.store(total / 2, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_answers_of_a_model_are_learnt_and_a_change_as_well() {
        let (outputs, model) = (Outputs::default(), ModelId(7));
        assert_eq!(outputs.p95(model), None);
        outputs.learn(model, 12);
        assert_eq!(outputs.p95(model), Some(12));
        for n in 0..1_000 {
            outputs.learn(model, if n % 10 == 0 { 4_000 } else { 100 });
        }
        let long = outputs.p95(model).unwrap();
        assert!((4_000..=4_500).contains(&long), "{long}");
        for _ in 0..20_000 {
            outputs.learn(model, 100);
        }
        let short = outputs.p95(model).unwrap();
        assert!((100..=112).contains(&short), "{short}");
        assert_eq!(outputs.p95(ModelId(8)), None);
    }
}
