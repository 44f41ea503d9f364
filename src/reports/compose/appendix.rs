//! Everything in full, and what the words mean.

use super::names::key;
use super::tables::{figure, rate, table, text, without_empty};
use crate::reports::blocks::Block;
use crate::reports::figures::Figures;
use crate::reports::params::Scope;
use crate::reports::words::Words;

const TERMS: [&str; 10] = [
    "request",
    "key",
    "tokens",
    "cost",
    "error-rate",
    "timeout",
    "refused",
    "p95",
    "ttft",
    "before",
];

/// The chapter about every key alone.
pub(super) fn keys(figures: &Figures, words: Words) -> Vec<Block> {
    vec![
        Block::Chapter(words.t("report-section-all-keys")),
        all_keys(figures, words),
    ]
}

/// The chapter.
pub(super) fn chapter(figures: &Figures, words: Words) -> Vec<Block> {
    let mut blocks = vec![Block::Chapter(words.t("report-chapter-appendix"))];
    if !figures.keys.is_empty() && !matches!(figures.params.scope, Scope::Key(_)) {
        blocks.push(Block::Section(words.t("report-section-all-keys")));
        blocks.push(all_keys(figures, words));
    }
    blocks.push(Block::Section(words.t("report-section-terms")));
    blocks.extend(TERMS.iter().map(|term| {
        Block::Definition(
            words.t(&format!("report-term-{term}")),
            words.t(&format!("report-meaning-{term}")),
        )
    }));
    blocks
}

fn all_keys(figures: &Figures, words: Words) -> Block {
    let rows = figures.keys.iter().map(|of| {
        let totals = &of.row.totals;
        vec![
            key(words, of),
            of.user.clone(),
            words.big(totals.requests()),
            words.big(totals.tokens()),
            words.money(totals),
            rate(totals.error_rate()),
            words.duration(of.row.p95_ms),
            words.big(i64::try_from(of.days).unwrap_or(0)),
        ]
    });
    let all = table(
        words.t("report-table-all-keys"),
        vec![
            text(words, "key", 5),
            text(words, "user", 4),
            figure(words, "requests", 3),
            figure(words, "tokens", 4),
            figure(words, "cost", 5),
            figure(words, "error-rate", 3),
            figure(words, "p95", 3),
            figure(words, "active-days", 2),
        ],
        rows.collect(),
    );
    without_empty(all, 1)
}
