//! Who used what: keys, models, providers.

use super::names::{key, shown};
use super::tables::{change, figure, rate, share, table, text, without_empty};
use crate::reports::blocks::Block;
use crate::reports::figures::{Figures, Row};
use crate::reports::words::Words;

/// So many keys are told of at the top; all of them stand in the appendix.
const TOP: usize = 10;

/// The chapter about people.
pub(super) fn people(figures: &Figures, words: Words) -> Vec<Block> {
    let shown = figures.keys.len().min(TOP);
    let first: i64 = figures
        .keys
        .iter()
        .take(TOP)
        .map(|key| key.row.totals.requests())
        .sum();
    let count = i64::try_from(shown).unwrap_or(0);
    let all = figures.now.requests();
    let rows = figures.keys.iter().take(TOP).map(|of| {
        let totals = &of.row.totals;
        vec![
            key(words, of),
            of.user.clone(),
            words.big(totals.requests()),
            share(totals.requests(), all),
            change(words, totals.requests(), of.row.before.requests()),
            words.big(totals.tokens()),
            of.models
                .first()
                .map_or_else(|| "–".to_owned(), |(_, name)| name.clone()),
        ]
    });
    vec![
        Block::Chapter(words.t("report-chapter-people")),
        Block::Text(words.t_with(
            if figures.keys.len() > TOP {
                "report-people-intro"
            } else {
                "report-people-all"
            },
            &[
                ("count", &count),
                ("keys", &words.tn("report-count-keys", count)),
                ("share", &share(first, all)),
            ],
        )),
        without_empty(
            table(
                words.t("report-table-top-keys"),
                vec![
                    text(words, "key", 5),
                    text(words, "user", 4),
                    figure(words, "requests", 3),
                    figure(words, "share", 2),
                    figure(words, "change", 3),
                    figure(words, "tokens", 4),
                    text(words, "top-model", 5),
                ],
                rows.collect(),
            ),
            1,
        ),
        Block::Note(words.t("report-people-note")),
    ]
}

/// The chapter about what answered.
pub(super) fn models_and_providers(figures: &Figures, words: Words) -> Vec<Block> {
    vec![
        Block::ShortChapter(words.t("report-chapter-models")),
        Block::Text(words.t("report-models-intro")),
        Block::Section(words.t("report-section-models")),
        rows_of(
            words,
            "report-table-models",
            "model",
            &figures.models,
            figures.now.requests(),
        ),
        Block::Section(words.t("report-section-providers")),
        rows_of(
            words,
            "report-table-providers",
            "provider",
            &figures.providers,
            figures.now.requests(),
        ),
    ]
}

fn rows_of(words: Words, caption: &str, what: &str, rows: &[Row], all: i64) -> Block {
    let rows = rows.iter().map(|row| {
        let totals = &row.totals;
        vec![
            shown(words, row),
            words.big(totals.requests()),
            share(totals.requests(), all),
            change(words, totals.requests(), row.before.requests()),
            words.big(totals.tokens()),
            rate(totals.error_rate()),
            words.duration(row.p95_ms),
        ]
    });
    table(
        words.t(caption),
        vec![
            text(words, what, 6),
            figure(words, "requests", 3),
            figure(words, "share", 2),
            figure(words, "change", 3),
            figure(words, "tokens", 4),
            figure(words, "error-rate", 3),
            figure(words, "p95", 3),
        ],
        rows.collect(),
    )
}
