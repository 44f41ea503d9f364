//! Whether something that came with status 200 is an answer at all: whole JSON with the member that answers are in.
//!
//! One pass that keeps nothing. Bytes that pass from a vendor to a caller of the same dialect are read no further.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::dialect::Dialect;

/// Why a body is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No byte came.
    #[error("the answer is empty")]
    Empty,
    /// No JSON, or only the beginning of it.
    #[error("the answer is not whole JSON")]
    Broken,
    /// Nothing in it that an answer would be in.
    #[error("the answer has no {0:?}")]
    Lacks(&'static str),
}

/// A body that answers: an object, or a list of objects where `listed`, of which the first has one of the `members`, and
/// something in it. A list may be empty where `members` says so with a `?` behind the name.
pub fn is_answer(body: &[u8], members: &[&'static str], listed: bool) -> Result<(), NoAnswer> {
    let start = body.trim_ascii_start().first();
    let Some(start) = start else {
        return Err(NoAnswer::Empty);
    };
    let lacks = NoAnswer::Lacks(name_of(members.first().copied().unwrap_or_default()));
    let mut from = serde_json::Deserializer::from_slice(body);
    let seen = match start {
        b'{' => from.deserialize_map(Object(members)),
        b'[' if listed => from.deserialize_seq(List(members)),
        b'[' => Err(serde_json::Error::custom("a list")),
        _ => return Err(NoAnswer::Broken),
    };
    match seen.and_then(|seen| from.end().map(|()| seen)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(lacks),
        Err(_) => Err(NoAnswer::Broken),
    }
}

/// Whether a stream of this dialect could begin with an event of this data.
pub fn opens(dialect: Dialect, data: &[u8]) -> bool {
    let members: &[&str] = match dialect {
        Dialect::Chat => &["choices?", "id?", "object?", "model?", "usage"],
        Dialect::Messages | Dialect::Responses => &["type"],
        Dialect::Gemini => &[
            "candidates?",
            "promptFeedback",
            "usageMetadata",
            "modelVersion",
            "responseId",
        ],
        Dialect::Ollama => &["message", "done", "model"],
    };
    data == b"[DONE]" || is_answer(data, members, false).is_ok()
}

fn name_of(member: &'static str) -> &'static str {
    member.strip_suffix('?').unwrap_or(member)
}

/// What a member holds.
enum Held {
    Nothing,
    EmptyList,
    Something,
}

struct Object<'a>(&'a [&'static str]);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut answers = false;
        while let Some(Name(name)) = map.next_key::<Name<'_>>()? {
            let wanted = self.0.iter().find(|member| name_of(member) == name);
            let Some(wanted) = wanted else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            answers |= match map.next_value::<Held>()? {
                Held::Something => true,
                Held::EmptyList => wanted.ends_with('?'),
                Held::Nothing => false,
            };
        }
        Ok(answers)
    }
}

struct List<'a>(&'a [&'static str]);

impl<'de> Visitor<'de> for List<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let first = list.next_element_seed(First(self.0))?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first.unwrap_or_default())
    }
}

struct First<'a>(&'a [&'static str]);

impl<'de> serde::de::DeserializeSeed<'de> for First<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_map(Object(self.0))
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Held;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("anything")
            }

            fn visit_unit<E>(self) -> Result<Held, E> {
                Ok(Held::Nothing)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Held, E> {
                Ok(Held::Something)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Held, E> {
                Ok(Held::Something)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Held, E> {
                Ok(Held::Something)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Held, E> {
                Ok(Held::Something)
            }

            fn visit_str<E>(self, _: &str) -> Result<Held, E> {
                Ok(Held::Something)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Held, A::Error> {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(Held::EmptyList);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Held::Something)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Held, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Held::Something)
            }
        }
        from.deserialize_any(Look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_what_is_none() {
        let chat = |body: &str| is_answer(body.as_bytes(), &["choices"], false);
        assert_eq!(chat(r#" {"id":"c","choices":[{"index":0}]} "#), Ok(()));
        let raw = b"{\"choices\":[{\"text\":\"\xff\"}]}";
        assert_eq!(
            is_answer(raw, &["choices"], false),
            Ok(()),
            "odd letters pass"
        );
        assert_eq!(chat(" \n"), Err(NoAnswer::Empty));
        for broken in [
            "<html>",
            "ok",
            r#"{"choices":[{"index":0}]"#,
            r#"{"choices":[{"index":0}]} {}"#,
            r#"[{"choices":[1]}]"#,
        ] {
            assert_eq!(chat(broken), Err(NoAnswer::Broken), "{broken}");
        }
        for lacking in [
            "{}",
            r#"{"detail":"x"}"#,
            r#"{"code":500,"msg":"x","data":null}"#,
            r#"{"choices":null}"#,
            r#"{"choices":[]}"#,
            r#"{"a":{"choices":[1]}}"#,
        ] {
            assert_eq!(chat(lacking), Err(NoAnswer::Lacks("choices")), "{lacking}");
        }
    }

    #[test]
    fn some_answers_are_empty_and_some_are_lists() {
        let (may_be, must) = (["content?"], ["content"]);
        let empty = br#"{"content":[],"stop_reason":"end_turn"}"#;
        assert_eq!(is_answer(empty, &may_be, false), Ok(()));
        assert!(is_answer(empty, &must, false).is_err());
        let listed = br#"[{"candidates":[{}]},{"other":1}]"#;
        assert_eq!(is_answer(listed, &["candidates"], true), Ok(()));
        assert!(is_answer(b"[]", &["candidates"], true).is_err());
        assert!(is_answer(b"[1]", &["candidates"], true).is_err());
    }

    #[test]
    fn the_first_event_of_each_dialect_is_known() {
        for (dialect, data) in [
            (
                Dialect::Chat,
                r#"{"choices":[],"prompt_filter_results":[]}"#,
            ),
            (Dialect::Chat, r#"{"id":"","object":"","choices":[]}"#),
            (Dialect::Chat, "[DONE]"),
            (Dialect::Messages, r#"{"type":"ping"}"#),
            (Dialect::Responses, r#"{"type":"response.created"}"#),
            (Dialect::Gemini, r#"{"usageMetadata":{}}"#),
            (Dialect::Ollama, r#"{"model":"m","done":false}"#),
        ] {
            assert!(opens(dialect, data.as_bytes()), "{data}");
        }
        for data in [
            "{}",
            "<html>",
            r#"{"detail":"x"}"#,
            r#"{"code":500,"msg":"x"}"#,
            "{",
        ] {
            for dialect in Dialect::ALL {
                assert!(!opens(dialect, data.as_bytes()), "{dialect:?} {data}");
            }
        }
    }
}
