//! What came back: the text of a whole answer, or in words why there is none.

use actix_web::HttpResponse;
use actix_web::body::to_bytes_limited;
use actix_web::http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::web::error::PageError;
use crate::web::shell::Shell;

/// An answer that is longer is not shown.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web::user) struct Answer {
    pub(super) text: String,
    /// What the model thought before, where it tells.
    pub(super) thought: String,
    /// Whether the limit of the answer cut it off.
    pub(super) is_cut: bool,
}

/// Whether events follow.
pub(super) fn is_stream(response: &HttpResponse) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// The answer, or the sentence that says what went wrong.
pub(in crate::web::user) async fn read(
    page: &Shell,
    response: HttpResponse,
) -> Result<Result<Answer, String>, PageError> {
    let status = response.status().as_u16();
    let Ok(body) = to_bytes_limited(response.into_body(), MOST_BYTES).await else {
        return Ok(Err(page.t("user-playground-too-large")));
    };
    let body = body.map_err(PageError::internal)?;
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    // responses have `"error": null` when all went well
    if status >= 300 || json.get("error").is_some_and(|error| !error.is_null()) {
        let said = json.pointer("/error/message").and_then(Value::as_str);
        return Ok(Err(in_words(page, status, said.unwrap_or_default())));
    }
    Ok(Ok(answer(&json)))
}

fn answer(json: &Value) -> Answer {
    let part = |path: &str| {
        json.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let thought = match part("/choices/0/message/reasoning_content") {
        "" => part("/choices/0/message/reasoning"),
        thought => thought,
    };
    Answer {
        text: part("/choices/0/message/content").to_owned(),
        thought: thought.to_owned(),
        is_cut: part("/choices/0/finish_reason") == "length",
    }
}

/// Who has to change something, and what the gateway said.
fn in_words(page: &Shell, status: u16, said: &str) -> String {
    let who = match status {
        401 | 403 => "user-playground-failed-key",
        404 => "user-playground-failed-model",
        402 | 429 => "user-playground-failed-limit",
        400..=499 => "user-playground-failed-request",
        502..=504 => "user-playground-failed-vendor",
        _ => "user-playground-failed-gateway",
    };
    page.t1(who, "said", said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use serde_json::json;

    #[test]
    fn text_and_thought_are_found_and_their_absence_is_no_failure() {
        let whole = json!({"choices": [{"finish_reason": "length", "message": {"content": "yes", "reasoning_content": "hm"}}]});
        let expected = Answer {
            text: "yes".to_owned(),
            thought: "hm".to_owned(),
            is_cut: true,
        };
        assert_eq!(answer(&whole), expected);
        for odd in [
            json!({}),
            json!({"choices": [{"message": {"content": null}}]}),
        ] {
            assert_eq!(answer(&odd), Answer::default());
        }
    }

    #[actix_web::test]
    async fn every_failure_has_its_sentence() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for status in [400, 401, 403, 404, 413, 429, 500, 502, 503, 504] {
                let status = actix_web::http::StatusCode::from_u16(status).unwrap();
                let body = json!({"error": {"message": "because"}}).to_string();
                let response = HttpResponse::build(status).body(body);
                let said = read(&page, response).await.unwrap().unwrap_err();
                assert!(said.contains("because") && !said.contains("user-playground"));
            }
        }
    }
}
