//! How it went, by day or week.

use modelgate_store::usage::Totals;

use super::tables::{figure, rate, table, text};
use crate::i18n::{ToArg, format};
use crate::reports::blocks::Block;
use crate::reports::charts::{Chart, Shape, Unit};
use crate::reports::figures::Figures;
use crate::reports::words::Words;

/// Told apart by their darkness as well: blue for what is well, red and amber for what is not.
pub(super) const OUTCOMES: [&str; 3] = ["#206bc4", "#c92a2a", "#f59f00"];
/// Kinds of the same: from dark to light.
const KINDS: [&str; 3] = ["#12355b", "#206bc4", "#9cc3f0"];
/// Fewer periods are a table's matter.
const ENOUGH: usize = 3;

/// The chapter.
pub(super) fn chapter(figures: &Figures, words: Words) -> Vec<Block> {
    let mut blocks = vec![Block::Chapter(words.t("report-chapter-trends"))];
    if figures.periods.len() >= ENOUGH {
        blocks.push(Block::Text(words.t(if figures.by_week {
            "report-trends-weeks"
        } else {
            "report-trends-days"
        })));
        blocks.push(Block::Section(words.t("report-section-requests")));
        blocks.push(requests(figures, words));
        blocks.push(Block::Section(words.t("report-section-tokens")));
        blocks.push(tokens(figures, words));
    }
    blocks.push(Block::Section(words.t("report-section-busiest-days")));
    blocks.push(busiest(figures, words));
    blocks
}

/// A chart of one line or bar for each period.
pub(super) struct Drawing<'a> {
    pub(super) title: &'a str,
    pub(super) shape: Shape,
    pub(super) unit: Unit,
    /// What it is of, in words: the currency.
    pub(super) of: String,
    /// A colour for each series.
    pub(super) colours: [&'static str; 3],
    /// Name and values of each series.
    pub(super) series: Vec<(String, Vec<i64>)>,
}

/// Draws it, and says what it shows.
pub(super) fn draw(figures: &Figures, words: Words, drawing: Drawing<'_>) -> Block {
    let labels = figures.periods.iter();
    let labels = labels.map(|period| words.day(period.from_ms).split_off(5));
    let (names, values): (Vec<String>, Vec<Vec<i64>>) = drawing.series.into_iter().unzip();
    let chart = Chart {
        shape: drawing.shape,
        unit: drawing.unit,
        labels: labels.collect(),
        series: drawing.colours.into_iter().zip(values).collect(),
    };
    let unit = match (drawing.unit, chart.thousands()) {
        (Unit::Share, _) => words.t("report-unit-percent"),
        (_, 1_000) => words.t("report-unit-thousand"),
        (_, 1_000_000) => words.t("report-unit-million"),
        (_, 1_000_000_000) => words.t("report-unit-billion"),
        _ => String::new(),
    };
    let title = words.t_with(drawing.title, &[("of", &drawing.of)]);
    let caption = if unit.is_empty() {
        title.clone()
    } else {
        words.t_with(
            "report-chart-caption",
            &[("title", &title), ("unit", &unit)],
        )
    };
    let legend: Vec<_> = drawing.colours.into_iter().zip(names).collect();
    Block::Chart {
        alt: alt(figures, words, &title, &chart),
        caption,
        chart,
        legend: if legend.len() > 1 { legend } else { Vec::new() },
    }
}

/// What a chart shows: its ends and its height.
fn alt(figures: &Figures, words: Words, title: &str, chart: &Chart) -> String {
    let at = |period: usize| -> i64 {
        let values = chart
            .series
            .iter()
            .filter_map(|(_, values)| values.get(period));
        values.sum()
    };
    let highest = (0..chart.labels.len())
        .max_by_key(|period| at(*period))
        .unwrap_or(0);
    let value = match chart.unit {
        Unit::Count => format::integer(at(highest)),
        Unit::Money => modelgate_domain::money::format_nanos(at(highest)),
        Unit::Share => format::percent(at(highest), 10_000),
    };
    let day = |period: usize| {
        let found = figures.periods.get(period);
        found.map_or_else(String::new, |found| words.day(found.from_ms))
    };
    let (first, last, top) = (
        day(0),
        day(chart.labels.len().saturating_sub(1)),
        day(highest),
    );
    let args: [(&str, &dyn ToArg); 5] = [
        ("title", &title),
        ("from", &first),
        ("to", &last),
        ("highest", &value),
        ("day", &top),
    ];
    words.t_with("report-chart-alt", &args)
}

/// A value of each period.
pub(super) fn values(figures: &Figures, of: impl Fn(&Totals) -> i64) -> Vec<i64> {
    let periods = figures.periods.iter();
    periods.map(|period| of(&period.totals)).collect()
}

fn requests(figures: &Figures, words: Words) -> Block {
    let series = [
        (
            "report-legend-success",
            values(figures, |totals| totals.success),
        ),
        ("report-legend-errors", values(figures, Totals::failures)),
        (
            "report-legend-others",
            values(figures, |totals| totals.rate_limited + totals.cancelled),
        ),
    ];
    let series = series
        .map(|(name, values)| (words.t(name), values))
        .to_vec();
    draw(
        figures,
        words,
        Drawing {
            title: "report-chart-requests",
            shape: Shape::Bars,
            unit: Unit::Count,
            of: String::new(),
            colours: OUTCOMES,
            series,
        },
    )
}

fn tokens(figures: &Figures, words: Words) -> Block {
    let input = |totals: &Totals| totals.tokens() - totals.output_tokens() - totals.cached_tokens;
    let series = [
        ("report-legend-input", values(figures, input)),
        (
            "report-legend-output",
            values(figures, Totals::output_tokens),
        ),
        (
            "report-legend-cached",
            values(figures, |totals| totals.cached_tokens),
        ),
    ];
    let series = series
        .map(|(name, values)| (words.t(name), values))
        .to_vec();
    draw(
        figures,
        words,
        Drawing {
            title: "report-chart-tokens",
            shape: Shape::Bars,
            unit: Unit::Count,
            of: String::new(),
            colours: KINDS,
            series,
        },
    )
}

fn busiest(figures: &Figures, words: Words) -> Block {
    let rows = figures.busiest_days.iter().map(|day| {
        vec![
            words.day(day.from_ms),
            words.big(day.totals.requests()),
            words.big(day.totals.tokens()),
            rate(day.totals.error_rate()),
            words.money(&day.totals),
        ]
    });
    table(
        words.t("report-table-busiest-days"),
        vec![
            text(words, "day", 3),
            figure(words, "requests", 3),
            figure(words, "tokens", 3),
            figure(words, "error-rate", 3),
            figure(words, "cost", 4),
        ],
        rows.collect(),
    )
}
