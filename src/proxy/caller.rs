//! What the headers and the connection say of a caller; all of it bounded.

use actix_web::http::header::{HeaderMap, HeaderName, USER_AGENT};

use crate::telemetry::CallTrace;
use crate::telemetry::otlp::Tracer;
use crate::upstream::scrub::bounded;

const MAX_AGENT_CHARS: usize = 256;
const MAX_SESSION_CHARS: usize = 128;

/// Names under which clients send the id of a conversation, the most telling first.
const SESSION_HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("x-session-id"),
    HeaderName::from_static("x-conversation-id"),
    HeaderName::from_static("x-claude-code-session-id"),
    HeaderName::from_static("x-session-affinity"),
    HeaderName::from_static("session-id"),
    HeaderName::from_static("session_id"),
];

/// The caller's user agent.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let value = headers.get(USER_AGENT).and_then(|v| v.to_str().ok());
    bounded(value.unwrap_or_default(), MAX_AGENT_CHARS)
}

/// The caller's own id of the conversation, empty where it sends none.
pub(super) fn session(headers: &HeaderMap) -> String {
    let found = SESSION_HEADERS.iter().find_map(|name| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then_some(value)
    });
    bounded(found.unwrap_or_default(), MAX_SESSION_CHARS)
}

/// The trace that the call belongs to; absent where none is kept.
pub(super) fn trace(tracer: &Tracer, headers: &HeaderMap) -> Option<Box<CallTrace>> {
    let parent = headers.get(CallTrace::PARENT).and_then(|v| v.to_str().ok());
    let states: Vec<&str> = headers
        .get_all(CallTrace::STATE)
        .filter_map(|value| value.to_str().ok())
        .collect();
    tracer.begin(parent, &states.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        map
    }

    #[test]
    fn what_clients_send_is_bounded() {
        let long = headers(&[("x-session-id", " abc "), ("session_id", "other")]);
        assert_eq!(session(&long), "abc");
        assert_eq!(session(&headers(&[])), "");
        let mut map = HeaderMap::new();
        map.insert(USER_AGENT, HeaderValue::from_str(&"x".repeat(999)).unwrap());
        assert_eq!(agent(&map).len(), 256);
    }
}
