//! Reading a request body: its type, its size, its bytes.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::error::ApiError;

/// What is set aside for a body whose length is not told.
const FIRST_GUESS: usize = 4 * 1024;
/// How long the next piece of a body may take: a caller that sends nothing does not hold a place for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// A body, as it comes.
pub(super) enum Body {
    /// From a caller.
    Arriving(Payload),
    /// From one of our own pages.
    Whole(Bytes),
}

impl Body {
    /// All of it.
    pub(super) async fn read(self, request: &HttpRequest, limit: usize) -> Result<Bytes, ApiError> {
        match self {
            Self::Arriving(payload) => read(request, payload, limit).await,
            Self::Whole(bytes) if bytes.len() > limit => Err(too_large(limit)),
            Self::Whole(bytes) => Ok(bytes),
        }
    }
}

/// Reads a JSON body of at most `limit` bytes.
pub(super) async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    check_type(request.headers())?;
    let told = length(request.headers());
    if told.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut body = BytesMut::with_capacity(told.unwrap_or(FIRST_GUESS));
    loop {
        let next = tokio::time::timeout(PATIENCE, payload.next()).await;
        let Some(chunk) = next.map_err(|_elapsed| too_slow())? else {
            break;
        };
        let chunk = chunk.map_err(|error| {
            let message = "The request body could not be read to its end.";
            ApiError::caller(400, "body_incomplete", message).with_detail(error.to_string())
        })?;
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_slow() -> ApiError {
    let message = "The request body stopped arriving; send the request again.";
    ApiError::caller(408, "request_timeout", message)
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> ApiError {
    let message =
        format!("The request body is larger than {limit} bytes, the limit of this gateway.");
    ApiError::caller(413, "request_too_large", message)
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let plain = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).any(|v| !plain(v)) {
        let message = "Compressed request bodies are not accepted. Send plain JSON without \"content-encoding\".";
        return Err(ApiError::caller(
            415,
            "unsupported_content_encoding",
            message,
        ));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let kind = kind.unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let lower = essence.to_ascii_lowercase();
    if lower == "application/json" || lower.ends_with("+json") {
        return Ok(());
    }
    let shown: String = essence.chars().take(100).collect();
    let message = format!(
        "The content type must be application/json, not \"{shown}\". Send the header \"Content-Type: application/json\"."
    );
    Err(ApiError::caller(415, "unsupported_content_type", message))
}
