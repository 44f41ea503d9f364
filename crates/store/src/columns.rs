//! How columns become plain values: times, closed sets, hashes and JSON lists.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, Queryable};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};
use modelgate_domain::{
    ApiKeyId, Audience, Busyness, BusynessAction, Cause, CredentialState, Currency, Job,
    JobOutcome, JobTrigger, LimitKind, LimitMode, LimitScope, Meaning, Modalities, Period,
    ReportState, Role, Secret, Severity, StateBy, Strategy, UsageReportState, UserId,
};
use serde::de::DeserializeOwned;

/// A `TIMESTAMP` column, always UTC.
pub struct At(NaiveDateTime);

/// A `TIMESTAMP` column that may be null.
pub struct MaybeAt(Option<NaiveDateTime>);

/// A `TEXT` column with a name of a closed set, or any other text with a parser.
pub struct Name<T>(T);

/// A `TEXT` column with a level of busyness, or empty for none.
pub struct MaybeBusyness(Option<Busyness>);

/// A `TEXT` column with the name of a period, or empty for none.
pub struct MaybePeriod(Option<Period>);

/// A `TEXT` column with a currency, or empty for none.
pub struct Money(Currency);

/// A `TEXT` column with JSON.
pub struct Json<T>(T);

/// A `TEXT` column with the hex form of a SHA-256.
pub struct Hash([u8; 32]);

/// The same, null allowed.
pub struct MaybeHash(Option<[u8; 32]>);

/// A row id that may be null; null is read as 0.
pub struct MaybeId(i64);

/// A `TEXT` column that nobody may print.
pub struct Hidden(Secret);

/// The same, null allowed.
pub struct MaybeHidden(Option<Secret>);

impl<DB> Queryable<Timestamp, DB> for At
where
    DB: Backend,
    NaiveDateTime: FromSql<Timestamp, DB>,
{
    type Row = NaiveDateTime;
    fn build(row: NaiveDateTime) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl<DB> Queryable<Nullable<Timestamp>, DB> for MaybeAt
where
    DB: Backend,
    NaiveDateTime: FromSql<Timestamp, DB>,
{
    type Row = Option<NaiveDateTime>;
    fn build(row: Self::Row) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl<DB, T: std::str::FromStr> Queryable<Text, DB> for Name<T>
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    type Row = String;
    fn build(row: String) -> deserialize::Result<Self> {
        let unknown = || format!("{row:?} is no {}", std::any::type_name::<T>());
        row.parse().map(Self).map_err(|_unknown| unknown().into())
    }
}

macro_rules! maybe_name {
    ($($name:ident),*) => {$(
        impl<DB> Queryable<Text, DB> for $name
        where
            DB: Backend,
            String: FromSql<Text, DB>,
        {
            type Row = String;
            fn build(row: String) -> deserialize::Result<Self> {
                if row.is_empty() {
                    return Ok(Self(Default::default()));
                }
                let unknown = || format!("{row:?} is no {}", stringify!($name));
                row.parse().map(|v| Self(Some(v))).map_err(|_unknown| unknown().into())
            }
        }
    )*};
}
maybe_name!(MaybeBusyness, MaybePeriod);

impl<DB> Queryable<Text, DB> for Money
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    type Row = String;
    fn build(row: String) -> deserialize::Result<Self> {
        Ok(Self(currency(&row)))
    }
}

impl<DB, T: DeserializeOwned> Queryable<Text, DB> for Json<T>
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    type Row = String;
    fn build(row: String) -> deserialize::Result<Self> {
        // serde's message may quote the text, and the text may be secret.
        serde_json::from_str(&row)
            .map(Self)
            .map_err(|_quotes| "a JSON column does not have the expected form".into())
    }
}

impl<DB> Queryable<Text, DB> for Hash
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    type Row = String;
    fn build(row: String) -> deserialize::Result<Self> {
        from_hex(&row)
            .map(Self)
            .ok_or_else(|| "a hash is not 64 hex digits".into())
    }
}

impl<DB> Queryable<Nullable<Text>, DB> for MaybeHash
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    type Row = Option<String>;
    fn build(row: Self::Row) -> deserialize::Result<Self> {
        let Some(text) = row else {
            return Ok(Self(None));
        };
        let hash = from_hex(&text).ok_or("a hash is not 64 hex digits")?;
        Ok(Self(Some(hash)))
    }
}

impl<DB> Queryable<Text, DB> for Hidden
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    type Row = String;
    fn build(row: String) -> deserialize::Result<Self> {
        Ok(Self(Secret::new(row)))
    }
}

