//! One call from its headers to its answer: authenticate, read, admit, plan, forward.

use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use modelgate_dialect::Caller;
use modelgate_dialect::openai::request::Peek;
use modelgate_domain::{Cause, Phase, RequestId, RequestRecord};
use tokio::time::Instant;

use super::endpoints::{Endpoint, Form};
use super::error::ApiError;
use super::failure::{Refused, shutting_down};
use super::flow::{Flow, HEARTBEAT};
use super::forward::{Job, Served};
use super::large::Large;
use super::planner::{self, Planner};
use super::settle::Settlement;
use super::state::Worker;
use super::{authenticate, body, caller, failures, headers};
use crate::admission::{self, Advice, Ask, Weight};
use crate::calls::{Answered, Call};
use crate::catalog::{ApiKey, Catalog, Resolved};
use crate::forwarded;
use crate::routing::{Attempts, NoPlace, QueueRule, Why};
use crate::upstream::scrub;

const MAX_MODEL_CHARS: usize = 256;
/// The caller's headers that concern a vendor who speaks the same dialect.
const fn forwarded_headers(dialect: Caller) -> &'static [&'static str] {
    match dialect {
        Caller::Chat | Caller::Responses => &["openai-beta"],
        Caller::Gemini => &[],
        Caller::Messages => &["anthropic-version", "anthropic-beta"],
    }
}

/// Serves a call to one of the endpoints that reach a vendor.
pub(super) async fn serve(
    worker: Data<Worker>,
    endpoint: &'static Endpoint,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let begun = Instant::now();
    let now_ms = worker.clock.now_ms();
    let id = worker.ids.next(now_ms);
    let catalog = worker.catalog.load_full();
    let key = match authenticate::authenticate(request, &catalog, now_ms) {
        Ok(key) => key,
        Err(error) => {
            worker.metrics.auth_failed();
            return error.respond(id, endpoint.dialect);
        }
    };
    let record = record(&worker, endpoint, request, &key, (id, now_ms));
    let mut settlement = Settlement::new(Data::clone(&worker), record, begun);
    settlement.dialect = endpoint.dialect;
    let body = body::Body::Arriving(payload);
    go_on(worker, endpoint, request, body, &key, settlement).await
}

/// Serves a call that a page makes for the holder of a key.
pub(super) async fn serve_page(
    worker: Data<Worker>,
    endpoint: &'static Endpoint,
    request: &HttpRequest,
    call: Call,
) -> Answered {
    let begun = Instant::now();
    let now_ms = worker.clock.now_ms();
    let id = worker.ids.next(now_ms);
    let mut record = record(&worker, endpoint, request, &call.key, (id, now_ms));
    call.agent.clone_into(&mut record.user_agent);
    let mut settlement = Settlement::new(Data::clone(&worker), record, begun);
    settlement.dialect = endpoint.dialect;
    let body = body::Body::Whole(call.body);
    let response = go_on(worker, endpoint, request, body, &call.key, settlement).await;
    Answered { id, response }
}

/// From where it is known whose call it is.
async fn go_on(
    worker: Data<Worker>,
    endpoint: &'static Endpoint,
    request: &HttpRequest,
    body: body::Body,
    key: &Arc<ApiKey>,
    mut settlement: Box<Settlement>,
) -> HttpResponse {
    if let Some(tracer) = &worker.tracer {
        settlement.trace = caller::trace(tracer, request.headers());
    }
    settlement.ends(Phase::Authenticate);
    let most = worker.live.load().runtime.max_open_requests;
    match worker.overload.enter(most) {
        Ok(entered) => settlement.hold_entry(entered),
        Err(error) => return refuse(settlement, &error),
    }
    let prepared = prepare(&worker, endpoint, request, body, key, &mut settlement);
    match prepared.await {
        Ok(call) => respond(worker, endpoint, call.with(settlement)).await,
        Err(error) => refuse(settlement, &error),
    }
}

fn refuse(mut settlement: Box<Settlement>, error: &ApiError) -> HttpResponse {
    settlement.fail(error, error.http_status);
    error.respond(settlement.id(), settlement.dialect)
}

