//! Numbers, money, times and sizes as a person of a language reads them.

use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;
use modelgate_domain::Currency;
use modelgate_domain::money::{NANOS, format_nanos};

use super::{Lang, t_with};

/// A count with its thousands grouped: `38,214`.
pub fn integer(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        grouped.push('−');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A large count in three or four figures: `196.9 M`, in Chinese `1.97 亿`.
#[allow(
    clippy::manual_midpoint,
    reason = "this rounds, it does not look for a middle"
)]
pub fn compact(lang: Lang, value: i64) -> String {
    let steps: &[(i64, &str)] = match lang {
        Lang::En => &[(1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")],
        Lang::Zh => &[(100_000_000, "亿"), (10_000, "万")],
    };
    let floor = match lang {
        Lang::En => 10_000,
        Lang::Zh => 100_000,
    };
    if value.abs() < floor {
        return integer(value);
    }
    for (unit, sign) in steps {
        if value.abs() >= unit.saturating_mul(1_000) {
            let rounded =
                (i128::from(value) * 2 / i128::from(*unit) + i128::from(value.signum())) / 2;
            return format!(
                "{} {sign}",
                integer(i64::try_from(rounded).unwrap_or(i64::MAX))
            );
        }
        if value.abs() >= *unit {
            return format!("{} {sign}", tenths(value, *unit));
        }
    }
    integer(value)
}

/// A count in full where it has room, compact from `floor` on.
pub fn compact_from(lang: Lang, value: i64, floor: i64) -> String {
    if value.abs() < floor {
        integer(value)
    } else {
        compact(lang, value)
    }
}

/// `value / unit` with one decimal, rounded half up.
#[allow(
    clippy::manual_midpoint,
    reason = "this rounds, it does not look for a middle"
)]
fn tenths(value: i64, unit: i64) -> String {
    let scaled = i128::from(value) * 20 / i128::from(unit);
    let tenths = i64::try_from((scaled + scaled.signum()) / 2).unwrap_or(i64::MAX);
    let sign = if tenths < 0 { "−" } else { "" };
    let tenths = tenths.unsigned_abs();
    format!(
        "{sign}{}.{}",
        integer(tenths.div_euclid(10).cast_signed()),
        tenths % 10
    )
}

/// An amount to read at a glance: two decimals from one unit on, more below.
pub fn money(currency: &Currency, nanos: i64) -> String {
    let decimals: u32 = match nanos.unsigned_abs() {
        0 => 2,
        n if n >= NANOS.unsigned_abs() => 2,
        n if n >= 1_000_000 => 4,
        _ => 6,
    };
    let step = 10_u64.pow(9 - decimals);
    let rounded = (nanos.unsigned_abs() + step / 2) / step;
    let scale = 10_u64.pow(decimals);
    let sign = if nanos < 0 { "−" } else { "" };
    let whole = integer((rounded / scale).cast_signed());
    let width = usize::try_from(decimals).unwrap_or(2);
    format!(
        "{sign}{} {whole}.{:0width$}",
        currency.sign(),
        rounded % scale
    )
}

/// An amount to the last digit, for receipts.
pub fn money_exact(currency: &Currency, nanos: i64) -> String {
    format!("{} {}", currency.sign(), format_nanos(nanos))
}

/// `part` of `whole` in percent with two decimals; a dash where there is no whole.
pub fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "—".to_owned();
    }
    let hundredths = (i128::from(part) * 20_000 / i128::from(whole) + 1) / 2;
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Against the period before: `+12 %`, beyond ten times as many `×133`, “new” where there was nothing before; empty
/// where there is nothing at all.
pub fn change(lang: Lang, now: i64, before: i64) -> String {
    if before <= 0 {
        return if now > 0 {
            t_with(lang, "change-new", &[])
        } else {
            String::new()
        };
    }
    let percent = (i128::from(now) - i128::from(before)) * 100 / i128::from(before);
    let of = |value: i128| integer(i64::try_from(value).unwrap_or(i64::MAX));
    match percent {
        1_001.. => {
            let times = (i128::from(now) * 2 / i128::from(before) + 1) / 2;
            format!("×{}", of(times))
        }
        1.. => format!("+{} %", of(percent)),
        0 => "±0 %".to_owned(),
        _ => format!("{} %", of(percent)),
    }
}

