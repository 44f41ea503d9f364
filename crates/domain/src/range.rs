//! Ranges that figures are looked at over, cut into periods: by the calendar of a time zone, each period beginning on
//! a quarter of an hour, days as long as the clocks make them.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::period::midnight;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The shortest period that sums are kept for beyond a few days.
pub const QUARTER_MS: i64 = 15 * MINUTE_MS;
/// Ranges with more days than this are whole days of the business time zone, which is what is kept of them for good;
/// a year by quarters of an hour would be seconds of reading.
pub const EXACT_DAYS: i64 = 35;
/// Ranges that begin more than so many days ago are whole days of the business time zone too: quarters of an hour are
/// kept for a little longer than this, so that the period before is there as well.
pub const EXACT_SINCE_DAYS: i64 = 365;
/// The most days that a range of one's own has.
const MOST_DAYS: u64 = 3_660;

/// A range to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Range {
    /// Since midnight.
    #[default]
    Today,
    /// The last 24 hours.
    Day,
    /// The last 7 days, today included.
    Week,
    /// The last 30 days, today included.
    Days30,
    /// Since the first of the month.
    Month,
    /// Since the first of January.
    Year,
    /// From one day to another, both included.
    Custom(NaiveDate, NaiveDate),
}

/// How long the periods of a range are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// An hour.
    Hour,
    /// A quarter of a day: midnight, six, noon, six.
    QuarterDay,
    /// A calendar day.
    Day,
    /// Monday to Sunday; cut where the range begins and ends.
    Week,
    /// A calendar month, cut where the range begins and ends.
    Month,
}

/// A range at a moment: what of it is read, and what it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where its periods begin, ascending, and the end of the last one; epoch milliseconds on quarters of an hour.
    pub edges: Vec<i64>,
    /// How long its periods are.
    pub bucket: Bucket,
    /// The period before, as far as this one has gone: from, to; epoch milliseconds on quarters of an hour.
    pub before: (i64, i64),
    /// Whose days these are.
    pub zone: Tz,
}

impl Range {
    /// Those with a name of their own, in the order a page offers them.
    pub const NAMED: [Self; 6] = [
        Self::Today,
        Self::Day,
        Self::Week,
        Self::Days30,
        Self::Month,
        Self::Year,
    ];

