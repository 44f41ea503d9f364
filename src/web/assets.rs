//! The embedded static files: versioned addresses, caching, content negotiation.
//!
//! An address is `/static/<content hash>/<path>`: it never changes its meaning, so browsers may keep it for ever.

use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue,
    IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

/// One embedded file.
struct File {
    path: &'static str,
    hash: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

mod table {
    use super::File;
    include!(concat!(env!("OUT_DIR"), "/static_files.rs"));
}

const FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "public, no-cache";

fn find(path: &str) -> Option<&'static File> {
    table::FILES
        .binary_search_by(|file| file.path.cmp(path))
        .ok()
        .and_then(|at| table::FILES.get(at))
}

/// The address of a static file below the base path. A file that is not embedded gets an address that answers 404.
pub fn address(base_path: &str, path: &str) -> String {
    match find(path) {
        Some(file) => format!("{base_path}/static/{}/{path}", file.hash),
        None => format!("{base_path}/static/{path}"),
    }
}

/// `GET /static/{path}`: with a hash in front it may be kept for ever, without one it is asked for again.
pub(super) async fn get(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let path = path.into_inner();
    let (asked_hash, name) = match path.split_once('/') {
        Some((hash, rest)) if find(&path).is_none() => (Some(hash), rest),
        _ => (None, path.as_str()),
    };
    let Some(file) = find(name) else {
        return HttpResponse::NotFound()
            .insert_header((CACHE_CONTROL, "no-store"))
            .finish();
    };
    let etag = format!("\"{}\"", file.hash);
    let cache = if asked_hash == Some(file.hash) {
        FOREVER
    } else {
        ASK_AGAIN
    };
    if header(&request, &IF_NONE_MATCH).contains(file.hash) {
        return HttpResponse::NotModified()
            .insert_header((ETAG, etag))
            .insert_header((CACHE_CONTROL, cache))
            .insert_header((VARY, "accept-encoding"))
            .finish();
    }
    let (encoding, body) = negotiate(file, header(&request, &ACCEPT_ENCODING));
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(file.content_type)))
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, cache))
        .insert_header((VARY, "accept-encoding"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(encoding) = encoding {
        response.insert_header((CONTENT_ENCODING, encoding));
    }
    response.body(body)
}

fn header<'a>(request: &'a HttpRequest, name: &actix_web::http::header::HeaderName) -> &'a str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

/// The smallest form the browser accepts.
fn negotiate(file: &'static File, accept: &str) -> (Option<&'static str>, &'static [u8]) {
    let accepts = |name: &str| {
        accept.split(',').any(|part| {
            let mut words = part.split(';').map(str::trim);
            let refused = words.clone().skip(1).any(|q| matches!(q, "q=0" | "q=0.0"));
            words.next() == Some(name) && !refused
        })
    };
    match (file.brotli, file.gzip) {
        (Some(bytes), _) if accepts("br") => (Some("br"), bytes),
        (_, Some(bytes)) if accepts("gzip") => (Some("gzip"), bytes),
        _ => (None, file.plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found() {
        assert!(table::FILES.is_sorted_by_key(|file| file.path));
        assert!(find("css/app.css").is_some());
        assert!(find("css/none.css").is_none());
        assert!(address("/base", "css/app.css").starts_with("/base/static/"));
    }

    #[test]
    fn encodings_are_negotiated() {
        let file = find("vendor/tabler-1.6.1/tabler.min.css").unwrap();
        assert_eq!(negotiate(file, "gzip, deflate, br").0, Some("br"));
        assert_eq!(negotiate(file, "gzip;q=1.0, br;q=0").0, Some("gzip"));
        assert_eq!(negotiate(file, "").0, None);
        assert!(file.brotli.unwrap().len() < 70_000, "the page budget");
    }
}
