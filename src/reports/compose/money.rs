//! What it cost: each currency for itself, and on what basis.

use modelgate_domain::Currency;
use modelgate_store::usage::Totals;

use super::names::{key, shown};
use super::tables::{change, figure, share, table, text};
use super::trends::{Drawing, OUTCOMES, draw, values};
use crate::reports::blocks::Block;
use crate::reports::charts::{Shape, Unit};
use crate::reports::figures::Figures;
use crate::reports::words::Words;

const TOP: usize = 10;
const ENOUGH: usize = 3;

/// The chapter.
pub(super) fn chapter(figures: &Figures, words: Words) -> Vec<Block> {
    let mut blocks = vec![
        Block::Chapter(words.t("report-chapter-money")),
        Block::Text(words.t("report-money-basis")),
    ];
    let without = figures.now.unpriced;
    if without > 0 {
        blocks.push(Block::Text(words.tn("report-money-unpriced", without)));
    }
    let currencies = figures.currencies();
    if currencies.is_empty() {
        blocks.push(Block::Text(words.t("report-money-none")));
        return blocks;
    }
    let rows = currencies.iter().map(|currency| {
        let (now, before) = (
            spent(&figures.now, currency),
            spent(&figures.before, currency),
        );
        vec![
            currency.as_str().to_owned(),
            words.amount(currency, now),
            words.amount(currency, before),
            change(words, now, before),
        ]
    });
    blocks.push(table(
        words.t("report-table-currencies"),
        vec![
            text(words, "currency", 3),
            figure(words, "cost", 3),
            figure(words, "cost-before", 3),
            figure(words, "change", 3),
        ],
        rows.collect(),
    ));
    for currency in &currencies {
        if spent(&figures.now, currency) > 0 {
            blocks.extend(of_currency(figures, words, currency));
        }
    }
    blocks
}

fn spent(totals: &Totals, currency: &Currency) -> i64 {
    totals.cost_nanos.get(currency).copied().unwrap_or(0)
}

fn of_currency(figures: &Figures, words: Words, currency: &Currency) -> Vec<Block> {
    let code = currency.as_str();
    let mut blocks = vec![Block::Section(
        words.t_with("report-section-currency", &[("currency", &code)]),
    )];
    if figures.periods.len() >= ENOUGH {
        let series = values(figures, |totals| spent(totals, currency));
        blocks.push(draw(
            figures,
            words,
            Drawing {
                title: "report-chart-cost",
                shape: Shape::Bars,
                unit: Unit::Money,
                of: code.to_owned(),
                colours: OUTCOMES,
                series: vec![(code.to_owned(), series)],
            },
        ));
    }
    let all = spent(&figures.now, currency);
    let models = figures
        .models
        .iter()
        .map(|row| (shown(words, row), &row.totals, &row.before));
    let keys = figures
        .keys
        .iter()
        .map(|of| (key(words, of), &of.row.totals, &of.row.before));
    for (caption, what, rows) in [
        (
            "report-table-cost-models",
            "model",
            models.collect::<Vec<_>>(),
        ),
        ("report-table-cost-keys", "key", keys.collect()),
    ] {
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|(name, now, before)| (name, spent(now, currency), spent(before, currency)))
            .filter(|(_, now, _)| *now > 0)
            .collect();
        rows.sort_by_key(|(_, now, _)| std::cmp::Reverse(*now));
        rows.truncate(TOP);
        let cells = rows.into_iter().map(|(name, now, before)| {
            vec![
                name,
                words.amount(currency, now),
                share(now, all),
                change(words, now, before),
            ]
        });
        blocks.push(table(
            words.t_with(caption, &[("currency", &code)]),
            vec![
                text(words, what, 6),
                figure(words, "cost", 3),
                figure(words, "share", 2),
                figure(words, "change", 3),
            ],
            cells.collect(),
        ));
    }
    blocks
}
