//! What surrounds every page: request id, origin check, security headers, cookie flags, and errors turned into pages.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};

use super::csrf;
use super::error::PageError;
use super::page::cookie_path;
use super::peer::Peer;
use super::shell::{Marks, Shell};
use super::state::WebState;
use crate::secrets::random_token;

const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// The outermost layer of the pages.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<web::Data<WebState>>().cloned() else {
        return Err(PageError::internal("pages without their state").into());
    };
    let (marks, is_new_visitor) = mark(&request, &state)?;
    let allowed = csrf::origin_allowed(
        request.method(),
        request.headers(),
        &marks.peer,
        state.config.public_url.as_deref(),
    );
    request.extensions_mut().insert(marks.clone());
    let answered = if allowed {
        next.call(request).await?.map_into_boxed_body()
    } else {
        request.into_response(HttpResponse::from_error(PageError::Csrf))
    };
    let mut response = as_page(answered);
    let headers = response.headers_mut();
    harden(headers);
    insert(headers, "x-request-id", &marks.request_id);
    if is_new_visitor {
        let cookie = Cookie::build(csrf::VISITOR_COOKIE, marks.visitor)
            .path(cookie_path(&state.config.base_path))
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish();
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            headers.append(SET_COOKIE, value);
        }
    }
    if marks.peer.https {
        secure_cookies(headers);
    }
    Ok(response)
}

/// Gives the request its id, its caller and its visitor cookie; true where that cookie is new.
fn mark(request: &ServiceRequest, state: &WebState) -> Result<(Marks, bool), Error> {
    let peer = Peer::of(
        request.peer_addr().map(|address| address.ip()),
        request.headers(),
        &state.config.trusted_proxies,
    );
    let known = request
        .cookie(csrf::VISITOR_COOKIE)
        .map(|cookie| cookie.value().to_owned())
        .filter(|value| value.len() == 43);
    let is_new = known.is_none();
    let visitor = match known {
        Some(value) => value,
        None => random_token()
            .map_err(PageError::internal)?
            .expose()
            .to_owned(),
    };
    let request_id = state.request_ids.next(state.clock.now_ms()).to_string();
    let marks = Marks {
        request_id,
        peer,
        visitor,
    };
    Ok((marks, is_new))
}

/// Turns what went wrong into a page in the person's language, keeping the cookies that were set on the way.
fn as_page(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let page = response
        .response()
        .error()
        .map(|error| match error.as_error::<PageError>() {
            Some(error) => error.page(&Shell::of(response.request())),
            None => bare(error).page(&Shell::of(response.request())),
        });
    let Some(mut page) = page else {
        return response;
    };
    for cookie in response.headers().get_all(SET_COOKIE) {
        page.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    response.into_response(page)
}

/// What the framework refused on its own: an address that does not parse, a body that is too long.
fn bare(error: &Error) -> PageError {
    match error.as_response_error().status_code() {
        status if status.is_server_error() => PageError::internal(error),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => PageError::NotFound,
        _ => PageError::BadRequest,
    }
}

fn harden(headers: &mut HeaderMap) {
    // A file that somebody brought has a stricter one.
    if !headers.contains_key("content-security-policy") {
        insert(headers, "content-security-policy", POLICY);
    }
    insert(headers, "x-content-type-options", "nosniff");
    insert(headers, "x-frame-options", "DENY");
    insert(headers, "referrer-policy", "same-origin");
    insert(headers, "cross-origin-opener-policy", "same-origin");
    insert(headers, "cache-control", "no-store");
    insert(headers, "vary", "HX-Request");
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// The one place that decides about `Secure`: on every cookie, exactly when the person's browser speaks https.
fn secure_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.remove(SET_COOKIE).collect();
    for cookie in cookies {
        let secured = cookie
            .to_str()
            .ok()
            .and_then(|text| HeaderValue::from_str(&format!("{text}; Secure")).ok());
        headers.append(SET_COOKIE, secured.unwrap_or(cookie));
    }
}
