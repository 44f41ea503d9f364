//! The error that ends a stream of a response.

use crate::hub::json::Json;
use crate::openai::error::Envelope;

/// The event. The number is the first one: whoever breaks a stream off from outside does not know its count.
pub fn event(error: &Envelope<'_>) -> String {
    let data = Json::object(|json| {
        json.text("type", "error");
        json.number("sequence_number", 0);
        json.text("code", error.code);
        json.text("message", error.message);
        match error.param {
            Some(param) => json.text("param", param),
            None => json.null("param"),
        }
        json.text("request_id", error.request_id);
    });
    let data = String::from_utf8(data).unwrap_or_default();
    format!("event: error\ndata: {data}\n\n")
}
