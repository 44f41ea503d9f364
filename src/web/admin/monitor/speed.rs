//! How long answers took, by model: average, percentiles and range, the first token, and how fast they were written.

use modelgate_store::latency::{Distribution, Measure};
use modelgate_store::usage::{Dimension, Totals};

use super::Read;
use crate::i18n::format;
use crate::web::figures::{Card, More, card, relative};
use crate::web::shell::Shell;
use crate::web::svg;

const ROWS: usize = 12;

/// A model's times, in seconds.
pub(super) struct SpeedRow {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) count: String,
    pub(super) mean: String,
    pub(super) p50: String,
    pub(super) p95: String,
    pub(super) p99: String,
    pub(super) range: String,
    pub(super) bar: Option<Bar>,
    pub(super) first_p50: String,
    pub(super) first_p95: String,
    pub(super) per_second: String,
}

/// From the shortest to the longest, the middle half to 95 % of it thick: places in percent of one scale for all.
pub(super) struct Bar {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) middle: String,
    pub(super) most: String,
}

/// First token, response time and writing speed of all models together.
pub(super) fn cards(page: &Shell, read: &Read<'_>) -> Vec<Card> {
    let spreads = &read.times.spreads;
    let (first, whole) = (spreads.all(Measure::Ttft), spreads.all(Measure::Latency));
    let series =
        |of: &dyn Fn(&Totals) -> i64| -> Vec<i64> { read.figures.series.iter().map(of).collect() };
    let compare = |of: &dyn Fn(&Totals) -> i64, more: More| {
        let (now, before) = (of(&read.figures.now), of(&read.figures.before));
        // A time that nothing took compares with none.
        if now == 0 || before == 0 {
            return (String::new(), "gray");
        }
        relative(page, now, before, more)
    };
    let ttft = |t: &Totals| t.ttft_mean_ms().unwrap_or(0);
    let mean = |t: &Totals| t.latency_mean_ms().unwrap_or(0);
    let speed = |t: &Totals| t.output_per_second().unwrap_or(0);
    let p95 = |spread: &Distribution| {
        page.t1(
            "admin-monitor-p95",
            "p95",
            shown(page, spread.percentile(950)),
        )
    };
    let (ttft_change, mean_change) = (compare(&ttft, More::IsBad), compare(&mean, More::IsBad));
    let speed_change = compare(&speed, More::IsNeutral);
    let per_second = read.figures.now.output_per_second();
    vec![
        Card {
            value: shown(page, first.percentile(500)),
            more: p95(&first),
            change: ttft_change.0,
            change_colour: ttft_change.1,
            ..card(page, "admin-monitor-first-token", "green", &series(&ttft))
        },
        Card {
            value: shown(page, whole.percentile(500)),
            more: p95(&whole),
            change: mean_change.0,
            change_colour: mean_change.1,
            ..card(page, "admin-monitor-response", "blue", &series(&mean))
        },
        Card {
            value: per_second.map_or_else(dash, format::integer),
            more: page.t("admin-monitor-writing-more"),
            change: speed_change.0,
            change_colour: speed_change.1,
            ..card(page, "admin-monitor-writing", "grape", &series(&speed))
        },
    ]
}

fn shown(page: &Shell, ms: Option<i64>) -> String {
    ms.map_or_else(dash, |ms| page.duration(&ms))
}

fn dash() -> String {
    "—".to_owned()
}

/// All models together, then each, most requests first.
pub(super) fn rows(page: &Shell, read: &Read<'_>) -> Vec<SpeedRow> {
    let spreads = &read.times.spreads;
    let all = spreads.all(Measure::Latency);
    if all.count == 0 {
        return Vec::new();
    }
    let scale = (all.min_ms, all.max_ms);
    let drill = read.drill(page);
    let first = row(
        (
            page.t("admin-monitor-all-models"),
            drill.to("status=success"),
        ),
        (&all, &spreads.all(Measure::Ttft)),
        &read.figures.now,
        scale,
    );
    let models = read.figures.by(Dimension::Model).into_iter().take(ROWS);
    let models = models.filter_map(|(id, totals)| {
        let spread = spreads.of_model(Measure::Latency, id);
        (spread.count > 0).then(|| {
            let name = read.name(Dimension::Model, id);
            let first = spreads.of_model(Measure::Ttft, id);
            let href = drill.to(&format!("status=success&model={id}"));
            row((name, href), (&spread, &first), &totals, scale)
        })
    });
    std::iter::once(first).chain(models).collect()
}

fn row(
    (name, href): (String, String),
    (spread, first): (&Distribution, &Distribution),
    totals: &Totals,
    (low, high): (i64, i64),
) -> SpeedRow {
    let seconds = |ms: Option<i64>| ms.map_or_else(dash, format::seconds);
    let place = |ms: Option<i64>| svg::log_place(ms.unwrap_or(low), low, high);
    SpeedRow {
        href,
        name,
        count: format::integer(spread.count),
        mean: seconds(totals.latency_mean_ms()),
        p50: seconds(spread.percentile(500)),
        p95: seconds(spread.percentile(950)),
        p99: seconds(spread.percentile(990)),
        range: format!(
            "{} – {}",
            format::seconds(spread.min_ms),
            format::seconds(spread.max_ms)
        ),
        bar: (low < high).then(|| Bar {
            from: place(Some(spread.min_ms)),
            to: place(Some(spread.max_ms)),
            middle: place(spread.percentile(500)),
            most: place(spread.percentile(950)),
        }),
        first_p50: seconds(first.percentile(500)),
        first_p95: seconds(first.percentile(950)),
        per_second: totals
            .output_per_second()
            .map_or_else(dash, format::integer),
    }
}
