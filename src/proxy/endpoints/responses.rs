//! `POST /v1/responses`, in one of the dialects that vendors speak here.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modelgate_dialect::Caller;

use super::super::call;
use super::super::state::Worker;
use super::routes::finish;
use super::{Abroad, Endpoint, Form};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    name: "responses",
    path: "/responses",
    kind: "chat",
    streams: true,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Responses,
    abroad: Abroad::Convert,
    completes: false,
    answers: &["output?"],
};

pub(super) async fn post(
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    let response = call::serve(Data::clone(&worker), &ENDPOINT, &request, payload).await;
    finish(&worker, &request, response)
}
