//! Which model to take: a score from what calls came to, and the reason in a sentence.
//!
//! `score = 100 × (0.55 × reliability + 0.30 × speed + 0.15 × sample)`, where reliability is `1 − 1.5 × error rate`, not
//! below 0; speed is `1 / (1 + mean time / 2.5 s)`, 0 while nothing answered; sample is 1 from twenty calls on.

use std::sync::Arc;

use modelgate_store::usage::Totals;

use super::habits::{Habits, OwnUse};
use crate::catalog::Model;
use crate::i18n::{ToArg, format};
use crate::web::shell::Shell;

/// From here on the calls of the key itself are enough to judge by.
const ENOUGH: i64 = 20;
/// What is shown.
const FIRST: usize = 5;
/// An error rate from which a model fails often, and one up to which it is reliable; in hundredths of a percent.
const OFTEN: i64 = 1_000;
const SELDOM: i64 = 200;
/// Slow on the whole.
const SLOW_MS: i64 = 8_000;

/// A model with its score.
pub(super) struct Advice {
    pub(super) name: String,
    pub(super) score: i64,
    pub(super) reason: String,
    pub(super) whose: String,
}

/// The score of what was called, of 100.
pub(super) fn score(totals: &Totals) -> i64 {
    let (wrong, of) = totals.error_rate();
    let rate = ratio(wrong, of);
    let reliability = (1_000 - rate * 3 / 2).max(0);
    let speed = totals
        .latency_mean_ms()
        .map_or(0, |ms| 2_500_000 / (2_500 + ms.max(0)));
    let sample = ratio(of.min(ENOUGH), ENOUGH);
    (55 * reliability + 30 * speed + 15 * sample + 500) / 1_000
}

/// A part of 1000.
fn ratio(part: i64, whole: i64) -> i64 {
    part.saturating_mul(1_000).checked_div(whole).unwrap_or(0)
}

/// The first few of the chat models of a key, best first. A model is judged by the key's own calls where there are
/// enough of them, else by everybody's.
pub(super) fn advise(
    page: &Shell,
    models: &[Arc<Model>],
    own: &OwnUse,
    all: &Habits,
) -> Vec<Advice> {
    let mut scored: Vec<(i64, i64, &Arc<Model>, Totals, bool)> = models
        .iter()
        .filter(|model| &*model.kind == "chat")
        .map(|model| {
            let mine = own.of_model(model.id.0);
            let mine = mine.filter(|totals| totals.error_rate().1 >= ENOUGH);
            let is_own = mine.is_some();
            let totals = mine.cloned().unwrap_or_else(|| all.of_model(model.id.0));
            (score(&totals), totals.error_rate().1, model, totals, is_own)
        })
        .collect();
    scored.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.name.cmp(&b.2.name)));
    let advice = scored.into_iter().take(FIRST);
    advice
        .map(|(score, _, model, totals, is_own)| Advice {
            name: model.name.to_string(),
            score,
            reason: reason(page, &totals),
            whose: page.t(if is_own {
                "user-models-advice-own"
            } else {
                "user-models-advice-all"
            }),
        })
        .collect()
}

fn reason(page: &Shell, totals: &Totals) -> String {
    let (wrong, of) = totals.error_rate();
    let mean = totals.latency_mean_ms();
    let hundredths = ratio(wrong.saturating_mul(10), of);
    let time = mean.map_or_else(|| "—".to_owned(), |ms| page.duration(&ms));
    let key = match (of, hundredths) {
        (0, _) => "user-models-reason-none",
        (of, _) if of < ENOUGH => "user-models-reason-few",
        (_, OFTEN..) => "user-models-reason-failing",
        _ if mean.is_some_and(|ms| ms >= SLOW_MS) => "user-models-reason-slow",
        (_, ..=SELDOM) => "user-models-reason-good",
        _ => "user-models-reason-mixed",
    };
    let (rate, calls) = (format::percent(wrong, of), format::integer(of));
    let args: [(&str, &dyn ToArg); 4] = [
        ("rate", &rate),
        ("calls", &calls),
        ("time", &time),
        ("count", &of),
    ];
    page.t_with(key, &args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures;
    use crate::i18n::Lang;

    fn totals(success: i64, error: i64, mean_ms: i64) -> Totals {
        Totals {
            success,
            error,
            error_upstream: error,
            latency_sum_ms: success * mean_ms,
            ..Totals::default()
        }
    }

    #[test]
    fn the_score_is_what_the_formula_says() {
        // reliability 1, speed 0.5, sample 1
        assert_eq!(score(&totals(100, 0, 2_500)), 85);
        // reliability 1 - 1.5 × 0.2 = 0.7, speed 0.5, sample 1
        assert_eq!(score(&totals(80, 20, 2_500)), 69);
        // all failed: nothing but the sample
        assert_eq!(score(&totals(0, 50, 0)), 15);
        // two calls: a sample of 0.1
        assert_eq!(score(&totals(2, 0, 2_500)), 72);
        // nothing known
        assert_eq!(score(&Totals::default()), 55);
    }

    #[test]
    fn the_best_stands_first_and_ones_own_calls_count_before_those_of_others() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let models: Vec<_> = ["good", "own", "slow", "failing", "new", "few"]
                .iter()
                .zip(1..)
                .map(|(name, id)| Arc::new(fixtures::model(id, name, Vec::new())))
                .collect();
            let all = Habits::sample(&[
                (1, 3, totals(900, 1, 700)),
                (2, 3, totals(900, 0, 100)),
                (3, 3, totals(900, 0, 20_000)),
                (4, 3, totals(100, 400, 500)),
                (6, 3, totals(3, 0, 500)),
            ]);
            let own = OwnUse::sample(2, totals(30, 10, 900));
            let advice = advise(&page, &models, &own, &all);
            let names: Vec<_> = advice.iter().map(|a| a.name.as_str()).collect();
            assert_eq!(names, ["good", "few", "slow", "own", "new"]);
            assert_eq!(advice[3].whose, page.t("user-models-advice-own"));
            for advice in &advice {
                assert!(!advice.reason.contains("user-models") && !advice.whose.is_empty());
            }
        }
    }
}