impl<DB> Queryable<Nullable<Text>, DB> for MaybeHidden
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    type Row = Option<String>;
    fn build(row: Self::Row) -> deserialize::Result<Self> {
        Ok(Self(row.map(Secret::new)))
    }
}

impl<DB> Queryable<Nullable<BigInt>, DB> for MaybeId
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    type Row = Option<i64>;
    fn build(row: Self::Row) -> deserialize::Result<Self> {
        Ok(Self(row.unwrap_or(0)))
    }
}

macro_rules! into {
    ($($from:ty => $to:ty, $value:ident: $convert:expr;)*) => {$(
        impl From<$from> for $to {
            fn from($value: $from) -> Self {
                $convert
            }
        }
    )*};
}

into! {
    At => DateTime<Utc>, v: v.0.and_utc();
    MaybeAt => Option<DateTime<Utc>>, v: v.0.map(|t| t.and_utc());
    Name<Role> => Role, v: v.0;
    Name<Job> => Job, v: v.0;
    Name<JobTrigger> => JobTrigger, v: v.0;
    Name<JobOutcome> => JobOutcome, v: v.0;
    Name<ReportState> => ReportState, v: v.0;
    Name<UsageReportState> => UsageReportState, v: v.0;
    Json<crate::jobs::Counts> => crate::jobs::Counts, v: v.0;
    Json<Vec<crate::jobs::Step>> => Vec<crate::jobs::Step>, v: v.0;
    Json<Vec<crate::reports::ReportStep>> => Vec<crate::reports::ReportStep>, v: v.0;
    Name<CredentialState> => CredentialState, v: v.0;
    Name<StateBy> => StateBy, v: v.0;
    Name<LimitScope> => LimitScope, v: v.0;
    Name<LimitKind> => LimitKind, v: v.0;
    Name<LimitMode> => LimitMode, v: v.0;
    Name<Modalities> => Modalities, v: v.0;
    Name<Strategy> => Strategy, v: v.0;
    Name<Meaning> => Meaning, v: v.0;
    Name<Audience> => Audience, v: v.0;
    Name<Severity> => Severity, v: v.0;
    Json<std::collections::BTreeMap<String, String>> => std::collections::BTreeMap<String, String>, v: v.0;
    Name<Cause> => Cause, v: v.0;
    Name<Busyness> => Busyness, v: v.0;
    Name<BusynessAction> => BusynessAction, v: v.0;
    Json<Vec<String>> => Vec<String>, v: v.0;
    Json<Vec<modelgate_domain::selftest::Trial>> => Vec<modelgate_domain::selftest::Trial>, v: v.0;
    Json<Vec<i64>> => Vec<i64>, v: v.0;
    Json<Vec<(String, Secret)>> => Vec<(String, Secret)>, v: v.0;
    MaybeBusyness => Option<Busyness>, v: v.0;
    MaybePeriod => Option<Period>, v: v.0;
    Money => Currency, v: v.0;
    Json<serde_json::Value> => serde_json::Value, v: v.0;
    Hash => [u8; 32], v: v.0;
    MaybeHash => Option<[u8; 32]>, v: v.0;
    MaybeId => UserId, v: Self(v.0);
    MaybeId => ApiKeyId, v: Self(v.0);
    Hidden => Secret, v: v.0;
    MaybeHidden => Option<Secret>, v: v.0;
}

/// The value of a currency column: empty means unpriced.
pub(crate) fn currency(text: &str) -> Currency {
    Currency::parse(text).unwrap_or_default()
}

/// What a `TIMESTAMP` column takes. Microseconds are what both engines keep.
pub(crate) fn at(time: DateTime<Utc>) -> NaiveDateTime {
    let micros = time.timestamp_micros();
    DateTime::from_timestamp_micros(micros).map_or(time.naive_utc(), |t| t.naive_utc())
}

/// The time of an epoch in milliseconds.
pub(crate) fn at_ms(ms: i64) -> NaiveDateTime {
    DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .naive_utc()
}

/// 64 hex digits.
pub(crate) fn to_hex(hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(64), |mut out, b| {
        let _infallible = write!(out, "{b:02x}");
        out
    })
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

/// JSON text for a column. Values made of maps with text keys and lists cannot fail.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, crate::StoreError> {
    serde_json::to_string(value).map_err(|e| crate::StoreError::Corrupt(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_round_trip() {
        let hash: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 8).unwrap());
        assert_eq!(from_hex(&to_hex(&hash)), Some(hash));
        assert_eq!(from_hex("ab"), None);
        assert_eq!(from_hex(&"g".repeat(64)), None);
    }
}
