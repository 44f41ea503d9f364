//! `/healthz`, `/readyz` and `/metrics`: for machines, so outside the pages and their sessions.

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, FORWARDED, X_FORWARDED_FOR};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::parts::Parts;
use crate::journal::WhenFull;
use crate::secrets::constant_time_eq;

/// Registers the three.
pub(super) fn configure(config: &mut ServiceConfig, parts: &Data<Parts>) {
    for (path, get, head) in [
        ("/healthz", web::get().to(healthz), web::head().to(healthz)),
        ("/readyz", web::get().to(readyz), web::head().to(readyz)),
        ("/metrics", web::get().to(metrics), web::head().to(metrics)),
    ] {
        config.service(
            web::resource(path)
                .app_data(Data::clone(parts))
                .route(get)
                .route(head),
        );
    }
}

/// The process answers.
#[allow(clippy::unused_async, reason = "actix takes async functions only")]
async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// Whether a load balancer should send calls here. The database being away is no reason not to.
#[allow(clippy::unused_async, reason = "actix takes async functions only")]
async fn readyz(parts: Data<Parts>) -> HttpResponse {
    let stats = parts.journal.stats();
    let database_up = parts.database_up();
    let (status, ready) = match (parts.is_draining(), stats.full, database_up) {
        (true, _, _) => ("draining", false),
        (_, Some(WhenFull::Stop), _) => ("journal_full", false),
        (_, Some(WhenFull::ServeWithoutRecord), _) => ("unrecorded", true),
        (_, _, false) => ("degraded", true),
        (false, None, true) => ("ok", true),
    };
    let mut answer = if ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    let redis = parts.redis_up().map(|up| if up { "up" } else { "down" });
    answer
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({
            "status": status,
            "redis": redis,
            "instances": parts.admission.living(),
            "database": if database_up { "up" } else { "away" },
            "config_generation": parts.generation(),
            "journal": {
                "accepts": stats.full != Some(WhenFull::Stop),
                "records": stats.full.is_none(),
                "backlog_bytes": stats.bytes,
                "max_bytes": stats.max_bytes,
                "backlog_records": stats.lag_records,
                "oldest_record_seconds": parts.journal_age_s(stats.oldest_ms),
                "set_aside": stats.set_aside,
                "unrecorded": stats.unrecorded,
            },
        }))
}

/// The counters, for addresses that may see them or with the token.
#[allow(clippy::unused_async, reason = "actix takes async functions only")]
async fn metrics(request: HttpRequest, parts: Data<Parts>) -> HttpResponse {
    if !may_read(&request, &parts) {
        return HttpResponse::Forbidden()
            .content_type("text/plain; charset=utf-8")
            .body("Metrics are for the addresses in MODELGATE_METRICS_ALLOW and the bearer of MODELGATE_METRICS_TOKEN.\n");
    }
    match parts.metrics.render(&parts.gauges()) {
        Ok(text) => HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be shown");
            HttpResponse::InternalServerError().finish()
        }
    }
}

fn may_read(request: &HttpRequest, parts: &Parts) -> bool {
    let token = parts.config.metrics_token.as_ref();
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if let (Some(token), Some(given)) = (token, given) {
        return constant_time_eq(token.expose().as_bytes(), given.as_bytes());
    }
    // What came through a proxy has the proxy's address, often loopback: never let in by address.
    let proxied = request.headers().contains_key(X_FORWARDED_FOR)
        || request.headers().contains_key(FORWARDED);
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let allowed = |ip| {
        parts
            .config
            .metrics_allow
            .iter()
            .any(|net| net.contains(&ip))
    };
    !proxied && peer.is_some_and(allowed)
}
