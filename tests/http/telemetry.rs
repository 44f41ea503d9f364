//! Traces and metrics by OTLP, from the caller through the gateway to the vendor and the collector.

use std::time::{Duration, Instant};

use modelgate::simulator::Step;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::Method;

use crate::support::{Collector, Setup, TestApp, attribute, chat};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// A gateway that exports to this base address.
async fn exporting(url: &str, more: &[(&str, &str)]) -> TestApp {
    let mut setup = Setup::default()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .env(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20canary-otlp",
        )
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "100");
    for (name, value) in more {
        setup = setup.env(name, value);
    }
    TestApp::try_start(setup)
        .await
        .expect("SQLite needs no server")
}

/// A call whose caller is in a trace.
async fn call_in_a_trace(app: &TestApp, stream: bool, flags: &str) -> u16 {
    let parent = format!("00-{TRACE}-{CALLER}-{flags}");
    let request = app.openai().request(Method::POST, "/chat/completions");
    let request = request
        .header("traceparent", parent)
        .header("tracestate", "house=7")
        .json(&chat("gpt-x", stream));
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    status
}

fn of_kind(spans: &[Span], kind: SpanKind) -> Vec<&Span> {
    let of = spans.iter().filter(|span| span.kind == i32::from(kind));
    of.collect()
}

async fn counted(app: &TestApp, line: &str) -> bool {
    let text = reqwest::get(format!("{}/metrics", app.url())).await;
    let text = text.unwrap().text().await.unwrap();
    text.lines().any(|l| l == line)
}

