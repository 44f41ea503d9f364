//! Where traces and metrics go by OTLP: the names that OpenTelemetry gives these settings, and their typed values.

use std::time::Duration;

use modelgate_domain::Secret;

use super::variable::{Fallback, Kind, Variable, variable};
use super::{ConfigError, Given, parse};

pub(super) const ENDPOINT: Variable = variable(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    Kind::Link,
    Fallback::None,
    "Where an OpenTelemetry collector takes OTLP over HTTP, as in http://collector:4318; /v1/traces and /v1/metrics are put behind it. Unset, nothing is traced or exported.",
);
pub(super) const TRACES_ENDPOINT: Variable = variable(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    Kind::Link,
    Fallback::None,
    "The whole address for traces, where it is another one than OTEL_EXPORTER_OTLP_ENDPOINT gives.",
);
pub(super) const METRICS_ENDPOINT: Variable = variable(
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    Kind::Link,
    Fallback::None,
    "The whole address for metrics, where it is another one than OTEL_EXPORTER_OTLP_ENDPOINT gives.",
);
pub(super) const TRACES_EXPORTER: Variable = variable(
    "OTEL_TRACES_EXPORTER",
    Kind::Choice(&["otlp", "none"]),
    Fallback::Text("otlp"),
    "Whether traces go to the endpoint: none exports metrics alone.",
);
pub(super) const METRICS_EXPORTER: Variable = variable(
    "OTEL_METRICS_EXPORTER",
    Kind::Choice(&["otlp", "none"]),
    Fallback::Text("otlp"),
    "Whether metrics go to the endpoint: none exports traces alone.",
);
pub(super) const PROTOCOL: Variable = variable(
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    Kind::Choice(&["http/protobuf"]),
    Fallback::Text("http/protobuf"),
    "How the collector is spoken to; gRPC and JSON are not spoken.",
);
pub(super) const HEADERS: Variable = variable(
    "OTEL_EXPORTER_OTLP_HEADERS",
    Kind::Headers,
    Fallback::None,
    "Headers for the collector: name=value,name=value, values percent-encoded where they hold commas or spaces. Never shown.",
)
.secret();
pub(super) const TIMEOUT: Variable = variable(
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    Kind::Integer {
        min: 100,
        max: 60_000,
    },
    Fallback::Text("10000"),
    "Milliseconds that the collector has for each answer.",
);
pub(super) const SERVICE_NAME: Variable = variable(
    "OTEL_SERVICE_NAME",
    Kind::Text { max: 200 },
    Fallback::Text("modelgate"),
    "What this gateway is called in traces and exported metrics.",
);
pub(super) const RESOURCE_ATTRIBUTES: Variable = variable(
    "OTEL_RESOURCE_ATTRIBUTES",
    Kind::Pairs,
    Fallback::None,
    "More about this gateway in traces and exported metrics: name=value,name=value, as in deployment.environment.name=prod.",
);
pub(super) const SAMPLER: Variable = variable(
    "OTEL_TRACES_SAMPLER",
    Kind::Choice(&[
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
        "always_on",
        "always_off",
        "traceidratio",
    ]),
    Fallback::Text("parentbased_always_on"),
    "Which calls are traced; parentbased_ does what a caller's traceparent says, where it sends one.",
);
pub(super) const SAMPLER_ARG: Variable = variable(
    "OTEL_TRACES_SAMPLER_ARG",
    Kind::Ratio,
    Fallback::Text("1"),
    "The share of calls that a traceidratio sampler takes, from 0 to 1.",
);
pub(super) const SCHEDULE_DELAY: Variable = variable(
    "OTEL_BSP_SCHEDULE_DELAY",
    Kind::Integer {
        min: 50,
        max: 60_000,
    },
    Fallback::Text("5000"),
    "Milliseconds after which traces go out, full batches sooner.",
);
pub(super) const METRIC_INTERVAL: Variable = variable(
    "OTEL_METRIC_EXPORT_INTERVAL",
    Kind::Integer {
        min: 100,
        max: 3_600_000,
    },
    Fallback::Text("60000"),
    "Milliseconds between two exports of metrics.",
);

/// Export of traces and metrics; nothing where both endpoints are absent.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// The whole address for traces; absent where none are made.
    pub traces: Option<String>,
    /// The whole address for metrics; absent where none are exported.
    pub metrics: Option<String>,
    /// Sent with every export.
    pub headers: Vec<(String, Secret)>,
    /// For each answer of the collector.
    pub timeout: Duration,
    /// `service.name`.
    pub service_name: String,
    /// Further attributes of the resource.
    pub resource: Vec<(String, String)>,
    /// Which calls are traced.
    pub sampler: Sampler,
    /// How long traces are gathered.
    pub schedule_delay: Duration,
    /// Between two exports of metrics.
    pub metric_interval: Duration,
}

