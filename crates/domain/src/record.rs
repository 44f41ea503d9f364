//! The record of one request: what the journal carries and `request_logs` keeps.

use serde::{Deserialize, Serialize};

use crate::{
    ApiKeyId, Currency, FaultOwner, ModelId, PriceId, ProviderId, ProviderKeyId, RequestId, Status,
    Usage, UserId,
};

/// One request, from `pending` to a terminal state. Names and meaning are those of the columns of `request_logs`.
///
/// Serialised into the journal, so fields are only ever added, with a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestRecord {
    /// The request.
    pub id: RequestId,
    /// Whose key.
    pub api_key_id: ApiKeyId,
    /// Whose account the key belongs to, 0 where it stands alone.
    pub user_id: UserId,
    /// The client's own conversation id, empty where it sent none.
    pub session_id: String,
    /// How many refusals this row stands for; 1 otherwise.
    pub repeats: i64,
    /// `chat_completions`, `completions`, `embeddings`.
    pub endpoint: String,
    /// `openai`.
    pub dialect: String,
    /// The model name as the caller wrote it, bounded.
    pub requested_model: String,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// The caller's address.
    pub client_ip: String,
    /// The caller's user agent, bounded.
    pub user_agent: String,
    /// Size of the request body in bytes.
    pub request_bytes: i64,
    /// The model that serves.
    pub model_id: ModelId,
    /// The model that was asked for, where another one serves; 0 where it is the same.
    pub asked_model_id: ModelId,
    /// The vendor of the last attempt.
    pub provider_id: ProviderId,
    /// The credential of the last attempt.
    pub provider_key_id: ProviderKeyId,
    /// The vendor's name for the model.
    pub upstream_model: String,
    /// How many vendor calls were made.
    pub attempts: i64,
    /// Why the last target was chosen, in a stable short code.
    pub route_reason: String,
    /// The price applied, 0 where none was known.
    pub price_id: PriceId,
    /// How it ended.
    pub status: Status,
    /// Whose fault.
    pub fault_owner: FaultOwner,
    /// Stable code of the error, empty on success.
    pub error_code: String,
    /// Sanitised, bounded text of the error.
    pub error_message: String,
    /// HTTP status sent to the caller, 0 where none was sent.
    pub http_status: i64,
    /// HTTP status the vendor answered, 0 where it did not.
    pub upstream_status: i64,
    /// The vendor's finish reason, empty where unknown.
    pub finish_reason: String,
    /// When the request was accepted, epoch milliseconds.
    pub started_ms: i64,
    /// When it ended, epoch milliseconds; 0 while pending.
    pub finished_ms: i64,
    /// Time spent waiting for a permit, milliseconds.
    pub queue_ms: Option<i64>,
    /// How many calls stood before it when it began to wait; absent where it did not wait.
    pub queue_position: Option<i64>,
    /// Time until the last attempt was connected and its request sent, milliseconds.
    pub connect_ms: Option<i64>,
    /// Time until the first token or, without a stream, the first byte, milliseconds.
    pub ttft_ms: Option<i64>,
    /// Whole duration, milliseconds.
    pub latency_ms: Option<i64>,
    /// The longest silence between two events of a stream, milliseconds.
    pub max_gap_ms: Option<i64>,
    /// When each phase ended, in microseconds since the start, as a JSON object; empty where nothing was noted.
    pub phases: String,
    /// What the plan left out and why, as JSON: with `route_reason`, the decision; empty where nothing was.
    pub decision: String,
    /// Limits that only observe and would have refused, as a JSON list; empty where none would.
    pub observed: String,
    /// Token buckets.
    pub usage: Usage,
    /// Cost in nano-units of `currency`; absent where no price was known.
    pub cost_nanos: Option<i64>,
    /// The price's currency, empty when unpriced.
    pub currency: Currency,
}

/// One vendor call of a request that needed more than one: a row of `request_attempts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttemptRecord {
    /// 1 for the first.
    pub number: i64,
    /// The vendor.
    pub provider_id: ProviderId,
    /// The credential.
    pub provider_key_id: ProviderKeyId,
    /// HTTP status the vendor answered, 0 where it did not.
    pub upstream_status: i64,
    /// Stable code of what went wrong, empty where nothing did.
    pub error_code: String,
    /// When the attempt began, epoch milliseconds.
    pub started_ms: i64,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
}
