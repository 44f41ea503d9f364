//! “Test this”: one call in the tool's dialect, with the holder's key and by the path of every other call.

use actix_web::{HttpRequest, web};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::own::Own;
use super::super::playground::answer;
use super::{Query, Said, show};
use crate::calls::{Call, Caller, Door};
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::state::WebState;
use crate::web::tools;

/// What the request log calls the caller.
const AGENT: &str = "ModelGate test";
/// Enough for a word, and for models that think before it.
const MOST_TOKENS: i64 = 64;

const ASKED: &str = "Answer with the word OK.";

/// What became of a test.
pub(super) struct Tried {
    /// The tool's id.
    pub(super) tool: &'static str,
    pub(super) kind: &'static str,
    pub(super) text: String,
    /// The call in the holder's log.
    pub(super) href: String,
}

/// `POST /user/tools/test`
pub(in crate::web) async fn post(
    page: Page<Holder>,
    state: web::Data<WebState>,
    door: web::Data<Door>,
    request: HttpRequest,
    form: Form,
) -> PageResult {
    let query = Query::of(&form);
    let own = Own::must(&page.who, &state.catalog.load_full(), query.key)?;
    let tool = tools::find(form.text("tool")).ok_or(PageError::NotFound)?;
    let values = tools::values(&page, &state, &own.key.allowed, ("", &query.model));
    let values = values.ok_or(PageError::NotFound)?;
    let dialect = tool.dialect();
    let call = Call {
        key: own.key,
        dialect,
        model: values.model().to_owned(),
        body: Bytes::from(question(dialect, values.model()).to_string()),
        agent: AGENT,
    };
    let begun_ms = state.clock.now_ms();
    let answered = door.make(request, call).await;
    let id = answered.id;
    let outcome = answer::read(&page, answered.response).await?;
    let took = page.duration(&state.clock.now_ms().saturating_sub(begun_ms));
    let (kind, text) = match outcome {
        Ok(_answer) => {
            let told = [
                ("tool", &tool.name as &dyn crate::i18n::ToArg),
                ("model", &values.model()),
                ("took", &took),
            ];
            ("success", page.t_with("user-tools-test-works", &told))
        }
        Err(said) => {
            let told = [("said", &said as &dyn crate::i18n::ToArg), ("took", &took)];
            ("danger", page.t_with("user-tools-test-failed", &told))
        }
    };
    let said = Said {
        tried: Some(Tried {
            tool: &tool.id,
            kind,
            text,
            href: page.url(&format!("/user/requests/{id}")),
        }),
        ..Said::default()
    };
    show(&page, &state, &query, said)
}

/// The same question in each dialect.
fn question(dialect: Caller, model: &str) -> Value {
    match dialect {
        Caller::Chat | Caller::Messages => json!({
            "model": model,
            "messages": [{ "role": "user", "content": ASKED }],
            "max_tokens": MOST_TOKENS,
        }),
        Caller::Responses => json!({
            "model": model,
            "input": ASKED,
            "max_output_tokens": MOST_TOKENS,
        }),
        Caller::Gemini => json!({
            "contents": [{ "role": "user", "parts": [{ "text": ASKED }] }],
            "generationConfig": { "maxOutputTokens": MOST_TOKENS },
        }),
    }
}
