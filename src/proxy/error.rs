//! The one type that becomes an error answer, before the first byte or as the last event of a stream.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use modelgate_dialect::anthropic::error::{Envelope as MessagesEnvelope, error_kind};
use modelgate_dialect::hub::fields::Refusal as Unconvertible;
use modelgate_dialect::openai::error::{
    Attempt, Envelope, Figure as Shown, Policy, error_kind as chat_kind,
};
use modelgate_dialect::openai::request::BadRequest;
use modelgate_dialect::{Caller, gemini, responses};
use modelgate_domain::money::format_nanos;
use modelgate_domain::{FaultOwner, RequestId, Status};

use super::headers;
use crate::admission::{Figure, Refusal};

/// An error on its way to the caller and into the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Stable code, the same in the answer, the record and the metrics.
    pub code: Cow<'static, str>,
    /// HTTP status, where nothing was sent yet.
    pub http_status: u16,
    /// How the record ends.
    pub status: Status,
    /// Who has to change something.
    pub fault: FaultOwner,
    /// One sentence for the caller. From 500 on it says nothing of the inside.
    pub message: String,
    /// The field at fault.
    pub param: Option<Cow<'static, str>>,
    /// Seconds after which another try makes sense.
    pub retry_after_s: Option<i64>,
    /// The failed attempts, where there was more than one.
    pub attempts: Vec<Attempt>,
    /// What the record says, where that is more than the caller is told; free of secrets.
    pub detail: Option<String>,
    /// The operator's rule that is in the way, with its figures.
    pub refusal: Option<Box<Refusal>>,
}

impl ApiError {
    /// Something that the caller has to change.
    pub fn caller(http_status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FaultOwner::Caller, http_status, code, message)
    }

    /// Something that went wrong in here.
    pub fn gateway(http_status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FaultOwner::Gateway, http_status, code, message)
    }

    /// Something that a rule of the operator forbids or leaves out.
    pub fn policy(http_status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FaultOwner::Policy, http_status, code, message)
    }

    /// Something that the vendor has to mend.
    pub fn upstream(http_status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FaultOwner::Upstream, http_status, code, message)
    }

    fn new(
        fault: FaultOwner,
        http_status: u16,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code: Cow::Borrowed(code),
            http_status,
            status: if http_status == 429 {
                Status::RateLimited
            } else {
                Status::Error
            },
            fault,
            message: message.into(),
            param: None,
            retry_after_s: None,
            attempts: Vec::new(),
            detail: None,
            refusal: None,
        }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn with_param(mut self, param: &'static str) -> Self {
        self.param = Some(Cow::Borrowed(param));
        self
    }

    /// Says more to those who read the record.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Marks an end by one of the gateway's timeouts.
    #[must_use]
    pub fn timed_out(mut self) -> Self {
        self.status = Status::Timeout;
        self
    }

    /// Marks an end by a caller who takes no answer any more.
    #[must_use]
    pub fn left(mut self) -> Self {
        self.status = Status::Cancelled;
        self
    }

    /// Tells the caller when to come back.
    #[must_use]
    pub fn retry_after(mut self, seconds: Option<i64>) -> Self {
        self.retry_after_s = seconds;
        self
    }

    /// The class that OpenAI's SDKs know.
    pub fn kind(&self) -> &'static str {
        chat_kind(self.http_status)
    }

    /// The error as an answer in the caller's dialect.
    pub fn respond(&self, id: RequestId, dialect: Caller) -> HttpResponse {
        let request_id = id.to_string();
        let status =
            StatusCode::from_u16(self.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((CONTENT_TYPE, "application/json"));
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        let body = self.text(&request_id, dialect, Form::Body);
        let mut response = response.body(body);
        headers::mark(response.headers_mut(), id);
        if let Some(refusal) = &self.refusal {
            headers::rates(response.headers_mut(), &refusal.rates);
        }
        response
    }

    /// The error as the last event of a stream.
    pub fn event(&self, id: RequestId, dialect: Caller) -> String {
        self.text(&id.to_string(), dialect, Form::Event)
    }

    fn text(&self, request_id: &str, dialect: Caller, form: Form) -> String {
        let mut envelope = Envelope {
            message: &self.message,
            kind: self.kind(),
            param: self.param.as_deref(),
            code: &self.code,
            request_id,
            attempts: &self.attempts,
            policy: None,
        };
        let write = |envelope: &Envelope<'_>| written(envelope, self.http_status, dialect, form);
        let Some(refusal) = &self.refusal else {
            return write(&envelope);
        };
        let (limit, used) = (
            amount(refusal.limit.as_ref()),
            amount(refusal.used.as_ref()),
        );
        let reset_at = refusal.reset_at();
        envelope.policy = Some(Policy {
            rule: refusal.rule,
            scope: refusal.scope,
            limit: shown(refusal.limit.as_ref(), &limit),
            used: shown(refusal.used.as_ref(), &used),
            currency: refusal.limit.as_ref().and_then(|figure| match figure {
                Figure::Money(_, currency) => Some(currency.as_str()),
                Figure::Count(_) => None,
            }),
            reset_at: reset_at.as_deref(),
            next_allowed_at: refusal.next_allowed_at.as_deref(),
            owner: FaultOwner::Policy.as_str(),
        });
        write(&envelope)
    }
}

fn written(envelope: &Envelope<'_>, status: u16, dialect: Caller, form: Form) -> String {
    let messages = MessagesEnvelope {
        kind: error_kind(status),
        message: envelope.message,
        param: envelope.param,
        code: envelope.code,
        attempts: envelope.attempts,
        policy: envelope.policy,
    };
    match (dialect, form) {
        (Caller::Chat | Caller::Responses, Form::Body) => envelope.body(),
        (Caller::Responses, Form::Event) => responses::error::event(envelope),
        (Caller::Chat, Form::Event) => envelope.event(),
        (Caller::Messages, Form::Body) => messages.body(envelope.request_id),
        (Caller::Messages, Form::Event) => messages.event(envelope.request_id),
        (Caller::Gemini, Form::Body) => gemini::error::body(envelope, status),
        (Caller::Gemini, Form::Event) => gemini::error::event(envelope, status),
    }
}

/// How an error goes to the caller.
#[derive(Clone, Copy)]
enum Form {
    Body,
    Event,
}

/// The amount of a figure of money.
fn amount(figure: Option<&Figure>) -> String {
    match figure {
        Some(Figure::Money(nanos, _)) => format_nanos(*nanos),
        Some(Figure::Count(_)) | None => String::new(),
    }
}

fn shown<'a>(figure: Option<&Figure>, text: &'a str) -> Option<Shown<'a>> {
    Some(match figure? {
        Figure::Count(count) => Shown::Count(*count),
        Figure::Money(..) => Shown::Money(text),
    })
}

impl From<BadRequest> for ApiError {
    fn from(bad: BadRequest) -> Self {
        let mut error = Self::caller(400, bad.code(), bad.to_string());
        error.param = bad.param().map(Cow::Borrowed);
        error
    }
}

impl From<Unconvertible> for ApiError {
    fn from(refusal: Unconvertible) -> Self {
        let mut error = Self::caller(400, refusal.code, refusal.message);
        error.param = Some(Cow::Owned(refusal.field));
        error
    }
}

impl From<Box<Refusal>> for ApiError {
    fn from(refusal: Box<Refusal>) -> Self {
        let message = refusal.message.clone();
        let mut error = Self::policy(refusal.status, refusal.code, message);
        error.retry_after_s = refusal.retry_after_s;
        error.refusal = Some(refusal);
        error
    }
}
