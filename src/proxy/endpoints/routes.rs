//! The route table, and the answers to what is on none of the routes.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{ConnectionType, Method};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Scope};
use modelgate_dialect::Caller;
use modelgate_dialect::reader::Reader;

use super::super::authenticate::may_be_googles;
use super::super::error::ApiError;
use super::super::readers::Readers;
use super::super::state::{ProxyState, Worker};
use super::super::{cors, headers};
use super::pages::Pages;
use super::{
    chat_completions, completions, embeddings, explain, gemini, messages, models, responses,
};
use crate::calls::Door;

/// Registers `/v1` and `/v1beta`. Called once for each serving thread; what comes back is for the pages of that thread.
pub fn configure(config: &mut ServiceConfig, state: ProxyState) -> Door {
    let worker = Worker {
        state,
        reader: Arc::new(Reader::default()),
        readers: Rc::default(),
    };
    let live = Arc::clone(&worker.live);
    let patience = move || live.load().runtime.slow_reader_timeout;
    let readers = Rc::downgrade(&worker.readers);
    actix_web::rt::spawn(Readers::look_after(readers, patience));
    let worker = Data::new(worker);
    let pages = Pages(Data::clone(&worker));
    let googles = web::scope("/v1beta")
        .app_data(Data::clone(&worker))
        .service(
            get("/models")
                .route(web::get().to(models::list))
                .route(web::head().to(models::list)),
        )
        .service(
            both("/models/{rest:.+}")
                .route(web::get().to(models::get))
                .route(web::head().to(models::get))
                .route(web::post().to(gemini::post)),
        )
        .default_service(web::to(unknown));
    // a client whose base URL ends in /v1 although it adds that itself
    let doubled = of_v1(web::scope("/v1/v1").app_data(Data::clone(&worker)));
    let scope = of_v1(web::scope("/v1").app_data(worker));
    config.service(doubled).service(scope).service(googles);
    Box::new(pages)
}

fn of_v1(scope: Scope) -> Scope {
    scope
        .service(post("/chat/completions").route(web::post().to(chat_completions::post)))
        .service(post("/completions").route(web::post().to(completions::post)))
        .service(post("/explain").route(web::post().to(explain::post)))
        .service(post("/embeddings").route(web::post().to(embeddings::post)))
        .service(post("/messages").route(web::post().to(messages::post)))
        .service(post("/messages/count_tokens").route(web::post().to(messages::count_tokens)))
        .service(post("/responses").route(web::post().to(responses::post)))
        .service(
            get("/models")
                .route(web::get().to(models::list))
                .route(web::head().to(models::list)),
        )
        .service(
            both("/models/{rest:.+}")
                .route(web::get().to(models::get))
                .route(web::head().to(models::get))
                .route(web::post().to(gemini::post)),
        )
        .default_service(web::to(unknown))
}

fn post(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|r, w| other_method(r, w, "POST, OPTIONS")))
}

fn get(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|r, w| other_method(r, w, "GET, HEAD, OPTIONS")))
}

fn both(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|r, w| {
        other_method(r, w, "GET, HEAD, POST, OPTIONS")
    }))
}

/// Puts on an answer what depends on the settings alone.
pub(super) fn finish(
    worker: &Worker,
    request: &HttpRequest,
    mut response: HttpResponse,
) -> HttpResponse {
    let live = worker.live.load();
    let origins = &live.runtime.cors_origins;
    cors::open(response.headers_mut(), request.headers(), origins);
    if worker.draining.load(Ordering::Relaxed) {
        // a kept connection that is closed a moment later may take a request with it
        let head = response.head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    response
}

/// The dialect of a caller on a path that several dialects share: Anthropic's clients name their version, Google's
/// have paths of their own or show their key in their own way.
pub(super) fn spoken(request: &HttpRequest) -> Caller {
    let (headers, path) = (request.headers(), request.path());
    let has = |name: &str| headers.contains_key(name);
    let googles = has("x-goog-api-key") || has("x-goog-api-client");
    let in_query = request
        .query_string()
        .split('&')
        .any(|pair| pair.starts_with("key="));
    if path.contains("/v1beta/") || (may_be_googles(path) && (googles || in_query)) {
        Caller::Gemini
    } else if has("anthropic-version") || path.contains("/messages") {
        Caller::Messages
    } else {
        Caller::Chat
    }
}

#[allow(clippy::unused_async, reason = "actix takes async functions only")]
async fn other_method(
    request: HttpRequest,
    worker: Data<Worker>,
    allowed: &'static str,
) -> HttpResponse {
    let id = worker.ids.next(worker.clock.now_ms());
    let mut response = if request.method() == Method::OPTIONS {
        cors::preflight(request.headers())
    } else {
        let message = format!(
            "This endpoint does not know the method {}.",
            request.method()
        );
        ApiError::caller(405, "method_not_allowed", message).respond(id, spoken(&request))
    };
    headers::mark(response.headers_mut(), id);
    let allow = HeaderValue::from_static(allowed);
    response.headers_mut().insert(ALLOW, allow);
    finish(&worker, &request, response)
}

#[allow(clippy::unused_async, reason = "actix takes async functions only")]
async fn unknown(request: HttpRequest, worker: Data<Worker>) -> HttpResponse {
    let id = worker.ids.next(worker.clock.now_ms());
    let path: String = request.path().chars().take(200).collect();
    let message = format!("There is no endpoint {path} here.");
    let error = ApiError::caller(404, "unknown_endpoint", message);
    let response = error.respond(id, spoken(&request));
    finish(&worker, &request, response)
}
