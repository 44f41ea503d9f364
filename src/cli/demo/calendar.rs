//! When the demo's people called: working hours, weekends, nightly batches, growth over thirty days.

use chrono::{DateTime, Datelike, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use super::cast::{PEOPLE, Person, Rhythm};
use super::dice::Dice;

const HOUR_MS: i64 = 3_600_000;
/// How far the history reaches back.
pub(super) const DAYS: i64 = 30;

/// One call to be told about: when, and whose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) started_ms: i64,
    pub(super) person: &'static Person,
}

/// All calls of the last thirty days, oldest first, none younger than two minutes.
pub(super) fn moments(now_ms: i64, zone: Tz, dice: &mut Dice) -> Vec<Moment> {
    let mut out = Vec::new();
    let newest = now_ms - 120_000;
    for hour in 0..DAYS * 24 {
        let begin = now_ms - DAYS * 24 * HOUR_MS + hour * HOUR_MS;
        for person in PEOPLE {
            let expected = person.calls * share(person.rhythm, begin, zone) * growth(hour);
            for _ in 0..whole_calls(expected, dice) {
                let started_ms = begin + dice.between(0, HOUR_MS - 1);
                if started_ms < newest {
                    out.push(Moment { started_ms, person });
                }
            }
        }
    }
    out.sort_by_key(|m| m.started_ms);
    out
}

/// The local time of a moment.
pub(super) fn local(ms: i64, zone: Tz) -> DateTime<Tz> {
    DateTime::<Utc>::from_timestamp_millis(ms)
        .unwrap_or_default()
        .with_timezone(&zone)
}

/// From 0.45 to 1 over the thirty days.
#[allow(clippy::cast_precision_loss, reason = "at most 720 hours")]
fn growth(hour: i64) -> f64 {
    0.45 + 0.55 * hour as f64 / (DAYS * 24) as f64
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a few hundred calls an hour at most"
)]
fn whole_calls(expected: f64, dice: &mut Dice) -> i64 {
    (expected * (0.6 + 0.8 * dice.unit()) + dice.unit()) as i64
}

/// The share of a full day's calls that falls into the hour that begins here.
fn share(rhythm: Rhythm, begin_ms: i64, zone: Tz) -> f64 {
    let at = local(begin_ms, zone);
    let weekend = matches!(at.weekday(), Weekday::Sat | Weekday::Sun);
    let office = |hour: u32| match hour {
        8 | 18 => 0.05,
        9 | 17 => 0.10,
        10 | 11 | 14 | 15 | 16 => 0.125,
        12 => 0.06,
        13 => 0.08,
        19..=22 => 0.015,
        _ => 0.0,
    };
    let hour = at.hour();
    match rhythm {
        Rhythm::Office if weekend => office(hour) * 0.12,
        Rhythm::Office => office(hour),
        Rhythm::Late if weekend => office((hour + 21) % 24) * 0.3,
        Rhythm::Late => office((hour + 21) % 24),
        Rhythm::Always if weekend => (0.02 + office(hour) * 0.52) * 0.55,
        Rhythm::Always => 0.02 + office(hour) * 0.52,
        Rhythm::Night => match hour {
            1 => 0.3,
            2 => 0.45,
            3 => 0.25,
            _ => 0.0,
        },
    }
}