#[tokio::test]
async fn a_call_is_one_trace_from_its_caller_to_the_vendor() {
    let collector = Collector::start(200);
    let more = [
        ("OTEL_SERVICE_NAME", "the-gateway"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
    ];
    let app = exporting(collector.url(), &more).await;
    let again = Step::status(503).header("retry-after-ms", "1");
    app.vendor.push(again);
    app.vendor
        .push(Step::answer().text("a reply that stays inside").cached(2));
    assert_eq!(call_in_a_trace(&app, true, "01").await, 200);
    let row = app.only_log().await;
    // the call, six phases, two vendor calls
    let spans = collector.spans(9).await;
    assert_eq!(spans.len(), 9, "{spans:#?}");
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));

    let [root] = of_kind(&spans, SpanKind::Server)[..] else {
        panic!("{spans:#?}");
    };
    assert_eq!(hex(&root.parent_span_id), CALLER);
    assert_eq!(
        (root.name.as_str(), root.trace_state.as_str()),
        ("POST /v1/chat/completions", "house=7")
    );
    let of_root = |key| attribute(&root.attributes, key);
    assert_eq!(of_root("modelgate.request_id"), row.record.id.to_string());
    assert_eq!(of_root("http.response.status_code"), "200");
    assert_eq!(of_root("modelgate.fault_owner"), "none");
    for child in spans.iter().filter(|span| *span != root) {
        assert_eq!(child.parent_span_id, root.span_id, "{child:#?}");
        let inside = root.start_time_unix_nano <= child.start_time_unix_nano
            && child.start_time_unix_nano <= child.end_time_unix_nano
            && child.end_time_unix_nano <= root.end_time_unix_nano;
        assert!(inside, "{root:#?} {child:#?}");
    }
    let phases: Vec<&str> = of_kind(&spans, SpanKind::Internal)
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    assert_eq!(
        phases,
        ["authenticate", "read", "admit", "plan", "queue", "settle"]
    );

    let calls = of_kind(&spans, SpanKind::Client);
    let sent = app.vendor.received();
    for (span, received) in calls.iter().zip(&sent) {
        let carried = format!("00-{TRACE}-{}-01", hex(&span.span_id));
        assert_eq!(received.header("traceparent"), Some(carried.as_str()));
        assert_eq!(received.header("tracestate"), Some("house=7"));
    }
    let [failed, served] = calls[..] else {
        panic!("{calls:#?}");
    };
    assert_eq!(
        attribute(&failed.attributes, "http.response.status_code"),
        "503"
    );
    assert!(!attribute(&failed.attributes, "error.type").is_empty() && failed.status.is_some());
    let usage = &row.record.usage;
    for (key, value) in [
        ("gen_ai.operation.name", "chat".to_owned()),
        ("gen_ai.provider.name", "acme".to_owned()),
        ("gen_ai.request.model", "gpt-x-2026".to_owned()),
        ("gen_ai.response.model", "gpt-x-2026".to_owned()),
        ("gen_ai.usage.input_tokens", usage.input().to_string()),
        ("gen_ai.usage.output_tokens", usage.output().to_string()),
        ("gen_ai.usage.cache_read.input_tokens", "2".to_owned()),
        ("server.address", "127.0.0.1".to_owned()),
        ("error.type", String::new()),
    ] {
        assert_eq!(attribute(&served.attributes, key), value, "{key}");
    }
    assert_eq!(served.name, "chat gpt-x-2026");
    let moments: Vec<&str> = served.events.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(moments, ["request_sent", "first_byte"]);

    for (authorization, resource, bytes) in collector.exports() {
        assert_eq!(authorization, "Bearer canary-otlp");
        assert_eq!(attribute(&resource, "service.name"), "the-gateway");
        assert_eq!(attribute(&resource, "deployment.environment.name"), "test");
        assert!(!attribute(&resource, "service.instance.id").is_empty());
        for kept_inside in ["hello", "a reply that stays inside", "sk-mg-", "sk-up-"] {
            let found = bytes
                .windows(kept_inside.len())
                .any(|w| w == kept_inside.as_bytes());
            assert!(!found, "{kept_inside} was exported");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_the_caller_does_not_sample_is_passed_on_and_not_exported() {
    let collector = Collector::start(200);
    let app = exporting(collector.url(), &[]).await;
    assert_eq!(call_in_a_trace(&app, false, "00").await, 200);
    let received = app.vendor.received();
    let carried = received[0].header("traceparent").unwrap();
    assert!(carried.starts_with(&format!("00-{TRACE}-")) && carried.ends_with("-00"));
    assert!(!carried.contains(CALLER), "our own span is the parent");
    // the next one is exported alone
    app.openai().chat("nobody-serves-this", false).await;
    let spans = collector.spans(1).await;
    let [root] = of_kind(&spans, SpanKind::Server)[..] else {
        panic!("{spans:#?}");
    };
    assert_ne!(hex(&root.trace_id), TRACE);
    assert!(root.parent_span_id.is_empty() && root.status.is_none());
    assert_eq!(attribute(&root.attributes, "error.type"), "model_not_found");
    assert!(of_kind(&spans, SpanKind::Client).is_empty());
    app.finish().await;
}

fn points(metric: &Metric) -> Vec<HistogramDataPoint> {
    match &metric.data {
        Some(Data::Histogram(histogram)) => histogram.data_points.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn metrics_are_those_of_the_gateway_and_those_of_the_conventions() {
    let collector = Collector::start(200);
    let app = exporting(collector.url(), &[("OTEL_TRACES_EXPORTER", "none")]).await;
    app.openai().chat("gpt-x", true).await;
    app.vendor.push(Step::status(400));
    app.openai().chat("gpt-x", false).await;
    let usage = app.logs().await[1].record.usage;
    let received = app.vendor.received();
    assert_eq!(
        received[0].header("traceparent"),
        None,
        "no traces, no header"
    );

    let both = |m: &Metric| points(m).iter().map(|p| p.count).sum::<u64>() == 2;
    let durations = points(
        &collector
            .metric("gen_ai.client.operation.duration", both)
            .await,
    );
    let of = |error: &str| {
        let fits = |p: &&HistogramDataPoint| attribute(&p.attributes, "error.type") == error;
        durations
            .iter()
            .find(fits)
            .unwrap_or_else(|| panic!("{durations:#?}"))
    };
    for (key, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "acme"),
        ("gen_ai.request.model", "gpt-x"),
    ] {
        assert_eq!(attribute(&of("").attributes, key), value);
        assert_eq!(attribute(&of("400").attributes, key), value);
    }
    for point in &durations {
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    }
    let tokens = points(
        &collector
            .metric("gen_ai.client.token.usage", |_| true)
            .await,
    );
    for (kind, counted) in [("input", usage.input()), ("output", usage.output())] {
        let found = tokens
            .iter()
            .find(|p| attribute(&p.attributes, "gen_ai.token.type") == kind);
        assert_eq!(found.unwrap().sum.unwrap().to_string(), counted.to_string());
    }
    let first = points(
        &collector
            .metric("gen_ai.server.time_to_first_token", |_| true)
            .await,
    );
    assert_eq!(first.iter().map(|p| p.count).sum::<u64>(), 1);
    let duration = collector
        .metric("modelgate_request_duration_seconds", both)
        .await;
    assert_eq!(duration.unit, "s");
    let requests = collector.metric("modelgate_requests_total", |_| true).await;
    let Some(Data::Sum(sum)) = requests.data else {
        panic!("{requests:?}");
    };
    assert!(
        sum.is_monotonic
            && sum.data_points.iter().any(|p| {
                attribute(&p.attributes, "status") == "success"
                    && attribute(&p.attributes, "endpoint") == "chat_completions"
            })
    );
    app.finish().await;
}

#[tokio::test]
async fn a_collector_that_takes_nothing_costs_traces_and_no_call() {
    let collector = Collector::start(401);
    let app = exporting(collector.url(), &[]).await;
    for stream in [false, true] {
        assert_eq!(app.openai().chat("gpt-x", stream).await.status, 200);
    }
    let dropped = async {
        while !counted(&app, "modelgate_otlp_dropped_calls_total 2").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let dropped = tokio::time::timeout(Duration::from_secs(10), dropped).await;
    assert!(dropped.is_ok(), "nothing is counted");
    assert!(
        !counted(
            &app,
            "modelgate_otlp_exports_total{outcome=\"failed\",signal=\"traces\"} 0"
        )
        .await
    );
    app.finish().await;
}

#[tokio::test]
async fn a_collector_that_is_away_does_not_hold_up_the_end() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let app = exporting(&url, &[]).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let begun = Instant::now();
    app.finish().await;
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn without_a_collector_nothing_is_traced() {
    let app = TestApp::start().await;
    assert_eq!(call_in_a_trace(&app, false, "01").await, 200);
    let received = app.vendor.received();
    for name in ["traceparent", "tracestate"] {
        assert_eq!(received[0].header(name), None);
    }
    let text = reqwest::get(format!("{}/metrics", app.url())).await;
    let text = text.unwrap().text().await.unwrap();
    assert!(!text.contains("otlp"), "there is no export to count");
    app.finish().await;
}
