//! How busy the gateway was over a range: minutes at each level, as a chart and as its table.

use modelgate_domain::{Busyness, Window};
use modelgate_store::busyness_history::Minutes;
use serde_json::json;

use crate::i18n::format;
use crate::web::figures::{Trend, label};
use crate::web::shell::Shell;

/// The colour of a level.
const fn colour(level: Busyness) -> &'static str {
    match level {
        Busyness::ExtremelyBusy => "red",
        Busyness::VeryBusy => "grape",
        Busyness::Busy => "amber",
        Busyness::Normal => "green",
        Busyness::Idle => "sky",
        Busyness::Quiet => "gray",
    }
}

/// The chart; without rows where nothing was noted in the range.
pub(super) fn chart(page: &Shell, window: &Window, series: &[Minutes]) -> Trend {
    if series.iter().all(Vec::is_empty) {
        return Trend::default();
    }
    let edges = window.edges.iter().take(series.len());
    let labels: Vec<String> = edges.map(|edge| label(window, *edge, page.lang)).collect();
    let of = |minutes: &Minutes, level: Busyness| {
        let found = minutes.iter().find(|(there, _)| *there == level);
        found.map_or(0, |(_, minutes)| *minutes)
    };
    let shown = |level: &Busyness| series.iter().any(|minutes| of(minutes, *level) > 0);
    let levels: Vec<Busyness> = Busyness::ALL.iter().copied().filter(shown).collect();
    let text = |level: &Busyness| page.t_code("admin-busyness-level-", level.as_str());
    // The quietest at the foot.
    let bars = levels.iter().rev().map(|level| {
        let values: Vec<i64> = series.iter().map(|minutes| of(minutes, *level)).collect();
        json!({ "label": text(level), "kind": "bar", "axis": "left", "colour": colour(*level), "values": values })
    });
    let chart = json!({
        "labels": labels,
        "left": page.t("admin-monitor-busyness-minutes"),
        "series": bars.collect::<Vec<_>>(),
    });
    let rows = labels
        .iter()
        .zip(series)
        .filter(|(_, minutes)| !minutes.is_empty());
    let row = |(period, minutes): (&String, &Minutes)| {
        let counts = levels
            .iter()
            .map(|level| format::integer(of(minutes, *level)));
        std::iter::once(period.clone()).chain(counts).collect()
    };
    Trend {
        // In a script block only `<` could end it.
        json: chart.to_string().replace('<', "\\u003c"),
        head: std::iter::once(page.t("figures-trend-period"))
            .chain(levels.iter().map(text))
            .collect(),
        rows: rows.map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use modelgate_domain::Range;

    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn levels_that_there_were_are_shown_with_their_minutes() {
        let page = Shell::sample(Lang::En);
        let zone = chrono_tz::Asia::Shanghai;
        let window = Range::Today.window(1_795_214_489_000, zone, zone);
        let mut series = vec![Minutes::new(); window.edges.len() - 1];
        assert!(chart(&page, &window, &series).rows.is_empty());
        series[1] = vec![(Busyness::Busy, 10), (Busyness::Normal, 50)];
        let chart = chart(&page, &window, &series);
        assert_eq!(chart.head, ["Period", "busy", "normally busy"]);
        assert_eq!(chart.rows.len(), 1, "hours without a minute are left out");
        assert_eq!(chart.rows[0][1..], ["10", "50"]);
        let drawn: serde_json::Value = serde_json::from_str(&chart.json).unwrap();
        assert_eq!(drawn["series"][0]["colour"], "green");
        assert_eq!(drawn["series"][1]["values"][1], 10);
    }
}