    /// The name in an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Days30 => "30d",
            Self::Month => "month",
            Self::Year => "year",
            Self::Custom(..) => "custom",
        }
    }

    /// The range of an address: a name, or two days as `2026-11-21`. Today where it says nothing sensible.
    pub fn parse(name: &str, from: &str, to: &str) -> Self {
        if name == "custom" || (name.is_empty() && !from.is_empty()) {
            let (Ok(from), Ok(to)) = (from.parse(), to.parse()) else {
                return Self::Today;
            };
            return Self::custom(from, to);
        }
        let named = Self::NAMED.into_iter().find(|range| range.as_str() == name);
        named.unwrap_or_default()
    }

    fn custom(from: NaiveDate, to: NaiveDate) -> Self {
        let (from, to) = (from.min(to), from.max(to));
        let early = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
        let late = NaiveDate::from_ymd_opt(2100, 1, 1).unwrap_or_default();
        let (from, to) = (from.clamp(early, late), to.clamp(early, late));
        let last = from.checked_add_days(Days::new(MOST_DAYS)).unwrap_or(to);
        Self::Custom(from, to.min(last))
    }

    /// The range as it lies at `now_ms`: in the days of `viewer` where it is short enough for that, and in those of
    /// `business` otherwise.
    pub fn window(self, now_ms: i64, viewer: Tz, business: Tz) -> Window {
        let shown = self.laid(now_ms, viewer);
        let length = shown.1.saturating_sub(shown.0);
        let exact = length <= EXACT_DAYS * DAY_MS && !is_old(shown.0, now_ms);
        if exact || viewer == business {
            return self.window_in(now_ms, viewer);
        }
        self.window_in(now_ms, business)
    }

    fn window_in(self, now_ms: i64, zone: Tz) -> Window {
        let (from, to) = self.laid(now_ms, zone);
        let bucket = match Bucket::of(from, to) {
            fine if !fine.is_days() && is_old(from, now_ms) => Bucket::Day,
            bucket => bucket,
        };
        Window {
            edges: edges(bucket, from, to, zone),
            bucket,
            before: self.before(from, to, now_ms, zone),
            zone,
        }
    }

    /// Where it begins and ends.
    fn laid(self, now_ms: i64, zone: Tz) -> (i64, i64) {
        let today = local_date(now_ms, zone);
        let tomorrow = midnight(plus(today, 1), zone);
        match self {
            Self::Today => (midnight(today, zone), tomorrow),
            Self::Day => {
                let end = now_ms
                    .div_euclid(HOUR_MS)
                    .saturating_add(1)
                    .saturating_mul(HOUR_MS);
                (end.saturating_sub(DAY_MS), end)
            }
            Self::Week => (midnight(minus(today, 6), zone), tomorrow),
            Self::Days30 => (midnight(minus(today, 29), zone), tomorrow),
            Self::Month => (midnight(first_of_month(today), zone), tomorrow),
            Self::Year => (midnight(first_of_year(today), zone), tomorrow),
            Self::Custom(from, to) => (midnight(from, zone), midnight(plus(to, 1), zone)),
        }
    }

    /// As much of the period before as has passed of this one.
    fn before(self, from: i64, to: i64, now_ms: i64, zone: Tz) -> (i64, i64) {
        let first = local_date(from, zone);
        let start = match self {
            Self::Day => from.saturating_sub(DAY_MS),
            Self::Month => midnight(first_of_month(minus(first, 1)), zone),
            Self::Year => midnight(first_of_year(minus(first, 1)), zone),
            Self::Today | Self::Week | Self::Days30 | Self::Custom(..) => {
                let last = local_date(to.saturating_sub(1), zone);
                let days = last.signed_duration_since(first).num_days().max(0);
                let days = u64::try_from(days).unwrap_or(0).saturating_add(1);
                midnight(minus(first, days), zone)
            }
        };
        let now = now_ms
            .div_euclid(QUARTER_MS)
            .saturating_add(1)
            .saturating_mul(QUARTER_MS);
        let passed = now.clamp(from, to).saturating_sub(from);
        let end = if now >= to {
            from
        } else {
            start.saturating_add(passed).min(from)
        };
        (start, end)
    }
}

impl Bucket {
    /// What a range is cut into.
    fn of(from: i64, to: i64) -> Self {
        // Half a day more, for the hours that clocks are put back.
        let days = to.saturating_sub(from).saturating_sub(DAY_MS / 2) / DAY_MS;
        match days {
            0..2 => Self::Hour,
            2..14 => Self::QuarterDay,
            14..100 => Self::Day,
            100..800 => Self::Week,
            _ => Self::Month,
        }
    }

    /// Whether periods are whole days.
    pub const fn is_days(self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month)
    }
}

impl Window {
    /// Where the range begins, epoch milliseconds.
    pub fn from_ms(&self) -> i64 {
        self.edges.first().copied().unwrap_or(0)
    }

    /// Where it ends, epoch milliseconds.
    pub fn to_ms(&self) -> i64 {
        self.edges.last().copied().unwrap_or(0)
    }
}

/// Whether there may be nothing but whole days of that time.
fn is_old(from_ms: i64, now_ms: i64) -> bool {
    from_ms < now_ms.saturating_sub(EXACT_SINCE_DAYS * DAY_MS)
}

/// The days of a time zone that lie wholly between two moments: where the first begins and the last ends.
pub fn whole_days(from_ms: i64, to_ms: i64, zone: Tz) -> Option<(i64, i64)> {
    let first = midnight(local_date(from_ms, zone), zone);
    let first = if first < from_ms {
        midnight(plus(local_date(from_ms, zone), 1), zone)
    } else {
        first
    };
    let last = midnight(local_date(to_ms, zone), zone);
    (first < last).then_some((first, last))
}

/// When the day of a time zone began that a moment lies in, epoch milliseconds.
pub fn day_of(at_ms: i64, zone: Tz) -> i64 {
    midnight(local_date(at_ms, zone), zone)
}

