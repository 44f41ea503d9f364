//! The bytes of a record: each field that differs from its default, with its number.
//!
//! A field is a key and a value. The key is a varint `number << 1 | kind`; kind 0 is a whole number (zigzag varint),
//! kind 1 is bytes (varint length, then the bytes: text, or fields of their own). Records are a third of their JSON,
//! and cost a tenth of it to write and to read, on the serving thread and in the drain.
//!
//! Versions may differ: a number that is not known is skipped, a field that is absent has its default. So numbers are
//! only ever added, never used for something else.

use modelgate_domain::{
    ApiKeyId, AttemptRecord, Currency, FaultOwner, ModelId, PriceId, ProviderId, ProviderKeyId,
    RequestId, RequestRecord, Status, Usage, UserId,
};

/// The number under which a terminal record carries its attempts, one after the other.
const ATTEMPT: u64 = 100;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// They end in the middle of a field.
    #[error("a field is cut off")]
    Cut,
    /// A field holds something of another kind.
    #[error("field {0} holds something else than it should")]
    Kind(u64),
}

/// Numbers the fields of a struct. A field without a number does not compile.
macro_rules! numbered {
    ($name:ident { $($number:literal: $field:ident),* $(,)? }) => {
        impl Fields for $name {
            fn put_fields(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.put($number, out);)*
            }

            fn take_field(&mut self, number: u64, value: Value<'_>) -> Result<(), Malformed> {
                let taken = match number {
                    $($number => Field::take(value).map(|v| self.$field = v),)*
                    // of a later version
                    _ => Some(()),
                };
                taken.ok_or(Malformed::Kind(number))
            }
        }
    };
}

numbered!(RequestRecord {
    1: id,
    2: api_key_id,
    3: user_id,
    4: session_id,
    5: repeats,
    6: endpoint,
    7: dialect,
    8: requested_model,
    9: stream,
    10: client_ip,
    11: user_agent,
    12: request_bytes,
    13: model_id,
    14: provider_id,
    15: provider_key_id,
    16: upstream_model,
    17: attempts,
    18: route_reason,
    19: price_id,
    20: status,
    21: fault_owner,
    22: error_code,
    23: error_message,
    24: http_status,
    25: upstream_status,
    26: finish_reason,
    27: started_ms,
    28: finished_ms,
    29: queue_ms,
    30: connect_ms,
    31: ttft_ms,
    32: latency_ms,
    33: max_gap_ms,
    34: usage,
    35: cost_nanos,
    36: currency,
    37: asked_model_id,
    38: queue_position,
    39: phases,
    40: observed,
    41: decision,
});

numbered!(AttemptRecord {
    1: number,
    2: provider_id,
    3: provider_key_id,
    4: upstream_status,
    5: error_code,
    6: started_ms,
    7: duration_ms,
});

numbered!(Usage {
    1: prompt,
    2: cached,
    3: cache_write,
    4: completion,
    5: reasoning,
    6: estimated,
});

/// Appends a request and its attempts.
pub(super) fn put(out: &mut Vec<u8>, record: &RequestRecord, attempts: &[AttemptRecord]) {
    record.put_fields(out);
    for attempt in attempts {
        put_nested(ATTEMPT, attempt, out);
    }
}

/// Reads what [`put`] wrote.
pub(super) fn take(bytes: &[u8]) -> Result<(RequestRecord, Vec<AttemptRecord>), Malformed> {
    let (mut record, mut attempts) = (RequestRecord::default(), Vec::new());
    each(bytes, |number, value| {
        if number == ATTEMPT {
            attempts.push(nested(value).ok_or(Malformed::Kind(number))?);
            return Ok(());
        }
        record.take_field(number, value)
    })?;
    Ok((record, attempts))
}

/// Something with numbered fields.
trait Fields: Sized + Default {
    fn put_fields(&self, out: &mut Vec<u8>);
    fn take_field(&mut self, number: u64, value: Value<'_>) -> Result<(), Malformed>;
}

/// One value as it stands in the bytes.
#[derive(Clone, Copy)]
enum Value<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

/// What can be a field. A default is not written.
trait Field: Sized {
    fn put(&self, number: u64, out: &mut Vec<u8>);
    fn take(value: Value<'_>) -> Option<Self>;
}

impl Field for i64 {
    fn put(&self, number: u64, out: &mut Vec<u8>) {
        if *self != 0 {
            put_number(number, *self, out);
        }
    }

    fn take(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Number(n) => Some(n),
            Value::Bytes(_) => None,
        }
    }
}

impl Field for Option<i64> {
    fn put(&self, number: u64, out: &mut Vec<u8>) {
        if let Some(n) = self {
            put_number(number, *n, out);
        }
    }

    fn take(value: Value<'_>) -> Option<Self> {
        i64::take(value).map(Some)
    }
}

impl Field for bool {
    fn put(&self, number: u64, out: &mut Vec<u8>) {
        i64::from(*self).put(number, out);
    }

    fn take(value: Value<'_>) -> Option<Self> {
        i64::take(value).map(|n| n != 0)
    }
}

impl Field for String {
    fn put(&self, number: u64, out: &mut Vec<u8>) {
        put_bytes(number, self.as_bytes(), out);
    }

    fn take(value: Value<'_>) -> Option<Self> {
        text(value).map(str::to_owned)
    }
}

impl Field for Currency {
    fn put(&self, number: u64, out: &mut Vec<u8>) {
        put_bytes(number, self.as_str().as_bytes(), out);
    }

