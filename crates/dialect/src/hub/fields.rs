//! Reading a JSON object field by field: what is not asked for is left over and can be named, and whatever is
//! wrong is told with the place where it stands.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

/// Why a request cannot be put into another dialect. Names the field and never repeats its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The field at fault: `messages[2].content[0].type`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// A stable code.
    pub code: &'static str,
}

impl Refusal {
    /// The field is not of the kind that it has to be.
    pub fn kind(at: &Path<'_>, expected: &str) -> Self {
        Self {
            field: at.to_string(),
            message: format!("The field \"{at}\" must be {expected}."),
            code: "invalid_type",
        }
    }

    /// The field is not there.
    pub fn missing(at: &Path<'_>) -> Self {
        Self {
            field: at.to_string(),
            message: format!("The field \"{at}\" is missing."),
            code: "missing_required_parameter",
        }
    }

    /// The field asks for something that the model's vendor has nothing like.
    pub fn unsupported(at: &Path<'_>, what: &str) -> Self {
        Self {
            field: at.to_string(),
            message: format!(
                "The field \"{at}\" asks for {what}, which this model's provider has no counterpart for."
            ),
            code: "unsupported_parameter",
        }
    }
}

/// The place of a value in a body. Costs nothing until it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    outer: Option<&'p Self>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Name(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The body itself.
    pub const ROOT: Path<'static> = Path {
        outer: None,
        step: Step::Root,
    };

    /// A member of it.
    #[must_use]
    pub fn to(&'p self, name: &'p str) -> Path<'p> {
        Path {
            outer: Some(self),
            step: Step::Name(name),
        }
    }

    /// An element of it.
    #[must_use]
    pub fn nth(&'p self, index: usize) -> Path<'p> {
        Path {
            outer: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(outer) = self.outer else {
            return Ok(());
        };
        outer.fmt(f)?;
        match self.step {
            Step::Root => Ok(()),
            Step::Name(name) if outer.outer.is_none() => f.write_str(name),
            Step::Name(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// The members of an object that were not asked for yet.
#[derive(Debug, Default)]
pub struct Fields<'a> {
    left: Vec<(Cow<'a, str>, &'a RawValue)>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Members<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut left: Vec<(Cow<'a, str>, &'a RawValue)> = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    if left.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom("a field stands twice"));
                    }
                    left.push((name, value));
                }
                Ok(Fields { left })
            }
        }
        from.deserialize_map(Members(std::marker::PhantomData))
    }
}

impl<'a> Fields<'a> {
    /// Reads an object.
    pub fn read(json: &'a str, at: &Path<'_>) -> Result<Self, Refusal> {
        serde_json::from_str(json).map_err(|_error| {
            Refusal::kind(at, "an object in which no field stands more than once")
        })
    }

    /// The same, with `snake_case` names written as `camelCase`.
    #[must_use]
    pub fn camel(mut self) -> Self {
        for (name, _) in &mut self.left {
            if name.bytes().skip(1).any(|byte| byte == b'_') {
                *name = Cow::Owned(camel(name));
            }
        }
        self
    }

    /// The names of all that was not asked for, but for what is `null`.
    pub fn names(&self) -> Vec<&str> {
        let left = self.left.iter().filter(|(_, raw)| raw.get() != "null");
        left.map(|(name, _)| &**name).collect()
    }