fn record(
    worker: &Worker,
    endpoint: &Endpoint,
    request: &HttpRequest,
    key: &ApiKey,
    (id, now_ms): (RequestId, i64),
) -> RequestRecord {
    let trusted = &worker.settings.trusted_proxies;
    let connection = request.peer_addr().map(|address| address.ip());
    RequestRecord {
        id,
        api_key_id: key.id,
        user_id: key.user_id,
        session_id: caller::session(request.headers()),
        repeats: 1,
        endpoint: endpoint.name.to_owned(),
        dialect: endpoint.dialect.name().to_owned(),
        client_ip: forwarded::client(connection, request.headers(), trusted).to_string(),
        user_agent: caller::agent(request.headers()),
        started_ms: now_ms,
        ..RequestRecord::default()
    }
}

/// What a call needs beside its settlement.
struct Prepared {
    worker: Data<Worker>,
    endpoint: &'static Endpoint,
    body: bytes::Bytes,
    peek: Peek,
    resolved: Resolved,
    attempts: Attempts,
    planner: Planner,
    forward: Vec<(&'static str, Vec<u8>)>,
}

impl Prepared {
    fn with(self, settlement: Box<Settlement>) -> Job {
        Job {
            worker: self.worker,
            endpoint: self.endpoint,
            body: self.body,
            peek: self.peek,
            model: self.resolved.model,
            attempts: self.attempts,
            planner: self.planner,
            forward: self.forward,
            settlement,
        }
    }
}

/// Everything up to the first vendor call; the record says `started` once this succeeds.
async fn prepare(
    worker: &Data<Worker>,
    endpoint: &'static Endpoint,
    request: &HttpRequest,
    body: body::Body,
    key: &Arc<ApiKey>,
    settlement: &mut Settlement,
) -> Result<Prepared, ApiError> {
    let started_ms = settlement.record.started_ms;
    let address = settlement.record.client_ip.parse().ok();
    worker.admission.check_key(&admission::Caller {
        key,
        address,
        now_ms: started_ms,
    })?;
    let limit = worker.settings.body_limit;
    let body = body.read(request, limit).await?;
    settlement.record.request_bytes = i64::try_from(body.len()).unwrap_or(i64::MAX);
    settlement.ends(Phase::Read);
    let peek = endpoint.peek(request, &body)?;
    settlement.record.requested_model = scrub::bounded(&peek.model, MAX_MODEL_CHARS);
    settlement.record.stream = peek.stream && endpoint.streams;
    settlement.prompt = peek.prompt;
    // the body may have taken long: what holds now decides
    let catalog = worker.catalog.load_full();
    let resolved = resolve(&catalog, &peek.model)?;
    settlement.record.model_id = resolved.model.id;
    let resolved = heed_busyness(worker, key, &catalog, resolved, settlement)?;
    let now_ms = worker.clock.now_ms();
    let permit = worker
        .admission
        .admit(&Ask {
            key,
            resolved: &resolved,
            stream: settlement.record.stream,
            weight: weight(&peek),
            address,
            started_ms,
            now_ms,
        })
        .await?;
    settlement.hold_permit(permit);
    settlement.ends(Phase::Admit);
    let session = &settlement.record.session_id;
    let planner = Planner::new(
        (Arc::clone(key), catalog),
        &resolved,
        (endpoint.kind, endpoint.only()),
        (settlement.id().0.unsigned_abs(), weight(&peek)),
        || conversation(session, &peek, &body),
    );
    let (resolved, planner, attempts) = plan(worker, resolved, planner, settlement).await?;
    settlement.start().map_err(|_full| {
        let message = "The gateway cannot record calls just now and refuses them; try again later.";
        ApiError::gateway(503, "journal_full", message).retry_after(Some(5))
    })?;
    let forward = forwarded_headers(endpoint.dialect)
        .iter()
        .filter_map(|name| {
            let value = request.headers().get(*name)?;
            Some((*name, value.as_bytes().to_vec()))
        });
    Ok(Prepared {
        worker: Data::clone(worker),
        endpoint,
        body,
        peek,
        resolved,
        attempts,
        planner,
        forward: forward.collect(),
    })
}

/// The rules of busyness may refuse a call, let another model answer it, or have something to say about it.
fn heed_busyness(
    worker: &Worker,
    key: &ApiKey,
    catalog: &Catalog,
    resolved: Resolved,
    settlement: &mut Settlement,
) -> Result<Resolved, ApiError> {
    let rules = &catalog.busyness_rules;
    match worker.admission.advise(rules, key, &resolved)? {
        Advice::Pass => {}
        Advice::Block(refusal) => return Err(refusal.into()),
        Advice::Suggest { level, suggestion } => settlement.suggest(level, suggestion),
        Advice::Downgrade(name) => {
            let other = catalog.resolve(name);
            if let Some(other) = other.filter(|other| key.may_use_resolved(other)) {
                settlement.record.asked_model_id = resolved.model.id;
                settlement.record.model_id = other.model.id;
                return Ok(other);
            }
        }
    }
    Ok(resolved)
}

/// A name that means no model here is refused: no provider is ever guessed.
pub(super) fn resolve(catalog: &Catalog, name: &str) -> Result<Resolved, ApiError> {
    catalog.resolve(name).ok_or_else(|| {
        let shown = scrub::bounded(name, MAX_MODEL_CHARS);
        ApiError::caller(
            404,
            "model_not_found",
            format!("The model \"{shown}\" does not exist."),
        )
        .with_param("model")
    })
}

/// How much a call may use, as far as its body says.
pub(super) fn weight(peek: &Peek) -> Weight {
    Weight {
        prompt: peek.prompt.tokens(),
        max_output: peek.max_output,
        choices: peek.choices,
    }
}

/// What a conversation is told by: the caller's own id of it, else how it began.
pub(super) fn conversation(session: &str, peek: &Peek, body: &[u8]) -> Option<u64> {
    if !session.is_empty() {
        return Some(planner::number([session.as_bytes()]));
    }
    let opening = peek.opening(body);
    let says = opening.iter().any(|piece| !piece.is_empty());
    says.then(|| planner::number(opening))
}

/// The attempts for the model that was asked for, or for the first that takes over where it has none.
async fn plan(
    worker: &Worker,
    asked: Resolved,
    mut planner: Planner,
    settlement: &mut Settlement,
) -> Result<(Resolved, Planner, Attempts), ApiError> {
    let planned = planner.plan(worker, &asked);
    settlement.record.decision = planner::left_out(&planned);
    settlement.ends(Phase::Plan);
    let why = planned.why_empty();
    let attempts = Attempts::of(planned);
    let waits = !worker.live.load().runtime.queue_deadline.is_zero();
    if attempts.has_ready() || (waits && !attempts.is_empty()) {
        return Ok((asked, planner, attempts));
    }
    if matches!(why, Why::Busy | Why::TooBusy | Why::Resting { .. })
        && let Some((resolved, attempts)) = planner
            .take_over(worker, settlement, Cause::Overloaded)
            .await
    {
        return Ok((resolved, planner, attempts));
    }
    Err(unplanned(&asked, why, worker.clock.now_ms()))
}

/// Why nothing can be tried.
fn unplanned(asked: &Resolved, why: Why, now_ms: i64) -> ApiError {
    let name = &asked.model.name;
    match why {
        Why::KindMismatch => {
            let kind = &asked.model.kind;
            let message = format!(
                "The model \"{name}\" is of the kind {kind}; this endpoint does not serve it."
            );
            ApiError::caller(400, "model_kind_mismatch", message).with_param("model")
        }
        Why::ProtocolMismatch => {
            let message = format!(
                "The providers of the model \"{name}\" have nothing like this endpoint; use chat completions or messages."
            );
            ApiError::caller(400, "endpoint_not_supported", message).with_param("model")
        }
        Why::Busy => failures::without_place(NoPlace::Busy, QueueRule::OFF),
        Why::TooBusy => failures::too_busy(name),
        Why::Resting { until_ms } => {
            let seconds = until_ms.map(|until| until.saturating_sub(now_ms).max(0) / 1_000 + 1);
            let message =
                format!("No provider can serve the model \"{name}\" just now; try again later.");
            ApiError::upstream(503, "upstream_resting", message).retry_after(seconds)
        }
        Why::NotConfigured => {
            let message = format!("The model \"{name}\" is not served by any provider.");
            ApiError::policy(404, "model_not_found", message).with_param("model")
        }
    }
}

/// Answers, and tells the caller how its limits stand.
async fn respond(worker: Data<Worker>, endpoint: &'static Endpoint, mut job: Job) -> HttpResponse {
    let (rates, suggestion) = (job.settlement.rates(), job.settlement.suggestion());
    let mut response = attempt(&worker, endpoint, job).await;
    headers::rates(response.headers_mut(), &rates);
    if let Some((level, suggestion)) = suggestion {
        headers::busyness(response.headers_mut(), level, &suggestion);
    }
    response
}

/// Runs the attempts. A caller of a stream who waits in silence gets its status and heartbeats meanwhile.
async fn attempt(worker: &Data<Worker>, endpoint: &'static Endpoint, job: Job) -> HttpResponse {
    let id = (job.settlement.id(), endpoint);
    let streams = endpoint.streams && job.peek.stream;
    let committed = job.settlement.committed();
    let mut work = Box::pin(job.run());
    if !streams {
        let mut closing = worker.closing.clone();
        tokio::select! {
            biased;
            served = work.as_mut() => return answer(worker, id, served),
            Ok(_) = closing.wait_for(|closes| *closes) => {}
        }
        let error = shutting_down();
        committed.set(error.http_status);
        // dropping the attempts settles them: the state says that the gateway closes
        drop(work);
        return error.respond(id.0, endpoint.dialect);
    }
    if let Ok(served) = tokio::time::timeout(HEARTBEAT, work.as_mut()).await {
        return answer(worker, id, served);
    }
    committed.set(200);
    let flow = worker
        .readers
        .watch(Flow::waiting(id, work, worker.closing.clone()));
    let response = streamed(HttpResponse::Ok().streaming(flow), endpoint.form);
    dress(response, &hyper::HeaderMap::new(), id.0)
}

fn answer(worker: &Worker, id: (RequestId, &'static Endpoint), served: Served) -> HttpResponse {
    match served {
        Served::Error(error) => error.respond(id.0, id.1.dialect),
        Served::Whole(whole) => whole_of(whole, id.0),
        Served::Large(large) => large_of(worker, *large, id.0),
        Served::Stream(mut relay) => {
            let from = std::mem::take(&mut relay.headers);
            let mut response = builder(relay.status);
            let flow = Flow::relaying(id, relay, worker.closing.clone());
            let flow = worker.readers.watch(flow);
            streamed(dress(response.streaming(flow), &from, id.0), id.1.form)
        }
    }
}

fn builder(status: u16) -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY))
}

