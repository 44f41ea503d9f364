//! Reading what is beside an answer: a count or an object in a form that nobody expects counts as absent, so that it never
//! makes the answer itself unreadable.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

/// A whole number, also one that is written `10.0` or `"10"`; anything else is none.
pub(crate) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    from.deserialize_any(Count)
}

/// An object that can be read as what is asked for; anything else is none.
pub(crate) fn object<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let raw = <&RawValue>::deserialize(from)?.get();
    // serde would take an array for a struct
    let object = raw.starts_with('{').then(|| serde_json::from_str(raw));
    Ok(object.and_then(Result::ok))
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).ok())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        // as text, where nothing is cut off or wrapped: the text of a whole number has no point in it
        Ok(format!("{number:.0}").parse().ok())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.parse().ok())
    }

    fn visit_bool<E: Error>(self, _odd: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut odd: A) -> Result<Self::Value, A::Error> {
        while odd.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut odd: A) -> Result<Self::Value, A::Error> {
        while odd.next_entry::<de::IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Eq, Deserialize)]
    #[serde(default)]
    struct Told {
        #[serde(deserialize_with = "count")]
        tokens: Option<i64>,
        #[serde(deserialize_with = "object")]
        more: Option<Inner>,
        last: bool,
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Inner {
        #[serde(default, deserialize_with = "count")]
        cached: Option<i64>,
    }

    #[test]
    fn odd_numbers_are_read_and_odd_things_are_not_there() {
        for (value, tokens) in [
            ("7", Some(7)),
            ("-7", Some(-7)),
            ("10.0", Some(10)),
            ("1e3", Some(1_000)),
            ("\"12\"", Some(12)),
            ("1e300", None),
            ("18446744073709551615", None),
            ("\"many\"", None),
            ("null", None),
            ("true", None),
            ("[1,[2]]", None),
            ("{\"a\":{\"b\":1}}", None),
        ] {
            let json = format!(r#"{{"tokens":{value},"more":{{"cached":{value}}},"last":true}}"#);
            let told: Told = serde_json::from_str(&json).unwrap();
            let more = Some(Inner { cached: tokens });
            let last = true;
            assert_eq!(told, Told { tokens, more, last }, "{value}");
        }
    }

    #[test]
    fn what_is_no_object_is_none() {
        for value in ["\"\"", "null", "[1]", "[]", "7", "false"] {
            let told: Told = serde_json::from_str(&format!(r#"{{"more":{value}}}"#)).unwrap();
            assert_eq!(told, Told::default(), "{value}");
        }
    }
}
