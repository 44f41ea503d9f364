//! The columns of `request_logs` and `request_attempts` as they are written, and what is counted of them.

use std::borrow::Cow;
use std::collections::HashMap;

use diesel::prelude::*;
use modelgate_domain::{AttemptRecord, RequestRecord, Usage};

use super::kept::kept;
use super::rollups::Counted;
use crate::schema::{request_attempts, request_logs};

/// More than any real request, and few enough that sums of them fit into 64 bits.
const MOST_TOKENS: i64 = 1 << 40;
const MOST_NANOS: i64 = 1 << 50;

kept! {
    /// A row of `request_logs`.
    pub(super) struct Row<'a> of request_logs (id) {
        id: i64,
        seq: i64,
        api_key_id: i64,
        user_id: i64,
        session_id: Cow<'a, str>,
        repeats: i64,
        endpoint: Cow<'a, str>,
        dialect: Cow<'a, str>,
        requested_model: Cow<'a, str>,
        stream: bool,
        client_ip: Cow<'a, str>,
        user_agent: Cow<'a, str>,
        request_bytes: i64,
        model_id: i64,
        provider_id: i64,
        provider_key_id: i64,
        upstream_model: Cow<'a, str>,
        attempts: i64,
        route_reason: Cow<'a, str>,
        price_id: i64,
        status: &'static str,
        fault_owner: &'static str,
        error_code: Cow<'a, str>,
        error_message: Cow<'a, str>,
        http_status: i64,
        upstream_status: i64,
        finish_reason: Cow<'a, str>,
        started_ms: i64,
        finished_ms: i64,
        queue_ms: Option<i64>,
        connect_ms: Option<i64>,
        ttft_ms: Option<i64>,
        latency_ms: Option<i64>,
        max_gap_ms: Option<i64>,
        prompt_tokens: i64,
        cached_tokens: i64,
        cache_write_tokens: i64,
        completion_tokens: i64,
        reasoning_tokens: i64,
        usage_estimated: bool,
        cost_nanos: Option<i64>,
        currency: Cow<'a, str>,
        queue_position: Option<i64>,
        asked_model_id: i64,
        decision: Cow<'a, str>,
        phases: Cow<'a, str>,
        observed: Cow<'a, str>,
    }
}

kept! {
    /// A row of `request_attempts`.
    pub(super) struct AttemptRow<'a> of request_attempts (request_id, number) {
        request_id: i64,
        number: i64,
        provider_id: i64,
        provider_key_id: i64,
        upstream_status: i64,
        error_code: Cow<'a, str>,
        started_ms: i64,
        duration_ms: i64,
    }
}

/// The rows of a request's vendor calls.
pub(super) fn attempt_rows(id: i64, attempts: &[AttemptRecord]) -> Vec<AttemptRow<'_>> {
    fn row(id: i64, a: &AttemptRecord) -> AttemptRow<'_> {
        AttemptRow {
            request_id: id,
            number: a.number,
            provider_id: a.provider_id.0,
            provider_key_id: a.provider_key_id.0,
            upstream_status: a.upstream_status,
            error_code: text(&a.error_code),
            started_ms: a.started_ms,
            duration_ms: a.duration_ms,
        }
    }
    // A number given twice would make the one statement contradict itself.
    let numbered: HashMap<i64, &AttemptRecord> = attempts.iter().map(|a| (a.number, a)).collect();
    numbered.into_values().map(|a| row(id, a)).collect()
}

/// PostgreSQL keeps no NUL in a text, and callers choose some of these texts.
fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A request's buckets within what sums can hold.
fn bounded(usage: Usage) -> Usage {
    let tokens = |n: i64| n.clamp(0, MOST_TOKENS);
    Usage {
        prompt: tokens(usage.prompt),
        cached: tokens(usage.cached),
        cache_write: tokens(usage.cache_write),
        completion: tokens(usage.completion),
        reasoning: tokens(usage.reasoning),
        estimated: usage.estimated,
    }
}

fn cost(record: &RequestRecord) -> Option<i64> {
    record.cost_nanos.map(|n| n.clamp(0, MOST_NANOS))
}

impl<'a> Row<'a> {
    /// A record's row; `seq` is its place in the order of arrival.
    pub(super) fn new(r: &'a RequestRecord, seq: i64) -> Self {
        let usage = bounded(r.usage);
        Self {
            id: r.id.0,
            seq,
            api_key_id: r.api_key_id.0,
            user_id: r.user_id.0,
            session_id: text(&r.session_id),
            repeats: r.repeats.max(1),
            endpoint: text(&r.endpoint),
            dialect: text(&r.dialect),
            requested_model: text(&r.requested_model),
            stream: r.stream,
            client_ip: text(&r.client_ip),
            user_agent: text(&r.user_agent),
            request_bytes: r.request_bytes,
            model_id: r.model_id.0,
            provider_id: r.provider_id.0,
            provider_key_id: r.provider_key_id.0,
            upstream_model: text(&r.upstream_model),
            attempts: r.attempts,
            route_reason: text(&r.route_reason),
            price_id: r.price_id.0,
            status: r.status.as_str(),
            fault_owner: r.fault_owner.as_str(),
            error_code: text(&r.error_code),
            error_message: text(&r.error_message),
            http_status: r.http_status,
            upstream_status: r.upstream_status,
            finish_reason: text(&r.finish_reason),
            started_ms: r.started_ms,
            finished_ms: r.finished_ms,
            queue_ms: r.queue_ms,
            connect_ms: r.connect_ms,
            ttft_ms: r.ttft_ms,
            latency_ms: r.latency_ms,
            max_gap_ms: r.max_gap_ms,
            prompt_tokens: usage.prompt,
            cached_tokens: usage.cached,
            cache_write_tokens: usage.cache_write,
            completion_tokens: usage.completion,
            reasoning_tokens: usage.reasoning,
            usage_estimated: usage.estimated,
            cost_nanos: cost(r),
            currency: text(cost(r).map_or("", |_| r.currency.as_str())),
            queue_position: r.queue_position,
            asked_model_id: r.asked_model_id.0,
            decision: text(&r.decision),
            phases: text(&r.phases),
            observed: text(&r.observed),
        }
    }
}

impl From<&RequestRecord> for Counted {
    fn from(r: &RequestRecord) -> Self {
        let ms = |n: i64| n.max(0);
        Self {
            started_ms: r.started_ms,
            api_key_id: r.api_key_id.0,
            user_id: r.user_id.0,
            model_id: r.model_id.0,
            provider_id: r.provider_id.0,
            provider_key_id: r.provider_key_id.0,
            currency: cost(r).map(|_| r.currency.to_string()).unwrap_or_default(),
            status: r.status,
            fault_owner: r.fault_owner,
            count: r.repeats.max(1),
            usage: bounded(r.usage),
            cost_nanos: cost(r).unwrap_or(0),
            latency_ms: r.latency_ms.map(ms),
            ttft_ms: r.ttft_ms.map(ms),
            repeated: false,
        }
    }
}
