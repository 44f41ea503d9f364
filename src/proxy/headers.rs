//! Which headers of a vendor's answer go on to the caller, and which are set here.

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::header::HeaderName as VendorName;
use modelgate_dialect::Dialect;
use modelgate_domain::{Busyness, RequestId};

use super::endpoints::Form;
use crate::admission::Rates;
use crate::routing::wait;

/// On every answer.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

const RATE_REQUESTS: [&str; 3] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
];
const RATE_TOKENS: [&str; 3] = [
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
];

/// Which model answered: another one than was asked for where that could not.
const X_MODEL: &str = "x-modelgate-model";
/// What of the request the vendor was not told, since its dialect has nothing like it.
pub(super) const X_DROPPED: &str = "x-modelgate-dropped";
/// The gateway counted, and not the vendor.
/// What streams of events are.
pub(super) const EVENTS: &str = "text/event-stream";
pub(super) const X_ESTIMATED: &str = "x-modelgate-estimated";
/// How many vendor calls it took.
const X_ATTEMPTS: &str = "x-modelgate-attempts";

/// Of use to a caller, and silent about whose account at the vendor was used. The last four are our own.
const PASSED: [(VendorName, HeaderName); 9] = [
    (hyper::header::CONTENT_TYPE, CONTENT_TYPE),
    passed("openai-processing-ms"),
    (hyper::header::RETRY_AFTER, RETRY_AFTER),
    passed("retry-after-ms"),
    passed("x-should-retry"),
    passed(X_MODEL),
    passed(X_ATTEMPTS),
    passed(X_DROPPED),
    passed(X_ESTIMATED),
];

/// One header name in the two versions of the crate that the client and the server side stand on.
const fn passed(name: &'static str) -> (VendorName, HeaderName) {
    (VendorName::from_static(name), HeaderName::from_static(name))
}

/// Puts the request's id on an answer.
pub(super) fn mark(headers: &mut HeaderMap, id: RequestId) {
    if let Ok(value) = HeaderValue::from_bytes(&id.text()) {
        headers.insert(X_REQUEST_ID, value);
    }
}

/// How the caller's rate limits stand, as OpenAI tells it; nothing where none applies.
pub(super) fn rates(headers: &mut HeaderMap, rates: &Rates) {
    let kinds = [
        (&rates.requests, RATE_REQUESTS),
        (&rates.tokens, RATE_TOKENS),
    ];
    for (rate, [limit, remaining, reset]) in kinds {
        let Some(rate) = rate else { continue };
        headers.insert(
            HeaderName::from_static(limit),
            HeaderValue::from(rate.limit),
        );
        let left = HeaderValue::from(rate.remaining);
        headers.insert(HeaderName::from_static(remaining), left);
        if let Ok(value) = HeaderValue::from_str(&rate.reset()) {
            headers.insert(HeaderName::from_static(reset), value);
        }
    }
}

/// How busy the gateway is, and what to do about it; what is not ASCII is percent-encoded.
pub(super) fn busyness(headers: &mut HeaderMap, level: Busyness, suggestion: &str) {
    let level = HeaderValue::from_static(level.as_str());
    headers.insert(HeaderName::from_static("x-modelgate-busyness"), level);
    let mut text = String::with_capacity(suggestion.len());
    for byte in suggestion.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => text.push(char::from(byte)),
            // writing to a text cannot fail
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(HeaderName::from_static("x-modelgate-suggestion"), value);
    }
}

/// Copies what is passed on. The two header maps are of different versions of the same crate.
pub(super) fn pass(from: &hyper::HeaderMap, to: &mut HeaderMap) {
    for (vendors, ours) in &PASSED {
        let value = from.get(vendors).map(hyper::header::HeaderValue::as_bytes);
        if let Some(value) = value.and_then(|v| HeaderValue::from_bytes(v).ok()) {
            to.insert(ours.clone(), value);
        }
    }
}

