//! OpenAI's error envelope, as a body and as the last event of a stream.

use serde::Serialize;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_and_event_carry_the_same() {
        let error = Envelope {
            message: "say \"please\"\n",
            kind: "invalid_request_error",
            param: None,
            code: "rude",
            request_id: "req_1",
        };
        let body = r#"{"error":{"message":"say \"please\"\n","type":"invalid_request_error","param":null,"code":"rude","request_id":"req_1"}}"#;
        assert_eq!(error.body(), body);
        assert_eq!(error.event(), format!("data: {body}\n\n"));
    }
}
