//! OpenAI's error envelope, as a body and as the last event of a stream.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::splice::{self, Edit};

/// The class that `OpenAI`'s SDKs know for a status.
pub fn error_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "insufficient_quota",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// An attempt that failed, as the caller is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The provider's slug: what stands in front of `provider/model`.
    pub provider: String,
    /// What the vendor answered; absent where no answer came.
    pub status: Option<u16>,
    /// The gateway's code for it.
    pub code: String,
}

/// An error in the words of this dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope<'a> {
    /// What happened and what to do.
    pub message: &'a str,
    /// OpenAI's class of errors: `invalid_request_error`, `authentication_error`, …
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The field at fault.
    pub param: Option<&'a str>,
    /// A stable code.
    pub code: &'a str,
    /// The request, to ask the operator about.
    pub request_id: &'a str,
    /// What was tried, where that was more than one attempt.
    #[serde(skip_serializing_if = "<[Attempt]>::is_empty")]
    pub attempts: &'a [Attempt],
    /// The operator's rule that is in the way, where one is.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy<'a>>,
}

/// A rule of the operator, in fields that OpenAI's clients pass over and people can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Policy<'a> {
    /// Which rule: `rpm`, `budget`, `time_rules`.
    pub rule: &'a str,
    /// What it is on: `api_key`, `user`, `model`.
    pub scope: &'a str,
    /// How much is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Figure<'a>>,
    /// How much is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<Figure<'a>>,
    /// The currency of both, where they are money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'a str>,
    /// When there will be room, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<&'a str>,
    /// When the call will be allowed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_allowed_at: Option<&'a str>,
    /// Who decides: always `policy`.
    pub owner: &'a str,
}

/// A figure of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Figure<'a> {
    /// Requests, tokens or calls.
    Count(i64),
    /// Money as decimal text.
    Money(&'a str),
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a Envelope<'a>,
}

impl Envelope<'_> {
    /// The body of an error answer.
    pub fn body(&self) -> String {
        // strings and options of strings cannot fail to serialise
        serde_json::to_string(&Body { error: self }).unwrap_or_default()
    }

    /// The same as an event.
    pub fn event(&self) -> String {
        let body = self.body();
        format!("data: {body}\n\n")
    }
}

/// A vendor's error body with the list of attempts in its error object; `None` where it has no such object.
pub fn with_attempts(body: &[u8], attempts: &[Attempt]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Vendor<'a> {
        #[serde(borrow)]
        error: &'a RawValue,
    }
    let text = std::str::from_utf8(body).ok()?;
    let object = serde_json::from_str::<Vendor<'_>>(text).ok()?.error.get();
    let inner = object.strip_prefix('{')?.strip_suffix('}')?;
    let end = inner.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = end.checked_add(inner.len())?;
    let comma = if inner.trim().is_empty() { "" } else { "," };
    let list = serde_json::to_string(attempts).ok()?;
    let member = format!("{comma}\"attempts\":{list}");
    let edit = Edit {
        span: end..end,
        with: member.as_bytes(),
    };
    Some(splice::apply(body, &[edit]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_attempts_goes_into_the_error_object() {
        let attempts = [Attempt {
            provider: "acme".to_owned(),
            status: Some(429),
            code: "busy".to_owned(),
        }];
        let list = r#""attempts":[{"provider":"acme","status":429,"code":"busy"}]"#;
        let told = |body: &str| with_attempts(body.as_bytes(), &attempts);
        let told = |body| told(body).map(|b| String::from_utf8(b).unwrap());
        assert_eq!(
            told(r#"{"z":1, "error": {"message":"é}"} , "a":2}"#).unwrap(),
            format!(r#"{{"z":1, "error": {{"message":"é}}",{list}}} , "a":2}}"#)
        );
        assert_eq!(
            told(r#"{"error":{}}"#).unwrap(),
            format!(r#"{{"error":{{{list}}}}}"#)
        );
        for none in [r#"{"error":"x"}"#, "<html>", r#"{"detail":{}}"#] {
            assert_eq!(told(none), None);
        }
    }

    #[test]
    fn body_and_event_carry_the_same() {
        let error = Envelope {
            message: "say \"please\"\n",
            kind: "invalid_request_error",
            param: None,
            code: "rude",
            request_id: "req_1",
            attempts: &[],
            policy: None,
        };
        let body = r#"{"error":{"message":"say \"please\"\n","type":"invalid_request_error","param":null,"code":"rude","request_id":"req_1"}}"#;
        assert_eq!(error.body(), body);
        assert_eq!(error.event(), format!("data: {body}\n\n"));
    }

    #[test]
    fn a_rule_stands_beside_what_clients_know() {
        let error = Envelope {
            message: "no",
            kind: "rate_limit_error",
            param: None,
            code: "rpm_exceeded",
            request_id: "req_1",
            attempts: &[],
            policy: Some(Policy {
                rule: "rpm",
                scope: "api_key",
                limit: Some(Figure::Count(60)),
                used: Some(Figure::Money("1.5")),
                currency: None,
                reset_at: Some("2026-11-21T00:00:00Z"),
                next_allowed_at: None,
                owner: "policy",
            }),
        };
        let body = r#"{"error":{"message":"no","type":"rate_limit_error","param":null,"code":"rpm_exceeded","request_id":"req_1","rule":"rpm","scope":"api_key","limit":60,"used":"1.5","reset_at":"2026-11-21T00:00:00Z","owner":"policy"}}"#;
        assert_eq!(error.body(), body);
    }
}
