//! Two states of a thing, and where they differ.

use std::collections::BTreeMap;

use serde_json::Value;

/// One place where two states differ; empty where there was nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) place: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// Where two states differ, by place.
pub(super) fn differences(before: Option<&str>, after: Option<&str>) -> Vec<Difference> {
    let (before, mut after) = (places(before), places(after));
    let mut out = Vec::new();
    for (place, before) in before {
        let after = after.remove(&place).unwrap_or_default();
        if before != after {
            out.push(Difference {
                place,
                before,
                after,
            });
        }
    }
    let new = after.into_iter().filter(|(_, after)| !after.is_empty());
    out.extend(new.map(|(place, after)| Difference {
        place,
        before: String::new(),
        after,
    }));
    out.sort_by(|a, b| a.place.cmp(&b.place));
    out
}

/// The values of a state by the way to them: `limits 2 amount`.
fn places(state: Option<&str>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    match state.map(|text| (text, serde_json::from_str::<Value>(text))) {
        None => {}
        Some((_, Ok(value))) => collect(&value, String::new(), &mut out),
        Some((text, Err(_))) => {
            out.insert(String::new(), text.to_owned());
        }
    }
    out
}

fn collect(value: &Value, place: String, out: &mut BTreeMap<String, String>) {
    let below = |name: &str| {
        if place.is_empty() {
            name.to_owned()
        } else {
            format!("{place} {name}")
        }
    };
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, below(name), out);
            }
        }
        // A list of plain values is read as one.
        Value::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            let items: Vec<_> = items.iter().map(plain).collect();
            out.insert(place, items.join(", "));
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                collect(item, below(&(n + 1).to_string()), out);
            }
        }
        other => {
            out.insert(place, plain(other));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: Option<&str>, after: Option<&str>) -> Vec<String> {
        let all = differences(before, after);
        all.iter()
            .map(|d| format!("{}: {} -> {}", d.place, d.before, d.after))
            .collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let before = r#"{"name":"a","on":true,"limits":[{"amount":5},{"amount":7}],"models":["x","y"],"gone":1}"#;
        let after = r#"{"name":"b","on":true,"limits":[{"amount":5},{"amount":8}],"models":["x"],"note":null,"new":""}"#;
        assert_eq!(
            told(Some(before), Some(after)),
            [
                "gone: 1 -> ",
                "limits 2 amount: 7 -> 8",
                "models: x, y -> x",
                "name: a -> b"
            ]
        );
    }

    #[test]
    fn what_is_made_and_what_ends_is_told_whole() {
        assert_eq!(told(None, Some(r#"{"a":1}"#)), ["a:  -> 1"]);
        assert_eq!(told(Some(r#"{"a":1}"#), None), ["a: 1 -> "]);
        assert_eq!(told(None, Some("{broken")), [":  -> {broken"]);
        assert!(told(None, None).is_empty());
    }
}
