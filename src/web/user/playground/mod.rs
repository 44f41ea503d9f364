//! The playground: a chat with any model that a key may use, by the path that every other call takes.
//!
//! What is said is carried in the form and kept nowhere here. A browser with JavaScript reads the stream; without, the
//! form brings the whole answer.

pub(super) mod answer;
mod ask;
mod code;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use modelgate_domain::{RequestId, RequestRecord};
use serde::Deserialize;
use serde_json::{Value, json};

use self::ask::{Ask, PARAMETERS, Role, Said};
use self::code::Code;
use super::dashboard::choices;
use super::own::{Own, asked};
use super::requests;
use crate::calls::{Answered, Call, Caller, Door};
use crate::catalog::{ApiKey, Model};
use crate::i18n::format;
use crate::web::admin::components::status::status_kind;
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::markdown::{Places, SafeHtml, to_html};
use crate::web::page::{Holder, Page, PageResult};
use crate::web::public::landing::root_url;
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// What the request log calls the caller.
const AGENT: &str = "ModelGate playground";
/// Names the call to the script: `x-request-id` is the page's own.
const CALL: HeaderName = HeaderName::from_static("x-modelgate-call");
/// The record of a call reaches the database a moment after its end.
const LOOKS: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Template)]
#[template(path = "user/playground.html", blocks = ["receipt"])]
struct PlaygroundView<'a> {
    page: &'a Shell,
    at: String,
    has_key: bool,
    /// Id, name, whether it is the present one; empty where there is nothing to choose.
    keys: Vec<(i64, String, bool)>,
    key: i64,
    models: Vec<String>,
    form: FormState,
    parameters: Vec<Field>,
    /// Whether one of them is set, or wrong.
    has_parameters: bool,
    turns: Vec<Turn>,
    /// Why there is no answer.
    failure: String,
    /// Of the answer that this page brings.
    receipt: Option<Receipt>,
    /// Of the call that the script asks after.
    asked_receipt: Option<Receipt>,
    code: Vec<Code>,
}

/// An answer as the script puts it into its turn.
#[derive(Template)]
#[template(path = "user/_prose.html")]
struct ProseView {
    html: SafeHtml,
}

/// A parameter's field.
struct Field {
    name: &'static str,
    label: String,
    bounds: String,
}

/// Something said, as the page shows it.
struct Turn {
    role: &'static str,
    text: String,
    /// What a model said, with its Markdown as markup.
    html: SafeHtml,
    thought: String,
    note: String,
}

/// What a call came to.
struct Receipt {
    href: String,
    status: String,
    kind: &'static str,
    figures: String,
}

/// What an address may ask for.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    key: Option<i64>,
    #[serde(default)]
    model: String,
}

/// Whose playground it is, and what can be played with.
struct Desk {
    own: Option<Own>,
    models: Vec<Arc<Model>>,
}

impl Desk {
    fn of(page: &Page<Holder>, state: &WebState, key: Option<i64>) -> Result<Self, PageError> {
        let catalog = state.catalog.load_full();
        let own = Own::of(&page.who, &catalog, key)?;
        let mut models = match &own {
            Some(own) => catalog.visible_models(&own.key),
            None => Vec::new(),
        };
        models.retain(|model| &*model.kind == "chat");
        Ok(Self { own, models })
    }

    fn key(&self) -> Result<Arc<ApiKey>, PageError> {
        let own = self.own.as_ref().ok_or(PageError::NotFound)?;
        Ok(Arc::clone(&own.key))
    }

    fn view<'a>(&self, page: &'a Shell, form: FormState) -> PlaygroundView<'a> {
        PlaygroundView {
            page,
            at: page.url("/user/playground"),
            has_key: self.own.is_some(),
            keys: choices(self.own.as_ref()),
            key: self.own.as_ref().map_or(0, |own| own.key.id.0),
            models: self.models.iter().map(|m| m.name.to_string()).collect(),
            has_parameters: PARAMETERS.iter().any(|p| !form.value(p.name).is_empty()),
            form,
            parameters: PARAMETERS.iter().map(|p| field(page, p)).collect(),
            turns: Vec::new(),
            failure: String::new(),
            receipt: None,
            asked_receipt: None,
            code: Vec::new(),
        }
    }
}

