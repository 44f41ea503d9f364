//! The error that ends a stream of a response.

use crate::hub::json::Json;
use crate::openai::error::Envelope;

/// The code of a response that failed (`https://platform.openai.com/docs/api-reference/responses/object`), for the status
/// that its error would have had.
pub(super) const fn failure(status: u16) -> &'static str {
    match status {
        429 => "rate_limit_exceeded",
        400 | 413 | 422 => "invalid_prompt",
        _ => "server_error",
    }
}

/// The events: some readers wait for the one, others (Codex) for the other. The numbers are the first ones, and the id is
/// the request's: whoever breaks a stream off from outside does not know its own.
pub fn event(error: &Envelope<'_>) -> String {
    let told = one("error", |json| {
        json.number("sequence_number", 0);
        json.text("code", error.code);
        json.text("message", error.message);
        match error.param {
            Some(param) => json.text("param", param),
            None => json.null("param"),
        }
        json.text("request_id", error.request_id);
    });
    let failed = one("response.failed", |json| {
        json.number("sequence_number", 1);
        json.member("response", |json| {
            json.text("id", error.request_id);
            json.text("object", "response");
            json.text("status", "failed");
            json.member("error", |json| {
                json.text("code", error.code);
                json.text("message", error.message);
            });
            json.array("output", |_| {});
        });
    });
    told + &failed
}

fn one(name: &str, fill: impl FnOnce(&mut Json)) -> String {
    let data = Json::object(|json| {
        json.text("type", name);
        fill(json);
    });
    let data = String::from_utf8(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}
