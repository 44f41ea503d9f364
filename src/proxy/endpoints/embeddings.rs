//! `POST /v1/embeddings`.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modelgate_dialect::Caller;

use super::super::call;
use super::super::state::Worker;
use super::routes::finish;
use super::{Abroad, Endpoint, Form};

const ENDPOINT: Endpoint = Endpoint {
    name: "embeddings",
    path: "/embeddings",
    kind: "embedding",
    streams: false,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Chat,
    abroad: Abroad::Refuse,
    completes: false,
    answers: &["data"],
};

pub(super) async fn post(
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    let response = call::serve(Data::clone(&worker), &ENDPOINT, &request, payload).await;
    finish(&worker, &request, response)
}
