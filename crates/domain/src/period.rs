//! When a budget's period begins and ends, in a time zone.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::limit::{LimitScope, Period};
use crate::{Currency, ModelId};

/// A stretch of time, epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The first moment.
    pub start_ms: i64,
    /// The moment after the last; absent where there is no end.
    pub end_ms: Option<i64>,
}

/// What is spent of one budget in one period: a row of `budget_usage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSum {
    /// What the budget applies to.
    pub scope: LimitScope,
    /// The row of that thing.
    pub scope_id: i64,
    /// Only for calls of this model; 0 for any.
    pub model_id: ModelId,
    /// The currency that it counts.
    pub currency: Currency,
    /// How long it lasts.
    pub period: Period,
    /// When this period began, epoch milliseconds.
    pub start_ms: i64,
    /// Nano-units of the currency.
    pub spent_nanos: i64,
}

impl Bounds {
    /// Whether a moment lies within.
    pub fn contains(&self, at_ms: i64) -> bool {
        at_ms >= self.start_ms && self.end_ms.is_none_or(|end| at_ms < end)
    }
}

impl Period {
    /// The period that a moment belongs to. Weeks begin on Monday; [`Period::Total`] begins at 0 and never ends.
    pub fn bounds(self, zone: Tz, at_ms: i64) -> Bounds {
        let now = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
        let today = now.with_timezone(&zone).date_naive();
        let (first, next) = match self {
            Self::Day => (Some(today), today.checked_add_days(Days::new(1))),
            Self::Week => {
                let since = u64::from(today.weekday().num_days_from_monday());
                let monday = today.checked_sub_days(Days::new(since));
                (
                    monday,
                    monday.and_then(|day| day.checked_add_days(Days::new(7))),
                )
            }
            Self::Month => {
                let first = today.with_day(1);
                (
                    first,
                    first.and_then(|day| day.checked_add_months(Months::new(1))),
                )
            }
            Self::Total => (None, None),
        };
        Bounds {
            start_ms: first.map_or(0, |day| midnight(day, zone)),
            end_ms: next.map(|day| midnight(day, zone)),
        }
    }
}

/// The first moment of a day; where the clocks skip midnight, the first quarter of an hour after it.
pub(crate) fn midnight(day: NaiveDate, zone: Tz) -> i64 {
    (0..=12)
        .filter_map(|quarter| day.and_hms_opt(quarter / 4, quarter % 4 * 15, 0))
        .find_map(|time| zone.from_local_datetime(&time).earliest())
        .map_or(0, |time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis()
    }

    fn check(period: Period, zone: Tz, at: &str, start: &str, end: &str) {
        let bounds = period.bounds(zone, ms(at));
        assert_eq!(bounds.start_ms, ms(start), "{period} of {at} in {zone}");
        assert_eq!(bounds.end_ms, Some(ms(end)), "{period} of {at} in {zone}");
        assert!(bounds.contains(ms(at)));
        assert!(!bounds.contains(ms(end)) && !bounds.contains(ms(start) - 1));
    }

    #[test]
    fn periods_follow_the_calendar_of_the_zone() {
        let shanghai = chrono_tz::Asia::Shanghai;
        let at = "2026-12-31T17:00:00Z";
        check(
            Period::Day,
            shanghai,
            at,
            "2026-12-31T16:00:00Z",
            "2027-01-01T16:00:00Z",
        );
        check(
            Period::Week,
            shanghai,
            at,
            "2026-12-27T16:00:00Z",
            "2027-01-03T16:00:00Z",
        );
        check(
            Period::Month,
            shanghai,
            at,
            "2026-12-31T16:00:00Z",
            "2027-01-31T16:00:00Z",
        );
        let total = Period::Total.bounds(shanghai, ms(at));
        assert_eq!((total.start_ms, total.end_ms), (0, None));
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_make_it() {
        let new_york = chrono_tz::America::New_York;
        check(
            Period::Day,
            new_york,
            "2026-11-01T12:00:00Z",
            "2026-11-01T04:00:00Z",
            "2026-11-02T05:00:00Z",
        );
        let cairo = chrono_tz::Africa::Cairo;
        check(
            Period::Day,
            cairo,
            "2026-04-24T12:00:00Z",
            "2026-04-23T22:00:00Z",
            "2026-04-24T21:00:00Z",
        );
    }
}
