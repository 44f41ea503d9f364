//! When a key may be used: its time rules, in its time zone.
//!
//! The three kinds stand side by side: each looks at another part of the local time, and all must agree. So a range
//! of hours that crosses midnight belongs to both dates and both days of the week.

use chrono::{
    DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Timelike as _,
    Utc,
};
use chrono_tz::Tz;
use modelgate_domain::{TimeRule, When};

const DAY_S: i64 = 86_400;
/// After so many days within which no rule by date changes, weekdays and clock changes have nothing new to offer.
const CYCLE_DAYS: u32 = 16;

/// Whether the rules let a call through: none that denies matches, and of every kind with rules that allow one does.
pub fn allows(rules: &[TimeRule], zone: Tz, at_ms: i64) -> bool {
    rules.is_empty() || Look { rules, zone }.allows(at_ms.div_euclid(1_000))
}

/// The first moment from `from_ms` on at which the rules let a call through, epoch milliseconds; `None` where there
/// is none any more. To the second where `from_ms` itself is not allowed.
pub fn next_allowed(rules: &[TimeRule], zone: Tz, from_ms: i64) -> Option<i64> {
    if allows(rules, zone, from_ms) {
        return Some(from_ms);
    }
    let look = Look { rules, zone };
    look.next(from_ms.div_euclid(1_000))
        .map(|at_s| at_s.saturating_mul(1_000))
}

#[derive(Clone, Copy)]
struct Look<'a> {
    rules: &'a [TimeRule],
    zone: Tz,
}

/// What a kind of rules says.
#[derive(Clone, Copy, Default)]
struct Say {
    denied: bool,
    /// Some rule of the kind allows something.
    allows: bool,
    /// One of those matches.
    allowed: bool,
}

impl Say {
    fn add(&mut self, rule: &TimeRule, matches: bool) {
        self.denied |= !rule.allowed && matches;
        self.allows |= rule.allowed;
        self.allowed |= rule.allowed && matches;
    }

    fn yes(self) -> bool {
        !self.denied && (self.allowed || !self.allows)
    }
}

impl Look<'_> {
    fn allows(&self, at_s: i64) -> bool {
        let local = self.local(at_s);
        self.day_allows(local.date()) && self.dates_allow(local.date()) && self.time_allows(local)
    }

    /// Walks from one moment at which something may change to the next.
    fn next(&self, from_s: i64) -> Option<i64> {
        let (mut at, mut idle_days) = (from_s, 0);
        loop {
            let date = self.local(at).date();
            let dates_allow = self.dates_allow(date);
            if !dates_allow || idle_days > CYCLE_DAYS {
                // Nothing to find before the rules by date change; a day early, as no offset is longer than that.
                let change = self.next_date_change(date)?;
                let early = change.and_time(NaiveTime::MIN).and_utc().timestamp() - DAY_S;
                idle_days = 0;
                if early > at {
                    at = early;
                    continue;
                }
            }
            let open = dates_allow && self.day_allows(date);
            let step = self.step(at, open);
            if self.local(step).date() != date {
                idle_days += 1;
            }
            at = step;
            if self.allows(at) {
                return Some(at);
            }
        }
    }

    /// The next moment after `at` at which the local date or, where the day is open, a range of hours changes; or the
    /// clocks do.
    fn step(&self, at: i64, open: bool) -> i64 {
        let offset = self.offset(at);
        let second = at.saturating_add(offset).rem_euclid(DAY_S);
        let edges = self.rules.iter().filter_map(|rule| match rule.when {
            When::TimeRange { start, end } if open => Some([start, end]),
            _ => None,
        });
        let edges = edges.flatten().map(|edge| i64::from(edge.seconds()));
        let next = edges.filter(|edge| *edge > second).fold(DAY_S, i64::min);
        let target = at.saturating_add(next.saturating_sub(second));
        if self.offset(target) == offset {
            return target;
        }
        // The clocks change in between: the first second of the other offset.
        let (mut before, mut after) = (at, target);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset(middle) == offset {
                before = middle;
            } else {
                after = middle;
            }
        }
        after
    }

    /// The next date after `date` on which a rule by date begins or has ended.
    fn next_date_change(&self, date: NaiveDate) -> Option<NaiveDate> {
        let edges = self.rules.iter().filter_map(|rule| match rule.when {
            When::DateRange { start, end } => {
                Some([Some(start), end.checked_add_days(Days::new(1))])
            }
            _ => None,
        });
        edges.flatten().flatten().filter(|edge| *edge > date).min()
    }

    fn dates_allow(&self, date: NaiveDate) -> bool {
        let mut say = Say::default();
        for rule in self.rules {
            if let When::DateRange { start, end } = rule.when {
                say.add(rule, start <= date && date <= end);
            }
        }
        say.yes()
    }

    fn day_allows(&self, date: NaiveDate) -> bool {
        let mut say = Say::default();
        for rule in self.rules {
            if let When::Weekday(days) = rule.when {
                say.add(rule, days.holds(date));
            }
        }
        say.yes()
    }

    fn time_allows(&self, local: NaiveDateTime) -> bool {
        let second = local.num_seconds_from_midnight();
        let mut say = Say::default();
        for rule in self.rules {
            if let When::TimeRange { start, end } = rule.when {
                let (start, end) = (start.seconds(), end.seconds());
                let matches = if start <= end {
                    start <= second && second < end
                } else {
                    start <= second || second < end
                };
                say.add(rule, matches);
            }
        }
        say.yes()
    }

    fn offset(&self, at_s: i64) -> i64 {
        let utc = utc(at_s);
        i64::from(
            self.zone
                .offset_from_utc_datetime(&utc)
                .fix()
                .local_minus_utc(),
        )
    }

    fn local(&self, at_s: i64) -> NaiveDateTime {
        utc(at_s.saturating_add(self.offset(at_s)))
    }
}

fn utc(at_s: i64) -> NaiveDateTime {
    DateTime::<Utc>::from_timestamp(at_s, 0)
        .unwrap_or_default()
        .naive_utc()
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
