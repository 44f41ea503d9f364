//! The first chapter and the last ones: the figures at a glance, awards, advice.

use modelgate_store::usage::Totals;

use crate::i18n::format;
use crate::reports::awards::{Award, Kind};
use crate::reports::blocks::{Block, Card, Prize, Tone};
use crate::reports::figures::Figures;
use crate::reports::findings::Narrative;
use crate::reports::words::Words;

/// So many names share an award by name.
const NAMES: usize = 3;

/// Summary and figures.
pub(super) fn chapter(figures: &Figures, narrative: &Narrative, words: Words) -> Vec<Block> {
    let mut blocks = vec![Block::Chapter(words.t("report-chapter-summary"))];
    blocks.extend(narrative.summary.iter().cloned().map(Block::Text));
    blocks.extend(by_model(&narrative.summary_by, words).map(Block::Note));
    if !figures.is_over() {
        let until = words.moment(figures.made_ms);
        blocks.push(Block::Note(
            words.t_with("report-note-unfinished", &[("until", &until)]),
        ));
    }
    blocks.push(Block::Section(words.t("report-section-figures")));
    blocks.push(Block::Cards(cards(figures, words)));
    blocks.push(Block::Note(words.t("report-note-change")));
    blocks
}

fn cards(figures: &Figures, words: Words) -> Vec<Card> {
    let (now, before) = (&figures.now, &figures.before);
    let count = |label: &str, of: fn(&Totals) -> i64, bad: bool| {
        let (value, earlier) = (of(now), of(before));
        Card {
            label: words.t(&format!("report-card-{label}")),
            value: words.big(value),
            more: String::new(),
            change: words.change(value, earlier),
            tone: if bad {
                tone(value, earlier)
            } else {
                Tone::Neutral
            },
        }
    };
    let output = now.output_tokens();
    let tokens = Card {
        value: format::compact(words.lang, now.tokens()),
        more: words.t_with(
            "report-card-tokens-more",
            &[
                ("input", &format::compact(words.lang, now.tokens() - output)),
                ("output", &format::compact(words.lang, output)),
            ],
        ),
        ..count("tokens", Totals::tokens, false)
    };
    vec![
        count("requests", Totals::requests, false),
        tokens,
        cost(figures, words),
        keys(figures, words),
        error_rate(figures, words),
        count("timeouts", |totals| totals.timeout, true),
        time(
            "p95",
            words,
            (
                figures.latency.percentile(950),
                figures.latency_before.percentile(950),
            ),
        ),
        time(
            "ttft",
            words,
            (
                figures.ttft.percentile(950),
                figures.ttft_before.percentile(950),
            ),
        ),
    ]
}

fn tone(now: i64, before: i64) -> Tone {
    match now.cmp(&before) {
        _ if before <= 0 => Tone::Neutral,
        std::cmp::Ordering::Greater => Tone::Bad,
        std::cmp::Ordering::Less => Tone::Good,
        std::cmp::Ordering::Equal => Tone::Neutral,
    }
}

/// The currency with the most spent in front, the others below: never added up.
fn cost(figures: &Figures, words: Words) -> Card {
    let mut amounts: Vec<_> = figures.now.cost_nanos.iter().collect();
    amounts.sort_by_key(|(_, nanos)| std::cmp::Reverse(**nanos));
    let mut amounts = amounts.into_iter();
    let first = amounts.next();
    let before = |currency| {
        figures
            .before
            .cost_nanos
            .get(currency)
            .copied()
            .unwrap_or(0)
    };
    Card {
        label: words.t("report-card-cost"),
        value: first.map_or_else(
            || "–".to_owned(),
            |(currency, nanos)| words.amount(currency, *nanos),
        ),
        more: amounts
            .map(|(currency, nanos)| words.amount(currency, *nanos))
            .collect::<Vec<_>>()
            .join(" · "),
        change: first.map_or_else(String::new, |(currency, nanos)| {
            words.change(*nanos, before(currency))
        }),
        tone: Tone::Neutral,
    }
}

fn keys(figures: &Figures, words: Words) -> Card {
    let before = figures
        .keys
        .iter()
        .filter(|key| key.row.before.requests() > 0)
        .count();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Card {
        label: words.t("report-card-keys"),
        value: words.big(count(figures.keys.len())),
        more: words.tn("report-card-keys-more", count(before)),
        change: String::new(),
        tone: Tone::Neutral,
    }
}

