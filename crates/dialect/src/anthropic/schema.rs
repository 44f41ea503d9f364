//! Schemas that an answer, or the arguments of a strict tool, must keep to: the part of JSON schema that Anthropic takes
//! (`https://platform.claude.com/docs/en/build-with-claude/structured-outputs`). Every object is closed; what is refused,
//! such as bounds of numbers and texts, goes into the description, as in Anthropic's own libraries.

use serde_json::value::RawValue;

use crate::hub::fields::{Fields, Path, is_text, text};
use crate::hub::json::Json;

/// Deeper ones stay as they are.
const DEEPEST: u8 = 64;
/// What texts may be told to be.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// The schema as it is taken, and whether an object was open, whose other members are lost.
pub(super) fn strict(raw: &RawValue) -> (String, bool) {
    let mut open = false;
    let schema = one(raw.get(), DEEPEST, &mut open);
    (schema, open)
}

fn one(raw: &str, deep: u8, open: &mut bool) -> String {
    let (Ok(fields), Some(deep)) = (Fields::read(raw, &Path::ROOT), deep.checked_sub(1)) else {
        return raw.to_owned();
    };
    let has = |name: &str| fields.all().any(|(member, _)| member == name);
    let is_object = match fields.all().find(|(name, _)| *name == "type") {
        Some((_, kind)) => kind.get().contains("\"object\""),
        None => has("properties"),
    };
    let mut bounds: Vec<String> = Vec::new();
    let mut described = None;
    let json = Json::object(|json| {
        for (name, value) in fields.all() {
            let raw = value.get();
            match name {
                "type" | "enum" | "const" | "title" | "required" | "$ref" => json.raw(name, raw),
                "properties" | "$defs" | "definitions" => {
                    json.raw(name, &members(value, deep, open));
                }
                "items" if raw.starts_with('{') => json.raw(name, &one(raw, deep, open)),
                "anyOf" | "allOf" => json.raw(name, &list(value, deep, open)),
                "oneOf" if !has("anyOf") => json.raw("anyOf", &list(value, deep, open)),
                "minItems" if matches!(raw, "0" | "1") => json.raw(name, raw),
                "format" if FORMATS.contains(&raw.trim_matches('"')) => json.raw(name, raw),
                "description" if is_text(value) => described = text(value, &Path::ROOT).ok(),
                "additionalProperties" => *open |= raw != "false",
                "$schema" | "$id" | "$comment" => {}
                _ => bounds.push(format!("{name}: {raw}")),
            }
        }
        if is_object {
            if !has("properties") {
                json.raw("properties", "{}");
            }
            json.flag("additionalProperties", false);
        }
        let described = described.as_deref();
        if bounds.is_empty() {
            return json.maybe_text("description", described);
        }
        let bounds = format!("{{{}}}", bounds.join(", "));
        let said = described.map(|said| format!("{said}\n\n{bounds}"));
        json.text("description", &said.unwrap_or(bounds));
    });
    String::from_utf8(json).unwrap_or_default()
}

/// Schemas by names.
fn members(raw: &RawValue, deep: u8, open: &mut bool) -> String {
    let Ok(fields) = Fields::read(raw.get(), &Path::ROOT) else {
        return raw.get().to_owned();
    };
    let json = Json::object(|json| {
        for (name, value) in fields.all() {
            json.raw(name, &one(value.get(), deep, open));
        }
    });
    String::from_utf8(json).unwrap_or_default()
}

fn list(raw: &RawValue, deep: u8, open: &mut bool) -> String {
    let Ok(all) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        return raw.get().to_owned();
    };
    let all = all.into_iter().map(|each| one(each.get(), deep, open));
    format!("[{}]", all.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn strictly(schema: &Value) -> (Value, bool) {
        let raw = RawValue::from_string(schema.to_string()).unwrap();
        let (schema, open) = strict(&raw);
        (serde_json::from_str(&schema).unwrap(), open)
    }

    #[test]
    fn objects_are_closed_at_every_depth_and_bounds_are_told_in_words() {
        let schema = json!({ "$schema": "x", "type": "object", "required": ["n"],
            "properties": {
                "n": { "type": "integer", "minimum": 1, "maximum": 9, "description": "A number" },
                "tags": { "type": "array", "minItems": 3, "items": { "type": "object" } },
                "one": { "oneOf": [{ "type": "string", "maxLength": 4 }, { "type": ["object", "null"] }] },
                "when": { "type": "string", "format": "date" },
                "odd": { "type": "string", "format": "regex" } },
            "$defs": { "d": { "properties": {} } } });
        let (strict, open) = strictly(&schema);
        assert!(!open);
        assert_eq!(
            strict,
            json!({ "type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {
                "n": { "type": "integer", "description": "A number\n\n{maximum: 9, minimum: 1}" },
                "tags": { "type": "array", "description": "{minItems: 3}",
                    "items": { "type": "object", "properties": {}, "additionalProperties": false } },
                "one": { "anyOf": [{ "type": "string", "description": "{maxLength: 4}" },
                    { "type": ["object", "null"], "properties": {}, "additionalProperties": false }] },
                "when": { "type": "string", "format": "date" },
                "odd": { "type": "string", "description": "{format: \"regex\"}" } },
            "$defs": { "d": { "properties": {}, "additionalProperties": false } } })
        );
    }

    #[test]
    fn open_objects_are_told() {
        let open = json!({ "type": "array", "items": { "type": "object",
            "additionalProperties": { "type": "string" } } });
        assert!(strictly(&open).1);
        let deep = "[{\"items\":".repeat(500) + "1" + &"}]".repeat(500);
        let raw = RawValue::from_string(deep.clone()).unwrap();
        assert_eq!(strict(&raw).0, deep);
    }
}
