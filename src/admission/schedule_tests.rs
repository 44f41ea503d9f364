//! Time rules against the clock on the wall, and the next moment against walking there minute by minute.

use chrono::{DateTime, NaiveDate};
use modelgate_domain::{TimeRule, When};
use proptest::prelude::*;

use super::*;

fn ms(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp_millis()
}

fn rule(allowed: bool, when: When) -> TimeRule {
    TimeRule { allowed, when }
}

fn hours(allowed: bool, start: &str, end: &str) -> TimeRule {
    rule(allowed, When::time_range(start, end).unwrap())
}

fn days(allowed: bool, days: &[i64]) -> TimeRule {
    rule(allowed, When::weekdays(days.iter().copied()).unwrap())
}

fn dates(allowed: bool, start: &str, end: &str) -> TimeRule {
    rule(allowed, When::date_range(start, end).unwrap())
}

/// Allowed now, or else when next.
fn says(rules: &[TimeRule], zone: Tz, at: &str) -> String {
    if allows(rules, zone, ms(at)) {
        return "yes".to_owned();
    }
    let next = next_allowed(rules, zone, ms(at));
    next.map_or_else(
        || "never".to_owned(),
        |ms| {
            let next = DateTime::from_timestamp_millis(ms).unwrap();
            next.with_timezone(&zone).format("%a %d %H:%M").to_string()
        },
    )
}

#[test]
fn hours_hold_from_their_start_to_before_their_end_in_the_zone_of_the_key() {
    let rules = [hours(true, "09:00", "18:00")];
    let zone = chrono_tz::Asia::Shanghai;
    assert_eq!(says(&rules, zone, "2026-11-20T00:59:59Z"), "Fri 20 09:00");
    assert_eq!(says(&rules, zone, "2026-11-20T01:00:00Z"), "yes");
    assert_eq!(says(&rules, zone, "2026-11-20T09:59:59.999Z"), "yes");
    assert_eq!(says(&rules, zone, "2026-11-20T10:00:00Z"), "Sat 21 09:00");
    let whole = [hours(true, "00:00", "24:00")];
    assert_eq!(says(&whole, zone, "2026-11-20T15:59:59.999Z"), "yes");
    let night = [hours(true, "22:00", "06:00")];
    assert_eq!(says(&night, zone, "2026-11-20T14:00:00Z"), "yes");
    assert_eq!(says(&night, zone, "2026-11-20T21:59:59Z"), "yes");
    assert_eq!(says(&night, zone, "2026-11-20T22:00:00Z"), "Sat 21 22:00");
}

#[test]
fn what_denies_wins_and_every_kind_that_allows_must_match() {
    let utc = chrono_tz::UTC;
    let office = [
        hours(true, "09:00", "12:00"),
        hours(true, "13:00", "18:00"),
        days(false, &[6, 7]),
        dates(false, "2026-11-23", "2026-11-24"),
    ];
    assert_eq!(says(&office, utc, "2026-11-20T10:00:00Z"), "yes");
    assert_eq!(says(&office, utc, "2026-11-20T12:30:00Z"), "Fri 20 13:00");
    assert_eq!(says(&office, utc, "2026-11-20T18:00:00Z"), "Wed 25 09:00");
    assert_eq!(says(&office, utc, "2026-11-22T10:00:00Z"), "Wed 25 09:00");
    let both = [
        hours(true, "09:00", "18:00"),
        hours(false, "10:00", "11:00"),
    ];
    assert_eq!(says(&both, utc, "2026-11-20T10:30:00Z"), "Fri 20 11:00");
    let kinds = [days(true, &[1]), dates(true, "2026-11-01", "2026-11-30")];
    assert_eq!(says(&kinds, utc, "2026-11-20T10:00:00Z"), "Mon 23 00:00");
    assert_eq!(says(&kinds, utc, "2026-11-30T10:00:00Z"), "yes");
    assert_eq!(says(&kinds, utc, "2026-12-01T00:00:00Z"), "never");
    let far = [
        dates(true, "2031-01-01", "2031-01-01"),
        hours(true, "12:00", "13:00"),
    ];
    assert_eq!(says(&far, utc, "2026-12-01T00:00:00Z"), "Wed 01 12:00");
    let contradiction = [
        hours(true, "09:00", "18:00"),
        hours(false, "00:00", "24:00"),
    ];
    assert_eq!(says(&contradiction, utc, "2026-12-01T00:00:00Z"), "never");
}

#[test]
fn the_clocks_may_change_under_a_rule() {
    let zone = chrono_tz::America::New_York;
    // 02:00 becomes 03:00 on 8 March 2026: the hour that is missing cannot be waited for
    let missing = [hours(true, "02:15", "02:45")];
    assert_eq!(says(&missing, zone, "2026-03-08T06:00:00Z"), "Mon 09 02:15");
    let across = [hours(true, "02:30", "05:00")];
    assert_eq!(says(&across, zone, "2026-03-08T06:59:59Z"), "Sun 08 03:00");
    // 02:00 becomes 01:00 on 1 November 2026: the hour that comes twice is allowed twice
    let twice = [hours(true, "01:00", "01:30")];
    assert_eq!(says(&twice, zone, "2026-11-01T05:29:59Z"), "yes");
    assert_eq!(says(&twice, zone, "2026-11-01T05:30:00Z"), "Sun 01 01:00");
    assert_eq!(says(&twice, zone, "2026-11-01T06:00:00Z"), "yes");
    assert_eq!(says(&twice, zone, "2026-11-01T06:30:00Z"), "Mon 02 01:00");
}

const ZONES: [Tz; 7] = [
    chrono_tz::UTC,
    chrono_tz::Asia::Shanghai,
    chrono_tz::America::New_York,
    chrono_tz::Africa::Cairo,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::America::Havana,
    chrono_tz::Asia::Kathmandu,
];

fn a_rule() -> impl Strategy<Value = TimeRule> {
    let time =
        (0_u32..=96).prop_map(|quarter| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15));
    let date = |day: u64| NaiveDate::from_ymd_opt(2026, 3, 1).unwrap() + Days::new(day);
    let when = prop_oneof![
        3 => (time.clone(), time)
            .prop_filter_map("empty", |(start, end)| When::time_range(&start, &end).ok()),
        1 => (0_u64..45, 0_u64..12).prop_map(move |(from, days)| When::DateRange {
            start: date(from),
            end: date(from + days),
        }),
        1 => prop::collection::vec(1_i64..=7, 1..5)
            .prop_filter_map("empty", |days| When::weekdays(days).ok()),
    ];
    (any::<bool>(), when).prop_map(|(allowed, when)| TimeRule { allowed, when })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Spring of 2026, in which the clocks of most of the zones change, some at midnight.
    #[test]
    fn the_next_moment_is_the_one_that_waiting_finds(
        rules in prop::collection::vec(a_rule(), 1..5),
        zone in prop::sample::select(&ZONES[..]),
        minute in 0_i64..60 * 24 * 45,
    ) {
        let from = ms("2026-03-01T00:00:00Z") + minute * 60_000;
        let horizon = from + 25 * 86_400_000;
        let mut waited = from;
        while waited < horizon && !allows(&rules, zone, waited) {
            waited += 60_000;
        }
        match next_allowed(&rules, zone, from) {
            Some(next) if next < horizon => prop_assert_eq!(next, waited),
            _ => prop_assert_eq!(waited, horizon),
        }
    }
}
