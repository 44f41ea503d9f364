//! What went wrong, how long it took, and who met limits.

use modelgate_store::usage::Totals;

use super::names::{key, shown};
use super::tables::{figure, rate, table, text, without_empty};
use super::trends::{Drawing, draw, values};
use crate::i18n::format;
use crate::reports::blocks::Block;
use crate::reports::charts::{Shape, Unit};
use crate::reports::figures::Figures;
use crate::reports::words::Words;

const TOP: usize = 10;
const ENOUGH: usize = 3;

/// The chapter about errors and durations.
pub(super) fn chapter(figures: &Figures, words: Words) -> Vec<Block> {
    let mut blocks = vec![
        Block::Chapter(words.t("report-chapter-reliability")),
        Block::Text(words.t("report-reliability-intro")),
        outcomes(&figures.now, words),
    ];
    if figures.periods.len() >= ENOUGH && figures.now.failures() > 0 {
        blocks.push(Block::Section(words.t("report-section-error-rate")));
        let series = values(figures, |totals| {
            let (wrong, of) = totals.error_rate();
            wrong.saturating_mul(10_000).checked_div(of).unwrap_or(0)
        });
        blocks.push(draw(
            figures,
            words,
            Drawing {
                title: "report-chart-error-rate",
                shape: Shape::Lines,
                unit: Unit::Share,
                of: String::new(),
                colours: ["#c92a2a"; 3],
                series: vec![(words.t("report-legend-errors"), series)],
            },
        ));
    }
    blocks.push(Block::Section(words.t("report-section-times")));
    blocks.push(times(figures, words));
    blocks.push(by_provider(figures, words));
    blocks
}

fn outcomes(totals: &Totals, words: Words) -> Block {
    let all = totals.requests();
    let rows = [
        ("success", totals.success),
        ("error-upstream", totals.error_upstream),
        ("error-gateway", totals.error_gateway),
        ("error-caller", totals.error_caller),
        ("error-policy", totals.error_policy),
        ("timeout", totals.timeout),
        ("cancelled", totals.cancelled),
        ("rate-limited", totals.rate_limited),
    ];
    let rows = rows.map(|(what, count)| {
        vec![
            words.t(&format!("report-outcome-{what}")),
            words.big(count),
            format::percent(count, all),
        ]
    });
    table(
        words.t("report-table-outcomes"),
        vec![
            text(words, "outcome", 8),
            figure(words, "requests", 3),
            figure(words, "share", 3),
        ],
        rows.to_vec(),
    )
}

fn times(figures: &Figures, words: Words) -> Block {
    let row = |name: &str,
               now: &modelgate_store::latency::Distribution,
               before: &modelgate_store::latency::Distribution| {
        vec![
            words.t(name),
            words.duration(now.percentile(500)),
            words.duration(now.percentile(950)),
            words.duration(now.percentile(990)),
            words.duration(before.percentile(950)),
        ]
    };
    table(
        words.t("report-table-times"),
        vec![
            text(words, "measure", 5),
            figure(words, "p50", 3),
            figure(words, "p95", 3),
            figure(words, "p99", 3),
            figure(words, "p95-before", 3),
        ],
        vec![
            row(
                "report-measure-latency",
                &figures.latency,
                &figures.latency_before,
            ),
            row("report-measure-ttft", &figures.ttft, &figures.ttft_before),
        ],
    )
}

fn by_provider(figures: &Figures, words: Words) -> Block {
    let served = figures.providers.iter().filter(|row| row.id != 0);
    let rows = served.map(|row| {
        vec![
            shown(words, row),
            words.big(row.totals.requests()),
            rate(row.totals.error_rate()),
            words.big(row.totals.timeout),
            words.duration(row.p95_ms),
            words.duration(row.ttft_p95_ms),
        ]
    });
    table(
        words.t("report-table-provider-times"),
        vec![
            text(words, "provider", 5),
            figure(words, "requests", 3),
            figure(words, "error-rate", 3),
            figure(words, "timeouts", 3),
            figure(words, "p95", 3),
            figure(words, "ttft-p95", 3),
        ],
        rows.collect(),
    )
}

/// The chapter about limits.
pub(super) fn limits(figures: &Figures, words: Words) -> Vec<Block> {
    let mut blocks = vec![Block::Section(words.t("report-section-limits"))];
    let mut keys: Vec<_> = figures
        .keys
        .iter()
        .filter(|of| of.row.totals.rate_limited > 0)
        .collect();
    if keys.is_empty() {
        blocks.push(Block::Text(words.t("report-limits-none")));
        return blocks;
    }
    keys.sort_by_key(|of| (-of.row.totals.rate_limited, of.row.id));
    keys.truncate(TOP);
    blocks.push(Block::Text(
        words.tn("report-limits-intro", figures.now.rate_limited),
    ));
    let rows = keys.into_iter().map(|of| {
        let totals = &of.row.totals;
        vec![
            key(words, of),
            of.user.clone(),
            words.big(totals.rate_limited),
            format::percent(totals.rate_limited, totals.requests()),
        ]
    });
    blocks.push(without_empty(
        table(
            words.t("report-table-limits"),
            vec![
                text(words, "key", 5),
                text(words, "user", 4),
                figure(words, "refused", 3),
                figure(words, "share-of-own", 3),
            ],
            rows.collect(),
        ),
        1,
    ));
    blocks
}
