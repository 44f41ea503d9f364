//! `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` and `:countTokens`, Google's dialect. The model
//! and what is wanted of it stand in the address, and `?alt=sse` says that a stream comes as events. The same under `/v1`, which is
//! what newer clients of Google's call.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use modelgate_dialect::Caller;

use super::super::call;
use super::super::error::ApiError;
use super::super::state::Worker;
use super::routes::finish;
use super::{Abroad, Endpoint, Form};

pub(super) const GENERATE: Endpoint = Endpoint {
    name: "generate_content",
    path: ":generateContent",
    kind: "chat",
    streams: false,
    form: Form::Events,
    repeatable: true,
    dialect: Caller::Gemini,
    abroad: Abroad::Convert,
    completes: false,
    answers: &["candidates", "promptFeedback", "usageMetadata"],
};

const EVENTS: Endpoint = Endpoint {
    name: "stream_generate_content",
    path: ":streamGenerateContent?alt=sse",
    streams: true,
    ..GENERATE
};

const ARRAY: Endpoint = Endpoint {
    form: Form::Array,
    ..EVENTS
};

const COUNT: Endpoint = Endpoint {
    name: "count_tokens",
    path: ":countTokens",
    abroad: Abroad::Estimate,
    answers: &["totalTokens"],
    ..GENERATE
};

/// The model of a request, kept beside it while it is served.
struct Asked(String);

/// Says which model a request is about.
pub(super) fn ask(request: &HttpRequest, model: String) {
    request.extensions_mut().insert(Asked(model));
}

/// The model that the address names.
pub(super) fn asked(request: &HttpRequest) -> String {
    let extensions = request.extensions();
    let asked = extensions.get::<Asked>();
    asked.map_or_else(String::new, |Asked(model)| model.clone())
}

pub(super) async fn post(
    request: HttpRequest,
    worker: Data<Worker>,
    rest: Path<String>,
    payload: Payload,
) -> HttpResponse {
    let (model, verb) = rest.rsplit_once(':').unwrap_or((&rest, ""));
    let sse = request
        .query_string()
        .split('&')
        .any(|pair| pair == "alt=sse");
    let endpoint: &'static Endpoint = match (verb, sse) {
        ("generateContent", _) => &GENERATE,
        ("streamGenerateContent", true) => &EVENTS,
        ("streamGenerateContent", false) => &ARRAY,
        ("countTokens", _) => &COUNT,
        _ => {
            let id = worker.ids.next(worker.clock.now_ms());
            let message = "There is no such endpoint here: use generateContent, streamGenerateContent or countTokens.";
            let error = ApiError::caller(404, "unknown_endpoint", message);
            return finish(&worker, &request, error.respond(id, Caller::Gemini));
        }
    };
    ask(&request, model.to_owned());
    let response = call::serve(Data::clone(&worker), endpoint, &request, payload).await;
    finish(&worker, &request, response)
}
