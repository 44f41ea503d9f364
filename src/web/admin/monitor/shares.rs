//! What a range is made of, and how much of it hangs on a few.

use modelgate_domain::Currency;
use modelgate_store::usage::{Dimension, Totals};

use super::Read;
use crate::i18n::{ToArg, format};
use crate::web::figures::money_of;
use crate::web::shell::Shell;
use crate::web::svg;

/// Rows of a panel; the rest is one row more.
const ROWS: usize = 7;

/// What shares are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ShareBy {
    #[default]
    Requests,
    Tokens,
    Cost,
}

/// A dimension.
pub(super) struct Panel {
    pub(super) title: String,
    /// How many there are.
    pub(super) count: String,
    pub(super) colour: &'static str,
    pub(super) rows: Vec<Row>,
    /// How much the first, and the first three, have of all; empty for none.
    pub(super) concentration: String,
}

/// A part of the whole.
pub(super) struct Row {
    /// Empty for the others together: the log filters by one.
    pub(super) href: String,
    pub(super) name: String,
    pub(super) share: String,
    pub(super) width: String,
    pub(super) figures: String,
}

impl ShareBy {
    pub(super) const ALL: [Self; 3] = [Self::Requests, Self::Tokens, Self::Cost];

    /// The name in the address.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
        }
    }

    /// The measure of a name; requests where it names none.
    pub(super) fn parse(text: &str) -> Self {
        let named = Self::ALL.into_iter().find(|by| by.as_str() == text);
        named.unwrap_or_default()
    }

    /// Money is shared out in one currency: amounts of several are never added up.
    fn of(self, totals: &Totals, currency: Option<&Currency>) -> i64 {
        match self {
            Self::Requests => totals.requests(),
            Self::Tokens => totals.tokens(),
            Self::Cost => currency
                .and_then(|currency| totals.cost_nanos.get(currency))
                .copied()
                .unwrap_or(0),
        }
    }
}

pub(super) fn panels(page: &Shell, read: &Read<'_>, by: ShareBy) -> Vec<Panel> {
    [
        (Dimension::Provider, "admin-monitor-providers", "blue"),
        (Dimension::Model, "admin-monitor-models", "sky"),
        (Dimension::ApiKey, "admin-monitor-keys", "green"),
        (Dimension::ProviderKey, "admin-monitor-credentials", "grape"),
    ]
    .into_iter()
    .map(|(dimension, title, colour)| {
        let most = read.figures.now.cost_nanos.iter();
        let currency = most.max_by_key(|(_, nanos)| **nanos).map(|(code, _)| code);
        let mut parts = read.figures.by(dimension);
        let value = |totals: &Totals| by.of(totals, currency);
        parts.sort_by_key(|(id, totals)| (-value(totals), -totals.requests(), *id));
        let all: i64 = parts.iter().map(|(_, totals)| value(totals)).sum();
        let count = i64::try_from(parts.len()).unwrap_or(i64::MAX);
        Panel {
            title: page.t(title),
            count: page.counted("admin-monitor-active", count),
            colour,
            concentration: concentration(page, &parts, all, value),
            rows: rows(page, read, dimension, &parts, (all, &value)),
        }
    })
    .collect()
}

type Parts = [(i64, Totals)];

fn rows(
    page: &Shell,
    read: &Read<'_>,
    dimension: Dimension,
    parts: &Parts,
    (all, value): (i64, &dyn Fn(&Totals) -> i64),
) -> Vec<Row> {
    let drill = read.drill(page);
    let row = |name: String, href: String, totals: &Totals| Row {
        href,
        name,
        share: format::percent_whole(value(totals), all),
        width: svg::share(value(totals), all),
        figures: told(page, totals),
    };
    let mut rows: Vec<Row> = parts
        .iter()
        .take(ROWS)
        .map(|(id, totals)| {
            let filter = Read::filter(dimension, *id);
            let href = drill.to(&format!("status=ended&{filter}"));
            row(read.name(dimension, *id), href, totals)
        })
        .collect();
    let rest = parts.get(ROWS..).unwrap_or_default();
    if !rest.is_empty() {
        let mut others = Totals::default();
        for (_, totals) in rest {
            others.add(totals);
        }
        let count = i64::try_from(rest.len()).unwrap_or(i64::MAX);
        let name = page.counted("admin-monitor-others", count);
        rows.push(row(name, String::new(), &others));
    }
    rows
}

fn told(page: &Shell, totals: &Totals) -> String {
    let (requests, tokens) = (
        format::compact(page.lang, totals.requests()),
        format::compact(page.lang, totals.tokens()),
    );
    let counts = (totals.requests(), totals.tokens());
    let parts: [(&str, &dyn ToArg); 4] = [
        ("requests", &requests),
        ("tokens", &tokens),
        ("request-count", &counts.0),
        ("token-count", &counts.1),
    ];
    let told = page.t_with("admin-monitor-told", &parts);
    let money = money_of(totals);
    if money.is_empty() {
        told
    } else {
        format!("{told} · {money}")
    }
}

fn concentration(page: &Shell, parts: &Parts, all: i64, value: impl Fn(&Totals) -> i64) -> String {
    let first = |count: usize| {
        let sum: i64 = parts.iter().take(count).map(|(_, t)| value(t)).sum();
        format::percent_whole(sum, all)
    };
    if all <= 0 || parts.len() < 2 {
        return String::new();
    }
    let (one, three) = (first(1), first(3));
    if parts.len() <= 3 {
        return page.t1("admin-monitor-first", "one", one);
    }
    let parts: [(&str, &dyn ToArg); 2] = [("one", &one), ("three", &three)];
    page.t_with("admin-monitor-first-three", &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(requests: i64) -> Totals {
        Totals {
            success: requests,
            ..Totals::default()
        }
    }

    #[test]
    fn few_or_none_are_no_concentration() {
        let page = Shell::sample(crate::i18n::Lang::En);
        let told = |counts: &[i64]| {
            let parts: Vec<_> = (1..).zip(counts.iter().map(|n| totals(*n))).collect();
            concentration(&page, &parts, counts.iter().sum(), Totals::requests)
        };
        assert_eq!(told(&[5]), "");
        assert_eq!(told(&[0, 0]), "");
        assert!(told(&[6, 2, 2]).contains("60 %"));
        let many = told(&[50, 20, 10, 10, 10]);
        assert!(many.contains("50 %") && many.contains("80 %"), "{many}");
    }
}
