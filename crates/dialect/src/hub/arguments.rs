//! The schemas of tools' arguments, as vendors want them: of an object that names its members.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::fields::{Fields, Path};

const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// A schema that says that it is one of an object, and which members that has; the bytes in between stay.
pub fn object(raw: Option<&RawValue>) -> Cow<'_, str> {
    let Some(raw) = raw else {
        return Cow::Borrowed(NOTHING);
    };
    let Ok(mut fields) = Fields::read(raw.get(), &Path::ROOT) else {
        return Cow::Borrowed(raw.get());
    };
    let kind = fields.take("type").map(RawValue::get);
    let lacks = match (kind, fields.take("properties")) {
        (Some("\"object\""), Some(_)) => return Cow::Borrowed(raw.get()),
        (Some("\"object\""), None) => r#""properties":{}"#,
        // whatever it is, it is said
        (Some(_), _) => return Cow::Borrowed(raw.get()),
        (None, Some(_)) => r#""type":"object""#,
        (None, None) => r#""type":"object","properties":{}"#,
    };
    let inner = raw.get().strip_prefix('{').unwrap_or_default();
    let comma = if inner.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    Cow::Owned(format!("{{{lacks}{comma}{inner}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_is_said() {
        for (schema, expected) in [
            ("{ }", r#"{"type":"object","properties":{} }"#),
            (
                r#"{"type":"object"}"#,
                r#"{"properties":{},"type":"object"}"#,
            ),
            (
                r#"{"properties":{"a":{}}}"#,
                r#"{"type":"object","properties":{"a":{}}}"#,
            ),
            (
                r#"{"$ref":"a"}"#,
                r#"{"type":"object","properties":{},"$ref":"a"}"#,
            ),
        ] {
            let raw = RawValue::from_string(schema.to_owned()).unwrap();
            assert_eq!(object(Some(&raw)), expected);
        }
        let whole = r#"{"properties":{}, "type":"object"}"#;
        let raw = RawValue::from_string(whole.to_owned()).unwrap();
        assert_eq!(object(Some(&raw)), whole);
        assert_eq!(object(None), NOTHING);
    }
}
