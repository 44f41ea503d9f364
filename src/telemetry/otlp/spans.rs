//! The spans of a call that ended, made of its record: the call, its phases, its vendor calls.

use modelgate_domain::{AttemptRecord, FaultOwner, Phase, Phases, RequestRecord, Status};
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, SpanFlags, Status as SpanStatus};

use super::super::trace::{CallTrace, Try};
use super::names::Names;
use super::words::{
    Attributes, ERROR_TYPE, OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, operation,
};

/// The phases before the first vendor call; what comes after is told by the vendor calls.
const BEFORE: [Phase; 5] = [
    Phase::Authenticate,
    Phase::Read,
    Phase::Admit,
    Phase::Plan,
    Phase::Queue,
];
/// Above any number of vendor calls: what phases are numbered from, for their ids.
const PHASES: u64 = 1 << 32;

/// All spans of one call, the call itself first.
pub(super) fn spans(
    record: &RequestRecord,
    attempts: &[AttemptRecord],
    trace: &CallTrace,
    names: &Names,
) -> Vec<Span> {
    let call = Call {
        record,
        trace,
        names,
        phases: Phases::parse(&record.phases),
    };
    let mut all = vec![call.root()];
    call.phase_spans(&mut all);
    for (place, one) in trace.tries.iter().enumerate() {
        let last = place + 1 == trace.tries.len();
        all.push(call.attempt(one, attempts.get(place), last));
    }
    all
}

struct Call<'a> {
    record: &'a RequestRecord,
    trace: &'a CallTrace,
    names: &'a Names,
    phases: Phases,
}

