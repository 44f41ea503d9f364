//! The trend chart and its twin, a table of the same figures.

use modelgate_store::usage::Totals;
use serde_json::json;

use super::{Figures, label, money_of};
use crate::i18n::format;
use crate::web::shell::Shell;

/// A chart and its table.
#[derive(Default)]
pub(in crate::web) struct Trend {
    /// What `app.js` draws.
    pub(in crate::web) json: String,
    pub(in crate::web) head: Vec<String>,
    pub(in crate::web) rows: Vec<Vec<String>>,
}

/// Requests by outcome as bars, tokens as a line.
pub(in crate::web) fn trend(page: &Shell, data: &Figures) -> Trend {
    let labels: Vec<String> = data
        .window
        .edges
        .iter()
        .take(data.series.len())
        .map(|edge| label(&data.window, *edge, page.lang))
        .collect();
    let values = |of: fn(&Totals) -> i64| data.series.iter().map(of).collect::<Vec<_>>();
    let bar = |key: &str, colour: &str, of: fn(&Totals) -> i64| json!({ "label": page.t(key), "kind": "bar", "axis": "left", "colour": colour, "values": values(of) });
    let chart = json!({
        "labels": labels,
        "left": page.t("figures-requests"),
        "right": page.t("figures-tokens"),
        "series": [
            bar("status-success", "blue", |t| t.success),
            bar("status-cancelled", "gray", |t| t.cancelled),
            bar("status-rate-limited", "amber", |t| t.rate_limited),
            bar("status-timeout", "grape", |t| t.timeout),
            bar("status-error", "red", |t| t.error),
            json!({ "label": page.t("figures-tokens"), "kind": "line", "axis": "right", "colour": "green", "values": values(Totals::tokens) }),
        ],
    });
    let head = [
        "figures-trend-period",
        "figures-requests",
        "figures-errors",
        "figures-timeouts",
        "figures-rate-limited",
        "figures-tokens",
        "figures-cost",
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
    vec![
        label,
        format::integer(totals.requests()),
        format::integer(totals.error),
        format::integer(totals.timeout),
        format::integer(totals.rate_limited),
        format::integer(totals.tokens()),
        money_of(totals),
    ]
}
