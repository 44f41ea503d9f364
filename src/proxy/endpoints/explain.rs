//! `POST /v1/explain`: what a chat completion with this body and this key would do now. Calls no vendor, counts
//! nothing and leaves no record.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use modelgate_dialect::Caller;
use modelgate_dialect::openai::request::Peek;
use modelgate_domain::RequestId;

use super::super::error::ApiError;
use super::super::state::Worker;
use super::super::{authenticate, body, call, caller, headers, planner};
use super::chat_completions;
use super::routes::finish;
use crate::admission::Ask;
use crate::explain::{Explanation, Question, explain};
use crate::forwarded;

pub(super) async fn post(
    request: HttpRequest,
    worker: Data<Worker>,
    payload: Payload,
) -> HttpResponse {
    let id = worker.ids.next(worker.clock.now_ms());
    let response = match answer(&worker, &request, payload, id).await {
        Ok(explanation) => {
            let mut response = HttpResponse::Ok().json(&explanation);
            headers::mark(response.headers_mut(), id);
            response
        }
        Err(error) => error.respond(id, Caller::Chat),
    };
    finish(&worker, &request, response)
}

async fn answer(
    worker: &Worker,
    request: &HttpRequest,
    payload: Payload,
    id: RequestId,
) -> Result<Explanation, ApiError> {
    let known = worker.catalog.load_full();
    let key = authenticate::authenticate(request, &known, worker.clock.now_ms())
        .inspect_err(|_error| worker.metrics.auth_failed())?;
    let body = body::read(request, payload, worker.settings.body_limit).await?;
    let peek = Peek::read(&body)?;
    let catalog = worker.catalog.load_full();
    let resolved = call::resolve(&catalog, &peek.model)?;
    let connection = request.peer_addr().map(|address| address.ip());
    let trusted = &worker.settings.trusted_proxies;
    let now_ms = worker.clock.now_ms();
    let session = caller::session(request.headers());
    let question = Question {
        catalog: &catalog,
        ask: Ask {
            key: &key,
            resolved: &resolved,
            stream: peek.stream,
            weight: call::weight(&peek),
            address: Some(forwarded::client(connection, request.headers(), trusted)),
            started_ms: now_ms,
            now_ms,
        },
        kind: chat_completions::KIND,
        seed: id.0.unsigned_abs(),
        conversation: call::conversation(&session, &peek, &body)
            .or_else(|| Some(planner::of_key(&key))),
    };
    Ok(explain(&question, &worker.admission, &worker.health).await)
}
