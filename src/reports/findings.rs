//! What the figures mean, in words: by rules, so that the same figures always give the same sentences.
//!
//! What a model has phrased may take their place ([`super::phrasing`]); the report says so then.

use modelgate_store::latency::Distribution;

use super::figures::{Figures, Row};
use super::words::Words;
use crate::i18n::format;

/// Fewer requests than this say nothing about a rate.
const ENOUGH: i64 = 50;
/// From such a share on, in percent, it is worth a word.
const ERRORS: i64 = 2;
const TIMEOUTS: i64 = 1;
const REFUSED: i64 = 2;
const SLOWER: i64 = 25;
const DEARER: i64 = 50;
const CALLERS: i64 = 10;
const ONE_PROVIDER: i64 = 90;
/// Input tokens from which cached ones are looked for, and their share.
const MUCH_INPUT: i64 = 5_000_000;
const CACHED: i64 = 5;

/// A piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What is so.
    pub title: String,
    /// Why that is told, and what can be done.
    pub text: String,
}

/// What a report says in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrative {
    /// The summary, a sentence or two each.
    pub summary: Vec<String>,
    /// What should be looked at, most urgent first.
    pub advice: Vec<Advice>,
    /// The model that phrased the summary; empty where rules did.
    pub summary_by: String,
    /// The model that phrased the advice; empty where rules did.
    pub advice_by: String,
}

/// Says what the figures mean.
pub fn narrate(figures: &Figures, words: Words) -> Narrative {
    Narrative {
        summary: summary(figures, words),
        advice: advice(figures, words),
        ..Narrative::default()
    }
}

fn summary(figures: &Figures, words: Words) -> Vec<String> {
    if figures.now.requests() == 0 {
        return vec![words.t("report-summary-empty")];
    }
    let sentences = [
        Some(volume(figures, words)),
        Some(tokens(figures, words)),
        money(figures, words),
        Some(reliability(figures, words)),
        favourites(figures, words),
    ];
    sentences.into_iter().flatten().collect()
}

fn volume(figures: &Figures, words: Words) -> String {
    let requests = figures.now.requests();
    let (keys, days) = (figures.keys.len(), figures.day_count());
    let first = words.t_with(
        "report-summary-volume",
        &[
            ("count", &requests),
            ("requests", &words.big(requests)),
            (
                "keys",
                &words.tn("report-count-keys", i64::try_from(keys).unwrap_or(i64::MAX)),
            ),
            (
                "days",
                &words.tn("report-count-days", i64::try_from(days).unwrap_or(i64::MAX)),
            ),
        ],
    );
    let change = words.change(requests, figures.before.requests());
    let second = if figures.before.requests() == 0 {
        words.t("report-summary-nothing-before")
    } else {
        words.t_with(
            "report-summary-change",
            &[
                ("change", &change),
                ("before", &words.big(figures.before.requests())),
            ],
        )
    };
    words.t_with(
        "report-two-sentences",
        &[("first", &first), ("second", &second)],
    )
}

fn tokens(figures: &Figures, words: Words) -> String {
    let (all, output) = (figures.now.tokens(), figures.now.output_tokens());
    words.t_with(
        "report-summary-tokens",
        &[
            ("tokens", &words.big(all)),
            ("input", &words.big(all - output)),
            ("output", &words.big(output)),
            (
                "cached",
                &format::percent_whole(figures.now.cached_tokens, all - output),
            ),
        ],
    )
}

fn money(figures: &Figures, words: Words) -> Option<String> {
    if figures.now.cost_nanos.is_empty() {
        return None;
    }
    let spent = words.t_with(
        "report-summary-money",
        &[("money", &words.money(&figures.now))],
    );
    let without = figures.now.unpriced;
    if without == 0 {
        return Some(spent);
    }
    let second = words.tn("report-summary-unpriced", without);
    Some(words.t_with(
        "report-two-sentences",
        &[("first", &spent), ("second", &second)],
    ))
}

