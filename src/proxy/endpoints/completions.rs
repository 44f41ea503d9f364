//! `POST /v1/completions`.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modelgate_dialect::Caller;

use super::super::call;
use super::super::state::Worker;
use super::routes::finish;
use super::{Abroad, Endpoint, Form};

const ENDPOINT: Endpoint = Endpoint {
    name: "completions",
    path: "/completions",
    kind: "chat",
    streams: true,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Chat,
    abroad: Abroad::Refuse,
    completes: true,
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