fn field(page: &Shell, parameter: &ask::Parameter) -> Field {
    let (least, most) = parameter.least_and_most();
    Field {
        name: parameter.name,
        label: page.t_code("user-playground-", parameter.name),
        bounds: page.t_with(
            "user-playground-bounds",
            &[("least", &least), ("most", &most)],
        ),
    }
}

fn shown(said: Vec<Said>) -> Vec<Turn> {
    said.into_iter()
        .map(|said| Turn {
            role: said.role.as_str(),
            html: match said.role {
                Role::Assistant => to_html(&said.text, &Places::default()),
                Role::User => SafeHtml::default(),
            },
            text: said.text,
            thought: String::new(),
            note: String::new(),
        })
        .collect()
}

/// `GET /user/playground`
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let desk = Desk::of(&page, &state, query.key)?;
    let form = FormState::default().with("model", query.model.as_str());
    page.show(&desk.view(&page, form))
}

/// `POST /user/playground`: the whole answer, or the call as a program makes it.
pub(in crate::web) async fn post(
    page: Page<Holder>,
    state: web::Data<WebState>,
    door: web::Data<Door>,
    request: HttpRequest,
    form: Form,
) -> PageResult {
    let desk = Desk::of(&page, &state, asked(&form))?;
    let key = desk.key()?;
    let said = ask::turns(&form);
    let ask = match Ask::read(&page, &desk.models, &form) {
        Ok(ask) => ask,
        Err(state) => {
            let mut view = desk.view(&page, state);
            view.turns = shown(said);
            return page.respond(StatusCode::UNPROCESSABLE_ENTITY, &view);
        }
    };
    if form.text("action") == ask::CODE {
        let mut view = desk.view(&page, form.state());
        let placeholder = page.t("user-tools-placeholder");
        view.code = code::of(&ask, &root_url(&page, &state), &placeholder);
        view.turns = shown(said);
        return page.show(&view);
    }
    let answered = call(&door, request, key, &ask, false).await;
    let id = answered.id;
    let outcome = answer::read(&page, answered.response).await?;
    let record = finished(&page, &state, id).await?;
    let receipt = record.map(|record| receipt(&page, &record));
    match outcome {
        Ok(answer) => {
            let mut view = desk.view(&page, form.state().without(&["message"]));
            view.turns = shown(said);
            view.turns.extend(shown(vec![Said {
                role: Role::User,
                text: form.text("message").to_owned(),
            }]));
            view.turns.push(Turn {
                role: Role::Assistant.as_str(),
                html: to_html(&answer.text, &Places::default()),
                text: answer.text,
                thought: answer.thought,
                note: if answer.is_cut {
                    page.t("user-playground-cut")
                } else {
                    String::new()
                },
            });
            view.receipt = receipt;
            page.show(&view)
        }
        Err(failure) => {
            let mut view = desk.view(&page, form.state());
            view.turns = shown(said);
            view.failure = failure;
            view.receipt = receipt;
            page.show(&view)
        }
    }
}

/// `POST /user/playground/stream`: the events as `/v1` sends them, or a sentence that says why there are none.
pub(in crate::web) async fn stream(
    page: Page<Holder>,
    state: web::Data<WebState>,
    door: web::Data<Door>,
    request: HttpRequest,
    form: Form,
) -> PageResult {
    let desk = Desk::of(&page, &state, asked(&form))?;
    let key = desk.key()?;
    let ask = match Ask::read(&page, &desk.models, &form) {
        Ok(ask) => ask,
        Err(state) => {
            let text = PARAMETERS
                .iter()
                .map(|parameter| parameter.name)
                .chain(["model", "message"])
                .map(|name| state.error(name))
                .find(|error| !error.is_empty());
            return Ok(sentence(text.unwrap_or_default(), None));
        }
    };
    let answered = call(&door, request, key, &ask, true).await;
    if answer::is_stream(&answered.response) {
        let mut response = answered.response;
        name_call(&mut response, answered.id);
        return Ok(response);
    }
    match answer::read(&page, answered.response).await? {
        Err(text) => Ok(sentence(&text, Some(answered.id))),
        // vendors may answer a wish for a stream with the whole
        Ok(answer) => {
            let body = json!({ "answer": answer.text });
            Ok(told(StatusCode::OK, &body, Some(answered.id)))
        }
    }
}

/// `POST /user/playground/prose`: what a model said, with its Markdown as markup. Nothing is kept.
pub(in crate::web) async fn prose(page: Page<Holder>, form: Form) -> PageResult {
    page.show(&ProseView {
        html: to_html(form.text("text"), &Places::default()),
    })
}

