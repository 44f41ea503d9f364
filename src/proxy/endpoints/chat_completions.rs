//! `POST /v1/chat/completions`.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use modelgate_dialect::Caller;

use super::super::call;
use super::super::state::Worker;
use super::routes::finish;
use super::{Abroad, Endpoint, Form};
use crate::calls::{Answered, Call, Calls};

/// The kind of model it serves.
pub(super) const KIND: &str = "chat";

const ENDPOINT: Endpoint = Endpoint {
    name: "chat_completions",
    path: "/chat/completions",
    kind: KIND,
    streams: true,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Chat,
    abroad: Abroad::Convert,
};

pub(super) async fn post(
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    let response = call::serve(Data::clone(&worker), &ENDPOINT, &request, payload).await;
    finish(&worker, &request, response)
}

/// This thread's data plane, for its pages.
pub(super) struct Pages(pub(super) Data<Worker>);

impl Calls for Pages {
    fn chat(&self, request: HttpRequest, call: Call) -> LocalBoxFuture<'static, Answered> {
        let worker = Data::clone(&self.0);
        Box::pin(async move { call::serve_page(worker, &ENDPOINT, &request, call).await })
    }
}
