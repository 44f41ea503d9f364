//! Ranges in addresses: the switch above the figures, and the way down from a figure to its rows in the request log.

use modelgate_domain::{ApiKeyId, Bucket, Range, Window};
use serde::Deserialize;

use crate::i18n::{Lang, format};
use crate::web::encode_query;
use crate::web::shell::Shell;

/// The part of a query string that names a range. What does not parse is today, so that an old link still opens.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::web) struct RangeQuery {
    range: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// The switch, as the template shows it.
pub(in crate::web) struct Ranges {
    /// Address, text, and whether it is the present one.
    pub(in crate::web) named: Vec<(String, String, bool)>,
    /// Where the form for a range of one's own goes.
    pub(in crate::web) action: String,
    /// What the form takes along: name and value.
    pub(in crate::web) along: Vec<(&'static str, String)>,
    pub(in crate::web) is_custom: bool,
    /// The first and the last day of what is shown, for the form.
    pub(in crate::web) first: String,
    pub(in crate::web) last: String,
    /// Which time is shown, in words.
    pub(in crate::web) shown: String,
    /// Says that these are days of the business time zone; empty where they are the viewer's.
    pub(in crate::web) note: String,
}

impl RangeQuery {
    /// The range that is asked for.
    pub(in crate::web) fn range(&self) -> Range {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        Range::parse(&text(&self.range), &text(&self.from), &text(&self.to))
    }
}

impl Ranges {
    /// The switch of the page at `path`, whose other parameters are `along`.
    pub(in crate::web) fn new(
        page: &Shell,
        path: &str,
        range: Range,
        window: &Window,
        along: &[(&'static str, &str)],
    ) -> Self {
        let named = Range::NAMED.into_iter().map(|named| {
            let text = page.t_code("figures-range-", named.as_str());
            (address(page, path, named, along), text, named == range)
        });
        let last_ms = window.to_ms().saturating_sub(1);
        let note = if window.zone == page.zone {
            String::new()
        } else {
            page.t1("figures-range-business", "zone", window.zone.name())
        };
        Self {
            named: named.collect(),
            action: page.url(path),
            along: along
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            is_custom: matches!(range, Range::Custom(..)),
            first: format::field_date(window.from_ms(), window.zone),
            last: format::field_date(last_ms, window.zone),
            shown: shown(page, window),
            note,
        }
    }
}

/// The address of a page with a range.
pub(in crate::web) fn address(
    page: &Shell,
    path: &str,
    range: Range,
    along: &[(&'static str, &str)],
) -> String {
    let mut parts = vec![format!("range={}", range.as_str())];
    if let Range::Custom(from, to) = range {
        parts.push(format!("from={from}&to={to}"));
    }
    let along = along.iter();
    parts.extend(along.map(|(name, value)| format!("{name}={}", encode_query(value))));
    format!("{}?{}", page.url(path), parts.join("&"))
}

fn shown(page: &Shell, window: &Window) -> String {
    let (from, to) = (window.from_ms(), window.to_ms().saturating_sub(1));
    let year = |ms: i64| format::year(ms, window.zone);
    let this_year = year(from) == year(page.now_ms);
    let day = |ms: i64| {
        if this_year {
            format::day(page.lang, ms, window.zone)
        } else {
            format::day_of_year(page.lang, ms, window.zone)
        }
    };
    if window.bucket == Bucket::Hour {
        let (from, to) = (from, to.min(page.now_ms));
        let time = |ms: i64| format!("{} {}", day(ms), format::hour_minute(ms, window.zone));
        return page.t_with(
            "figures-range-shown",
            &[("from", &time(from)), ("to", &time(to))],
        );
    }
    page.t_with(
        "figures-range-shown",
        &[("from", &day(from)), ("to", &day(to))],
    )
}

/// What a period is called under a chart.
pub(in crate::web) fn label(window: &Window, from_ms: i64, lang: Lang) -> String {
    let zone = window.zone;
    match window.bucket {
        Bucket::Hour => format::hour_minute(from_ms, zone),
        Bucket::QuarterDay => format!(
            "{} {}",
            format::day(lang, from_ms, zone),
            format::hour_minute(from_ms, zone)
        ),
        Bucket::Day | Bucket::Week => format::day(lang, from_ms, zone),
        Bucket::Month => format::month(lang, from_ms, zone),
    }
}

/// The way from a figure to the rows behind it: the request log of the same time.
#[derive(Clone, Debug)]
pub(in crate::web) struct Drill {
    /// Address up to the time.
    log: String,
    time: String,
}

impl Drill {
    /// For figures of this window.
    pub(in crate::web) fn new(page: &Shell, window: &Window) -> Self {
        Self::between(page, window.from_ms(), window.to_ms())
    }

    /// For figures of this time, which begins and ends with a minute. The end is left open where it has not come.
    pub(in crate::web) fn between(page: &Shell, from_ms: i64, to_ms: i64) -> Self {
        let field = |ms: i64| encode_query(&format::field_time(ms, page.zone));
        let from = field(from_ms);
        Self {
            log: page.url("/admin/logs"),
            time: if to_ms <= page.now_ms {
                format!("from={from}&to={}", field(to_ms))
            } else {
                format!("from={from}")
            },
        }
    }

    /// For figures of the last so many minutes, the present one included.
    pub(in crate::web) fn of_minutes(page: &Shell, minutes: i64) -> Self {
        let present = page.now_ms.div_euclid(60_000).saturating_mul(60_000);
        let from_ms = present.saturating_sub((minutes - 1).saturating_mul(60_000));
        Self::between(page, from_ms, i64::MAX)
    }

    /// For those who have no such log: a figure is no link then.
    pub(in crate::web) fn nowhere() -> Self {
        Self {
            log: String::new(),
            time: String::new(),
        }
    }

    /// The same for figures of one key.
    pub(in crate::web) fn of_key(mut self, key: ApiKeyId) -> Self {
        self.time = format!("key={key}&{}", self.time);
        self
    }

    /// The log with these filters: `status=failed`, `model=3`.
    pub(in crate::web) fn to(&self, filters: &str) -> String {
        if self.log.is_empty() {
            String::new()
        } else {
            format!("{}?{filters}&{}", self.log, self.time)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_another_year_says_which() {
        let page = Shell::sample(Lang::En);
        let said = |from: &str, to: &str| {
            let range = Range::parse("custom", from, to);
            shown(&page, &range.window(page.now_ms, page.zone, page.zone))
        };
        assert!(!said("2026-11-01", "2026-11-02").contains("2026"));
        let long = said("2024-01-01", "2026-11-02");
        assert!(long.contains("2024") && long.contains("2026"), "{long}");
    }

    #[test]
    fn a_figure_leads_to_the_rows_of_its_time() {
        let page = Shell::sample(Lang::En);
        let today = Range::Today.window(page.now_ms, page.zone, page.zone);
        let drill = Drill::new(&page, &today);
        assert_eq!(
            drill.to("status=failed&model=3"),
            "/base/admin/logs?status=failed&model=3&from=2026-11-21T00%3A00"
        );
        let past = Range::parse("custom", "2026-11-01", "2026-11-02");
        let window = past.window(page.now_ms, page.zone, page.zone);
        assert_eq!(
            Drill::new(&page, &window).to("status=ended"),
            "/base/admin/logs?status=ended&from=2026-11-01T00%3A00&to=2026-11-03T00%3A00"
        );
    }

    #[test]
    fn long_ranges_of_another_zone_say_whose_days_they_are() {
        let page = Shell::sample(Lang::En);
        let york = chrono_tz::America::New_York;
        for (range, told) in [(Range::Week, false), (Range::Year, true)] {
            let window = range.window(page.now_ms, page.zone, york);
            let ranges = Ranges::new(&page, "/admin/home", range, &window, &[("by", "a b")]);
            assert_eq!(ranges.note.contains("America/New_York"), told);
            assert_eq!(ranges.named[0].0, "/base/admin/home?range=today&by=a%20b");
        }
    }
}
