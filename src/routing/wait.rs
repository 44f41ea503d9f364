//! How long a vendor asks to wait, in whichever of the usual forms it says so.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Numbers from here on are points in time and no durations: epoch seconds since 2001, epoch milliseconds since 2001.
const EPOCH_S: f64 = 1e9;
const EPOCH_MS: f64 = 1e12;

/// The longest wait that an answer's headers ask for, in milliseconds from now. `headers` have lower-case names.
///
/// Read are `retry-after-ms`, `retry-after` (seconds or a date), and every `…ratelimit…reset…` whose `…remaining…`
/// is 0 or not told: a limit with room left is no reason to wait.
pub fn told(headers: &[(&str, &str)], now_ms: i64) -> Option<i64> {
    let remaining = |name: &str| {
        let twin = name.replacen("reset", "remaining", 1);
        let found = headers.iter().find(|(other, _)| *other == twin);
        found.and_then(|(_, value)| value.trim().parse::<f64>().ok())
    };
    let waits = headers.iter().filter_map(|(name, value)| {
        let until = match *name {
            "retry-after-ms" => now_ms.checked_add(millis(value.trim().parse().ok()?)?),
            "retry-after" => until(value, now_ms, Tz::UTC),
            _ if is_reset(name) && remaining(name).is_none_or(|left| left <= 0.0) => {
                until(value, now_ms, Tz::UTC)
            }
            _ => None,
        };
        Some(until?.saturating_sub(now_ms).max(0))
    });
    waits.max()
}

fn is_reset(name: &str) -> bool {
    name.contains("ratelimit") && name.contains("reset")
}

/// The point in time, epoch milliseconds, that a vendor's text means: a duration (`2`, `7.66s`, `6m0s`, `20ms`),
/// an HTTP or RFC 3339 date, an epoch in seconds or milliseconds, or a date and time in `zone` anywhere in it.
pub fn until(text: &str, now_ms: i64, zone: Tz) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return if number >= EPOCH_MS {
            millis(number)
        } else if number >= EPOCH_S {
            millis(number * 1_000.0)
        } else {
            now_ms.checked_add(millis(number * 1_000.0)?)
        };
    }
    if let Some(wait) = duration_ms(text) {
        return now_ms.checked_add(wait);
    }
    if let Some(time) = dated(text) {
        return Some(time.timestamp_millis());
    }
    local(text, zone).map(|time| time.timestamp_millis())
}

/// Whole milliseconds, rounded up; nothing where the number is no wait.
fn millis(number: f64) -> Option<i64> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the bounds are checked before"
    )]
    (0.0..1e15)
        .contains(&number)
        .then_some(number.ceil() as i64)
}

/// `1h2m3.5s`, `20ms`, `2d`: numbers with units, the larger first, and nothing else.
fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, tail) = tail.split_at_checked(letters.unwrap_or(tail.len()))?;
        let scale = match unit {
            "ms" => 1.0,
            "s" => 1_000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    // a fraction of a millisecond more than a whole one comes of the arithmetic
    (!text.is_empty())
        .then(|| millis((total * 1_000.0).round() / 1_000.0))
        .flatten()
}

/// The dates of HTTP, old forms included, and RFC 3339.
fn dated(text: &str) -> Option<DateTime<Utc>> {
    let whole = DateTime::parse_from_rfc2822(text).or_else(|_| DateTime::parse_from_rfc3339(text));
    if let Ok(time) = whole {
        return Some(time.to_utc());
    }
    let old = NaiveDateTime::parse_from_str(text, "%A, %d-%b-%y %H:%M:%S GMT")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%a %b %e %H:%M:%S %Y"));
    old.ok().map(|time| time.and_utc())
}

/// The first `2026-11-21 08:30:00` (or with a T) in a text, read on the clocks of `zone`.
fn local(text: &str, zone: Tz) -> Option<DateTime<Tz>> {
    const LENGTH: usize = "2026-11-21 08:30:00".len();
    let starts = text.char_indices().filter(|(_, c)| c.is_ascii_digit());
    let found = starts.into_iter().find_map(|(at, _)| {
        let piece = text.get(at..at.checked_add(LENGTH)?)?;
        let spaced = NaiveDateTime::parse_from_str(piece, "%Y-%m-%d %H:%M:%S");
        spaced
            .or_else(|_| NaiveDateTime::parse_from_str(piece, "%Y-%m-%dT%H:%M:%S"))
            .ok()
    })?;
    // in the hour that a clock goes through twice, waiting longer is never wrong
    zone.from_local_datetime(&found)
        .latest()
        .or_else(|| Some(zone.from_utc_datetime(&found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 00:00:00 UTC.
    const NOW: i64 = 1_795_219_200_000;

    fn wait(headers: &[(&str, &str)]) -> Option<i64> {
        told(headers, NOW)
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        for (value, ms) in [
            ("2", Some(2_000)),
            ("1.5", Some(1_500)),
            (" 7 ", Some(7_000)),
            ("Sat, 21 Nov 2026 00:01:30 GMT", Some(90_000)),
            ("Saturday, 21-Nov-26 00:01:30 GMT", Some(90_000)),
            ("Sat Nov 21 00:01:30 2026", Some(90_000)),
            ("Fri, 20 Nov 2026 00:01:30 GMT", Some(0)),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(wait(&[("retry-after", value)]), ms, "{value}");
        }
        assert_eq!(wait(&[("retry-after-ms", "1500.2")]), Some(1_501));
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn the_longest_wait_wins() {
        let both = [("retry-after", "2"), ("retry-after-ms", "1500")];
        assert_eq!(wait(&both), Some(2_000));
        let groq = [
            ("retry-after", "2"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "2m59.56s"),
            ("x-ratelimit-remaining-tokens", "17"),
            ("x-ratelimit-reset-tokens", "9h"),
        ];
        assert_eq!(
            wait(&groq),
            Some(179_560),
            "a limit with room left is no reason"
        );
    }

    #[test]
    fn the_forms_of_the_vendors_are_read() {
        for (name, value, ms) in [
            ("x-ratelimit-reset-requests", "20ms", 20),
            ("x-ratelimit-reset-tokens", "6m0s", 360_000),
            ("x-ratelimit-reset-requests-day", "33011.382867", 33_011_383),
            ("x-ratelimit-reset", "1795219260000", 60_000),
            ("x-ratelimit-reset", "1795219260", 60_000),
            ("ratelimit-reset", "12", 12_000),
            (
                "anthropic-ratelimit-output-tokens-reset",
                "2026-11-21T00:00:45Z",
                45_000,
            ),
        ] {
            assert_eq!(wait(&[(name, value)]), Some(ms), "{name}: {value}");
        }
        let room = [
            ("anthropic-ratelimit-requests-remaining", "5"),
            ("anthropic-ratelimit-requests-reset", "2026-11-21T00:00:45Z"),
        ];
        assert_eq!(wait(&room), None);
    }

    #[test]
    fn a_local_time_in_a_sentence_is_read_on_the_vendors_clock() {
        let said = "已达到 5 小时的使用上限。您的限额将在 2026-11-21 10:30:00 重置。";
        let half_past_ten = until(said, NOW, Tz::Asia__Shanghai);
        assert_eq!(half_past_ten, Some(NOW + 9_000_000));
        assert_eq!(until("nothing of the kind 12", NOW, Tz::UTC), None);
        assert_eq!(until("34.5s", NOW, Tz::UTC), Some(NOW + 34_500));
        assert_eq!(until("9ß8-", NOW, Tz::UTC), None);
    }
}
