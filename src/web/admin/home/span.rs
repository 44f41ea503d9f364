//! The ranges of the overview, cut into periods that lie on quarters of an hour in the business time zone.

use chrono::{DateTime, Days, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use modelgate_store::usage::QUARTER_MS;

use crate::i18n::{Lang, format};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A range to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Span {
    /// Since midnight.
    #[default]
    Today,
    /// The last 24 hours.
    Day,
    /// The last 7 days, today included.
    Week,
    /// The last 30 days, today included.
    Month,
}

impl Span {
    pub(super) const ALL: [Self; 4] = [Self::Today, Self::Day, Self::Week, Self::Month];

    /// The name in the address.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// The range of a name; today where it names none.
    pub(super) fn parse(text: &str) -> Self {
        let named = Self::ALL.into_iter().find(|span| span.as_str() == text);
        named.unwrap_or_default()
    }

    /// Where its periods begin, and the end of the last one.
    pub(super) fn edges(self, now_ms: i64, zone: Tz) -> Vec<i64> {
        let today = local_date(now_ms, zone);
        match self {
            Self::Today => {
                let (from, to) = (midnight(today, zone), midnight(plus(today, 1), zone));
                steps(from, to, HOUR_MS)
            }
            Self::Day => {
                let end = (now_ms.div_euclid(HOUR_MS) + 1) * HOUR_MS;
                steps(end - DAY_MS, end, HOUR_MS)
            }
            Self::Week => {
                let from = midnight(minus(today, 6), zone);
                steps(from, midnight(plus(today, 1), zone), 6 * HOUR_MS)
            }
            Self::Month => (0..=30)
                .map(|day| midnight(minus(plus(today, 1), 30 - day), zone))
                .collect(),
        }
    }

    /// As much of the period before as has passed of this one.
    pub(super) fn before(self, edges: &[i64], now_ms: i64) -> (i64, i64) {
        let from = edges.first().copied().unwrap_or(now_ms);
        let length = match self {
            Self::Today | Self::Day => DAY_MS,
            Self::Week => 7 * DAY_MS,
            Self::Month => 30 * DAY_MS,
        };
        let now = (now_ms.div_euclid(QUARTER_MS) + 1) * QUARTER_MS;
        (from - length, now - length)
    }

    /// What a period is called under the chart.
    pub(super) fn label(self, from_ms: i64, lang: Lang, zone: Tz) -> String {
        match self {
            Self::Today | Self::Day => format::hour_minute(from_ms, zone),
            Self::Week => format!(
                "{} {}",
                format::day(lang, from_ms, zone),
                format::hour_minute(from_ms, zone)
            ),
            Self::Month => format::day(lang, from_ms, zone),
        }
    }
}

fn steps(from: i64, to: i64, step: i64) -> Vec<i64> {
    let mut edges = Vec::new();
    let mut at = from;
    while at < to {
        edges.push(at);
        at += step;
    }
    edges.push(to);
    edges
}

fn local_date(epoch_ms: i64, zone: Tz) -> NaiveDate {
    DateTime::<Utc>::from_timestamp_millis(epoch_ms)
        .unwrap_or_default()
        .with_timezone(&zone)
        .date_naive()
}

fn plus(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(date)
}

fn minus(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(date)
}

/// The first moment of a day; where the clocks skip midnight, the first moment after it.
fn midnight(date: NaiveDate, zone: Tz) -> i64 {
    (0..=3)
        .filter_map(|hour| date.and_hms_opt(hour, 0, 0))
        .find_map(|time| zone.from_local_datetime(&time).earliest())
        .map_or(0, |time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_214_489_000;

    #[test]
    fn every_edge_is_a_quarter_of_an_hour_and_now_lies_within() {
        for zone in [
            chrono_tz::UTC,
            chrono_tz::Asia::Shanghai,
            chrono_tz::Asia::Kathmandu,
            chrono_tz::America::New_York,
        ] {
            for span in Span::ALL {
                let edges = span.edges(NOW, zone);
                assert!(edges.iter().all(|edge| edge % QUARTER_MS == 0), "{span:?}");
                assert!(edges.is_sorted());
                assert!(edges[0] <= NOW && NOW < edges[edges.len() - 1], "{span:?}");
                let (from, to) = span.before(&edges, NOW);
                assert!(from < to && to <= NOW);
            }
        }
    }

    #[test]
    fn a_day_may_have_23_hours_and_begin_late() {
        // 2026-03-29 01:00 UTC: Berlin's clocks go forward.
        let edges = Span::Today.edges(1_774_785_600_000, chrono_tz::Europe::Berlin);
        assert_eq!(edges.len() - 1, 23);
        assert_eq!(Span::Month.edges(NOW, chrono_tz::UTC).len(), 31);
        // 2025-04-25: midnight does not exist in Cairo.
        let day = NaiveDate::from_ymd_opt(2025, 4, 25).unwrap();
        assert_eq!(midnight(day, chrono_tz::Africa::Cairo) % 3_600_000, 0);
    }

    #[test]
    fn names_round_trip() {
        for span in Span::ALL {
            assert_eq!(Span::parse(span.as_str()), span);
        }
        assert_eq!(Span::parse("<script>"), Span::Today);
    }
}
