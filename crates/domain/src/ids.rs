//! Typed row ids, and the request id with its public text form.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The value in log and roll-up tables for "absent".
            pub const NONE: Self = Self(0);

            /// True where the id stands for "absent" (0).
            pub fn is_none(self) -> bool {
                self.0 == 0
            }
        }

        impl From<i64> for $name {
            fn from(row: i64) -> Self {
                Self(row)
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

row_id! {
    /// A row of `users`.
    UserId,
    /// A row of `api_keys`.
    ApiKeyId,
    /// A row of `providers`.
    ProviderId,
    /// A row of `provider_keys`: one vendor credential.
    ProviderKeyId,
    /// A row of `models`: a public model name.
    ModelId,
    /// A row of `targets`: a model at one provider.
    TargetId,
    /// A row of `prices`.
    PriceId,
}

/// 2020-01-01T00:00:00Z in epoch milliseconds: the zero of request ids.
pub const REQUEST_EPOCH_MS: i64 = 1_577_836_800_000;
const LEASE_BITS: u32 = 9;
const SEQUENCE_BITS: u32 = 12;
/// Number of instance leases that fit into a request id (0 to 511).
pub const LEASES: u16 = 1 << LEASE_BITS;

/// A request's id: 42 bits of milliseconds since 2020, 9 bits of instance lease, 12 bits of sequence.
///
/// Shown as `req_` and 13 lower-case Crockford base32 characters; a string in JSON, since 63 bits do
/// not fit a JavaScript number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub i64);

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl RequestId {
    /// The smallest id a request started at `epoch_ms` can have: turns a time into a cursor.
    pub fn lower_bound(epoch_ms: i64) -> Self {
        let since = epoch_ms
            .saturating_sub(REQUEST_EPOCH_MS)
            .clamp(0, (1 << 42) - 1);
        Self(since << (LEASE_BITS + SEQUENCE_BITS))
    }

    /// The text form, which is ASCII.
    pub fn text(self) -> [u8; 17] {
        let mut text = *b"req_0000000000000";
        let mut rest = self.0.cast_unsigned();
        for place in text.iter_mut().skip(4).rev() {
            let digit = usize::try_from(rest & 31).unwrap_or(0);
            *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        text
    }

    /// When the request started, in epoch milliseconds.
    pub fn epoch_ms(self) -> i64 {
        (self.0 >> (LEASE_BITS + SEQUENCE_BITS)).saturating_add(REQUEST_EPOCH_MS)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// The text was not `req_` and 13 Crockford base32 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request id is req_ and 13 characters of 0-9 a-z without i, l, o, u")]
pub struct BadRequestId;

impl FromStr for RequestId {
    type Err = BadRequestId;

    fn from_str(text: &str) -> Result<Self, BadRequestId> {
        let digits = text.trim().strip_prefix("req_").ok_or(BadRequestId)?;
        if digits.len() != 13 {
            return Err(BadRequestId);
        }
        let mut value: i64 = 0;
        for byte in digits.bytes() {
            let lower = byte.to_ascii_lowercase();
            let digit = ALPHABET
                .iter()
                .position(|c| *c == lower)
                .ok_or(BadRequestId)?;
            let digit = i64::try_from(digit).map_err(|_out_of_range| BadRequestId)?;
            value = value
                .checked_mul(32)
                .and_then(|v| v.checked_add(digit))
                .ok_or(BadRequestId)?;
        }
        Ok(Self(value))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Makes request ids that never run backwards and never repeat within one lease.
///
/// Shared by all serving threads. When the clock stands still or steps back, or 4,096 ids were made
/// in one millisecond, the id runs ahead of the clock instead of repeating.
#[derive(Debug)]
pub struct RequestIdSource {
    lease: i64,
    /// Milliseconds and sequence of the last id, packed as (ms << 12 | sequence).
    last: AtomicI64,
}

impl RequestIdSource {
    /// `lease` is the instance's number, taken modulo [`LEASES`]; `floor_ms` is an epoch time below which no id is made.
    pub fn new(lease: u16, floor_ms: i64) -> Self {
        let floor = floor_ms.saturating_sub(REQUEST_EPOCH_MS).max(0);
        Self {
            lease: i64::from(lease % LEASES),
            last: AtomicI64::new(floor << SEQUENCE_BITS),
        }
    }

    /// The next id, given the present time in epoch milliseconds.
    pub fn next(&self, now_ms: i64) -> RequestId {
        let now = now_ms.saturating_sub(REQUEST_EPOCH_MS).max(0) << SEQUENCE_BITS;
        let advance = |last: i64| now.max(last.saturating_add(1));
        let previous = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(advance(last))
            })
            .unwrap_or_else(|last| last);
        let packed = advance(previous);
        let ms = packed >> SEQUENCE_BITS;
        let sequence = packed & ((1 << SEQUENCE_BITS) - 1);
        RequestId((ms << (LEASE_BITS + SEQUENCE_BITS)) | (self.lease << SEQUENCE_BITS) | sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_survives_its_text_form() {
        let id = RequestIdSource::new(7, 0).next(1_800_000_000_123);
        let text = id.to_string();
        assert_eq!(text.len(), 17);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(id.epoch_ms(), 1_800_000_000_123);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
    }

    #[test]
    fn ids_never_run_backwards_even_when_the_clock_does() {
        let source = RequestIdSource::new(511, 0);
        let mut last = RequestId(0);
        for now in [
            5_000_000_000_000,
            5_000_000_000_000,
            4_999_999_999_000,
            5_000_000_000_001,
        ] {
            for _ in 0..5_000 {
                let id = source.next(now);
                assert!(id > last);
                last = id;
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "req_",
            "req_0000000000000i",
            "req_uuuuuuuuuuuuu",
            "req_zzzzzzzzzzzzz",
            "abc_0000000000000",
        ] {
            assert_eq!(text.parse::<RequestId>(), Err(BadRequestId), "{text}");
        }
    }
}