/// What keeps proxies on the way from holding a stream back.
pub(super) fn stream(headers: &mut HeaderMap, form: Form) {
    if form == Form::Array {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(CONTENT_TYPE, json);
    } else if !headers.contains_key(CONTENT_TYPE) {
        let events = HeaderValue::from_static("text/event-stream; charset=utf-8");
        headers.insert(CONTENT_TYPE, events);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// Says which model answered, if one did, and after how many attempts, whatever the vendor has put there.
pub(super) fn sign(headers: &mut hyper::HeaderMap, model: Option<&str>, attempts: i64) {
    headers.insert(X_ATTEMPTS, attempts.into());
    let name = model.and_then(|name| hyper::header::HeaderValue::from_bytes(name.as_bytes()).ok());
    match name {
        Some(name) => drop(headers.insert(X_MODEL, name)),
        None => drop(headers.remove(X_MODEL)),
    }
}

/// Says in the usual header when the vendor may be asked again, where it said so in one of its own.
pub(super) fn tell_wait(headers: &mut hyper::HeaderMap, told: Option<Duration>) {
    if let Some(told) = told
        && !headers.contains_key(hyper::header::RETRY_AFTER)
    {
        let whole = told
            .as_secs()
            .saturating_add(u64::from(told.subsec_nanos() > 0));
        headers.insert(hyper::header::RETRY_AFTER, whole.into());
    }
}

/// Says what the vendor was not told.
pub(super) fn tell_dropped(headers: &mut hyper::HeaderMap, dropped: Option<&str>) {
    let value = dropped.and_then(|names| hyper::header::HeaderValue::from_str(names).ok());
    if let Some(value) = value {
        headers.insert(X_DROPPED, value);
    }
}

/// What a vendor asks to wait, in milliseconds.
pub(super) fn retry_after_ms(headers: &hyper::HeaderMap, now_ms: i64) -> Option<i64> {
    let texts = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str(), value))
    });
    let texts: Vec<(&str, &str)> = texts.collect();
    wait::told(&texts, now_ms)
}

/// True where the answer is a stream, in the form that a vendor of this dialect sends.
pub(super) fn is_stream(headers: &hyper::HeaderMap, vendor: Dialect) -> bool {
    let form = if vendor.streams_lines() {
        "application/x-ndjson"
    } else {
        EVENTS
    };
    let value = headers
        .get(hyper::header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    value.is_some_and(|v| {
        let kind = v.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case(form)
    })
}

/// True where the body is compressed, although nobody asked for it: neither events nor usage can be read in it.
pub(super) fn is_encoded(headers: &hyper::HeaderMap) -> bool {
    let value = headers.get(hyper::header::CONTENT_ENCODING);
    value.is_some_and(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(pairs: &[(&'static str, &'static str)]) -> hyper::HeaderMap {
        let mut map = hyper::HeaderMap::new();
        for (name, value) in pairs {
            map.insert(*name, hyper::header::HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn only_useful_headers_pass() {
        let from = vendor(&[
            ("content-type", "application/json"),
            ("set-cookie", "a=b"),
            ("content-encoding", "gzip"),
            ("openai-organization", "org-secret"),
            ("retry-after", "3"),
        ]);
        let mut to = HeaderMap::new();
        pass(&from, &mut to);
        assert_eq!(to.len(), 2);
        assert!(to.contains_key("content-type") && to.contains_key("retry-after"));
    }

    #[test]
    fn a_wait_is_told_where_the_vendor_did_not_in_the_usual_header() {
        let of = |mut from: hyper::HeaderMap, ms| {
            tell_wait(&mut from, Some(Duration::from_millis(ms)));
            let told = from
                .get("retry-after")
                .map(|v| v.to_str().unwrap().to_owned());
            told.unwrap()
        };
        assert_eq!(of(vendor(&[]), 1_200), "2");
        assert_eq!(of(vendor(&[("retry-after", "7")]), 1_000), "7");
    }

    #[test]
    fn the_kind_of_body_is_told() {
        let is = |kind: &'static str, of| is_stream(&vendor(&[("content-type", kind)]), of);
        assert!(is("Text/Event-Stream; charset=utf-8", Dialect::Chat));
        assert!(is("application/x-ndjson", Dialect::Ollama));
        for no in ["application/json", "application/x-ndjson"] {
            assert!(!is(no, Dialect::Gemini), "{no}");
        }
        assert!(!is("application/json", Dialect::Ollama));
        assert!(is_encoded(&vendor(&[("content-encoding", "gzip")])));
        assert!(!is_encoded(&vendor(&[("content-encoding", "identity")])));
    }
}