/// When the day after it begins.
pub fn next_day_of(at_ms: i64, zone: Tz) -> i64 {
    midnight(plus(local_date(at_ms, zone), 1), zone)
}

fn edges(bucket: Bucket, from: i64, to: i64, zone: Tz) -> Vec<i64> {
    let mut edges = Vec::new();
    let mut at = from;
    while at < to && edges.len() < 5_000 {
        edges.push(at);
        // Never stands still, whatever the clocks do.
        at = after(bucket, at, zone).max(at.saturating_add(QUARTER_MS));
    }
    edges.push(to);
    edges
}

/// When the next period begins.
fn after(bucket: Bucket, at: i64, zone: Tz) -> i64 {
    let day = local_date(at, zone);
    let tomorrow = midnight(plus(day, 1), zone);
    match bucket {
        Bucket::Hour => at
            .saturating_add(HOUR_MS)
            .min(tomorrow.max(at + QUARTER_MS)),
        Bucket::QuarterDay => [6, 12, 18]
            .into_iter()
            .map(|hour| clock(day, hour, zone))
            .find(|edge| *edge > at)
            .unwrap_or(tomorrow),
        Bucket::Day => tomorrow,
        Bucket::Week => {
            let since = u64::from(day.weekday().num_days_from_monday());
            midnight(plus(day, 7 - since), zone)
        }
        Bucket::Month => {
            let next = first_of_month(day).checked_add_months(Months::new(1));
            midnight(next.unwrap_or(day), zone)
        }
    }
}

