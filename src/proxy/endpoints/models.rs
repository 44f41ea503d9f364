//! `GET /v1/models` and `GET /v1/models/{id}`: what the caller's key may use, and nothing else.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, SecondsFormat};
use modelgate_dialect::Caller;
use modelgate_domain::RequestId;
use serde::Serialize;

use super::super::error::ApiError;
use super::super::state::Worker;
use super::super::{call, headers};
use super::chat_completions::KIND;
use super::messages::known_by;
use super::paging::Paging;
use super::routes::{finish, spoken};
use crate::catalog::Model;

#[derive(Serialize)]
#[serde(untagged)]
enum List<'a> {
    Chat {
        object: &'static str,
        data: Vec<Entry<'a>>,
    },
    Messages {
        data: Vec<Entry<'a>>,
        has_more: bool,
        first_id: Option<&'a str>,
        last_id: Option<&'a str>,
    },
    Gemini {
        models: Vec<Entry<'a>>,
        /// The last name: the next part begins behind it.
        #[serde(rename = "nextPageToken", skip_serializing_if = "Option::is_none")]
        next_page_token: Option<&'a str>,
    },
}

/// A model in one of the forms that clients know.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Chat {
        id: &'a str,
        object: &'static str,
        created: i64,
        owned_by: &'static str,
    },
    Messages {
        #[serde(rename = "type")]
        kind: &'static str,
        id: &'a str,
        display_name: &'a str,
        created_at: String,
    },
    #[serde(rename_all = "camelCase")]
    Gemini {
        name: String,
        version: &'static str,
        display_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        input_token_limit: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        output_token_limit: Option<i64>,
        supported_generation_methods: &'static [&'static str],
    },
}

/// What can be asked of a model in Google's dialect.
const METHODS: [&str; 3] = ["generateContent", "streamGenerateContent", "countTokens"];

impl<'a> Entry<'a> {
    /// `id` is the name that the caller knows the model by.
    fn of(model: &Model, id: &'a str, dialect: Caller) -> Self {
        match dialect {
            Caller::Chat | Caller::Responses => Self::Chat {
                id,
                object: "model",
                created: model.created_s,
                owned_by: "modelgate",
            },
            Caller::Messages => Self::Messages {
                kind: "model",
                id,
                display_name: id,
                created_at: DateTime::from_timestamp(model.created_s, 0)
                    .unwrap_or_default()
                    .to_rfc3339_opts(SecondsFormat::Secs, true),
            },
            Caller::Gemini => Self::Gemini {
                name: format!("models/{id}"),
                version: "1",
                display_name: id,
                input_token_limit: model.context_length,
                output_token_limit: model.max_output_tokens,
                supported_generation_methods: if model.kind.as_ref() == KIND {
                    &METHODS
                } else {
                    &[]
                },
            },
        }
    }
}

#[allow(clippy::unused_async, reason = "actix takes async functions only")]
pub(super) async fn list(request: HttpRequest, worker: Data<Worker>) -> HttpResponse {
    let id = worker.ids.next(worker.clock.now_ms());
    let dialect = spoken(&request);
    let response = match call::identify(&worker, &request) {
        Ok((key, catalog)) => {
            let models = catalog.visible_models(&key);
            let models: Vec<&Model> = models.iter().map(|model| &**model).collect();
            let asked = Paging::read(request.query_string());
            json(id, &listed(&models, dialect, &asked))
        }
        Err(error) => error.respond(id, dialect),
    };
    finish(&worker, &request, in_form(response, dialect))
}

fn listed<'a>(models: &[&'a Model], dialect: Caller, asked: &Paging) -> List<'a> {
    let names: Vec<&'a str> = models.iter().map(|model| &*model.name).collect();
    let (part, has_more) = match dialect {
        Caller::Chat | Caller::Responses => (0..names.len(), false),
        Caller::Messages => asked.of_messages(&names),
        Caller::Gemini => asked.of_gemini(&names),
    };
    let names = names.get(part.clone()).unwrap_or_default();
    let models = models.get(part).unwrap_or_default();
    let entry = |model: &&'a Model| Entry::of(model, &model.name, dialect);
    let data = models.iter().map(entry).collect();
    match dialect {
        Caller::Chat | Caller::Responses => List::Chat {
            object: "list",
            data,
        },
        Caller::Messages => List::Messages {
            data,
            has_more,
            first_id: names.first().copied(),
            last_id: names.last().copied(),
        },
        Caller::Gemini => List::Gemini {
            models: data,
            next_page_token: names.last().copied().filter(|_| has_more),
        },
    }
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
        Err(error) => error.respond(id, spoken(&request)),
    };
    finish(&worker, &request, in_form(response, spoken(&request)))
}

fn in_form(response: HttpResponse, dialect: Caller) -> HttpResponse {
    match dialect {
        Caller::Chat | Caller::Responses | Caller::Gemini => response,
        Caller::Messages => known_by(response),
    }
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
        let entry = Entry::of(&resolved.model, name, spoken(request));
        return Ok(json(id, &entry));
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
