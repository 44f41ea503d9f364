//! Google's error envelope, as a body and as the last event of a stream (`google.rpc.Status`,
//! `https://ai.google.dev/gemini-api/docs/troubleshooting`, `https://cloud.google.com/apis/design/errors`).

use serde_json::{Map, Value, json};

use crate::openai::error::Envelope;

/// The word for a status that Google's clients know.
pub fn word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 | 403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        502 | 503 | 529 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

/// An error of these words.
pub fn plain(message: &str, status: u16) -> Value {
    json!({ "error": { "code": status, "message": message, "status": word(status) } })
}

/// The body of an error answer. What other dialects have fields for stands in `details`.
pub fn body(error: &Envelope<'_>, status: u16) -> String {
    let mut about = Map::new();
    about.insert("request_id".to_owned(), error.request_id.into());
    if let Some(param) = error.param {
        about.insert("param".to_owned(), param.into());
    }
    let mut details = vec![json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.code, "domain": "modelgate", "metadata": about,
    })];
    // strings and options of strings cannot fail to serialise
    if let Some(policy) = error
        .policy
        .and_then(|policy| serde_json::to_value(policy).ok())
    {
        details.push(policy);
    }
    if !error.attempts.is_empty() {
        details.push(json!({ "attempts": error.attempts }));
    }
    let mut whole = plain(error.message, status);
    if let Some(inner) = whole.get_mut("error").and_then(Value::as_object_mut) {
        inner.insert("details".to_owned(), details.into());
    }
    whole.to_string()
}

/// The same as an event.
pub fn event(error: &Envelope<'_>, status: u16) -> String {
    format!("data: {}\n\n", body(error, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_other_dialects_say() {
        let error = Envelope {
            message: "no \"x\"",
            kind: "invalid_request_error",
            param: Some("contents"),
            code: "rude",
            request_id: "req_1",
            attempts: &[],
            policy: None,
        };
        let read: Value = serde_json::from_str(&body(&error, 400)).unwrap();
        assert_eq!(read["error"]["status"], "INVALID_ARGUMENT");
        assert_eq!(read["error"]["code"], 400);
        let detail = &read["error"]["details"][0];
        assert_eq!(
            (&detail["reason"], &detail["metadata"]["param"]),
            (&json!("rude"), &json!("contents"))
        );
        assert_eq!(
            event(&error, 400),
            format!("data: {}\n\n", body(&error, 400))
        );
    }
}
