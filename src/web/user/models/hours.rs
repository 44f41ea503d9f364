//! When to call: the hours of the day at which calls went best and worst, honest where there are too few to tell.
//!
//! An hour's points are `100 × (0.45 × errors + 0.35 × speed + 0.20 × limits)`. Each part is 1 at its good bound, 0 at its
//! bad one and straight in between: errors 1 % to 18 %, the mean 1.8 s to 15 s, calls refused by limits 0 % to 20 %.

use modelgate_store::usage::Totals;

use crate::i18n::format;
use crate::web::shell::Shell;
use crate::web::user::dashboard::health::{part, per_100k};

/// An hour with fewer calls says nothing.
const ENOUGH: i64 = 20;
/// With fewer hours there is no best among them.
const HOURS: usize = 6;
/// Hours that differ by less are alike.
const APART: i64 = 5;
const SHOWN: usize = 3;

/// What the page says of the hours.
pub(super) struct Timing {
    /// A sentence, where there is nothing to choose.
    pub(super) sentence: String,
    pub(super) best: Vec<String>,
    pub(super) worst: Vec<String>,
    pub(super) rows: Vec<HourRow>,
}

/// An hour in the table.
pub(super) struct HourRow {
    pub(super) hour: String,
    pub(super) calls: String,
    pub(super) failed: String,
    pub(super) limited: String,
    pub(super) time: String,
    pub(super) points: String,
}

/// The points of an hour; none where there are too few calls.
fn points(totals: &Totals) -> Option<i64> {
    let (wrong, of) = totals.error_rate();
    let asked = of.saturating_add(totals.rate_limited);
    if asked < ENOUGH {
        return None;
    }
    let errors = part(per_100k(wrong, of), 1_000, 18_000);
    let speed = totals
        .latency_mean_ms()
        .map_or(0, |ms| part(ms, 1_800, 15_000));
    let limits = part(per_100k(totals.rate_limited, asked), 0, 20_000);
    Some((45 * errors + 35 * speed + 20 * limits + 500) / 1_000)
}

pub(super) fn timing(page: &Shell, hours: &[Totals; 24]) -> Timing {
    let mut known: Vec<(usize, i64)> = hours
        .iter()
        .enumerate()
        .filter_map(|(hour, totals)| Some((hour, points(totals)?)))
        .collect();
    known.sort_by_key(|(hour, points)| (-points, *hour));
    let rows = hours.iter().enumerate();
    let rows = rows.map(|(hour, totals)| row(page, hour, totals)).collect();
    let (first, last) = (known.first().copied(), known.last().copied());
    let (Some((_, most)), Some((_, least))) = (first, last) else {
        return Timing::silent(page.counted("user-models-hours-few", 0), rows);
    };
    if known.len() < HOURS {
        let count = i64::try_from(known.len()).unwrap_or(0);
        return Timing::silent(page.counted("user-models-hours-few", count), rows);
    }
    if most - least < APART {
        return Timing::silent(page.t("user-models-hours-alike"), rows);
    }
    let best = known.iter().filter(|(_, points)| points - least >= APART);
    let worst = known
        .iter()
        .rev()
        .filter(|(_, points)| most - points >= APART);
    let best: Vec<usize> = best.take(SHOWN).map(|(hour, _)| *hour).collect();
    let worst: Vec<usize> = worst
        .take(SHOWN)
        .map(|(hour, _)| *hour)
        .filter(|hour| !best.contains(hour))
        .collect();
    Timing {
        sentence: String::new(),
        best: spans(best),
        worst: spans(worst),
        rows,
    }
}

impl Timing {
    fn silent(sentence: String, rows: Vec<HourRow>) -> Self {
        Self {
            sentence,
            best: Vec::new(),
            worst: Vec::new(),
            rows,
        }
    }
}

/// Hours that follow each other, as one span each.
fn spans(mut hours: Vec<usize>) -> Vec<String> {
    hours.sort_unstable();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for hour in hours {
        match spans.last_mut() {
            Some((_, end)) if *end == hour => *end = hour + 1,
            _ => spans.push((hour, hour + 1)),
        }
    }
    let span = |(from, to): (usize, usize)| format!("{from:02}:00–{to:02}:00");
    spans.into_iter().map(span).collect()
}

fn row(page: &Shell, hour: usize, totals: &Totals) -> HourRow {
    let (wrong, of) = totals.error_rate();
    let dash = || "—".to_owned();
    let asked = of.saturating_add(totals.rate_limited);
    HourRow {
        hour: format!("{hour:02}:00"),
        calls: format::integer(asked),
        failed: format::percent(wrong, of),
        limited: format::percent(totals.rate_limited, asked),
        time: totals
            .latency_mean_ms()
            .map_or_else(dash, |ms| page.duration(&ms)),
        points: points(totals).map_or_else(dash, format::integer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    fn hour(success: i64, error: i64, limited: i64, mean_ms: i64) -> Totals {
        Totals {
            success,
            error,
            error_upstream: error,
            rate_limited: limited,
            latency_sum_ms: success * mean_ms,
            ..Totals::default()
        }
    }

    #[test]
    fn points_are_what_the_formula_says() {
        assert_eq!(points(&hour(100, 0, 0, 1_000)), Some(100));
        assert_eq!(points(&hour(19, 0, 0, 1_000)), None, "too few");
        // errors 9.5 % is half way, 8.4 s is half way, no limit
        assert_eq!(points(&hour(905, 95, 0, 8_400)), Some(60));
        // a tenth refused: half of the 20
        assert_eq!(points(&hour(900, 0, 100, 1_000)), Some(90));
        assert_eq!(points(&hour(0, 50, 0, 0)), Some(20));
    }

    #[test]
    fn the_best_and_the_worst_hours_are_named_and_doubt_is_said() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let mut hours: [Totals; 24] = std::array::from_fn(|_| hour(100, 2, 0, 4_000));
            hours[9] = hour(100, 0, 0, 1_000);
            hours[10] = hour(100, 0, 0, 1_000);
            hours[14] = hour(100, 0, 0, 1_500);
            hours[20] = hour(70, 30, 0, 14_000);
            let told = timing(&page, &hours);
            assert_eq!(told.best, ["09:00–11:00", "14:00–15:00"]);
            assert!(told.worst.contains(&"20:00–21:00".to_owned()));
            assert!(told.sentence.is_empty() && told.rows.len() == 24);

            let alike: [Totals; 24] = std::array::from_fn(|_| hour(100, 0, 0, 1_000));
            let told = timing(&page, &alike);
            assert_eq!(told.sentence, page.t("user-models-hours-alike"));
            assert!(told.best.is_empty() && told.worst.is_empty());

            let mut few: [Totals; 24] = Default::default();
            few[3] = hour(100, 0, 0, 1_000);
            few[4] = hour(10, 90, 0, 9_000);
            for hours in [Default::default(), few] {
                let told = timing(&page, &hours);
                assert!(told.best.is_empty() && !told.sentence.is_empty());
                assert!(!told.sentence.contains("user-models"));
            }
        }
    }
}