/// Which calls are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Does what the caller says, where it says anything.
    pub heeds_parent: bool,
    /// The share of the other calls, from 0 to 1.
    pub ratio: f64,
}

impl Otlp {
    pub(super) fn read(given: &Given) -> Result<Self, ConfigError> {
        let base = given.parse(&ENDPOINT, parse::optional_link)?;
        let signal = |own: &Variable, exporter: &Variable, path: &str| {
            if given.optional(exporter).as_deref() == Some("none") {
                return Ok::<_, ConfigError>(None);
            }
            let own = given.parse(own, parse::optional_link)?;
            Ok(own.or_else(|| base.as_ref().map(|base| format!("{base}{path}"))))
        };
        let headers = given.parse(&HEADERS, parse::header_pairs)?;
        let millis = |variable| given.integer(variable).map(Duration::from_millis);
        Ok(Self {
            traces: signal(&TRACES_ENDPOINT, &TRACES_EXPORTER, "/v1/traces")?,
            metrics: signal(&METRICS_ENDPOINT, &METRICS_EXPORTER, "/v1/metrics")?,
            headers: headers
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
            timeout: millis(&TIMEOUT)?,
            service_name: given.optional(&SERVICE_NAME).unwrap_or_default(),
            resource: given.parse(&RESOURCE_ATTRIBUTES, parse::pairs)?,
            sampler: sampler(given)?,
            schedule_delay: millis(&SCHEDULE_DELAY)?,
            metric_interval: millis(&METRIC_INTERVAL)?,
        })
    }

    /// Whether anything is exported.
    pub fn is_on(&self) -> bool {
        self.traces.is_some() || self.metrics.is_some()
    }
}

fn sampler(given: &Given) -> Result<Sampler, ConfigError> {
    let name = given.optional(&SAMPLER).unwrap_or_default();
    let root = name.strip_prefix("parentbased_");
    let ratio = match root.unwrap_or(&name) {
        "always_on" => 1.0,
        "always_off" => 0.0,
        _ => given.parse(&SAMPLER_ARG, parse::ratio)?,
    };
    Ok(Sampler {
        heeds_parent: root.is_some(),
        ratio,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, MapEnv};

    fn read(pairs: &[(&str, &str)]) -> Result<Otlp, String> {
        let env = MapEnv::new(pairs.iter().copied());
        let config = Config::from_env(&env).map_err(|error| error.to_string())?;
        Ok(config.otlp)
    }

    #[test]
    fn each_signal_has_its_address() {
        assert!(!read(&[]).unwrap().is_on());
        let both = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/")]).unwrap();
        assert_eq!(both.traces.as_deref(), Some("http://c:4318/v1/traces"));
        assert_eq!(both.metrics.as_deref(), Some("http://c:4318/v1/metrics"));
        let own = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t.example/in"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ]);
        let own = own.unwrap();
        assert_eq!(own.traces.as_deref(), Some("https://t.example/in"));
        assert_eq!(own.metrics, None);
    }

    #[test]
    fn samplers_are_told_by_their_usual_names() {
        let of = |name, share| {
            let pairs = [
                ("OTEL_TRACES_SAMPLER", name),
                ("OTEL_TRACES_SAMPLER_ARG", share),
            ];
            read(&pairs).unwrap().sampler
        };
        let sampler = |heeds_parent, ratio| Sampler {
            heeds_parent,
            ratio,
        };
        assert_eq!(read(&[]).unwrap().sampler, sampler(true, 1.0));
        assert_eq!(of("always_off", "0.5"), sampler(false, 0.0));
        assert_eq!(of("parentbased_traceidratio", "0.25"), sampler(true, 0.25));
    }

    #[test]
    fn headers_are_read_and_never_shown() {
        let read_headers = read(&[(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "Authorization=Bearer%20abc, x-team=a%2Cb",
        )]);
        let headers = read_headers.unwrap().headers;
        let plain: Vec<(&str, &str)> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.expose()))
            .collect();
        assert_eq!(plain, [("authorization", "Bearer abc"), ("x-team", "a,b")]);
        let bad = read(&[("OTEL_EXPORTER_OTLP_HEADERS", "canary-without-equals")]);
        let said = bad.unwrap_err();
        assert!(!said.contains("canary"), "{said}");
        let login = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:canary@c:4318")]);
        let said = login.unwrap_err();
        assert!(!said.contains("canary"), "{said}");
    }

    #[test]
    fn what_is_not_spoken_is_refused() {
        let grpc = read(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert!(grpc.unwrap_err().contains("it must be http/protobuf"));
        assert!(read(&[("OTEL_TRACES_SAMPLER_ARG", "1.5")]).is_err());
        assert!(read(&[("OTEL_RESOURCE_ATTRIBUTES", "=x")]).is_err());
    }
}