    fn take(value: Value<'_>) -> Option<Self> {
        Self::parse(text(value)?).ok()
    }
}

impl Field for Usage {
    fn put(&self, number: u64, out: &mut Vec<u8>) {
        if *self != Self::default() {
            put_nested(number, self, out);
        }
    }

    fn take(value: Value<'_>) -> Option<Self> {
        nested(value)
    }
}

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl Field for $id {
            fn put(&self, number: u64, out: &mut Vec<u8>) {
                self.0.put(number, out);
            }

            fn take(value: Value<'_>) -> Option<Self> {
                i64::take(value).map(Self)
            }
        }
    )*};
}
ids!(
    RequestId,
    ApiKeyId,
    UserId,
    ModelId,
    ProviderId,
    ProviderKeyId,
    PriceId
);

/// Closed sets go by name, since their order may change.
macro_rules! names {
    ($($set:ident),*) => {$(
        impl Field for $set {
            fn put(&self, number: u64, out: &mut Vec<u8>) {
                if *self != Self::default() {
                    put_bytes(number, self.as_str().as_bytes(), out);
                }
            }

            fn take(value: Value<'_>) -> Option<Self> {
                text(value)?.parse().ok()
            }
        }
    )*};
}
names!(Status, FaultOwner);

fn text(value: Value<'_>) -> Option<&str> {
    match value {
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        Value::Number(_) => None,
    }
}

fn nested<T: Fields>(value: Value<'_>) -> Option<T> {
    let Value::Bytes(bytes) = value else {
        return None;
    };
    let mut whole = T::default();
    each(bytes, |number, value| whole.take_field(number, value)).ok()?;
    Some(whole)
}

fn put_nested<T: Fields>(number: u64, value: &T, out: &mut Vec<u8>) {
    let mut inner = Vec::with_capacity(64);
    value.put_fields(&mut inner);
    put_varint(number << 1 | 1, out);
    put_varint(length(&inner), out);
    out.extend_from_slice(&inner);
}

fn put_bytes(number: u64, bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        put_varint(number << 1 | 1, out);
        put_varint(length(bytes), out);
        out.extend_from_slice(bytes);
    }
}

fn put_number(number: u64, value: i64, out: &mut Vec<u8>) {
    put_varint(number << 1, out);
    put_varint(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Reads field after field.
fn each(
    bytes: &[u8],
    mut take: impl FnMut(u64, Value<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let raw = varint(&mut rest)?;
        let value = if key & 1 == 0 {
            Value::Number((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
        } else {
            let length = usize::try_from(raw).map_err(|_too_long| Malformed::Cut)?;
            let (bytes, after) = rest.split_at_checked(length).ok_or(Malformed::Cut)?;
            rest = after;
            Value::Bytes(bytes)
        };
        take(key >> 1, value)?;
    }
    Ok(())
}

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(Malformed::Cut)?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed::Cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> RequestRecord {
        RequestRecord {
            id: RequestId(i64::MAX),
            session_id: "你好".into(),
            repeats: 1,
            stream: true,
            requested_model: "gpt-x".into(),
            status: Status::RateLimited,
            fault_owner: FaultOwner::Policy,
            queue_ms: Some(0),
            ttft_ms: None,
            latency_ms: Some(-1),
            usage: Usage::from_openai(100, 40, 50, 20),
            cost_nanos: Some(i64::MIN),
            currency: Currency::parse("USD").unwrap(),
            ..RequestRecord::default()
        }
    }

    #[test]
    fn a_record_and_its_attempts_are_read_back() {
        let attempt = |number| AttemptRecord {
            number,
            error_code: "upstream_closed".into(),
            ..AttemptRecord::default()
        };
        for attempts in [vec![], vec![attempt(1), attempt(2)]] {
            let mut bytes = Vec::new();
            put(&mut bytes, &full(), &attempts);
            assert_eq!(take(&bytes), Ok((full(), attempts)));
        }
    }

    #[test]
    fn what_a_later_version_adds_is_skipped_and_what_an_earlier_one_lacks_is_default() {
        let mut bytes = Vec::new();
        put(&mut bytes, &full(), &[]);
        put_bytes(9_999, b"news", &mut bytes);
        put_number(9_998, -7, &mut bytes);
        assert_eq!(take(&bytes), Ok((full(), Vec::new())));
        assert_eq!(take(&[]), Ok((RequestRecord::default(), Vec::new())));
    }

    #[test]
    fn what_is_no_record_is_told() {
        let mut bytes = Vec::new();
        put_bytes(1, b"text", &mut bytes);
        assert_eq!(take(&bytes), Err(Malformed::Kind(1)));
        assert_eq!(take(&[0xff; 12]), Err(Malformed::Cut));
        let mut unknown = Vec::new();
        put_bytes(20, b"no such status", &mut unknown);
        assert_eq!(take(&unknown), Err(Malformed::Kind(20)));
    }

    proptest! {
        #[test]
        fn numbers_survive(n in any::<i64>()) {
            let record = RequestRecord { started_ms: n, queue_ms: Some(n), ..RequestRecord::default() };
            let mut bytes = Vec::new();
            put(&mut bytes, &record, &[]);
            prop_assert_eq!(take(&bytes), Ok((record, Vec::new())));
        }

        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _either = take(&bytes);
        }
    }
}
