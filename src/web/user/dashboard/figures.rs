//! The figures of one key: cards, the chart with its table, and shares of models.

use modelgate_domain::{Bucket, Window};
use modelgate_store::usage::Totals;
use serde_json::json;

use super::data::Data;
use crate::i18n::format;
use crate::web::shell::Shell;
use crate::web::svg;

const MODELS: usize = 6;

/// One figure.
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) value: String,
    /// Below the value: other currencies, a share.
    pub(super) more: String,
    /// The same of the period before.
    pub(super) before: String,
    pub(super) line: String,
    pub(super) area: String,
    pub(super) colour: &'static str,
}

/// A chart and its table.
#[derive(Default)]
pub(super) struct Trend {
    /// What `app.js` draws.
    pub(super) json: String,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// One model's part.
pub(super) struct Share {
    pub(super) name: String,
    pub(super) figures: String,
    pub(super) width: String,
}

pub(super) fn figures(page: &Shell, data: &Data) -> Vec<Figure> {
    let card = |label: &str, colour, show: &dyn Fn(&Totals) -> String, of: fn(&Totals) -> i64| {
        let values: Vec<i64> = data.series.iter().map(of).collect();
        let line = svg::spark_line(&values);
        Figure {
            label: page.t(label),
            value: show(&data.now),
            more: String::new(),
            before: page.t1("user-dashboard-before", "value", show(&data.before)),
            area: svg::spark_area(&line),
            line,
            colour,
        }
    };
    let errors = card(
        "user-dashboard-errors",
        "red",
        &|t| format::integer(t.errors()),
        Totals::errors,
    );
    vec![
        card(
            "user-dashboard-requests",
            "blue",
            &|t| format::integer(t.requests()),
            Totals::requests,
        ),
        Figure {
            more: tokens_more(page, &data.now),
            ..card(
                "user-dashboard-tokens",
                "green",
                &|t| format::compact(page.lang, t.tokens()),
                Totals::tokens,
            )
        },
        card(
            "user-dashboard-cost",
            "grape",
            &|t| money(t).unwrap_or_else(|| "—".to_owned()),
            |_| 0,
        ),
        Figure {
            more: page.counted("user-dashboard-limited", data.now.rate_limited),
            ..errors
        },
    ]
}

fn tokens_more(page: &Shell, totals: &Totals) -> String {
    let output = totals.output_tokens();
    let input = totals.tokens().saturating_sub(output);
    page.t_with(
        "user-dashboard-tokens-more",
        &[
            ("input", &format::compact(page.lang, input)),
            ("output", &format::compact(page.lang, output)),
        ],
    )
}

/// Currencies side by side, never added up.
fn money(totals: &Totals) -> Option<String> {
    let amounts = totals.cost_nanos.iter();
    let amounts: Vec<String> = amounts
        .map(|(code, nanos)| format::money(code, *nanos))
        .collect();
    (!amounts.is_empty()).then(|| amounts.join(" · "))
}

pub(super) fn trend(page: &Shell, window: &Window, data: &Data) -> Trend {
    let labels: Vec<String> = window
        .edges
        .iter()
        .take(data.series.len())
        .map(|edge| label(page, window, *edge))
        .collect();
    let values = |of: fn(&Totals) -> i64| data.series.iter().map(of).collect::<Vec<_>>();
    let series = |key: &str, kind: &str, axis: &str, colour: &str, of: fn(&Totals) -> i64| json!({ "label": page.t(key), "kind": kind, "axis": axis, "colour": colour, "values": values(of) });
    let chart = json!({
        "labels": labels,
        "left": page.t("user-dashboard-requests"),
        "right": page.t("user-dashboard-tokens"),
        "series": [
            series("status-success", "bar", "left", "blue", |t| t.success),
            series("status-cancelled", "bar", "left", "gray", |t| t.cancelled),
            series("status-rate-limited", "bar", "left", "amber", |t| t.rate_limited),
            series("user-dashboard-errors", "bar", "left", "red", Totals::errors),
            series("user-dashboard-tokens", "line", "right", "green", Totals::tokens),
        ],
    });
    let head = [
        "user-dashboard-period",
        "user-dashboard-requests",
        "user-dashboard-errors",
        "status-rate-limited",
        "user-dashboard-tokens",
        "user-dashboard-cost",
    ];
    let row = |(label, totals): (String, &Totals)| {
        vec![
            label,
            format::integer(totals.requests()),
            format::integer(totals.errors()),
            format::integer(totals.rate_limited),
            format::integer(totals.tokens()),
            money(totals).unwrap_or_default(),
        ]
    };
    Trend {
        // In a script block only `<` could end it.
        json: chart.to_string().replace('<', "\\u003c"),
        head: head.iter().map(|key| page.t(key)).collect(),
        rows: labels
            .into_iter()
            .zip(&data.series)
            .filter(|(_, totals)| totals.requests() > 0)
            .map(row)
            .collect(),
    }
}

fn label(page: &Shell, window: &Window, from_ms: i64) -> String {
    let hour = || format::hour_minute(from_ms, window.zone);
    let day = || format::day(page.lang, from_ms, window.zone);
    match window.bucket {
        Bucket::Hour => hour(),
        Bucket::QuarterDay => format!("{} {}", day(), hour()),
        Bucket::Day | Bucket::Week | Bucket::Month => day(),
    }
}

/// The models with the most requests, the rest together.
pub(super) fn shares(page: &Shell, data: &Data) -> Vec<Share> {
    let all = data.now.requests();
    let share = |name: String, totals: &Totals| Share {
        name,
        figures: page.t_with(
            "user-dashboard-model-figures",
            &[
                ("requests", &format::integer(totals.requests())),
                ("tokens", &format::compact(page.lang, totals.tokens())),
                ("errors", &format::integer(totals.errors())),
            ],
        ),
        width: svg::share(totals.requests(), all),
    };
    let (first, rest) = data.by_model.split_at(data.by_model.len().min(MODELS));
    let name = |id: &i64| match data.models.get(id) {
        Some(name) => name.clone(),
        None => page.t("user-dashboard-no-model"),
    };
    let mut shares: Vec<Share> = first.iter().map(|(id, t)| share(name(id), t)).collect();
    if !rest.is_empty() {
        let mut others = Totals::default();
        for (_, totals) in rest {
            others.add(totals);
        }
        shares.push(share(page.t("user-dashboard-others"), &others));
    }
    shares
}