/// `GET /user/playground/receipt/{id}`
pub(in crate::web) async fn get_receipt(
    page: Page<Holder>,
    state: web::Data<WebState>,
    id: web::Path<String>,
) -> PageResult {
    let id: RequestId = id.parse().map_err(|_bad_id| PageError::NotFound)?;
    let record = finished(&page, &state, id).await?;
    let record = record.ok_or(PageError::NotFound)?;
    let desk = Desk {
        own: None,
        models: Vec::new(),
    };
    let mut view = desk.view(&page, FormState::default());
    view.asked_receipt = Some(receipt(&page, &record));
    page.respond(StatusCode::OK, &view.as_receipt())
}

async fn call(
    door: &Door,
    request: HttpRequest,
    key: Arc<ApiKey>,
    ask: &Ask,
    stream: bool,
) -> Answered {
    let call = Call {
        key,
        dialect: Caller::Chat,
        model: ask.model.clone(),
        body: ask.body(stream),
        agent: AGENT,
    };
    door.make(request, call).await
}

fn sentence(text: &str, id: Option<RequestId>) -> HttpResponse {
    let body = json!({ "message": text });
    told(StatusCode::UNPROCESSABLE_ENTITY, &body, id)
}

fn told(status: StatusCode, body: &Value, id: Option<RequestId>) -> HttpResponse {
    let mut response = HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(body.to_string());
    if let Some(id) = id {
        name_call(&mut response, id);
    }
    response
}

fn name_call(response: &mut HttpResponse, id: RequestId) {
    if let Ok(value) = HeaderValue::from_bytes(&id.text()) {
        response.headers_mut().insert(CALL, value);
    }
}

/// The record once the call has ended; nothing where it is not the holder's, or takes too long to arrive.
async fn finished(
    page: &Page<Holder>,
    state: &WebState,
    id: RequestId,
) -> Result<Option<RequestRecord>, PageError> {
    let own = Own::must(&page.who, &state.catalog.load_full(), None)?;
    for look in 0..LOOKS {
        if look > 0 && !state.sleeps(PAUSE).await {
            break;
        }
        let found = requests::record(state, &own, id).await?;
        if let Some(record) = found.filter(|record| record.finished_ms > 0) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn receipt(page: &Shell, record: &RequestRecord) -> Receipt {
    let dash = || "—".to_owned();
    let duration = |ms: Option<i64>| ms.map_or_else(dash, |ms| page.duration(&ms));
    let cost = match record.cost_nanos {
        Some(nanos) => format::money_exact(&record.currency, nanos),
        None => dash(),
    };
    Receipt {
        href: page.url(&format!("/user/requests/{}", record.id)),
        status: page.t_code("status-", record.status.as_str()),
        kind: status_kind(record.status),
        figures: page.t_with(
            "user-playground-figures",
            &[
                ("input", &format::integer(record.usage.input())),
                ("output", &format::integer(record.usage.output())),
                ("cost", &cost),
                ("first", &duration(record.ttft_ms)),
                ("total", &duration(record.latency_ms)),
            ],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn what_was_said_is_harmless() {
        let hostile = "<script>alert(1)</script>\"><img src=x>";
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for (has_key, has_model) in [(false, false), (true, false), (true, true)] {
                let desk = Desk {
                    own: None,
                    models: Vec::new(),
                };
                let form = FormState::default()
                    .with("model", hostile)
                    .with("system", hostile)
                    .with("message", hostile);
                let mut view = desk.view(&page, form);
                view.has_key = has_key;
                view.keys = vec![(1, hostile.to_owned(), true), (2, "b".to_owned(), false)];
                if has_model {
                    view.models = vec![hostile.to_owned()];
                }
                view.turns = vec![Turn {
                    role: "assistant",
                    text: hostile.to_owned(),
                    html: to_html(hostile, &Places::default()),
                    thought: hostile.to_owned(),
                    note: hostile.to_owned(),
                }];
                view.failure = hostile.to_owned();
                view.code = code::of(&Ask::sample(hostile), "https://gate.example", "KEY");
                view.receipt = Some(receipt(&page, &RequestRecord::default()));
                let html = view.render().unwrap();
                assert!(!html.contains("<script>alert") && !html.contains("<img src=x"));
                assert!(!html.contains("user-playground-"), "{html}");
            }
        }
    }
}
