//! `POST /v1/messages` and `POST /v1/messages/count_tokens`, Anthropic's dialect.

use actix_web::http::header::HeaderName;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modelgate_dialect::Caller;

use super::super::call;
use super::super::headers::X_REQUEST_ID;
use super::super::state::Worker;
use super::routes::finish;
use super::{Abroad, Endpoint, Form};

/// Where Anthropic's clients look for the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

pub(super) const MESSAGES: Endpoint = Endpoint {
    name: "messages",
    path: "/v1/messages",
    kind: "chat",
    streams: true,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Messages,
    abroad: Abroad::Convert,
    completes: false,
    answers: &["content?"],
};

const COUNT_TOKENS: Endpoint = Endpoint {
    name: "count_tokens",
    path: "/v1/messages/count_tokens",
    kind: "chat",
    streams: false,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Messages,
    abroad: Abroad::Estimate,
    completes: false,
    answers: &["input_tokens"],
};

pub(super) async fn post(
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    serve(&MESSAGES, request, worker, payload).await
}

pub(super) async fn count_tokens(
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    serve(&COUNT_TOKENS, request, worker, payload).await
}

async fn serve(
    endpoint: &'static Endpoint,
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    let response = call::serve(Data::clone(&worker), endpoint, &request, payload).await;
    finish(&worker, &request, known_by(response))
}

/// Puts the request's id where Anthropic's clients look for it as well.
pub(super) fn known_by(mut response: HttpResponse) -> HttpResponse {
    let id = response.headers().get(X_REQUEST_ID).cloned();
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