impl Call<'_> {
    fn end_of(&self, phase: Phase) -> Option<u64> {
        self.phases.end(phase).map(u64::from)
    }

    /// Microseconds from the start to the end.
    fn whole(&self) -> u64 {
        let told = self.record.latency_ms.and_then(|ms| u64::try_from(ms).ok());
        self.end_of(Phase::Settle)
            .unwrap_or_else(|| told.unwrap_or(0).saturating_mul(1_000))
    }

    /// Nanoseconds since 1970.
    fn at(&self, micros: u64) -> u64 {
        let start = u64::try_from(self.record.started_ms).unwrap_or(0);
        start
            .saturating_mul(1_000_000)
            .saturating_add(micros.saturating_mul(1_000))
    }

    fn span(&self, id: [u8; 8], kind: SpanKind, name: String, (from, to): (u64, u64)) -> Span {
        Span {
            trace_id: self.trace.trace_id.to_vec(),
            span_id: id.to_vec(),
            parent_span_id: self.trace.root().to_vec(),
            trace_state: self.trace.state.clone(),
            flags: 1 | SpanFlags::ContextHasIsRemoteMask as u32,
            name,
            kind: kind.into(),
            start_time_unix_nano: self.at(from),
            end_time_unix_nano: self.at(to.max(from)),
            ..Span::default()
        }
    }

    fn root(&self) -> Span {
        let record = self.record;
        let route = format!("/v1/{}", record.endpoint.replace("chat_", "chat/"));
        let name = format!("POST {route}");
        let id = self.trace.root();
        let mut span = self.span(id, SpanKind::Server, name, (0, self.whole()));
        span.parent_span_id = self.trace.parent.map(|id| id.to_vec()).unwrap_or_default();
        if self.trace.parent.is_some() {
            span.flags |= SpanFlags::ContextIsRemoteMask as u32;
        }
        let sent = Some(record.http_status).filter(|status| *status > 0);
        let served_by = self.names.models.get(&record.model_id);
        let mut told = Attributes::default();
        told.text("http.request.method", "POST")
            .text("http.route", &route)
            .text("url.path", &route)
            .number("http.response.status_code", sent)
            .number("http.request.body.size", Some(record.request_bytes))
            .text("client.address", &record.client_ip)
            .text("user_agent.original", &record.user_agent)
            .text(ERROR_TYPE, &record.error_code)
            .text("modelgate.request_id", &record.id.to_string())
            .number("modelgate.api_key_id", Some(record.api_key_id.0))
            .text("modelgate.requested_model", &record.requested_model)
            .text("modelgate.model", served_by.map_or("", String::as_str))
            .text("modelgate.status", record.status.as_str())
            .text("modelgate.fault_owner", record.fault_owner.as_str())
            .text("modelgate.route_reason", &record.route_reason)
            .number("modelgate.attempts", Some(record.attempts))
            .flag("modelgate.stream", record.stream)
            .number("modelgate.queue_position", record.queue_position)
            .number("modelgate.cost_nanos", record.cost_nanos)
            .text("modelgate.currency", record.currency.as_str());
        span.attributes = told.0;
        // the conventions: what a caller did wrong is no error of the server
        let ours = matches!(
            record.fault_owner,
            FaultOwner::Gateway | FaultOwner::Upstream
        );
        span.status = status(ours);
        span
    }

    fn phase_spans(&self, all: &mut Vec<Span>) {
        let first = self.trace.tries.first().map(|one| one.begins);
        let mut begins = 0;
        for phase in BEFORE {
            let Some(end) = self.end_of(phase) else {
                continue;
            };
            // of several vendor calls each waits for its place: the first is meant here
            let end = first.map_or(end, |first| end.min(first));
            all.push(self.phase(phase, (begins, end)));
            begins = end;
        }
        if let Some(end) = self.end_of(Phase::Settle) {
            let last = self.trace.tries.last().and_then(|one| one.ends);
            let served = self.end_of(Phase::LastByte);
            let from = served.or(last).unwrap_or(begins);
            all.push(self.phase(Phase::Settle, (from.min(end), end)));
        }
    }

    fn phase(&self, phase: Phase, times: (u64, u64)) -> Span {
        let id = self.trace.child(PHASES + phase as u64);
        self.span(id, SpanKind::Internal, phase.as_str().to_owned(), times)
    }

    fn attempt(&self, one: &Try, kept: Option<&AttemptRecord>, last: bool) -> Span {
        let record = self.record;
        let operation = operation(&record.endpoint);
        let ends = one.ends.unwrap_or_else(|| self.whole()).max(one.begins);
        let name = format!("{operation} {}", one.model);
        let mut span = self.span(one.span, SpanKind::Client, name, (one.begins, ends));
        let served = last && record.ttft_ms.is_some();
        let vendor = kept.and_then(|kept| self.names.vendors.get(&kept.provider_id));
        let error = kept.map_or("", |kept| kept.error_code.as_str());
        let mut told = Attributes::default();
        told.text(OPERATION, operation)
            .text(REQUEST_MODEL, &one.model)
            .text("gen_ai.conversation.id", &record.session_id)
            .text(ERROR_TYPE, error);
        if let Some(vendor) = vendor {
            told.text(PROVIDER, &vendor.known_as)
                .text("server.address", &vendor.host)
                .number("server.port", vendor.port)
                .text("modelgate.provider", &vendor.slug);
        }
        if let Some(kept) = kept {
            let answered = Some(kept.upstream_status).filter(|status| *status > 0);
            told.number("modelgate.attempt", Some(kept.number))
                .number("modelgate.provider_key_id", Some(kept.provider_key_id.0))
                .number("http.response.status_code", answered);
        }
        if served {
            let usage = &record.usage;
            told.text(RESPONSE_MODEL, &one.model)
                .texts("gen_ai.response.finish_reasons", &record.finish_reason)
                .number("gen_ai.usage.input_tokens", Some(usage.input()))
                .number("gen_ai.usage.output_tokens", Some(usage.output()))
                .number("gen_ai.usage.cache_read.input_tokens", Some(usage.cached))
                .number(
                    "gen_ai.usage.cache_creation.input_tokens",
                    Some(usage.cache_write),
                )
                .number(
                    "gen_ai.usage.reasoning.output_tokens",
                    Some(usage.reasoning),
                )
                .flag("modelgate.usage_estimated", usage.estimated);
        }
        span.attributes = told.0;
        if last {
            let answered = kept.is_some_and(|kept| kept.upstream_status > 0);
            let moments = [
                ("request_sent", Phase::Connect, answered),
                ("first_byte", Phase::FirstByte, served),
            ];
            for (name, phase, _) in moments.into_iter().filter(|(_, _, came)| *came) {
                // the first is known to a millisecond only
                let at = self.end_of(phase).map(|at| at.clamp(one.begins, ends));
                span.events.extend(at.map(|at| Event {
                    time_unix_nano: self.at(at),
                    name: name.to_owned(),
                    ..Event::default()
                }));
            }
        }
        let left = record.status == Status::Cancelled && last;
        span.status = status(!error.is_empty() && !left);
        span
    }
}

fn status(failed: bool) -> Option<SpanStatus> {
    failed.then(|| SpanStatus {
        code: StatusCode::Error.into(),
        ..SpanStatus::default()
    })
}
