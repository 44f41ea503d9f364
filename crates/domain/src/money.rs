//! Money as integers: nano-units (10⁻⁹) of a named currency, and its decimal text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nano-units in one unit of a currency.
pub const NANOS: i64 = 1_000_000_000;

/// A currency's three-letter ISO 4217 code in capitals, or empty for "unpriced".
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(String);

/// Why a text is no amount or no currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMoney {
    /// Not three capital letters.
    #[error("a currency is three capital letters such as USD or CNY")]
    Currency,
    /// Not plain decimal text, negative, too many decimals, or too large.
    #[error(
        "an amount is decimal text such as \"0.15\": not negative, at most 9 decimals, below 9,000,000,000"
    )]
    Amount,
}

impl Currency {
    /// Checks the three capital letters.
    pub fn parse(text: &str) -> Result<Self, BadMoney> {
        if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadMoney::Currency)
        }
    }

    /// The value that log rows carry when no price was known.
    pub fn unpriced() -> Self {
        Self(String::new())
    }

    /// The code; empty when unpriced.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The usual sign in front of an amount, or the code where there is none.
    pub fn sign(&self) -> &str {
        match self.0.as_str() {
            "USD" => "$",
            "CNY" | "JPY" => "¥",
            "EUR" => "€",
            "GBP" => "£",
            code => code,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads decimal text such as `0.15` as nano-units. No sign, exponent, grouping or more than nine decimals.
pub fn parse_nanos(text: &str) -> Result<i64, BadMoney> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let dangling = text.contains('.') && fraction.is_empty();
    if whole.is_empty() || dangling || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return Err(BadMoney::Amount);
    }
    let units: i64 = whole.parse().map_err(|_digits| BadMoney::Amount)?;
    let nanos: i64 = format!("{fraction:0<9}")
        .parse()
        .map_err(|_digits| BadMoney::Amount)?;
    units
        .checked_mul(NANOS)
        .and_then(|u| u.checked_add(nanos))
        .filter(|n| *n < 9_000_000_000 * NANOS)
        .ok_or(BadMoney::Amount)
}

/// Nano-units as exact decimal text, without trailing zeros: the inverse of [`parse_nanos`].
pub fn format_nanos(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let magnitude = nanos.unsigned_abs();
    let (units, rest) = (
        magnitude / NANOS.unsigned_abs(),
        magnitude % NANOS.unsigned_abs(),
    );
    if rest == 0 {
        return format!("{sign}{units}");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{units}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bad_amounts_are_refused() {
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,0",
            "0.0000000001",
            "9000000000",
            "99999999999999999999",
        ] {
            assert_eq!(parse_nanos(bad), Err(BadMoney::Amount), "{bad}");
        }
        assert_eq!(parse_nanos("0.075"), Ok(75_000_000));
    }

    #[test]
    fn currencies_are_three_capitals() {
        assert!(Currency::parse("CNY").is_ok());
        for bad in ["", "usd", "US", "USDT", "U$D"] {
            assert_eq!(Currency::parse(bad), Err(BadMoney::Currency));
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(nanos in 0..8_999_999_999_i64 * NANOS) {
            prop_assert_eq!(parse_nanos(&format_nanos(nanos)), Ok(nanos));
        }
    }
}