    /// Takes a member out; `null` counts as absent.
    pub fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.left.swap_remove(at);
        (value.get() != "null").then_some(value)
    }

    /// A text.
    pub fn text(&mut self, name: &str, at: &Path<'_>) -> Result<Option<Cow<'a, str>>, Refusal> {
        self.take(name)
            .map(|raw| text(raw, &at.to(name)))
            .transpose()
    }

    /// A text that must be there.
    pub fn need_text(&mut self, name: &str, at: &Path<'_>) -> Result<Cow<'a, str>, Refusal> {
        self.text(name, at)?
            .ok_or_else(|| Refusal::missing(&at.to(name)))
    }

    /// True or false.
    pub fn flag(&mut self, name: &str, at: &Path<'_>) -> Result<Option<bool>, Refusal> {
        let Some(raw) = self.take(name) else {
            return Ok(None);
        };
        match raw.get() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(Refusal::kind(&at.to(name), "true or false")),
        }
    }

    /// A whole number that is not negative.
    pub fn count(&mut self, name: &str, at: &Path<'_>) -> Result<Option<i64>, Refusal> {
        let Some(raw) = self.take(name) else {
            return Ok(None);
        };
        let number: Option<i64> = raw.get().parse().ok();
        let number = number.filter(|n| *n >= 0);
        number
            .map(Some)
            .ok_or_else(|| Refusal::kind(&at.to(name), "a whole number"))
    }

    /// Any number, as it was written.
    pub fn number(&mut self, name: &str, at: &Path<'_>) -> Result<Option<&'a RawValue>, Refusal> {
        let Some(raw) = self.take(name) else {
            return Ok(None);
        };
        let number = serde_json::from_str::<f64>(raw.get());
        number
            .map(|_| Some(raw))
            .map_err(|_error| Refusal::kind(&at.to(name), "a number"))
    }

    /// The elements of a list; none where it is absent.
    pub fn list(&mut self, name: &str, at: &Path<'_>) -> Result<Vec<&'a RawValue>, Refusal> {
        let Some(raw) = self.take(name) else {
            return Ok(Vec::new());
        };
        list(raw, &at.to(name))
    }

    /// An object.
    pub fn object(&mut self, name: &str, at: &Path<'_>) -> Result<Option<Self>, Refusal> {
        let Some(raw) = self.take(name) else {
            return Ok(None);
        };
        Self::read(raw.get(), &at.to(name)).map(Some)
    }

    /// An object that must be there.
    pub fn need_object(&mut self, name: &str, at: &Path<'_>) -> Result<Self, Refusal> {
        self.object(name, at)?
            .ok_or_else(|| Refusal::missing(&at.to(name)))
    }

    /// All that was not asked for yet, in order unless something was.
    pub fn all(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.left.iter().map(|(name, raw)| (&**name, *raw))
    }

    /// The names of what nobody asked for and what does say something.
    pub fn left(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let left = self.left.iter().map(|(name, raw)| (&**name, *raw));
        left.filter(|(_, raw)| !says_nothing(raw))
    }
}

fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if letter == '_' && !out.is_empty() {
            raise = true;
        } else if std::mem::take(&mut raise) {
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
    }
    out
}

/// A value that asks for nothing: the default of whatever it is.
pub fn says_nothing(raw: &RawValue) -> bool {
    matches!(
        raw.get(),
        "null" | "false" | "0" | "0.0" | "[]" | "{}" | "\"\""
    )
}

/// A value that is a text.
pub fn text<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Cow<'a, str>, Refusal> {
    let read = serde_json::from_str::<Text<'a>>(raw.get());
    read.map(|Text(text)| text)
        .map_err(|_error| Refusal::kind(at, "a text"))
}

/// A value that is a list.
pub fn list<'a>(raw: &'a RawValue, at: &Path<'_>) -> Result<Vec<&'a RawValue>, Refusal> {
    serde_json::from_str(raw.get()).map_err(|_error| Refusal::kind(at, "a list"))
}

/// True for a text, as against a list or an object.
pub fn is_text(raw: &RawValue) -> bool {
    raw.get().starts_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_is_left_over() {
        let json = r#"{"a":"x\n","b":null,"c":7,"d":{"e":[1,true]},"f":false,"g":1.50}"#;
        let mut fields = Fields::read(json, &Path::ROOT).unwrap();
        let at = Path::ROOT;
        assert_eq!(fields.text("a", &at).unwrap().unwrap(), "x\n");
        assert_eq!(fields.text("b", &at).unwrap(), None);
        assert_eq!(fields.count("c", &at).unwrap(), Some(7));
        assert_eq!(fields.number("g", &at).unwrap().unwrap().get(), "1.50");
        let left: Vec<&str> = fields.left().map(|(name, _)| name).collect();
        assert_eq!(left, ["d"]);
        let mut inner = fields.object("d", &at).unwrap().unwrap();
        let elements = inner.list("e", &at.to("d")).unwrap();
        assert_eq!(elements.len(), 2);
    }

    #[test]
    fn names_are_written_in_one_way() {
        let json = r#"{"max_output_tokens":1,"_a_b":2,"topP":3,"x_":null}"#;
        let fields = Fields::read(json, &Path::ROOT).unwrap().camel();
        assert_eq!(fields.names(), ["maxOutputTokens", "_aB", "topP"]);
    }

    #[test]
    fn errors_name_the_place() {
        let json = r#"{"messages":[{"content":7}]}"#;
        let at = Path::ROOT;
        let mut fields = Fields::read(json, &at).unwrap();
        let messages = at.to("messages");
        let list = fields.list("messages", &at).unwrap();
        let at = messages.nth(0);
        let mut message = Fields::read(list[0].get(), &at).unwrap();
        let refused = message.text("content", &at).unwrap_err();
        assert_eq!(refused.field, "messages[0].content");
        assert!(refused.message.contains("messages[0].content"));
        assert_eq!(
            message.need_text("role", &at).unwrap_err().field,
            "messages[0].role"
        );
        assert!(Fields::read("[]", &at).is_err());
        assert!(Fields::read(r#"{"a":1,"a":2}"#, &at).is_err());
    }
}
