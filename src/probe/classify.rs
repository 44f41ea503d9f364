//! What a vendor means by an answer that is no success: status, code and words together.

use serde_json::Value;

use super::Verdict;
use super::vendor::Answer;

/// A verdict, with the vendor's own words where it had any.
pub(super) struct Said {
    pub(super) verdict: Verdict,
    pub(super) detail: String,
}

/// Reads a whole answer as an error.
pub(super) fn read(answer: &Answer) -> Said {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let Some(json) = json.filter(Value::is_object) else {
        return no_json(answer);
    };
    let words = words(&json);
    let detail = message(&json).unwrap_or_default();
    Said {
        verdict: verdict(answer.status, &words),
        detail,
    }
}

/// The verdict on an error object that came inside a success.
pub(super) fn of_error_object(json: &Value) -> Said {
    let words = words(json);
    let status = code_number(json).unwrap_or(200);
    Said {
        verdict: verdict(status, &words),
        detail: message(json).unwrap_or_default(),
    }
}

/// A page, or nothing: whatever answers is not this API, unless the status itself says more.
fn no_json(answer: &Answer) -> Said {
    let text = String::from_utf8_lossy(&answer.body);
    let page = answer.content_type.contains("html") || text.trim_start().starts_with('<');
    let verdict = match answer.status {
        401 => Verdict::BadKey,
        402 => Verdict::NoQuota,
        429 => Verdict::RateLimited,
        403 if !page => Verdict::BadKey,
        200..=399 | 404 | 405 | 410 => Verdict::BadUrl,
        _ => Verdict::Unexpected,
    };
    let detail = if page {
        "the answer is a web page".to_owned()
    } else {
        text.into_owned()
    };
    Said { verdict, detail }
}

#[allow(
    clippy::match_same_arms,
    reason = "the arms are read in order, status by status; merged ones would change their order"
)]
fn verdict(status: u16, words: &str) -> Verdict {
    let any = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    let no_quota = any(&[
        "insufficient_quota",
        "insufficient quota",
        "insufficient balance",
        "insufficient_balance",
        "exceeded your current quota",
        "billing",
        "arrears",
        "credit balance",
        "payment",
        "余额不足",
        "欠费",
    ]);
    let no_model = any(&[
        "model_not_found",
        "model not found",
        "model not exist",
        "model_not_exist",
        "no such model",
        "unknown model",
        "invalid model",
        "model_not_supported",
        "模型不存在",
    ]) || (words.contains("model")
        && any(&["does not exist", "not exist", "not found"]));
    let bad_key = any(&[
        "invalid_api_key",
        "invalid api key",
        "incorrect api key",
        "invalid token",
        "authentication",
        "unauthorized",
    ]);
    match status {
        402 => Verdict::NoQuota,
        429 if no_quota => Verdict::NoQuota,
        429 | 529 => Verdict::RateLimited,
        401 => Verdict::BadKey,
        403 if no_quota => Verdict::NoQuota,
        403 if no_model => Verdict::ModelNotFound,
        403 => Verdict::BadKey,
        400 | 404 | 422 if no_model => Verdict::ModelNotFound,
        404 | 405 => Verdict::BadUrl,
        200..=299 | 400 | 422 if bad_key => Verdict::BadKey,
        200..=299 | 400 | 422 if no_quota => Verdict::NoQuota,
        200..=299 if no_model => Verdict::ModelNotFound,
        _ => Verdict::Unexpected,
    }
}

/// Everything an error says, in lower case: its codes, types and messages.
fn words(json: &Value) -> String {
    let mut words = String::new();
    collect(json, &mut words, 0);
    words.to_lowercase()
}

fn collect(json: &Value, words: &mut String, depth: u8) {
    match json {
        Value::String(text) => {
            words.push_str(text);
            words.push(' ');
        }
        Value::Object(fields) if depth < 4 => {
            for value in fields.values() {
                collect(value, words, depth.saturating_add(1));
            }
        }
        Value::Array(items) if depth < 4 => {
            for value in items.iter().take(4) {
                collect(value, words, depth.saturating_add(1));
            }
        }
        _ => {}
    }
}

/// The sentence for people, wherever vendors put it.
fn message(json: &Value) -> Option<String> {
    [
        "/error/message",
        "/error/msg",
        "/message",
        "/msg",
        "/detail",
        "/detail/0/msg",
        "/error",
        "/base_resp/status_msg",
        "/errors/message",
    ]
    .iter()
    .filter_map(|path| json.pointer(path).and_then(Value::as_str))
    .find(|text| !text.is_empty())
    .map(str::to_owned)
}

/// A code that is an HTTP status in disguise.
fn code_number(json: &Value) -> Option<u16> {
    ["/error/code", "/error/status", "/code", "/status"]
        .iter()
        .filter_map(|path| json.pointer(path))
        .filter_map(|code| match code {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
        .filter(|code| (400..600).contains(code))
        .find_map(|code| u16::try_from(code).ok())
}
