//! The columns of the request log as they are read.

use diesel::prelude::*;
use modelgate_domain::{AttemptRecord, RequestId, RequestRecord, Usage};

use crate::StoreError;
use crate::columns::currency;
use crate::request_logs::LogRow;
use crate::schema::request_logs;

/// All columns of `request_logs` and its history, in their order.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = request_logs)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) seq: i64,
    pub(crate) api_key_id: i64,
    pub(crate) user_id: i64,
    pub(crate) session_id: String,
    pub(crate) repeats: i64,
    pub(crate) endpoint: String,
    pub(crate) dialect: String,
    pub(crate) requested_model: String,
    pub(crate) stream: bool,
    pub(crate) client_ip: String,
    pub(crate) user_agent: String,
    pub(crate) request_bytes: i64,
    pub(crate) model_id: i64,
    pub(crate) provider_id: i64,
    pub(crate) provider_key_id: i64,
    pub(crate) upstream_model: String,
    pub(crate) attempts: i64,
    pub(crate) route_reason: String,
    pub(crate) price_id: i64,
    pub(crate) status: String,
    pub(crate) fault_owner: String,
    pub(crate) error_code: String,
    pub(crate) error_message: String,
    pub(crate) http_status: i64,
    pub(crate) upstream_status: i64,
    pub(crate) finish_reason: String,
    pub(crate) started_ms: i64,
    pub(crate) finished_ms: i64,
    pub(crate) queue_ms: Option<i64>,
    pub(crate) connect_ms: Option<i64>,
    pub(crate) ttft_ms: Option<i64>,
    pub(crate) latency_ms: Option<i64>,
    pub(crate) max_gap_ms: Option<i64>,
    pub(crate) prompt_tokens: i64,
    pub(crate) cached_tokens: i64,
    pub(crate) cache_write_tokens: i64,
    pub(crate) completion_tokens: i64,
    pub(crate) reasoning_tokens: i64,
    pub(crate) usage_estimated: bool,
    pub(crate) cost_nanos: Option<i64>,
    pub(crate) currency: String,
    pub(crate) queue_position: Option<i64>,
    pub(crate) asked_model_id: i64,
    pub(crate) decision: String,
    pub(crate) phases: String,
    pub(crate) observed: String,
}

impl Row {
    /// The record behind the columns.
    pub(crate) fn into_log(self) -> Result<LogRow, StoreError> {
        let record = RequestRecord {
            id: RequestId(self.id),
            api_key_id: self.api_key_id.into(),
            user_id: self.user_id.into(),
            session_id: self.session_id,
            repeats: self.repeats,
            endpoint: self.endpoint,
            dialect: self.dialect,
            requested_model: self.requested_model,
            stream: self.stream,
            client_ip: self.client_ip,
            user_agent: self.user_agent,
            request_bytes: self.request_bytes,
            model_id: self.model_id.into(),
            provider_id: self.provider_id.into(),
            provider_key_id: self.provider_key_id.into(),
            upstream_model: self.upstream_model,
            attempts: self.attempts,
            route_reason: self.route_reason,
            price_id: self.price_id.into(),
            status: closed("status", &self.status)?,
            fault_owner: closed("fault_owner", &self.fault_owner)?,
            error_code: self.error_code,
            error_message: self.error_message,
            http_status: self.http_status,
            upstream_status: self.upstream_status,
            finish_reason: self.finish_reason,
            started_ms: self.started_ms,
            finished_ms: self.finished_ms,
            queue_ms: self.queue_ms,
            connect_ms: self.connect_ms,
            ttft_ms: self.ttft_ms,
            latency_ms: self.latency_ms,
            max_gap_ms: self.max_gap_ms,
            usage: Usage {
                prompt: self.prompt_tokens,
                cached: self.cached_tokens,
                cache_write: self.cache_write_tokens,
                completion: self.completion_tokens,
                reasoning: self.reasoning_tokens,
                estimated: self.usage_estimated,
            },
            cost_nanos: self.cost_nanos,
            currency: currency(&self.currency),
            queue_position: self.queue_position,
            asked_model_id: self.asked_model_id.into(),
            decision: self.decision,
            phases: self.phases,
            observed: self.observed,
        };
        Ok(LogRow {
            seq: self.seq,
            record,
        })
    }
}

fn closed<T: std::str::FromStr>(column: &str, text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_unknown| StoreError::Corrupt(format!("request_logs.{column} {text:?}")))
}

/// The columns of `request_attempts` beside the request.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct AttemptRow {
    pub(crate) number: i64,
    pub(crate) provider_id: i64,
    pub(crate) provider_key_id: i64,
    pub(crate) upstream_status: i64,
    pub(crate) error_code: String,
    pub(crate) started_ms: i64,
    pub(crate) duration_ms: i64,
}

impl From<AttemptRow> for AttemptRecord {
    fn from(row: AttemptRow) -> Self {
        Self {
            number: row.number,
            provider_id: row.provider_id.into(),
            provider_key_id: row.provider_key_id.into(),
            upstream_status: row.upstream_status,
            error_code: row.error_code,
            started_ms: row.started_ms,
            duration_ms: row.duration_ms,
        }
    }
}