fn reliability(figures: &Figures, words: Words) -> String {
    let (wrong, of) = figures.now.error_rate();
    words.t_with(
        "report-summary-reliability",
        &[
            ("rate", &format::percent(wrong, of)),
            ("p95", &words.duration(figures.latency.percentile(950))),
            ("ttft", &words.duration(figures.ttft.percentile(950))),
        ],
    )
}

fn favourites(figures: &Figures, words: Words) -> Option<String> {
    let model = figures.models.iter().find(|model| model.id != 0)?;
    let day = figures.busiest_days.first()?;
    Some(words.t_with(
        "report-summary-favourites",
        &[
            ("model", &words.quoted(&model.name)),
            (
                "share",
                &format::percent_whole(model.totals.requests(), figures.now.requests()),
            ),
            ("day", &words.day(day.from_ms)),
            ("requests", &words.big(day.totals.requests())),
        ],
    ))
}

/// Whether `part` is at least so many percent of a `whole` that says something.
fn is_much(part: i64, whole: i64, percent: i64) -> bool {
    whole >= ENOUGH && i128::from(part) * 100 >= i128::from(whole) * i128::from(percent)
}

fn advice(figures: &Figures, words: Words) -> Vec<Advice> {
    let rules: [fn(&Figures, Words) -> Option<Advice>; 9] = [
        errors,
        timeouts,
        refused,
        slower,
        callers,
        prices,
        dearer,
        one_provider,
        cached,
    ];
    let mut found: Vec<Advice> = rules
        .iter()
        .filter_map(|rule| rule(figures, words))
        .collect();
    found.extend(idle(figures, words));
    found
}

fn say(words: Words, key: &str, args: &[(&str, &dyn crate::i18n::ToArg)]) -> Advice {
    Advice {
        title: words.t(&format!("report-advice-{key}")),
        text: words.t_with(&format!("report-advice-text-{key}"), args),
    }
}

fn errors(figures: &Figures, words: Words) -> Option<Advice> {
    let (wrong, of) = figures.now.error_rate();
    if !is_much(wrong, of, ERRORS) {
        return None;
    }
    let failed = |row: &Row| row.totals.error_rate().0;
    let worst = figures
        .providers
        .iter()
        .filter(|row| row.id != 0)
        .max_by_key(|row| failed(row))?;
    Some(say(
        words,
        "errors",
        &[
            ("rate", &format::percent(wrong, of)),
            ("provider", &words.quoted(&worst.name)),
            ("share", &format::percent_whole(failed(worst), wrong)),
        ],
    ))
}

fn timeouts(figures: &Figures, words: Words) -> Option<Advice> {
    let (timeouts, of) = (figures.now.timeout, figures.now.requests());
    let worst = figures
        .models
        .iter()
        .filter(|row| row.id != 0)
        .max_by_key(|row| row.totals.timeout)?;
    is_much(timeouts, of, TIMEOUTS).then(|| {
        say(
            words,
            "timeouts",
            &[
                ("timeouts", &words.big(timeouts)),
                ("rate", &format::percent(timeouts, of)),
                ("model", &words.quoted(&worst.name)),
            ],
        )
    })
}

fn refused(figures: &Figures, words: Words) -> Option<Advice> {
    let (refused, of) = (figures.now.rate_limited, figures.now.requests());
    let most = figures
        .keys
        .iter()
        .max_by_key(|key| key.row.totals.rate_limited)?;
    is_much(refused, of, REFUSED).then(|| {
        say(
            words,
            "refused",
            &[
                ("refused", &words.big(refused)),
                ("rate", &format::percent(refused, of)),
                ("key", &words.quoted(&most.row.name)),
                ("most", &words.big(most.row.totals.rate_limited)),
            ],
        )
    })
}

fn slower(figures: &Figures, words: Words) -> Option<Advice> {
    let known = |times: &Distribution| {
        (times.count >= ENOUGH)
            .then(|| times.percentile(950))
            .flatten()
    };
    let (now, before) = (known(&figures.latency)?, known(&figures.latency_before)?);
    (now * 100 >= before * (100 + SLOWER)).then(|| {
        say(
            words,
            "slower",
            &[
                ("now", &words.duration(Some(now))),
                ("before", &words.duration(Some(before))),
            ],
        )
    })
}

