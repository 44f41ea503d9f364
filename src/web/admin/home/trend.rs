//! The trend chart and its twin, a table of the same figures.

use modelgate_store::usage::Totals;
use serde_json::json;

use super::data::Data;
use super::span::Span;
use crate::i18n::format;
use crate::web::shell::Shell;

/// A chart and its table.
pub(super) struct Trend {
    /// What `app.js` draws.
    pub(super) json: String,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

pub(super) fn trend(page: &Shell, span: Span, data: &Data) -> Trend {
    let labels: Vec<String> = data
        .edges
        .iter()
        .take(data.series.len())
        .map(|edge| span.label(*edge, page.lang, page.zone))
        .collect();
    let values = |of: fn(&Totals) -> i64| data.series.iter().map(of).collect::<Vec<_>>();
    let bar = |key: &str, colour: &str, of: fn(&Totals) -> i64| json!({ "label": page.t(key), "kind": "bar", "axis": "left", "colour": colour, "values": values(of) });
    let chart = json!({
        "labels": labels,
        "left": page.t("admin-home-requests"),
        "right": page.t("admin-home-tokens"),
        "series": [
            bar("status-success", "blue", |t| t.success),
            bar("status-cancelled", "gray", |t| t.cancelled),
            bar("status-rate-limited", "amber", |t| t.rate_limited),
            bar("admin-home-trend-errors", "red", Totals::errors),
            json!({ "label": page.t("admin-home-tokens"), "kind": "line", "axis": "right", "colour": "green", "values": values(Totals::tokens) }),
        ],
    });
    let head = [
        "admin-home-trend-period",
        "admin-home-requests",
        "admin-home-trend-errors",
        "status-rate-limited",
        "admin-home-tokens",
        "admin-home-cost",
    ];
    Trend {
        // In a script block only `<` could end it.
        json: chart.to_string().replace('<', "\\u003c"),
        head: head.iter().map(|key| page.t(key)).collect(),
        rows: labels
            .into_iter()
            .zip(&data.series)
            .filter(|(_, totals)| totals.requests() > 0)
            .map(|(label, totals)| row(label, totals))
            .collect(),
    }
}

fn row(label: String, totals: &Totals) -> Vec<String> {
    let costs: Vec<String> = totals
        .cost_nanos
        .iter()
        .map(|(currency, nanos)| format::money(currency, *nanos))
        .collect();
    vec![
        label,
        format::integer(totals.requests()),
        format::integer(totals.errors()),
        format::integer(totals.rate_limited),
        format::integer(totals.tokens()),
        costs.join(" · "),
    ]
}
