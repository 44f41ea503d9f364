//! An attempt that did not serve: what it means for the next attempt, the vendor's health, and the caller.

use std::time::Duration;

use bytes::Bytes;
use modelgate_dialect::openai::answer;
use modelgate_dialect::{Caller, Dialect, convert};
use modelgate_domain::{Cause, Meaning};

use super::error::ApiError;
use super::headers;
use super::state::Worker;
use crate::routing::{Candidate, Outcome, Reason, VendorError, meaning};
use crate::upstream::{ErrorKind, UpstreamError, scrub};

/// A vendor's answer that is not a success, read whole.
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) headers: hyper::HeaderMap,
    pub(super) body: Bytes,
}

impl Refused {
    /// The same in the caller's dialect, where the vendor speaks another one.
    pub(super) fn told_in(mut self, caller: Caller, vendor: Dialect) -> Self {
        if !caller.is(vendor) {
            let said = convert::error(&self.body, caller, self.status);
            let unsaid = || {
                let message = "The model's provider refused the request.";
                convert::error_of(message, caller, self.status)
            };
            self.body = said.unwrap_or_else(unsaid).into();
            let json = hyper::header::HeaderValue::from_static("application/json");
            self.headers.insert(hyper::header::CONTENT_TYPE, json);
        }
        self
    }
}

/// One attempt's failure.
pub(super) struct Failure {
    /// What the record and, unless `answer` is there, the caller get.
    pub(super) error: ApiError,
    /// The vendor's own answer, where the caller gets that.
    pub(super) answer: Option<Refused>,
    /// What the vendor's health learns; nothing where the vendor was not called.
    pub(super) outcome: Option<Outcome>,
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
    /// The vendor said nothing in time: what it was asked may have been done, and may be on its bill.
    pub(super) silent: bool,
    /// For which of the causes of a fallback another model may serve the call; none where it is the caller's fault.
    pub(super) cause: Option<Cause>,
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
            outcome: Some(outcome),
            next: true,
            stale,
            retry_after: None,
            of_credential: false,
            acted: outcome != Outcome::Unreachable,
            silent: matches!(
                error.kind,
                ErrorKind::FirstByteTimeout | ErrorKind::IdleTimeout
            ),
            cause: Some(Cause::Overloaded),
        }
    }

    /// The vendor answered with something else than success.
    pub(super) fn of_answer(mut refused: Refused, tried: &Candidate, worker: &Worker) -> Self {
        let (provider, secret) = (&tried.target.provider, &tried.credential.secret);
        let meant = Meant::read(&refused, tried, worker);
        refused.body = scrub::body(refused.body, provider, secret);
        let said = answer::error_message(&refused.body).unwrap_or_default();
        let said = scrub::text(&said, provider, secret);
        let status = refused.status;
        let told = meant.wait_ms.and_then(|ms| u64::try_from(ms).ok());
        let told = told.map(Duration::from_millis);
        let outcome = meant.outcome;
        let own_words = matches!(outcome, Outcome::Exhausted { .. } | Outcome::Rejected)
            || matches!(status, 401 | 403 | ..=399);
        let error = meant.error(status).with_detail(if said.is_empty() {
            format!("the vendor answered with status {status}")
        } else {
            said
        });
        let of_credential = matches!(
            outcome,
            Outcome::RateLimited { .. }
                | Outcome::AccountLimited { .. }
                | Outcome::Exhausted { .. }
                | Outcome::Unavailable { .. }
                | Outcome::Rejected
                | Outcome::Forbidden
        );
        Self {
            error,
            // what a vendor says of its own key is not for callers, and a redirect leads past the gateway
            answer: (!own_words).then_some(refused),
            outcome: Some(outcome),
            next: outcome != Outcome::Answered,
            stale: false,
            retry_after: told.filter(|_| meant.comes_back()),
            of_credential,
            acted: status >= 500 && !of_credential,
            silent: false,
            cause: meant.cause,
        }
    }

    /// The request cannot be put into the vendor's dialect. Another vendor may speak the caller's.
    pub(super) fn unconvertible(error: ApiError) -> Self {
        Self {
            error,
            answer: None,
            outcome: None,
            next: true,
            stale: false,
            retry_after: None,
            of_credential: true,
            acted: false,
            silent: false,
            cause: None,
        }
    }

    /// What came as a success cannot be read.
    pub(super) fn unreadable(detail: &str) -> Self {
        let message = "The model's provider sent an answer that cannot be read.";
        Self::of_content(ApiError::upstream(502, "upstream_malformed", message).with_detail(detail))
    }

    /// What came as a success says that the vendor failed, and nothing else.
    pub(super) fn broken_off(said: &str) -> Self {
        Self::of_content(ApiError::upstream(502, "upstream_error", said))
    }

    fn of_content(error: ApiError) -> Self {
        Self {
            error,
            answer: None,
            outcome: Some(Outcome::Failed),
            next: true,
            stale: false,
            retry_after: None,
            of_credential: false,
            acted: true,
            silent: false,
            cause: Some(Cause::Overloaded),
        }
    }
}