/// `part` of `whole` in whole percent; less than half of one is said so.
pub fn percent_whole(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "—".to_owned();
    }
    match (i128::from(part) * 200 / i128::from(whole) + 1) / 2 {
        0 if part > 0 => "< 1 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// A duration as long as it needs: `212 ms`, `1.9 s`, `1 m 12 s`.
pub fn duration(lang: Lang, ms: i64) -> String {
    match ms {
        ..1_000 => t_with(lang, "unit-ms", &[("value", &integer(ms))]),
        1_000..59_950 => t_with(lang, "unit-s", &[("value", &tenths(ms, 1_000))]),
        59_950..3_600_000 => {
            let seconds = (ms + 500) / 1_000;
            let (minutes, rest) = ((seconds / 60).to_string(), (seconds % 60).to_string());
            t_with(
                lang,
                "unit-m-s",
                &[("minutes", &minutes), ("seconds", &rest)],
            )
        }
        _ => {
            let minutes = ms / 60_000;
            let (hours, rest) = (integer(minutes / 60), (minutes % 60).to_string());
            t_with(lang, "unit-h-m", &[("hours", &hours), ("minutes", &rest)])
        }
    }
}

/// Seconds with two decimals, for table columns that name the unit.
pub fn seconds(ms: i64) -> String {
    let hundredths = (ms.max(0) + 5) / 10;
    format!("{}.{:02}", integer(hundredths / 100), hundredths % 100)
}

/// A size: `1.2 MiB`.
pub fn bytes(value: i64) -> String {
    const STEPS: [(i64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, sign) in STEPS {
        if value >= unit {
            return format!("{} {sign}", tenths(value, unit));
        }
    }
    format!("{} B", integer(value))
}

fn local(epoch_ms: i64, zone: Tz) -> DateTime<Tz> {
    DateTime::<Utc>::from_timestamp_millis(epoch_ms)
        .unwrap_or_default()
        .with_timezone(&zone)
}

/// Date and time to the second, the same in every language: `2026-11-20 22:41:29`.
pub fn timestamp(epoch_ms: i64, zone: Tz) -> String {
    local(epoch_ms, zone)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Date and time to the second with the offset, for tool tips: `2026-11-20 22:41:29 +08:00`.
pub fn timestamp_full(epoch_ms: i64, zone: Tz) -> String {
    local(epoch_ms, zone)
        .format("%Y-%m-%d %H:%M:%S %:z")
        .to_string()
}

/// The value of a `datetime` attribute.
pub fn machine_time(epoch_ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(epoch_ms)
        .unwrap_or_default()
        .format("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// Time of day: `22:41`.
pub fn hour_minute(epoch_ms: i64, zone: Tz) -> String {
    local(epoch_ms, zone).format("%H:%M").to_string()
}

/// Time of day to the second: `22:41:29`.
pub fn clock_time(epoch_ms: i64, zone: Tz) -> String {
    local(epoch_ms, zone).format("%H:%M:%S").to_string()
}

/// A day: `20 Nov`, `11月20日`.
pub fn day(lang: Lang, epoch_ms: i64, zone: Tz) -> String {
    let pattern = match lang {
        Lang::En => "%-d %b",
        Lang::Zh => "%-m月%-d日",
    };
    local(epoch_ms, zone).format(pattern).to_string()
}

/// The year of a moment.
pub fn year(epoch_ms: i64, zone: Tz) -> i32 {
    local(epoch_ms, zone).year()
}

/// A day of a year: `20 Nov 2026`, `2026年11月20日`.
pub fn day_of_year(lang: Lang, epoch_ms: i64, zone: Tz) -> String {
    let pattern = match lang {
        Lang::En => "%-d %b %Y",
        Lang::Zh => "%Y年%-m月%-d日",
    };
    local(epoch_ms, zone).format(pattern).to_string()
}

/// A month of a year: `Nov 2026`, `2026年11月`.
pub fn month(lang: Lang, epoch_ms: i64, zone: Tz) -> String {
    let pattern = match lang {
        Lang::En => "%b %Y",
        Lang::Zh => "%Y年%-m月",
    };
    local(epoch_ms, zone).format(pattern).to_string()
}

/// The value of a `date` field.
pub fn field_date(epoch_ms: i64, zone: Tz) -> String {
    local(epoch_ms, zone).format("%Y-%m-%d").to_string()
}

/// The value of a `datetime-local` field, to the minute.
pub fn field_time(epoch_ms: i64, zone: Tz) -> String {
    local(epoch_ms, zone).format("%Y-%m-%dT%H:%M").to_string()
}

/// How long ago: `3 min ago`; the future reads as now.
pub fn ago(lang: Lang, epoch_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(epoch_ms).max(0) / 1_000;
    let (key, count) = match seconds {
        ..10 => return t_with(lang, "ago-now", &[]),
        10..60 => ("ago-seconds", seconds),
        60..3_600 => ("ago-minutes", seconds / 60),
        3_600..86_400 => ("ago-hours", seconds / 3_600),
        _ => ("ago-days", seconds / 86_400),
    };
    t_with(lang, key, &[("count", &count), ("value", &integer(count))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_as_people_say_them() {
        let told = |now, before| change(Lang::En, now, before);
        assert_eq!(told(112, 100), "+12 %");
        assert_eq!(told(100, 100), "±0 %");
        assert_eq!(told(88, 100), "−12 %");
        assert_eq!(told(1_100, 100), "+1,000 %");
        assert_eq!(told(1_101, 100), "×11");
        assert_eq!(told(400, 3), "×133");
        assert_eq!(told(i64::MAX, 1), format!("×{}", integer(i64::MAX)));
        assert_eq!(told(5, 0), "new");
        assert_eq!(change(Lang::Zh, 5, 0), "新增");
        assert_eq!(told(0, 5), "−100 %");
        assert_eq!(told(0, 0), "");
    }

    #[test]
    fn counts() {
        assert_eq!(integer(1_234_567), "1,234,567");
        assert_eq!(integer(-999), "−999");
        assert_eq!(compact(Lang::En, 196_949_000), "196.9 M");
        assert_eq!(compact(Lang::En, 9_999), "9,999");
        assert_eq!(compact(Lang::En, 999_999), "1,000.0 k");
        assert_eq!(compact(Lang::Zh, 21_664_000), "2,166 万");
        assert_eq!(compact(Lang::Zh, 196_949_000), "2.0 亿");
        assert_eq!(compact(Lang::Zh, 123_456), "12.3 万");
    }

    #[test]
    fn amounts() {
        let usd = Currency::parse("USD").unwrap();
        assert_eq!(money(&usd, 84_124_000_000), "$ 84.12");
        assert_eq!(money(&usd, 1_234_567_890_000_000), "$ 1,234,567.89");
        assert_eq!(money(&usd, 341_400), "$ 0.000341");
        assert_eq!(money(&usd, 0), "$ 0.00");
        assert_eq!(money_exact(&usd, 341_400), "$ 0.0003414");
        assert_eq!(percent(74, 10_000), "0.74 %");
        assert_eq!(percent(1, 0), "—");
    }

    #[test]
    fn spans_and_moments() {
        assert_eq!(duration(Lang::En, 212), "212 ms");
        assert_eq!(duration(Lang::En, 1_949), "1.9 s");
        assert_eq!(duration(Lang::En, 59_990), "1 m 0 s");
        assert_eq!(duration(Lang::En, 72_000), "1 m 12 s");
        assert_eq!(seconds(1_904), "1.90");
        let zone = chrono_tz::Asia::Shanghai;
        assert_eq!(timestamp(1_795_214_489_000, zone), "2026-11-21 06:41:29");
        assert_eq!(day(Lang::Zh, 1_795_214_489_000, zone), "11月21日");
        assert_eq!(ago(Lang::En, 0, 65_000), "1 min ago");
    }
}
