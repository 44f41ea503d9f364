//! The eight figures on top: what it is now, how it went, and how that compares with the period before.

use modelgate_store::usage::Totals;

use super::data::Data;
use crate::admission::LiveCounters;
use crate::i18n::format;
use crate::web::shell::Shell;
use crate::web::svg;

/// One figure.
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) value: String,
    /// Below the value: other currencies, a share.
    pub(super) more: String,
    /// Against the period before; empty where there is nothing to compare with.
    pub(super) change: String,
    /// `gray`, `green` or `red`.
    pub(super) change_colour: &'static str,
    pub(super) line: String,
    pub(super) area: String,
    pub(super) colour: &'static str,
    /// Where the rows behind it are; empty for none.
    pub(super) href: String,
}

/// What more of something means.
#[derive(Clone, Copy)]
enum More {
    IsNeutral,
    IsBad,
}

pub(super) fn figures(page: &Shell, data: &Data, live: &LiveCounters) -> Vec<Figure> {
    vec![
        requests(page, data),
        tokens(page, data),
        cost(page, data),
        error_rate(page, data),
        active(page, live),
        first_token(page, data),
        timeouts(page, data),
        rate_limited(page, data),
    ]
}

fn figure(page: &Shell, label: &str, colour: &'static str, values: &[i64]) -> Figure {
    let line = svg::spark_line(values);
    Figure {
        label: page.t(label),
        value: String::new(),
        more: String::new(),
        change: String::new(),
        change_colour: "gray",
        area: svg::spark_area(&line),
        line,
        colour,
        href: String::new(),
    }
}

fn series(data: &Data, of: impl Fn(&Totals) -> i64) -> Vec<i64> {
    data.series.iter().map(of).collect()
}

fn requests(page: &Shell, data: &Data) -> Figure {
    let (change, change_colour) =
        relative(data.now.requests(), data.before.requests(), More::IsNeutral);
    Figure {
        value: format::integer(data.now.requests()),
        change,
        change_colour,
        href: page.url("/admin/logs"),
        ..figure(
            page,
            "admin-home-requests",
            "blue",
            &series(data, Totals::requests),
        )
    }
}

fn tokens(page: &Shell, data: &Data) -> Figure {
    let (change, change_colour) =
        relative(data.now.tokens(), data.before.tokens(), More::IsNeutral);
    let input = data.now.tokens() - data.now.completion_tokens - data.now.reasoning_tokens;
    Figure {
        value: format::compact(page.lang, data.now.tokens()),
        more: page.t_with(
            "admin-home-tokens-more",
            &[
                ("input", &format::compact(page.lang, input)),
                (
                    "output",
                    &format::compact(page.lang, data.now.tokens() - input),
                ),
            ],
        ),
        change,
        change_colour,
        ..figure(
            page,
            "admin-home-tokens",
            "green",
            &series(data, Totals::tokens),
        )
    }
}

/// The currency with the most spent in front, the others below: never added up.
fn cost(page: &Shell, data: &Data) -> Figure {
    let mut amounts: Vec<_> = data.now.cost_nanos.iter().collect();
    amounts.sort_by_key(|(_, nanos)| std::cmp::Reverse(**nanos));
    let Some((currency, nanos)) = amounts.first().copied() else {
        return Figure {
            value: "—".to_owned(),
            more: unpriced(page, data),
            ..figure(page, "admin-home-cost", "grape", &[])
        };
    };
    let others: Vec<String> = amounts
        .iter()
        .skip(1)
        .map(|(currency, nanos)| format::money(currency, **nanos))
        .chain(Some(unpriced(page, data)).filter(|text| !text.is_empty()))
        .collect();
    let of = |totals: &Totals| totals.cost_nanos.get(currency).copied().unwrap_or(0);
    let (change, change_colour) = relative(*nanos, of(&data.before), More::IsNeutral);
    Figure {
        value: format::money(currency, *nanos),
        more: others.join(" · "),
        change,
        change_colour,
        ..figure(page, "admin-home-cost", "grape", &series(data, of))
    }
}

fn unpriced(page: &Shell, data: &Data) -> String {
    let count = data.now.unpriced - data.now.rate_limited.min(data.now.unpriced);
    if count > 0 {
        page.counted("admin-home-cost-unpriced", count)
    } else {
        String::new()
    }
}

fn error_rate(page: &Shell, data: &Data) -> Figure {
    let (wrong, of) = data.now.error_rate();
    let (wrong_before, of_before) = data.before.error_rate();
    let change = hundredths(wrong, of)
        .zip(hundredths(wrong_before, of_before))
        .map(|(now, before)| now - before);
    Figure {
        value: format::percent(wrong, of),
        more: page.counted("admin-home-errors-more", data.now.errors()),
        change: change.map(points).unwrap_or_default(),
        change_colour: colour_of(change.unwrap_or(0), More::IsBad),
        href: page.url("/admin/logs?status=error"),
        ..figure(
            page,
            "admin-home-error-rate",
            "red",
            &series(data, Totals::errors),
        )
    }
}