fn callers(figures: &Figures, words: Words) -> Option<Advice> {
    let theirs = |row: &Row| row.totals.error_caller;
    let many = figures.keys.iter().map(|key| &key.row);
    let worst = many
        .filter(|row| is_much(theirs(row), row.totals.requests(), CALLERS))
        .max_by_key(|row| theirs(row))?;
    Some(say(
        words,
        "callers",
        &[
            ("key", &words.quoted(&worst.name)),
            ("errors", &words.big(theirs(worst))),
            (
                "rate",
                &format::percent(theirs(worst), worst.totals.requests()),
            ),
        ],
    ))
}

fn prices(figures: &Figures, words: Words) -> Option<Advice> {
    let missing = |row: &Row| {
        if row.id == 0 { 0 } else { row.totals.unpriced }
    };
    let models: Vec<&Row> = figures
        .models
        .iter()
        .filter(|row| missing(row) > 0)
        .collect();
    let requests: i64 = models.iter().map(|row| missing(row)).sum();
    let names: Vec<String> = models
        .iter()
        .take(3)
        .map(|row| words.quoted(&row.name))
        .collect();
    (!models.is_empty()).then(|| {
        say(
            words,
            "prices",
            &[
                ("requests", &words.big(requests)),
                ("models", &names.join(&words.t("report-list-comma"))),
            ],
        )
    })
}

fn dearer(figures: &Figures, words: Words) -> Option<Advice> {
    let grown = figures.now.cost_nanos.iter().find_map(|(currency, now)| {
        let before = figures
            .before
            .cost_nanos
            .get(currency)
            .copied()
            .filter(|before| *before > 0)?;
        let much = i128::from(*now) * 100 >= i128::from(before) * i128::from(100 + DEARER);
        much.then_some((currency, *now, before))
    });
    let (currency, now, before) = grown?;
    let spent = |row: &Row| row.totals.cost_nanos.get(currency).copied().unwrap_or(0);
    let earlier = |row: &Row| row.before.cost_nanos.get(currency).copied().unwrap_or(0);
    let most = figures
        .models
        .iter()
        .max_by_key(|row| spent(row) - earlier(row))?;
    Some(say(
        words,
        "dearer",
        &[
            ("now", &words.amount(currency, now)),
            ("before", &words.amount(currency, before)),
            ("model", &words.quoted(&most.name)),
        ],
    ))
}

fn one_provider(figures: &Figures, words: Words) -> Option<Advice> {
    let served: i64 = figures
        .providers
        .iter()
        .filter(|row| row.id != 0)
        .map(|row| row.totals.requests())
        .sum();
    let most = figures.providers.iter().find(|row| row.id != 0)?;
    is_much(most.totals.requests(), served, ONE_PROVIDER).then(|| {
        say(
            words,
            "one-provider",
            &[
                ("provider", &words.quoted(&most.name)),
                (
                    "share",
                    &format::percent_whole(most.totals.requests(), served),
                ),
            ],
        )
    })
}

fn cached(figures: &Figures, words: Words) -> Option<Advice> {
    let input = figures.now.tokens() - figures.now.output_tokens();
    let share = figures.now.cached_tokens;
    (input >= MUCH_INPUT && share * 100 < input * CACHED).then(|| {
        say(
            words,
            "cached",
            &[
                ("share", &format::percent(share, input)),
                ("input", &words.big(input)),
            ],
        )
    })
}

fn idle(figures: &Figures, words: Words) -> Option<Advice> {
    if figures.idle.is_empty() || figures.now.requests() == 0 {
        return None;
    }
    let names: Vec<String> = figures
        .idle
        .iter()
        .take(5)
        .map(|name| words.quoted(name))
        .collect();
    let count = i64::try_from(figures.idle.len()).unwrap_or(i64::MAX);
    Some(say(
        words,
        "idle",
        &[
            ("count", &count),
            ("keys", &words.tn("report-count-keys", count)),
            ("names", &names.join(&words.t("report-list-comma"))),
        ],
    ))
}
