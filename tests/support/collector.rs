//! A collector of OpenTelemetry: takes OTLP over HTTP and keeps what it decodes.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Books {
    status: AtomicU16,
    /// Each export: its `authorization`, its attributes of the resource, and its bytes.
    exports: Mutex<Vec<(String, Vec<KeyValue>, Bytes)>>,
    spans: Mutex<Vec<Span>>,
    /// Of the last export.
    metrics: Mutex<Vec<Metric>>,
}

/// A running collector; it ends with the test.
pub struct Collector {
    url: String,
    books: Arc<Books>,
}

impl Collector {
    /// One that answers with this status.
    pub fn start(status: u16) -> Self {
        let books = Arc::new(Books::default());
        books.status.store(status, Ordering::SeqCst);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let data = Data::from(Arc::clone(&books));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::clone(&data))
                .route("/v1/traces", web::post().to(traces))
                .route("/v1/metrics", web::post().to(metrics))
        });
        let server = server.workers(1).disable_signals();
        tokio::spawn(server.listen(listener).expect("a listener").run());
        Self { url, books }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The spans, once there are so many.
    pub async fn spans(&self, number: usize) -> Vec<Span> {
        let read = || self.books.spans.lock().expect("no panic").clone();
        let all = async {
            while read().len() < number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, all).await;
        assert!(came.is_ok(), "only {:#?}", read());
        read()
    }

    /// The metrics of this name, once `fits` holds for them.
    pub async fn metric(&self, name: &str, fits: impl Fn(&Metric) -> bool) -> Metric {
        let find = || {
            let metrics = self.books.metrics.lock().expect("no panic");
            metrics.iter().find(|m| m.name == name).cloned()
        };
        let found = async {
            loop {
                if let Some(metric) = find().filter(&fits) {
                    return metric;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_late| panic!("{name}: {:#?}", find()))
    }

    /// Each export: its `authorization`, its attributes of the resource, and its bytes.
    pub fn exports(&self) -> Vec<(String, Vec<KeyValue>, Bytes)> {
        self.books.exports.lock().expect("no panic").clone()
    }
}

/// An attribute as text, empty where it is missing.
pub fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|a| a.key == key);
    match found.and_then(|a| a.value.clone()?.value) {
        None => String::new(),
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::ArrayValue(list)) => format!("{:?}", list.values),
        Some(other) => panic!("{key}: {other:?}"),
    }
}

impl Books {
    fn keep(&self, request: &HttpRequest, resource: Vec<KeyValue>, body: Bytes) -> HttpResponse {
        let header = |name: &str| {
            let value = request.headers().get(name);
            value.map_or("", |v| v.to_str().expect("ASCII")).to_owned()
        };
        assert_eq!(header("content-type"), "application/x-protobuf");
        let mut exports = self.exports.lock().expect("no panic");
        exports.push((header("authorization"), resource, body));
        let status = self.status.load(Ordering::SeqCst);
        HttpResponse::build(StatusCode::from_u16(status).expect("a status")).finish()
    }
}

async fn traces(request: HttpRequest, body: Bytes, books: Data<Books>) -> HttpResponse {
    let message = ExportTraceServiceRequest::decode(body.clone()).expect("traces");
    let mut resource = Vec::new();
    for part in message.resource_spans {
        resource.extend(part.resource.expect("a resource").attributes);
        let spans = part.scope_spans.into_iter().flat_map(|s| s.spans);
        books.spans.lock().expect("no panic").extend(spans);
    }
    books.keep(&request, resource, body)
}

async fn metrics(request: HttpRequest, body: Bytes, books: Data<Books>) -> HttpResponse {
    let message = ExportMetricsServiceRequest::decode(body.clone()).expect("metrics");
    let mut resource = Vec::new();
    for part in message.resource_metrics {
        resource.extend(part.resource.expect("a resource").attributes);
        let metrics = part.scope_metrics.into_iter().flat_map(|s| s.metrics);
        *books.metrics.lock().expect("no panic") = metrics.collect();
    }
    books.keep(&request, resource, body)
}
