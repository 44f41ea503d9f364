//! `GET /v1/models` and `GET /v1/models/{id}`: what the caller's key may use, and nothing else.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use modelgate_domain::RequestId;
use serde::Serialize;

use super::super::error::ApiError;
use super::super::state::Worker;
use super::super::{call, headers};
use super::routes::finish;
use crate::catalog::Model;

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

impl<'a> Entry<'a> {
    /// `id` is the name that the caller knows the model by.
    fn of(model: &Model, id: &'a str) -> Self {
        Self {
            id,
            object: "model",
            created: model.created_s,
            owned_by: "modelgate",
        }
    }
}

#[allow(clippy::unused_async, reason = "actix takes async functions only")]
pub(super) async fn list(request: HttpRequest, worker: Data<Worker>) -> HttpResponse {
    let id = worker.ids.next(worker.clock.now_ms());
    let response = match call::identify(&worker, &request) {
        Ok((key, catalog)) => {
            let models = catalog.visible_models(&key);
            let data = models.iter().map(|m| Entry::of(m, &m.name)).collect();
            json(
                id,
                &List {
                    object: "list",
                    data,
                },
            )
        }
        Err(error) => error.respond(id),
    };
    finish(&worker, &request, response)
}

#[allow(clippy::unused_async, reason = "actix takes async functions only")]
pub(super) async fn get(
    request: HttpRequest,
    worker: Data<Worker>,
    name: Path<String>,
) -> HttpResponse {
    let id = worker.ids.next(worker.clock.now_ms());
    let response = match find(&worker, &request, &name, id) {
        Ok(response) => response,
        Err(error) => error.respond(id),
    };
    finish(&worker, &request, response)
}

fn find(
    worker: &Worker,
    request: &HttpRequest,
    name: &str,
    id: RequestId,
) -> Result<HttpResponse, ApiError> {
    let (key, catalog) = call::identify(worker, request)?;
    let resolved = call::resolve(&catalog, name)?;
    let usable = key.may_use_resolved(&resolved) && key.can_reach(&resolved.model);
    if usable {
        return Ok(json(id, &Entry::of(&resolved.model, name)));
    }
    // the same answer as for a model that does not exist: a list of what others may use is not for this key
    let message = format!("The model \"{name}\" does not exist.");
    Err(ApiError::caller(404, "model_not_found", message).with_param("model"))
}

fn json(id: RequestId, body: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Ok().json(body);
    headers::mark(response.headers_mut(), id);
    response
}
