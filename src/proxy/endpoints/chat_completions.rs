//! `POST /v1/chat/completions`.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modelgate_dialect::Caller;

use super::super::call;
use super::super::state::Worker;
use super::routes::finish;
use super::{Abroad, Endpoint, Form};

/// The kind of model it serves.
pub(super) const KIND: &str = "chat";

pub(super) const ENDPOINT: Endpoint = Endpoint {
    name: "chat_completions",
    path: "/chat/completions",
    kind: KIND,
    streams: true,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Chat,
    abroad: Abroad::Convert,
    completes: false,
    answers: &["choices"],
};

pub(super) async fn post(
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    let response = call::serve(Data::clone(&worker), &ENDPOINT, &request, payload).await;
    finish(&worker, &request, response)
}