fn error_rate(figures: &Figures, words: Words) -> Card {
    let (wrong, of) = figures.now.error_rate();
    let (wrong_before, of_before) = figures.before.error_rate();
    let known = of > 0 && of_before > 0;
    // Shares of different wholes, each times the other's whole.
    let (now, before) = (
        i128::from(wrong) * i128::from(of_before),
        i128::from(wrong_before) * i128::from(of),
    );
    let tone = match now.cmp(&before) {
        std::cmp::Ordering::Greater if known => Tone::Bad,
        std::cmp::Ordering::Less if known => Tone::Good,
        _ => Tone::Neutral,
    };
    Card {
        label: words.t("report-card-error-rate"),
        value: format::percent(wrong, of),
        more: String::new(),
        change: if known {
            words.t_with(
                "report-card-was",
                &[("before", &format::percent(wrong_before, of_before))],
            )
        } else {
            String::new()
        },
        tone,
    }
}

fn time(label: &str, words: Words, (now, before): (Option<i64>, Option<i64>)) -> Card {
    Card {
        label: words.t(&format!("report-card-{label}")),
        value: words.duration(now),
        more: String::new(),
        change: now
            .zip(before)
            .map_or_else(String::new, |(now, before)| words.change(now, before)),
        tone: now
            .zip(before)
            .map_or(Tone::Neutral, |(now, before)| tone(now, before)),
    }
}

/// Fun awards.
pub(super) fn awards(figures: &Figures, words: Words) -> Vec<Block> {
    let prizes = figures
        .awards
        .iter()
        .map(|award| prize(figures, award, words));
    vec![
        Block::Chapter(words.t("report-chapter-awards")),
        Block::Text(words.t("report-awards-intro")),
        Block::Prizes(prizes.collect()),
    ]
}

fn prize(figures: &Figures, award: &Award, words: Words) -> Prize {
    let names: Vec<String> = award
        .winners
        .iter()
        .map(|id| figures.key_name(*id))
        .collect();
    let rest = names.len().saturating_sub(NAMES);
    let shown = names[..names.len().min(NAMES)].join(&words.t("report-list-comma"));
    let winner = match (names.is_empty(), rest) {
        (true, _) => words.t("report-award-nobody"),
        (false, 0) => shown,
        (false, rest) => words.t_with("report-award-more", &[("names", &shown), ("count", &rest)]),
    };
    Prize {
        title: words.t(&format!("report-award-{}", award.kind.as_str())),
        winner,
        value: if names.is_empty() {
            String::new()
        } else {
            value(award, words)
        },
        rule: words.t(&format!("report-award-rule-{}", award.kind.as_str())),
    }
}

fn value(award: &Award, words: Words) -> String {
    match award.kind {
        Kind::Hardworking => words.tn("report-count-requests", award.value),
        Kind::NightOwl => words.tn("report-count-night", award.value),
        Kind::Powerhouse => words.tn("report-count-tokens", award.value),
        Kind::Explorer => words.tn("report-count-models", award.value),
        Kind::Efficient => words.duration(Some(award.value)),
        Kind::EarlyBird => format::percent_whole(award.value, 1_000),
        Kind::Steady => words.t_with(
            "report-award-spread",
            &[("share", &format::percent_whole(award.value, 1_000))],
        ),
    }
}

/// What should be looked at.
pub(super) fn advice(narrative: &Narrative, words: Words) -> Vec<Block> {
    let mut blocks = vec![Block::ShortChapter(words.t("report-chapter-advice"))];
    if narrative.advice.is_empty() {
        blocks.push(Block::Text(words.t("report-advice-nothing")));
        return blocks;
    }
    let by_model = by_model(&narrative.advice_by, words);
    let by = by_model.unwrap_or_else(|| words.t("report-advice-by-rule"));
    blocks.push(Block::Note(by));
    let advice = narrative.advice.iter();
    blocks.extend(advice.map(|advice| Block::Advice(advice.title.clone(), advice.text.clone())));
    blocks
}

/// That a model wrote a text; nothing where rules did.
pub(in crate::reports) fn by_model(model: &str, words: Words) -> Option<String> {
    (!model.is_empty()).then(|| words.t_with("report-by-model", &[("model", &model)]))
}
