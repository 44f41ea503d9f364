//! Anthropic's error envelope, as a body and as the last event of a stream.

use serde::Serialize;

use crate::openai::error::{Attempt, Policy};

/// The type that Anthropic's SDKs know for a status.
pub fn error_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// An error in the words of this dialect. What its clients do not know they pass over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope<'a> {
    /// Anthropic's class of errors.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// What happened and what to do.
    pub message: &'a str,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<&'a str>,
    /// A stable code.
    pub code: &'a str,
    /// What was tried, where that was more than one attempt.
    #[serde(skip_serializing_if = "<[Attempt]>::is_empty")]
    pub attempts: &'a [Attempt],
    /// The operator's rule that is in the way, where one is.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy<'a>>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: &'a Envelope<'a>,
    request_id: &'a str,
}

impl Envelope<'_> {
    /// The body of an error answer.
    pub fn body(&self, request_id: &str) -> String {
        let body = Body {
            kind: "error",
            error: self,
            request_id,
        };
        // strings and options of strings cannot fail to serialise
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The same as an event.
    pub fn event(&self, request_id: &str) -> String {
        let body = self.body(request_id);
        format!("event: error\ndata: {body}\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_and_event_carry_the_same() {
        let error = Envelope {
            kind: error_kind(404),
            message: "say \"please\"\n",
            param: None,
            code: "rude",
            attempts: &[],
            policy: None,
        };
        let body = r#"{"type":"error","error":{"type":"not_found_error","message":"say \"please\"\n","code":"rude"},"request_id":"req_1"}"#;
        assert_eq!(error.body("req_1"), body);
        assert_eq!(
            error.event("req_1"),
            format!("event: error\ndata: {body}\n\n")
        );
    }
}