fn active(page: &Shell, live: &LiveCounters) -> Figure {
    let keys = i64::try_from(live.by_key.len()).unwrap_or(i64::MAX);
    Figure {
        value: format::integer(live.active_requests),
        more: page.t_with(
            "admin-home-active-more",
            &[
                ("streams", &format::integer(live.active_streams)),
                ("keys", &format::integer(keys)),
            ],
        ),
        change: page.t("admin-home-live"),
        href: page.url("/admin/logs?status=pending"),
        ..figure(page, "admin-home-active", "blue", &[])
    }
}

fn first_token(page: &Shell, data: &Data) -> Figure {
    let shown =
        |ms: Option<i64>| ms.map_or_else(|| "—".to_owned(), |ms| format::duration(page.lang, ms));
    let mean = |totals: &Totals| totals.ttft_mean_ms().unwrap_or(0);
    let (change, change_colour) = relative(mean(&data.now), mean(&data.before), More::IsBad);
    Figure {
        value: shown(data.ttft.percentile(500)),
        more: page.t_with(
            "admin-home-ttft-more",
            &[
                ("p95", &shown(data.ttft.percentile(950))),
                ("total", &shown(data.latency.percentile(500))),
            ],
        ),
        change,
        change_colour,
        ..figure(page, "admin-home-ttft", "green", &series(data, mean))
    }
}

fn timeouts(page: &Shell, data: &Data) -> Figure {
    let (change, change_colour) = absolute(data.now.timeout, data.before.timeout);
    Figure {
        value: format::integer(data.now.timeout),
        change,
        change_colour,
        href: page.url("/admin/logs?status=timeout"),
        ..figure(
            page,
            "admin-home-timeouts",
            "amber",
            &series(data, |t| t.timeout),
        )
    }
}

fn rate_limited(page: &Shell, data: &Data) -> Figure {
    let (change, change_colour) = absolute(data.now.rate_limited, data.before.rate_limited);
    Figure {
        value: format::integer(data.now.rate_limited),
        change,
        change_colour,
        href: page.url("/admin/logs?status=rate_limited"),
        ..figure(
            page,
            "admin-home-rate-limited",
            "amber",
            &series(data, |t| t.rate_limited),
        )
    }
}

fn colour_of(change: i64, more: More) -> &'static str {
    match (more, change.signum()) {
        (More::IsBad, 1) => "red",
        (More::IsBad, -1) => "green",
        _ => "gray",
    }
}

/// `+12 %` against the period before.
fn relative(now: i64, before: i64, more: More) -> (String, &'static str) {
    if before <= 0 {
        return (String::new(), "gray");
    }
    let percent = (i128::from(now) - i128::from(before)) * 100 / i128::from(before);
    let percent = i64::try_from(percent).unwrap_or(i64::MAX);
    (format!("{} %", signed(percent)), colour_of(percent, more))
}

fn absolute(now: i64, before: i64) -> (String, &'static str) {
    let change = now - before;
    if now == 0 && before == 0 {
        return (String::new(), "gray");
    }
    (signed(change), colour_of(change, More::IsBad))
}

fn signed(value: i64) -> String {
    match value.signum() {
        1 => format!("+{}", format::integer(value)),
        0 => "±0".to_owned(),
        _ => format::integer(value),
    }
}

/// A rate in hundredths of a percent.
fn hundredths(part: i64, whole: i64) -> Option<i64> {
    (whole > 0).then(|| i64::try_from(i128::from(part) * 10_000 / i128::from(whole)).unwrap_or(0))
}

fn points(hundredths: i64) -> String {
    let sign = match hundredths.signum() {
        1 => "+",
        0 => "±",
        _ => "−",
    };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn changes_are_signed_and_coloured_by_what_they_mean() {
        assert_eq!(
            relative(112, 100, More::IsNeutral),
            ("+12 %".to_owned(), "gray")
        );
        assert_eq!(relative(5, 0, More::IsBad), (String::new(), "gray"));
        assert_eq!(absolute(152, 114), ("+38".to_owned(), "red"));
        assert_eq!(absolute(8, 12), ("−4".to_owned(), "green"));
        assert_eq!(points(-31), "−0.31");
    }

    #[test]
    fn currencies_stand_side_by_side() {
        let page = Shell::sample(Lang::En);
        let figure = cost(&page, &Data::sample_busy());
        assert_eq!(figure.value, "¥ 311.40");
        assert_eq!(figure.more, "$ 84.12");
    }
}
