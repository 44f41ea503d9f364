//! An attempt that did not serve: what it means for the next attempt, the vendor's health, and the caller.

use std::time::Duration;

use bytes::Bytes;
use modelgate_dialect::openai::answer;

use super::error::ApiError;
use super::headers;
use crate::routing::{Candidate, Outcome};
use crate::upstream::{ErrorKind, UpstreamError, scrub};

/// A vendor's answer that is not a success, read whole.
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) headers: hyper::HeaderMap,
    pub(super) body: Bytes,
}

/// One attempt's failure.
pub(super) struct Failure {
    /// What the record and, unless `answer` is there, the caller get.
    pub(super) error: ApiError,
    /// The vendor's own answer, where the caller gets that.
    pub(super) answer: Option<Refused>,
    /// What the vendor's health learns.
    pub(super) outcome: Outcome,
    /// Whether another credential or target may serve the call.
    pub(super) next: bool,
    /// A kept-alive connection died under the call: worth one more try at the same place.
    pub(super) stale: bool,
    /// When the vendor said that it may be asked again.
    pub(super) retry_after: Option<Duration>,
    /// The vendor is well, and has had enough of this credential: another one need not wait.
    pub(super) of_credential: bool,
    /// The vendor may have done what the request asks for.
    pub(super) acted: bool,
}

impl Failure {
    /// No whole answer came.
    pub(super) fn of_call(error: &UpstreamError) -> Self {
        let stale = error.reused && error.kind == ErrorKind::Closed;
        let outcome = match error.kind {
            ErrorKind::Connect | ErrorKind::ConnectTimeout | ErrorKind::Tls => Outcome::Unreachable,
            _ => Outcome::Failed,
        };
        Self {
            error: interrupted(error),
            answer: None,
            outcome,
            next: true,
            stale,
            retry_after: None,
            of_credential: false,
            acted: outcome != Outcome::Unreachable,
        }
    }

    /// The vendor answered with something else than success.
    pub(super) fn of_answer(mut refused: Refused, tried: &Candidate) -> Self {
        let (provider, secret) = (&tried.target.provider, &tried.credential.secret);
        refused.body = scrub::body(refused.body, provider, secret);
        let said = answer::error_message(&refused.body).unwrap_or_default();
        let said = scrub::text(&said, provider, secret);
        let status = refused.status;
        let retry_after_ms = headers::retry_after_ms(&refused.headers);
        let told = retry_after_ms.and_then(|ms| u64::try_from(ms).ok());
        let told = told.map(Duration::from_millis);
        let (outcome, next) = match status {
            429 => (Outcome::RateLimited { retry_after_ms }, true),
            401 => (Outcome::Rejected, true),
            403 => (Outcome::Forbidden, true),
            500.. => (Outcome::Failed, true),
            _ => (Outcome::Served, false),
        };
        let error = of_status(status).with_detail(if said.is_empty() {
            format!("the vendor answered with status {status}")
        } else {
            said
        });
        // what a vendor says of its own key is not for callers, and a redirect leads past the gateway
        let answer = (!matches!(status, 401 | 403 | ..=399)).then_some(refused);
        Self {
            error,
            answer,
            outcome,
            next,
            stale: false,
            retry_after: told.filter(|_| matches!(status, 429 | 500..)),
            of_credential: matches!(status, 401 | 403 | 429),
            acted: status >= 500,
        }
    }

    /// What came as a success cannot be read.
    pub(super) fn unreadable(detail: &str) -> Self {
        let message = "The model's provider sent an answer that cannot be read.";
        Self {
            error: ApiError::upstream(502, "upstream_malformed", message).with_detail(detail),
            answer: None,
            outcome: Outcome::Failed,
            next: true,
            stale: false,
            retry_after: None,
            of_credential: false,
            acted: true,
        }
    }
}

/// The error of a vendor's status, as the record has it. The caller gets the vendor's own answer, but for 401, 403
/// and redirects.
fn of_status(status: u16) -> ApiError {
    match status {
        429 => ApiError::upstream(
            429,
            "upstream_rate_limited",
            "The model's provider is busy.",
        ),
        401 | 403 => {
            let message = "The model's provider does not accept the gateway's credential.";
            ApiError::upstream(502, "upstream_auth_failed", message)
        }
        404 => ApiError::upstream(
            status,
            "upstream_not_found",
            "The provider does not know it.",
        ),
        400..500 => ApiError::caller(
            status,
            "upstream_refused",
            "The provider refused the request.",
        ),
        500.. => ApiError::upstream(status, "upstream_error", "The model's provider failed."),
        _ => {
            let message = "The model's provider sent an answer that cannot be passed on.";
            ApiError::upstream(502, "upstream_unexpected_status", message)
        }
    }
}

/// The error of a call that broke off, before or within its answer.
pub(super) fn interrupted(error: &UpstreamError) -> ApiError {
    let code = error.kind.code();
    let sorted = match error.kind {
        kind if kind.is_timeout() => {
            let message = "The model's provider did not answer in time.";
            ApiError::upstream(504, code, message).timed_out()
        }
        ErrorKind::Closed => {
            let message =
                "The model's provider closed the connection before its answer was complete.";
            ApiError::upstream(502, code, message)
        }
        ErrorKind::InvalidUrl | ErrorKind::InvalidHeader => {
            let message = "The model's provider is not set up correctly in the gateway.";
            ApiError::gateway(502, code, message)
        }
        ErrorKind::Malformed | ErrorKind::TooLarge => {
            let message = "The model's provider sent an answer that cannot be read.";
            ApiError::upstream(502, code, message)
        }
        _ => ApiError::upstream(502, code, "The model's provider could not be reached."),
    };
    sorted.with_detail(error.message.clone())
}
