//! Whether the OpenTelemetry collector takes what is to be exported.

use super::Check;
use crate::app::otlp::collector;
use crate::config::Otlp;

/// Sends each signal's address a message without anything in it; nothing where nothing is exported.
pub(super) async fn check(settings: &Otlp, offline: bool) -> Vec<Check> {
    let signals = [("traces", &settings.traces), ("metrics", &settings.metrics)];
    let mut checks = Vec::new();
    for (signal, url) in signals {
        let Some(url) = url else { continue };
        let name = format!("OpenTelemetry {signal}");
        if offline {
            let found = "the collector was not called (--offline)";
            checks.push(Check::ok(name, found));
            continue;
        }
        let knocked = match collector(settings) {
            Ok(collector) => collector.knock(url).await,
            Err(why) => Err(why),
        };
        checks.push(match knocked {
            Ok(()) => Check::ok(name, format!("{url} takes them")),
            Err(why) => Check::warning(
                name,
                format!("{url}: {why}"),
                "check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS, and that the collector takes OTLP over HTTP (often port 4318)",
            ),
        });
    }
    checks
}
