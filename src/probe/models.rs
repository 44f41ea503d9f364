//! The list of models a vendor offers, with what it says of them.

use std::collections::BTreeMap;

use modelgate_dialect::Dialect;
use modelgate_domain::{Modalities, Modality, Secret};
use reqwest::Method;
use serde_json::Value;

use super::vendor::Vendor;
use super::{Called, Report, Verdict};
use crate::catalog::Provider;

/// The longest list that is read.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The longest name that can be one.
const MAX_NAME: usize = 256;

/// What of Google's models can be done here.
const METHODS: [&str; 2] = ["generateContent", "embedContent"];

/// A model as its vendor lists it; what it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The vendor's name for it.
    pub name: String,
    /// Context window in tokens.
    pub context_length: Option<i64>,
    /// Largest answer in tokens.
    pub max_output_tokens: Option<i64>,
    /// What it takes in.
    pub modalities: Modalities,
    /// Whether it calls tools.
    pub tools: Option<bool>,
}

/// Asks `GET {base_url}/models` (`/v1/models` in Anthropic's dialect, `/v1beta/models` in Google's, `/api/tags` at Ollama) and returns what the vendor offers, by name, each once.
///
/// Understands the lists that vendors send: under `data` or `models` or bare, of objects with an
/// `id` or `name`, of strings, or an object by name.
pub async fn fetch_models(provider: &Provider, secret: &Secret) -> Result<Vec<Offer>, Report> {
    let vendor = Vendor::new(provider, secret, Called::Models)?;
    list(&vendor).await
}

pub(super) async fn list(vendor: &Vendor<'_>) -> Result<Vec<Offer>, Report> {
    let path = match vendor.dialect() {
        Dialect::Chat | Dialect::Responses => "/models",
        Dialect::Messages => "/v1/models?limit=1000",
        Dialect::Gemini => "/v1beta/models?pageSize=1000",
        Dialect::Ollama => "/api/tags",
    };
    let response = vendor.send(Method::GET, path, None).await?;
    if !response.status().is_success() {
        return Err(vendor.refused(response).await);
    }
    let answer = vendor.read(response, MAX_BYTES).await?;
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let Some(json) = json else {
        return Err(vendor.of_answer(&answer));
    };
    match offers(&json) {
        Some(offers) => Ok(offers),
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

fn offers(json: &Value) -> Option<Vec<Offer>> {
    let list = match json {
        Value::Array(_) => json,
        _ => json.get("data").or_else(|| json.get("models"))?,
    };
    let found: Vec<Offer> = match list {
        Value::Array(items) => items.iter().filter_map(offer).collect(),
        Value::Object(by_name) => {
            let items = by_name.iter();
            items.map(|(name, item)| told(name.clone(), item)).collect()
        }
        _ => return None,
    };
    let found = found.into_iter().filter(|offer| is_name(&offer.name));
    let by_name: BTreeMap<String, Offer> = found.map(|o| (o.name.clone(), o)).collect();
    Some(by_name.into_values().collect())
}

fn offer(item: &Value) -> Option<Offer> {
    let generates = item
        .get("supportedGenerationMethods")
        .and_then(Value::as_array)
        .is_none_or(|all| {
            METHODS
                .iter()
                .any(|known| all.iter().any(|one| one == known))
        });
    if !generates {
        return None;
    }
    let name = match item {
        Value::String(text) => Some(text.as_str()),
        Value::Object(fields) => ["id", "name", "model"]
            .iter()
            .find_map(|field| fields.get(*field).and_then(Value::as_str)),
        _ => None,
    };
    let name = name.map(|name| name.trim().trim_start_matches("models/"));
    name.map(|name| told(name.to_owned(), item))
}

/// What a vendor says beside the name, under the names that vendors have for it.
fn told(name: String, item: &Value) -> Offer {
    let number = |paths: &[&str]| {
        let found = paths.iter().find_map(|path| item.pointer(path)?.as_i64());
        found.filter(|tokens| *tokens > 0)
    };
    let texts = |path: &str| {
        let list = item.pointer(path).and_then(Value::as_array);
        list.map(|list| list.iter().filter_map(Value::as_str))
    };
    let takes = texts("/architecture/input_modalities").or_else(|| texts("/input_modalities"));
    Offer {
        name,
        context_length: number(&[
            "/context_length",
            "/context_window",
            "/max_context_length",
            "/max_model_len",
            "/inputTokenLimit",
        ]),
        max_output_tokens: number(&[
            "/top_provider/max_completion_tokens",
            "/max_completion_tokens",
            "/max_output_tokens",
            "/outputTokenLimit",
        ]),
        modalities: takes.map_or_else(Modalities::default, |names| {
            names
                .filter_map(|name| name.parse::<Modality>().ok())
                .collect()
        }),
        tools: texts("/supported_parameters").map(|mut all| all.any(|name| name == "tools")),
    }
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
        let read = |json: Value| {
            let offers = offers(&json)?;
            Some(offers.into_iter().map(|o| o.name).collect::<Vec<_>>())
        };
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
        let googles = json!({"models": [{"name": "models/a", "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/b/c"}, {"name": "models/veo", "supportedGenerationMethods": ["predict"]}]});
        assert_eq!(read(googles), both);
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

    #[test]
    fn what_vendors_say_of_a_model_is_taken_and_nonsense_is_not() {
        let list = json!({"data": [
            {"id": "rich", "context_length": 200_000, "top_provider": {"max_completion_tokens": 32_000},
             "architecture": {"input_modalities": ["text", "image", "smell"]}, "supported_parameters": ["tools", "seed"]},
            {"id": "plain", "max_model_len": 4096, "supported_parameters": []},
            {"id": "odd", "context_length": "many", "max_output_tokens": -1, "input_modalities": 3},
        ]});
        let offers = offers(&list).unwrap();
        let odd = Offer {
            name: "odd".to_owned(),
            ..Offer::default()
        };
        assert_eq!(offers[0], odd);
        assert_eq!(
            (offers[1].context_length, offers[1].tools),
            (Some(4096), Some(false))
        );
        let rich = &offers[2];
        assert_eq!(
            (rich.context_length, rich.max_output_tokens),
            (Some(200_000), Some(32_000))
        );
        assert_eq!(
            (rich.modalities.to_string().as_str(), rich.tools),
            ("text,image", Some(true))
        );
    }
}
