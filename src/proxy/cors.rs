//! Which browsers may call: origins by setting, none by default.

use actix_web::HttpResponse;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};

/// Opens an answer to the origin that asked, where a setting allows it.
pub(super) fn open(response: &mut HeaderMap, request: &HeaderMap, origins: &[String]) {
    if origins.is_empty() {
        return;
    }
    response.append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = request.get(ORIGIN).filter(|o| is_allowed(o, origins)) else {
        return;
    };
    response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    let exposed = HeaderValue::from_static("x-request-id, retry-after");
    response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

/// The answer to a browser's question whether it may call; [`open`] then says for whom.
pub(super) fn preflight(request: &HeaderMap) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response.insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"));
    // a list would have to name every header of every SDK; credentials are keys in headers, never cookies
    let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let headers = asked.unwrap_or_else(|| HeaderValue::from_static("authorization, content-type"));
    response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, headers));
    response.insert_header((ACCESS_CONTROL_MAX_AGE, "600"));
    response.finish()
}

fn is_allowed(origin: &HeaderValue, origins: &[String]) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let mut known = origins.iter();
    known.any(|o| o == "*" || o.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(origin: &str, origins: &[&str]) -> Option<String> {
        let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
        let (mut response, mut request) = (HeaderMap::new(), HeaderMap::new());
        request.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        open(&mut response, &request, &origins);
        let value = response.get(ACCESS_CONTROL_ALLOW_ORIGIN)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_named_origins_are_let_in() {
        assert_eq!(answer("https://a.example", &[]), None);
        assert_eq!(answer("https://a.example", &["https://b.example"]), None);
        let same = Some("https://a.example".to_owned());
        assert_eq!(answer("https://a.example", &["https://a.example/"]), same);
        assert_eq!(answer("https://a.example", &["*"]), same);
    }
}
