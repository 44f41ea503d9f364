//! Errors that vendors send with status 200: what status each should have had.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The status of an error that says nothing of its kind.
const UNKNOWN: u16 = 502;

/// Codes and types of vendors, in lower case, with the status that they mean.
const WORDS: [(&str, u16); 35] = [
    ("rate_limit_exceeded", 429),
    ("rate_limit_error", 429),
    ("rate_limited", 429),
    ("rate_limit", 429),
    ("too_many_requests", 429),
    ("insufficient_quota", 429),
    ("quota_exceeded", 429),
    ("resource_exhausted", 429),
    ("requests", 429),
    ("tokens", 429),
    ("invalid_api_key", 401),
    ("authentication_error", 401),
    ("invalid_authentication", 401),
    ("unauthenticated", 401),
    ("unauthorized", 401),
    ("permission_error", 403),
    ("permission_denied", 403),
    ("access_denied", 403),
    ("forbidden", 403),
    ("model_not_found", 404),
    ("not_found_error", 404),
    ("not_found", 404),
    ("request_too_large", 413),
    ("context_length_exceeded", 400),
    ("invalid_request_error", 400),
    ("invalid_argument", 400),
    ("bad_request", 400),
    ("content_policy_violation", 400),
    ("content_filter", 400),
    ("overloaded_error", 503),
    ("overloaded", 503),
    ("unavailable", 503),
    ("service_unavailable", 503),
    ("timeout_error", 504),
    ("deadline_exceeded", 504),
];

#[derive(Deserialize)]
struct Answer {
    error: Option<Value>,
    choices: Option<Vec<IgnoredAny>>,
    data: Option<Vec<IgnoredAny>>,
    code: Option<Value>,
    status: Option<Value>,
}

/// True for an object with an error in it and nothing else that could be an answer.
pub(super) fn is_error(json: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Answer>(json) else {
        return false;
    };
    let empty = |list: Option<Vec<IgnoredAny>>| list.is_none_or(|l| l.is_empty());
    let says = match &answer.error {
        Some(Value::Object(error)) => !error.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        _ => false,
    };
    says && empty(answer.choices) && empty(answer.data)
}

/// True for an object that says in `base_resp` that it went wrong, and holds no answer.
pub(super) fn is_base_error(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Told {
        base_resp: Option<Base>,
        choices: Option<Vec<IgnoredAny>>,
    }
    #[derive(Deserialize)]
    struct Base {
        status_code: i64,
    }
    let told: Result<Told, _> = serde_json::from_slice(json);
    told.is_ok_and(|told| {
        told.base_resp.is_some_and(|base| base.status_code != 0)
            && told.choices.is_none_or(|choices| choices.is_empty())
    })
}

/// The status that an error body stands for, read from its numbers first and then from its code and its type;
/// 502 where it names neither. Its message is never read: it may repeat what the caller wrote.
pub fn status(json: &[u8]) -> u16 {
    let Ok(answer) = serde_json::from_slice::<Answer>(json) else {
        return UNKNOWN;
    };
    let error = answer.error.unwrap_or(Value::Null);
    let field = |name: &str| error.get(name).cloned();
    let said = [
        field("code"),
        field("status"),
        field("status_code"),
        answer.code,
        answer.status,
    ];
    let said: Vec<Value> = said.into_iter().flatten().collect();
    let mut words = said.iter().cloned().chain(field("type"));
    said.iter()
        .find_map(number)
        .or_else(|| words.find_map(|w| word(&w)))
        .unwrap_or(UNKNOWN)
}

fn number(value: &Value) -> Option<u16> {
    let number = match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (400..600).contains(&number).then_some(number)
}

fn word(value: &Value) -> Option<u16> {
    let said = value.as_str()?.to_ascii_lowercase();
    let known = WORDS.iter().find(|(word, _)| *word == said);
    known.map(|(_, status)| *status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_before_codes_and_codes_before_types() {
        for (body, expected) in [
            (r#"{"error":{"code":429,"type":"server_error"}}"#, 429),
            (r#"{"error":{"message":"x"},"status":"503"}"#, 503),
            (
                r#"{"error":{"type":"invalid_request_error","code":"invalid_api_key"}}"#,
                401,
            ),
            (
                r#"{"error":{"type":"invalid_request_error","code":null}}"#,
                400,
            ),
            (
                r#"{"error":{"status":"RESOURCE_EXHAUSTED","code":200}}"#,
                429,
            ),
            (r#"{"error":{"type":"overloaded_error"}}"#, 503),
            (
                r#"{"error":{"type":"server_error","message":"429 rate_limit"}}"#,
                502,
            ),
            (r#"{"error":"invalid_api_key"}"#, 502),
            ("<html>", 502),
        ] {
            assert_eq!(status(body.as_bytes()), expected, "{body}");
        }
    }
}
