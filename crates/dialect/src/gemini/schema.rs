//! Schemas: Google's own form (`Schema`, a part of `OpenAPI` 3.0 with the names of types in capitals) as JSON schema.
//! The other way nothing is changed: the API takes JSON schema under names of its own
//! (`https://ai.google.dev/api/caching#Schema`, `parametersJsonSchema`, `responseJsonSchema`).

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::hub::fields::{Path, Refusal};

/// The schema as JSON schema; the order of its members is kept where nothing has to change.
pub(super) fn to_json_schema<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
) -> Result<Cow<'a, RawValue>, Refusal> {
    if !needs_change(raw.get()) {
        return Ok(Cow::Borrowed(raw));
    }
    let wrong = || Refusal::kind(at, "a schema");
    let schema: Value = serde_json::from_str(raw.get()).map_err(|_error| wrong())?;
    let text = changed(schema).to_string();
    let raw = RawValue::from_string(text).map_err(|_error| wrong())?;
    Ok(Cow::Owned(raw))
}

/// Whether anything of Google's own form may stand in it.
fn needs_change(json: &str) -> bool {
    const MARKS: [&str; 8] = [
        "\"OBJECT\"",
        "\"STRING\"",
        "\"ARRAY\"",
        "\"NUMBER\"",
        "\"INTEGER\"",
        "\"BOOLEAN\"",
        "\"nullable\"",
        "\"propertyOrdering\"",
    ];
    MARKS.iter().any(|mark| json.contains(mark))
}

fn changed(schema: Value) -> Value {
    let Value::Object(members) = schema else {
        return schema;
    };
    let nullable = members.get("nullable") == Some(&Value::Bool(true));
    let mut out = Map::new();
    for (name, value) in members {
        let value = match (name.as_str(), value) {
            ("nullable" | "propertyOrdering" | "property_ordering", _) => continue,
            ("type", Value::String(kind)) => kind_of(&kind, nullable),
            ("properties" | "$defs", Value::Object(inner)) => {
                let inner = inner.into_iter();
                Value::Object(inner.map(|(name, one)| (name, changed(one))).collect())
            }
            ("items" | "additionalProperties", inner) => changed(inner),
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(inner)) => {
                inner.into_iter().map(changed).collect()
            }
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
                | "maxProperties",
                Value::String(number),
            ) => number
                .parse::<i64>()
                .map_or(Value::String(number), Value::from),
            (_, value) => value,
        };
        let name = if name == "any_of" {
            "anyOf".to_owned()
        } else {
            name
        };
        out.insert(name, value);
    }
    Value::Object(out)
}

/// The name of a type, in small letters; of one that may be absent, the list with `null`.
fn kind_of(kind: &str, nullable: bool) -> Value {
    let kind = kind.to_ascii_lowercase();
    if nullable {
        json!([kind, "null"])
    } else {
        json!(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(schema: &Value) -> Value {
        let raw = RawValue::from_string(schema.to_string()).unwrap();
        let schema = to_json_schema(&raw, &Path::ROOT).unwrap();
        serde_json::from_str(schema.get()).unwrap()
    }

    #[test]
    fn types_are_named_in_small_letters_and_what_is_named_type_is_not_touched() {
        let own = json!({ "type": "OBJECT", "propertyOrdering": ["type"], "required": ["type"], "properties": {
            "type": { "type": "STRING", "enum": ["STRING", "x"], "nullable": true },
            "list": { "type": "ARRAY", "items": { "type": "INTEGER" }, "minItems": "2" },
            "either": { "anyOf": [{ "type": "NUMBER" }, { "type": "BOOLEAN" }] } } });
        let schema = json!({ "type": "object", "required": ["type"], "properties": {
            "type": { "type": ["string", "null"], "enum": ["STRING", "x"] },
            "list": { "type": "array", "items": { "type": "integer" }, "minItems": 2 },
            "either": { "anyOf": [{ "type": "number" }, { "type": "boolean" }] } } });
        assert_eq!(through(&own), schema);
        assert_eq!(through(&schema), schema);
    }
}
