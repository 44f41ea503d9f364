//! Figures on cards: what it is now, how it went, and how that compares with the period before.

use modelgate_store::usage::Totals;

use super::{Drill, Figures};
use crate::i18n::format;
use crate::web::shell::Shell;
use crate::web::svg;

/// One figure.
#[derive(Clone, Debug)]
pub(in crate::web) struct Card {
    pub(in crate::web) label: String,
    pub(in crate::web) value: String,
    /// The value is words, which need more room than figures.
    pub(in crate::web) is_words: bool,
    /// Below the value: other currencies, a share.
    pub(in crate::web) more: String,
    /// Against the period before; empty where there is nothing to compare with.
    pub(in crate::web) change: String,
    /// `gray`, `green` or `red`.
    pub(in crate::web) change_colour: &'static str,
    pub(in crate::web) line: String,
    pub(in crate::web) area: String,
    pub(in crate::web) colour: &'static str,
    /// Where the rows behind it are; empty for none.
    pub(in crate::web) href: String,
}

/// What more of something means.
#[derive(Clone, Copy)]
pub(in crate::web) enum More {
    /// Neither good nor bad.
    IsNeutral,
    /// Something to look at.
    IsBad,
}

/// A card with a label and a line, for the caller to complete.
pub(in crate::web) fn card(
    page: &Shell,
    label: &str,
    colour: &'static str,
    values: &[i64],
) -> Card {
    let line = svg::spark_line(values);
    Card {
        label: page.t(label),
        value: String::new(),
        is_words: false,
        more: String::new(),
        change: String::new(),
        change_colour: "gray",
        area: svg::spark_area(&line),
        line,
        colour,
        href: String::new(),
    }
}

/// The seven figures of a range: requests, tokens, cost, error rate, errors, timeouts, rate limited.
pub(in crate::web) fn cards(page: &Shell, data: &Figures, drill: &Drill) -> Vec<Card> {
    vec![
        requests(page, data, drill),
        tokens(page, data, drill),
        cost(page, data, drill),
        error_rate(page, data, drill),
        errors(page, data, drill),
        timeouts(page, data, drill),
        rate_limited(page, data, drill),
    ]
}

fn series(data: &Figures, of: impl Fn(&Totals) -> i64) -> Vec<i64> {
    data.series.iter().map(of).collect()
}

fn requests(page: &Shell, data: &Figures, drill: &Drill) -> Card {
    let (now, before) = (data.now.requests(), data.before.requests());
    let (change, change_colour) = relative(page, now, before, More::IsNeutral);
    let line = series(data, Totals::requests);
    Card {
        value: format::compact_from(page.lang, now, 1_000_000),
        change,
        change_colour,
        href: drill.to("status=ended"),
        ..card(page, "figures-requests", "blue", &line)
    }
}

fn tokens(page: &Shell, data: &Figures, drill: &Drill) -> Card {
    let (now, before) = (data.now.tokens(), data.before.tokens());
    let (change, change_colour) = relative(page, now, before, More::IsNeutral);
    let output = data.now.output_tokens();
    let (input, output) = (
        format::compact(page.lang, now - output),
        format::compact(page.lang, output),
    );
    let parts: [(&str, &dyn crate::i18n::ToArg); 2] = [("input", &input), ("output", &output)];
    Card {
        value: format::compact(page.lang, now),
        more: page.t_with("figures-tokens-more", &parts),
        change,
        change_colour,
        href: drill.to("status=ended"),
        ..card(
            page,
            "figures-tokens",
            "green",
            &series(data, Totals::tokens),
        )
    }
}

/// The currency with the most spent in front, the others below: never added up.
fn cost(page: &Shell, data: &Figures, drill: &Drill) -> Card {
    let mut amounts: Vec<_> = data.now.cost_nanos.iter().collect();
    amounts.sort_by_key(|(_, nanos)| std::cmp::Reverse(**nanos));
    let Some((currency, nanos)) = amounts.first().copied() else {
        return Card {
            value: "—".to_owned(),
            more: unpriced(page, &data.now),
            ..card(page, "figures-cost", "grape", &[])
        };
    };
    let others: Vec<String> = amounts
        .iter()
        .skip(1)
        .map(|(currency, nanos)| format::money(currency, **nanos))
        .chain(Some(unpriced(page, &data.now)).filter(|text| !text.is_empty()))
        .collect();
    let of = |totals: &Totals| totals.cost_nanos.get(currency).copied().unwrap_or(0);
    let (change, change_colour) = relative(page, *nanos, of(&data.before), More::IsNeutral);
    Card {
        value: format::money(currency, *nanos),
        more: others.join(" · "),
        change,
        change_colour,
        href: drill.to("status=ended"),
        ..card(page, "figures-cost", "grape", &series(data, of))
    }
}