/// A full hour of a day; where the clocks skip it, the first moment after.
fn clock(day: NaiveDate, hour: u32, zone: Tz) -> i64 {
    (hour * 4..96)
        .filter_map(|quarter| day.and_hms_opt(quarter / 4, quarter % 4 * 15, 0))
        .find_map(|time| zone.from_local_datetime(&time).earliest())
        .map_or_else(|| midnight(plus(day, 1), zone), |t| t.timestamp_millis())
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

fn first_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

fn first_of_year(date: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(date.year(), 1, 1).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 06:41:29 in Shanghai.
    const NOW: i64 = 1_795_214_489_000;

    fn ms(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_edge_is_a_quarter_of_an_hour_and_now_lies_within() {
        for zone in [
            chrono_tz::UTC,
            chrono_tz::Asia::Shanghai,
            chrono_tz::Asia::Kathmandu,
            chrono_tz::America::New_York,
            chrono_tz::Australia::Lord_Howe,
        ] {
            for range in Range::NAMED {
                let window = range.window(NOW, zone, zone);
                let edges = &window.edges;
                assert!(edges.iter().all(|edge| edge % QUARTER_MS == 0), "{range:?}");
                assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{range:?}");
                assert!(window.from_ms() <= NOW && NOW < window.to_ms(), "{range:?}");
                assert!(edges.len() <= 62, "{range:?} has {}", edges.len());
                let (from, to) = window.before;
                assert!(from < to && to <= window.from_ms(), "{range:?}");
            }
        }
    }

    #[test]
    fn a_day_has_as_many_hours_as_the_clocks_make_it() {
        let berlin = chrono_tz::Europe::Berlin;
        for (at, hours) in [
            ("2026-03-29T12:00:00Z", 23),
            ("2026-10-25T12:00:00Z", 25),
            ("2026-10-26T12:00:00Z", 24),
        ] {
            let window = Range::Today.window(ms(at), berlin, berlin);
            assert_eq!(window.edges.len() - 1, hours, "{at}");
        }
        // Lord Howe moves its clocks by half an hour: the last period of that day is half as long.
        let howe = chrono_tz::Australia::Lord_Howe;
        let window = Range::Today.window(ms("2026-04-04T20:00:00Z"), howe, howe);
        let last: Vec<i64> = window.edges.iter().rev().take(2).copied().collect();
        assert_eq!(
            (window.edges.len() - 1, last[0] - last[1]),
            (25, HOUR_MS / 2)
        );
    }

    #[test]
    fn quarters_of_a_day_stay_on_the_clock_when_it_is_moved() {
        let berlin = chrono_tz::Europe::Berlin;
        let window = Range::Week.window(ms("2026-03-30T12:00:00Z"), berlin, berlin);
        assert_eq!(window.edges.len() - 1, 28);
        for edge in &window.edges {
            let local = DateTime::<Utc>::from_timestamp_millis(*edge)
                .unwrap()
                .with_timezone(&berlin);
            assert_eq!(chrono::Timelike::hour(&local) % 6, 0, "{local}");
        }
    }

    #[test]
    fn days_begin_at_midnight_of_the_viewer_and_long_ranges_at_that_of_the_business() {
        let (shanghai, york) = (chrono_tz::Asia::Shanghai, chrono_tz::America::New_York);
        let short = Range::Days30.window(NOW, york, shanghai);
        assert_eq!((short.zone, short.bucket), (york, Bucket::Day));
        assert_eq!(short.from_ms(), ms("2026-10-22T00:00:00-04:00"));
        assert_eq!(short.to_ms(), ms("2026-11-21T00:00:00-05:00"));
        let long = Range::Year.window(NOW, york, shanghai);
        assert_eq!((long.zone, long.bucket), (shanghai, Bucket::Week));
        assert_eq!(long.from_ms(), ms("2026-01-01T00:00:00+08:00"));
        assert_eq!(long.edges[1], ms("2026-01-05T00:00:00+08:00"));
        assert_eq!(
            whole_days(long.from_ms(), long.to_ms(), shanghai),
            Some((long.from_ms(), long.to_ms()))
        );
        let past = Range::parse("custom", "2025-03-01", "2025-03-01");
        let old = past.window(NOW, york, shanghai);
        assert_eq!((old.zone, old.edges.len()), (shanghai, 2), "one day, whole");
    }

    #[test]
    fn the_period_before_has_gone_as_far() {
        let utc = Tz::UTC;
        let now = ms("2026-03-31T10:05:00Z");
        let before = |range: Range| range.window(now, utc, utc).before;
        assert_eq!(
            before(Range::Today),
            (ms("2026-03-30T00:00:00Z"), ms("2026-03-30T10:15:00Z"))
        );
        assert_eq!(
            before(Range::Day),
            (ms("2026-03-29T11:00:00Z"), ms("2026-03-30T10:15:00Z"))
        );
        // February has no 31st: no day is counted in both months.
        assert_eq!(
            before(Range::Month),
            (ms("2026-02-01T00:00:00Z"), ms("2026-03-01T00:00:00Z"))
        );
        assert_eq!(before(Range::Year).0, ms("2025-01-01T00:00:00Z"));
        let past = Range::parse("custom", "2026-03-03", "2026-03-01");
        assert_eq!(past, Range::Custom(day("2026-03-01"), day("2026-03-03")));
        assert_eq!(
            before(past),
            (ms("2026-02-26T00:00:00Z"), ms("2026-03-01T00:00:00Z"))
        );
        assert_eq!(past.window(now, utc, utc).edges.len() - 1, 12);
    }

    #[test]
    fn whole_days_leave_the_rest_to_the_quarters() {
        let shanghai = chrono_tz::Asia::Shanghai;
        let (from, to) = (ms("2026-11-18T00:00:00Z"), ms("2026-11-21T00:00:00Z"));
        assert_eq!(
            whole_days(from, to, shanghai),
            Some((
                ms("2026-11-19T00:00:00+08:00"),
                ms("2026-11-21T00:00:00+08:00")
            ))
        );
        assert_eq!(whole_days(from, from + DAY_MS, shanghai), None);
        assert_eq!(whole_days(from, to, Tz::UTC), Some((from, to)));
    }

    #[test]
    fn names_round_trip_and_nonsense_is_today() {
        for range in Range::NAMED {
            assert_eq!(Range::parse(range.as_str(), "", ""), range);
        }
        assert_eq!(Range::parse("<script>", "", ""), Range::Today);
        assert_eq!(Range::parse("custom", "soon", "2026-01-01"), Range::Today);
        let endless = Range::parse("custom", "0001-01-01", "9999-01-01");
        let window = endless.window(NOW, Tz::UTC, Tz::UTC);
        assert!(window.bucket == Bucket::Month && window.edges.len() < 130);
    }
}
