//! When an API key may be used: hours of the day, dates, days of the week. Plain data; `admission` evaluates it.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike, Weekday};

const DAY_S: u32 = 24 * 60 * 60;

/// One rule. A key is denied if any rule that denies matches; else, of every kind that has rules that allow, one must
/// match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRule {
    /// Whether it allows or denies.
    pub allowed: bool,
    /// When it matches.
    pub when: When,
}

/// The three kinds of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// Between two times of the day; a start after the end crosses midnight.
    TimeRange {
        /// The first moment.
        start: DayTime,
        /// The moment after the last.
        end: DayTime,
    },
    /// Between two dates, both included.
    DateRange {
        /// The first day.
        start: NaiveDate,
        /// The last day.
        end: NaiveDate,
    },
    /// On these days of the week.
    Weekday(Weekdays),
}

/// A time of the day to the second, from 00:00 to 24:00.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayTime(u32);

/// A set of days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

/// Why a rule cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTimeRule {
    /// Not `HH:MM` or `HH:MM:SS`.
    #[error("a time is HH:MM or HH:MM:SS, from 00:00 to 24:00")]
    Time,
    /// Start and end are the same: never, or always?
    #[error("start and end must differ; 00:00 to 24:00 is the whole day")]
    EmptyTimeRange,
    /// Not `YYYY-MM-DD`.
    #[error("a date is YYYY-MM-DD")]
    Date,
    /// The end lies before the start.
    #[error("the end date must not lie before the start date")]
    DateOrder,
    /// A number outside 1 to 7, or none.
    #[error("weekdays are numbers from 1 (Monday) to 7 (Sunday), at least one")]
    Weekdays,
    /// No such kind.
    #[error("the kind is time_range, date_range or weekday")]
    Kind,
}

impl When {
    /// The name of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TimeRange { .. } => "time_range",
            Self::DateRange { .. } => "date_range",
            Self::Weekday(_) => "weekday",
        }
    }

    /// From the texts of a form or a file: `09:00`, `18:00`.
    pub fn time_range(start: &str, end: &str) -> Result<Self, BadTimeRule> {
        let (start, end): (DayTime, DayTime) = (start.parse()?, end.parse()?);
        if start == end {
            return Err(BadTimeRule::EmptyTimeRange);
        }
        Ok(Self::TimeRange { start, end })
    }

    /// From the texts of a form or a file: `2026-12-24`, `2027-01-01`.
    pub fn date_range(start: &str, end: &str) -> Result<Self, BadTimeRule> {
        let (start, end) = (date(start)?, date(end)?);
        if end < start {
            return Err(BadTimeRule::DateOrder);
        }
        Ok(Self::DateRange { start, end })
    }

    /// From numbers, 1 for Monday.
    pub fn weekdays(numbers: impl IntoIterator<Item = i64>) -> Result<Self, BadTimeRule> {
        let mut days = Weekdays::default();
        for number in numbers {
            days.0 |= match number {
                1..=7 => 1 << (number - 1),
                _ => return Err(BadTimeRule::Weekdays),
            };
        }
        if days.0 == 0 {
            return Err(BadTimeRule::Weekdays);
        }
        Ok(Self::Weekday(days))
    }
}

fn date(text: &str) -> Result<NaiveDate, BadTimeRule> {
    let shaped = text.len() == 10;
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| shaped)
        .ok_or(BadTimeRule::Date)
}

impl DayTime {
    /// Seconds since midnight, at most 86,400.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl From<NaiveTime> for DayTime {
    fn from(time: NaiveTime) -> Self {
        Self(time.num_seconds_from_midnight())
    }
}

impl FromStr for DayTime {
    type Err = BadTimeRule;

    fn from_str(text: &str) -> Result<Self, BadTimeRule> {
        let parts: Vec<&str> = text.split(':').collect();
        let (hours, minutes, seconds) = match parts[..] {
            [hours, minutes] => (hours, minutes, "00"),
            [hours, minutes, seconds] => (hours, minutes, seconds),
            _ => return Err(BadTimeRule::Time),
        };
        let number = |part: &str, below: u32| -> Option<u32> {
            let shaped = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|n| shaped && *n < below)
        };
        let (Some(hours), Some(minutes), Some(seconds)) =
            (number(hours, 25), number(minutes, 60), number(seconds, 60))
        else {
            return Err(BadTimeRule::Time);
        };
        let total: u32 = hours * 3_600 + minutes * 60 + seconds;
        (total <= DAY_S)
            .then_some(Self(total))
            .ok_or(BadTimeRule::Time)
    }
}

/// `HH:MM`, with seconds only where there are any.
impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3_600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}")?;
        if seconds > 0 {
            write!(f, ":{seconds:02}")?;
        }
        Ok(())
    }
}

impl Weekdays {
    /// Whether a date falls on one of them.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }

    /// Whether a date falls on one of them.
    pub fn holds(self, date: NaiveDate) -> bool {
        self.contains(date.weekday())
    }

    /// The days as numbers, 1 for Monday.
    pub fn numbers(self) -> Vec<i64> {
        (1..=7).filter(|n| self.0 & (1 << (n - 1)) != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_written_and_nothing_else_is() {
        for (text, seconds) in [
            ("00:00", 0),
            ("09:30", 34_200),
            ("23:59:59", 86_399),
            ("24:00", 86_400),
        ] {
            let time: DayTime = text.parse().unwrap();
            assert_eq!(time.seconds(), seconds);
            assert_eq!(time.to_string(), text);
        }
        for bad in [
            "",
            "9:00",
            "09",
            "24:01",
            "25:00",
            "12:60",
            "12:00:60",
            "+1:00",
            "12:00:00:00",
            "١٢:٠٠",
        ] {
            assert_eq!(bad.parse::<DayTime>(), Err(BadTimeRule::Time), "{bad}");
        }
    }

    #[test]
    fn rules_that_can_never_be_meant_are_refused() {
        assert_eq!(
            When::time_range("09:00", "09:00"),
            Err(BadTimeRule::EmptyTimeRange)
        );
        assert!(When::time_range("22:00", "06:00").is_ok());
        assert_eq!(
            When::date_range("2026-12-24", "2026-12-23"),
            Err(BadTimeRule::DateOrder)
        );
        assert_eq!(
            When::date_range("2026-2-3", "2026-12-23"),
            Err(BadTimeRule::Date)
        );
        assert!(When::date_range("2026-12-24", "2026-12-24").is_ok());
        assert_eq!(When::weekdays([]), Err(BadTimeRule::Weekdays));
        assert_eq!(When::weekdays([0]), Err(BadTimeRule::Weekdays));
        let Ok(When::Weekday(days)) = When::weekdays([7, 6, 6]) else {
            panic!("weekdays")
        };
        assert_eq!(days.numbers(), [6, 7]);
        assert!(days.contains(Weekday::Sun) && !days.contains(Weekday::Mon));
    }
}