/// What an answer that is no success means.
struct Meant {
    outcome: Outcome,
    cause: Option<Cause>,
    /// What the vendor asks to wait.
    wait_ms: Option<i64>,
}

impl Meant {
    /// By the operators' table where it says something, by the status otherwise.
    fn read(refused: &Refused, tried: &Candidate, worker: &Worker) -> Self {
        let now_ms = worker.clock.now_ms();
        let catalog = worker.catalog.load();
        let provider = &tried.target.provider;
        let error = VendorError {
            protocol: &provider.protocol,
            provider: provider.id,
            status: refused.status,
            body: &refused.body,
        };
        let in_headers = headers::retry_after_ms(&refused.headers, now_ms);
        let Some((meaning, until_ms)) = meaning(&catalog.error_rules, &error, now_ms) else {
            return Self::of_status(refused.status, in_headers);
        };
        let in_body = until_ms.map(|until| until.saturating_sub(now_ms).max(0));
        // an hour of quiet says nothing of when the quota is filled up again
        let retry_after_ms = match meaning {
            Meaning::Exhausted | Meaning::Unavailable => in_body,
            _ => in_body.max(in_headers),
        };
        let outcome = match meaning {
            Meaning::RateLimited => Outcome::RateLimited { retry_after_ms },
            Meaning::AccountLimited => Outcome::AccountLimited { retry_after_ms },
            Meaning::Exhausted => Outcome::Exhausted { retry_after_ms },
            Meaning::Rejected => Outcome::Rejected,
            Meaning::Unavailable => Outcome::Unavailable { retry_after_ms },
            Meaning::Overloaded => Outcome::Overloaded { retry_after_ms },
            Meaning::ContextTooLong | Meaning::Refused => Outcome::Answered,
        };
        let cause = match meaning {
            Meaning::ContextTooLong => Cause::ContextTooLong,
            Meaning::Refused => Cause::Refused,
            _ => Cause::Overloaded,
        };
        Self {
            outcome,
            cause: Some(cause),
            wait_ms: retry_after_ms,
        }
    }

    fn of_status(status: u16, retry_after_ms: Option<i64>) -> Self {
        let outcome = match status {
            429 => Outcome::RateLimited { retry_after_ms },
            401 => Outcome::Rejected,
            403 => Outcome::Forbidden,
            503 | 529 => Outcome::Overloaded { retry_after_ms },
            500.. => Outcome::Failed,
            _ => Outcome::Answered,
        };
        Self {
            outcome,
            cause: (outcome != Outcome::Answered).then_some(Cause::Overloaded),
            wait_ms: retry_after_ms.filter(|_| matches!(status, 429 | 500..)),
        }
    }

    /// Whether the same place may serve the same call a little later.
    fn comes_back(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::RateLimited { .. }
                | Outcome::AccountLimited { .. }
                | Outcome::Overloaded { .. }
                | Outcome::Failed
        )
    }

    fn error(&self, status: u16) -> ApiError {
        match self.outcome {
            Outcome::Exhausted { .. } => {
                let message = "The model's provider has no quota left for the gateway.";
                let pause_ms = self.wait_ms.unwrap_or(Reason::Exhausted.back_off_ms(1));
                let seconds = pause_ms.max(0) / 1_000 + 1;
                ApiError::upstream(503, "upstream_exhausted", message).retry_after(Some(seconds))
            }
            Outcome::Rejected => of_status(401),
            _ => of_status(status),
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

/// How a call ends that the gateway has to break off because it stops.
pub(super) fn shutting_down() -> ApiError {
    let message = "The gateway is shutting down; send the request again.";
    ApiError::gateway(503, "shutting_down", message).retry_after(Some(1))
}
