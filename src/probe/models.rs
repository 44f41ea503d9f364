//! The list of models a vendor offers.

use std::collections::BTreeSet;

use modelgate_domain::Secret;
use reqwest::Method;
use serde_json::Value;

use super::vendor::Vendor;
use super::{Called, Report, Verdict};
use crate::catalog::Provider;

/// The longest list that is read.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The longest name that can be one.
const MAX_NAME: usize = 256;

/// Asks `GET {base_url}/models` and returns the vendor's names, sorted, each once.
///
/// Understands the lists that vendors send: under `data` or `models` or bare, of objects with an
/// `id` or `name`, of strings, or an object by name.
pub async fn fetch_models(provider: &Provider, secret: &Secret) -> Result<Vec<String>, Report> {
    let vendor = Vendor::new(provider, secret, Called::Models)?;
    list(&vendor).await
}

pub(super) async fn list(vendor: &Vendor<'_>) -> Result<Vec<String>, Report> {
    let response = vendor.send(Method::GET, "/models", None).await?;
    if !response.status().is_success() {
        return Err(vendor.refused(response).await);
    }
    let answer = vendor.read(response, MAX_BYTES).await?;
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let Some(json) = json else {
        return Err(vendor.of_answer(&answer));
    };
    match names(&json) {
        Some(names) => Ok(names.into_iter().collect()),
        None if json.get("error").is_some_and(|error| !error.is_null()) => {
            let said = super::classify::of_error_object(&json);
            Err(vendor.report(said.verdict, Some(answer.status), &said.detail))
        }
        None => {
            let text = "the answer holds no list of models";
            Err(vendor.report(Verdict::Unexpected, Some(answer.status), text))
        }
    }
}

fn names(json: &Value) -> Option<BTreeSet<String>> {
    let list = match json {
        Value::Array(_) => json,
        _ => json.get("data").or_else(|| json.get("models"))?,
    };
    let names: BTreeSet<String> = match list {
        Value::Array(items) => items.iter().filter_map(name).collect(),
        Value::Object(by_name) => by_name.keys().cloned().collect(),
        _ => return None,
    };
    Some(names.into_iter().filter(|name| is_name(name)).collect())
}

fn name(item: &Value) -> Option<String> {
    let text = match item {
        Value::String(text) => Some(text.as_str()),
        Value::Object(fields) => ["id", "name", "model"]
            .iter()
            .find_map(|field| fields.get(*field).and_then(Value::as_str)),
        _ => None,
    };
    text.map(|text| text.trim().to_owned())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_usual_form_of_a_list_is_understood() {
        let read = |json: Value| names(&json).map(|n| n.into_iter().collect::<Vec<_>>());
        let both = Some(vec!["a".to_owned(), "b/c".to_owned()]);
        assert_eq!(
            read(json!({"data": [{"id": "b/c"}, {"id": "a"}, {"id": "a"}]})),
            both
        );
        assert_eq!(
            read(json!({"models": [{"name": "a"}, {"model": "b/c"}]})),
            both
        );
        assert_eq!(read(json!({"models": ["a", " b/c "]})), both);
        assert_eq!(read(json!({"data": {"a": {}, "b/c": {}}})), both);
        assert_eq!(read(json!(["a", {"id": "b/c"}])), both);
        assert_eq!(read(json!({"data": []})), Some(vec![]));
        assert_eq!(
            read(json!({"data": [1, null, {"x": 1}, "", "a\nb", "x".repeat(300)]})),
            Some(vec![])
        );
        for none in [json!({}), json!({"data": 3}), json!("a"), json!(null)] {
            assert_eq!(read(none), None);
        }
    }
}