/// What a row cost, each currency for itself.
pub(in crate::web) fn money_of(totals: &Totals) -> String {
    let costs = totals.cost_nanos.iter();
    let costs: Vec<String> = costs
        .map(|(currency, nanos)| format::money(currency, *nanos))
        .collect();
    costs.join(" · ")
}

fn unpriced(page: &Shell, totals: &Totals) -> String {
    if totals.unpriced > 0 {
        page.counted("figures-unpriced", totals.unpriced)
    } else {
        String::new()
    }
}

fn error_rate(page: &Shell, data: &Figures, drill: &Drill) -> Card {
    let (wrong, of) = data.now.error_rate();
    let (wrong_before, of_before) = data.before.error_rate();
    let change = hundredths(wrong, of)
        .zip(hundredths(wrong_before, of_before))
        .map(|(now, before)| now - before);
    let line = series(data, |totals| {
        let (wrong, of) = totals.error_rate();
        hundredths(wrong, of).unwrap_or(0)
    });
    Card {
        value: format::percent(wrong, of),
        more: page.t("figures-error-rate-more"),
        change: change.map(points).unwrap_or_default(),
        change_colour: colour_of(change.unwrap_or(0), More::IsBad),
        href: drill.to("status=wrong"),
        ..card(page, "figures-error-rate", "red", &line)
    }
}

fn errors(page: &Shell, data: &Figures, drill: &Drill) -> Card {
    let (change, change_colour) = absolute(data.now.error, data.before.error);
    let whose = [
        ("figures-errors-callers", data.now.error_caller),
        ("figures-errors-rules", data.now.error_policy),
    ];
    let whose = whose.iter().filter(|(_, count)| *count > 0);
    let more: Vec<String> = whose.map(|(key, n)| page.counted(key, *n)).collect();
    Card {
        value: format::integer(data.now.error),
        more: more.join(" · "),
        change,
        change_colour,
        href: drill.to("status=error"),
        ..card(page, "figures-errors", "red", &series(data, |t| t.error))
    }
}

fn timeouts(page: &Shell, data: &Figures, drill: &Drill) -> Card {
    let (change, change_colour) = absolute(data.now.timeout, data.before.timeout);
    Card {
        value: format::integer(data.now.timeout),
        change,
        change_colour,
        href: drill.to("status=timeout"),
        ..card(
            page,
            "figures-timeouts",
            "amber",
            &series(data, |t| t.timeout),
        )
    }
}

fn rate_limited(page: &Shell, data: &Figures, drill: &Drill) -> Card {
    let (change, change_colour) = absolute(data.now.rate_limited, data.before.rate_limited);
    Card {
        value: format::integer(data.now.rate_limited),
        change,
        change_colour,
        href: drill.to("status=rate_limited"),
        ..card(
            page,
            "figures-rate-limited",
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

/// `+12 %` against the period before, and its colour.
pub(in crate::web) fn relative(
    page: &Shell,
    now: i64,
    before: i64,
    more: More,
) -> (String, &'static str) {
    let change = now.saturating_sub(before);
    (
        format::change(page.lang, now, before),
        colour_of(change, more),
    )
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
        let page = Shell::sample(Lang::En);
        assert_eq!(
            relative(&page, 112, 100, More::IsNeutral),
            ("+12 %".to_owned(), "gray")
        );
        let anew = ("new".to_owned(), "red");
        assert_eq!(relative(&page, 5, 0, More::IsBad), anew);
        assert_eq!(absolute(152, 114), ("+38".to_owned(), "red"));
        assert_eq!(absolute(8, 12), ("−4".to_owned(), "green"));
        assert_eq!(points(-31), "−0.31");
    }

    #[test]
    fn currencies_stand_side_by_side() {
        let page = Shell::sample(Lang::En);
        let data = Figures::sample_busy();
        let card = cost(&page, &data, &Drill::new(&page, &data.window));
        assert_eq!(card.value, "¥ 311.40");
        assert_eq!(card.more, "$ 84.12");
    }
}