/// What every answer of a vendor carries.
fn dress(mut response: HttpResponse, from: &hyper::HeaderMap, id: RequestId) -> HttpResponse {
    headers::pass(from, response.headers_mut());
    headers::mark(response.headers_mut(), id);
    response
}

fn streamed(mut response: HttpResponse, form: Form) -> HttpResponse {
    headers::stream(response.headers_mut(), form);
    response
}

fn whole_of(whole: Refused, id: RequestId) -> HttpResponse {
    let response = builder(whole.status).body(whole.body);
    dress(response, &whole.headers, id)
}

fn large_of(worker: &Worker, mut large: Large, id: RequestId) -> HttpResponse {
    let length = large.length();
    let mut response = builder(large.status);
    let from = std::mem::take(&mut large.headers);
    let large = worker.readers.watch(large);
    let response = match length {
        Some(length) => response.body(SizedStream::new(length, large)),
        None => response.streaming(large),
    };
    dress(response, &from, id)
}

/// Finds the caller of an endpoint that reaches no vendor and leaves no record.
pub(super) fn identify(
    worker: &Worker,
    request: &HttpRequest,
) -> Result<(Arc<ApiKey>, Arc<Catalog>), ApiError> {
    let catalog = worker.catalog.load_full();
    let now_ms = worker.clock.now_ms();
    let key = authenticate::authenticate(request, &catalog, now_ms)
        .inspect_err(|_error| worker.metrics.auth_failed())?;
    let trusted = &worker.settings.trusted_proxies;
    let connection = request.peer_addr().map(|address| address.ip());
    worker.admission.check_key(&admission::Caller {
        key: &key,
        address: Some(forwarded::client(connection, request.headers(), trusted)),
        now_ms,
    })?;
    Ok((key, catalog))
}
