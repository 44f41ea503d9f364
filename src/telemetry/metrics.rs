//! What is counted. Every name begins with `modelgate_`, and no label takes a value that a caller chooses.

use std::time::Duration;

use modelgate_domain::{FaultOwner, RequestRecord, Status};
use prometheus::proto::MetricFamily;
use prometheus::{
    CounterVec, Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The values of the label `endpoint`; anything else is counted as the last.
const ENDPOINTS: [&str; 4] = ["chat_completions", "completions", "embeddings", "other"];
/// The values of the label `rule`: everything that refuses; anything else is counted as the last.
const RULES: [&str; 13] = [
    "enabled",
    "expires_at",
    "allowed_cidrs",
    "time_rules",
    "allowed_models",
    "busyness",
    "unpriced",
    "rpm",
    "tpm",
    "concurrency",
    "budget",
    "queue",
    "other",
];
const TOKEN_KINDS: [&str; 5] = ["prompt", "cached", "cache_write", "completion", "reasoning"];
const DURATIONS_S: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

const OVERHEADS_S: &[f64] = &[
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0,
];
/// The values of the label `state` of credentials.
const CREDENTIAL_STATES: [&str; 3] = ["active", "resting", "disabled"];

/// The counters of one process, with every handle resolved up front: counting is an atomic addition.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// By endpoint, status and fault owner, in the order of their lists.
    requests: Vec<IntCounter>,
    tokens: [IntCounter; TOKEN_KINDS.len()],
    duration: Histogram,
    ttft: Histogram,
    overhead: Histogram,
    /// By currency: those of the operator's own prices, so never a caller's choice.
    cost: CounterVec,
    auth_failures: IntCounter,
    /// By rule, in the order of their list.
    refusals: Vec<IntCounter>,
    observed: Vec<IntCounter>,
    read: Read,
}

/// What is not counted but read when somebody asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauges {
    /// Calls that run.
    pub active_requests: i64,
    /// Streams that run.
    pub active_streams: i64,
    /// Bytes in the journal that wait for the database.
    pub journal_bytes: u64,
    /// Records that wait for the database.
    pub journal_records: u64,
    /// Age of the oldest of them in seconds.
    pub journal_age_s: f64,
    /// Calls that left no record.
    pub journal_unrecorded: u64,
    /// Records set aside.
    pub journal_set_aside: u64,
    /// Whether the journal has no room for the records of further calls.
    pub journal_full: bool,
    /// Vendor credentials that may be used, rest after trouble, and are switched off.
    pub credentials: [u64; 3],
    /// Calls that wait for a credential.
    pub queue_waiting: u64,
    /// The configuration in force.
    pub config_generation: i64,
    /// Whether the database answered last time.
    pub database_up: bool,
    /// Whether Redis answered last time; absent where none is to be used.
    pub redis_up: Option<bool>,
}

#[derive(Debug)]
struct Read {
    active_requests: IntGauge,
    active_streams: IntGauge,
    journal_bytes: Gauge,
    journal_records: Gauge,
    journal_age: Gauge,
    journal_unrecorded: Gauge,
    journal_set_aside: Gauge,
    journal_full: IntGauge,
    credentials: [Gauge; CREDENTIAL_STATES.len()],
    queue_waiting: Gauge,
    config_generation: IntGauge,
    database_up: IntGauge,
    /// Without a value where no Redis is to be used.
    redis_up: IntGaugeVec,
}

impl Metrics {
    /// Registers everything.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let labels = ["endpoint", "status", "fault_owner"];
        let opts = Opts::new("modelgate_requests_total", "Calls that ended.");
        let by_labels = IntCounterVec::new(opts, &labels)?;
        registry.register(Box::new(by_labels.clone()))?;
        let mut requests = Vec::new();
        for endpoint in ENDPOINTS {
            for status in Status::ALL {
                for owner in FaultOwner::ALL {
                    let values = [endpoint, status.as_str(), owner.as_str()];
                    requests.push(by_labels.get_metric_with_label_values(&values)?);
                }
            }
        }
        let opts = Opts::new("modelgate_tokens_total", "Tokens of calls that ended.");
        let by_kind = IntCounterVec::new(opts, &["kind"])?;
        registry.register(Box::new(by_kind.clone()))?;
        let [prompt, cached, cache_write, completion, reasoning] =
            TOKEN_KINDS.map(|kind| by_kind.get_metric_with_label_values(&[kind]));
        let tokens = [prompt?, cached?, cache_write?, completion?, reasoning?];
        let auth_failures = IntCounter::new(
            "modelgate_auth_failures_total",
            "Calls without a valid API key.",
        )?;
        registry.register(Box::new(auth_failures.clone()))?;
        let opts = Opts::new(
            "modelgate_cost_total",
            "Cost of calls that ended, in units of the currency.",
        );
        let cost = CounterVec::new(opts, &["currency"])?;
        registry.register(Box::new(cost.clone()))?;
        build_info(&registry)?;
        Ok(Self {
            cost,
            overhead: histogram(
                &registry,
                "modelgate_overhead_seconds",
                "From the arrival of a call to its first vendor call, waiting for a place not counted.",
                OVERHEADS_S,
            )?,
            duration: histogram(
                &registry,
                "modelgate_request_duration_seconds",
                "How long calls took that a vendor answered.",
                DURATIONS_S,
            )?,
            ttft: histogram(
                &registry,
                "modelgate_ttft_seconds",
                "Time to the first token or, without a stream, the first byte.",
                DURATIONS_S,
            )?,
            refusals: by_rule(
                &registry,
                "modelgate_refusals_total",
                "Calls that a rule refused.",
            )?,
            observed: by_rule(
                &registry,
                "modelgate_observed_refusals_total",
                "Calls that a limit in mode observe would have refused.",
            )?,
            read: Read::new(&registry)?,
            registry,
            requests,
            tokens,
            auth_failures,
        })
    }

    /// Counts a call that ended. `overhead` is the time until its first vendor call, waiting for a place not counted.
    pub fn ended(&self, record: &RequestRecord, overhead: Option<Duration>) {
        if let Some(overhead) = overhead {
            self.overhead.observe(overhead.as_secs_f64());
        }
        self.spent(record);
        let place = |found: Option<usize>, last: usize| found.unwrap_or(last);
        let endpoint = ENDPOINTS.iter().position(|e| *e == record.endpoint);
        let status = Status::ALL.iter().position(|s| *s == record.status);
        let owner = FaultOwner::ALL
            .iter()
            .position(|o| *o == record.fault_owner);
        let statuses = Status::ALL.len();
        let at = place(endpoint, ENDPOINTS.len() - 1) * statuses + place(status, 0);
        let at = at * FaultOwner::ALL.len() + place(owner, 0);
        if let Some(counter) = self.requests.get(at) {
            counter.inc();
        }
        let usage = &record.usage;
        let counts = [
            usage.prompt,
            usage.cached,
            usage.cache_write,
            usage.completion,
            usage.reasoning,
        ];
        for (counter, tokens) in self.tokens.iter().zip(counts) {
            counter.inc_by(u64::try_from(tokens).unwrap_or(0));
        }
        if let Some(ms) = record.latency_ms.filter(|_| record.upstream_status > 0) {
            self.duration.observe(seconds(ms));
        }
        if let Some(ms) = record.ttft_ms {
            self.ttft.observe(seconds(ms));
        }
    }

    fn spent(&self, record: &RequestRecord) {
        let Some(nanos) = record.cost_nanos.filter(|nanos| *nanos > 0) else {
            return;
        };
        #[allow(clippy::cast_precision_loss, reason = "Prometheus knows floats only")]
        let amount = nanos as f64 / 1e9;
        self.cost
            .with_label_values(&[record.currency.as_str()])
            .inc_by(amount);
    }

    /// Counts a call without a valid key.
    pub fn auth_failed(&self) {
        self.auth_failures.inc();
    }

    /// Counts a call that a rule refused.
    pub fn refused(&self, rule: &str) {
        count_rule(&self.refusals, rule);
    }

    /// Counts a call that a limit would have refused, did it not only observe.
    pub fn observed(&self, rule: &str) {
        count_rule(&self.observed, rule);
    }

    /// Where others beside this put what they count.
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything as it stands.
    pub fn families(&self, gauges: &Gauges) -> Vec<MetricFamily> {
        self.read.set(gauges);
        self.registry.gather()
    }

    /// Everything in Prometheus' text format.
    pub fn render(&self, gauges: &Gauges) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.families(gauges), &mut text)?;
        Ok(text)
    }
}

impl Read {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let int = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let float = |name: &str, help: &str| {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let opts = Opts::new("modelgate_credentials", "Vendor credentials by state.");
        let by_state = GaugeVec::new(opts, &["state"])?;
        registry.register(Box::new(by_state.clone()))?;
        let [active, resting, disabled] =
            CREDENTIAL_STATES.map(|state| by_state.get_metric_with_label_values(&[state]));
        let opts = Opts::new("modelgate_redis_up", "1 while Redis answers.");
        let redis_up = IntGaugeVec::new(opts, &[])?;
        registry.register(Box::new(redis_up.clone()))?;
        Ok(Self {
            credentials: [active?, resting?, disabled?],
            queue_waiting: float(
                "modelgate_queue_waiting",
                "Calls that wait for a credential.",
            )?,
            active_requests: int("modelgate_active_requests", "Calls that run.")?,
            active_streams: int("modelgate_active_streams", "Streams that run.")?,
            journal_bytes: float(
                "modelgate_journal_backlog_bytes",
                "Bytes of the journal that wait for the database.",
            )?,
            journal_records: float(
                "modelgate_journal_backlog_records",
                "Records that wait for the database.",
            )?,
            journal_age: float(
                "modelgate_journal_oldest_record_seconds",
                "Age of the oldest record that waits for the database.",
            )?,
            journal_unrecorded: float(
                "modelgate_journal_unrecorded_calls",
                "Calls served without a record since the start.",
            )?,
            journal_set_aside: float(
                "modelgate_journal_set_aside_records",
                "Records set aside since the start because the database refuses them.",
            )?,
            journal_full: int(
                "modelgate_journal_full",
                "1 while the journal has no room for the records of further calls.",
            )?,
            config_generation: int(
                "modelgate_config_generation",
                "The number of the configuration in force.",
            )?,
            database_up: int("modelgate_database_up", "1 while the database answers.")?,
            redis_up,
        })
    }

    fn set(&self, gauges: &Gauges) {
        self.active_requests.set(gauges.active_requests);
        self.active_streams.set(gauges.active_streams);
        self.journal_bytes.set(whole(gauges.journal_bytes));
        self.journal_records.set(whole(gauges.journal_records));
        self.journal_age.set(gauges.journal_age_s);
        self.journal_unrecorded
            .set(whole(gauges.journal_unrecorded));
        self.journal_set_aside.set(whole(gauges.journal_set_aside));
        self.journal_full.set(i64::from(gauges.journal_full));
        for (gauge, count) in self.credentials.iter().zip(gauges.credentials) {
            gauge.set(whole(count));
        }
        self.queue_waiting.set(whole(gauges.queue_waiting));
        self.config_generation.set(gauges.config_generation);
        self.database_up.set(i64::from(gauges.database_up));
        // Looked up only then: that makes the series, which an alert would take for a Redis that is away.
        let Some(up) = gauges.redis_up else { return };
        if let Ok(gauge) = self.redis_up.get_metric_with_label_values::<&str>(&[]) {
            gauge.set(i64::from(up));
        }
    }
}

fn by_rule(
    registry: &Registry,
    name: &str,
    help: &str,
) -> Result<Vec<IntCounter>, prometheus::Error> {
    let counters = IntCounterVec::new(Opts::new(name, help), &["rule"])?;
    registry.register(Box::new(counters.clone()))?;
    let of = RULES.map(|rule| counters.get_metric_with_label_values(&[rule]));
    of.into_iter().collect()
}

fn count_rule(counters: &[IntCounter], rule: &str) {
    let place = RULES.iter().position(|known| *known == rule);
    if let Some(counter) = counters.get(place.unwrap_or(RULES.len() - 1)) {
        counter.inc();
    }
}

fn build_info(registry: &Registry) -> Result<(), prometheus::Error> {
    let opts = Opts::new("modelgate_build_info", "1; the version is a label.");
    let info = GaugeVec::new(opts, &["version"])?;
    info.get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?
        .set(1.0);
    registry.register(Box::new(info))
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> Result<Histogram, prometheus::Error> {
    let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    let histogram = Histogram::with_opts(opts)?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}

#[allow(clippy::cast_precision_loss, reason = "Prometheus knows floats only")]
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1_000.0
}

#[allow(clippy::cast_precision_loss, reason = "Prometheus knows floats only")]
fn whole(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelgate_domain::{Currency, Usage};

    fn line(text: &str, start: &str) -> String {
        let found = text.lines().find(|line| line.starts_with(start));
        found.unwrap_or_default().to_owned()
    }

    #[test]
    fn a_call_is_counted_under_its_labels() {
        let metrics = Metrics::new().unwrap();
        let overhead = Some(Duration::from_micros(70));
        let ended = |record| metrics.ended(&record, overhead);
        ended(RequestRecord {
            endpoint: "embeddings".into(),
            status: Status::Timeout,
            fault_owner: FaultOwner::Upstream,
            upstream_status: 200,
            latency_ms: Some(1_500),
            usage: Usage::from_openai(7, 0, 0, 0),
            ..RequestRecord::default()
        });
        ended(RequestRecord {
            endpoint: "made up by a caller".into(),
            cost_nanos: Some(2_500_000_000),
            currency: Currency::parse("USD").unwrap(),
            ..RequestRecord::default()
        });
        metrics.auth_failed();
        metrics.refused("rpm");
        metrics.observed("a rule nobody wrote");
        let gauges = Gauges {
            active_requests: 3,
            credentials: [2, 1, 0],
            ..Gauges::default()
        };
        let text = String::from_utf8(metrics.render(&gauges).unwrap()).unwrap();
        let counted = "modelgate_requests_total{endpoint=\"embeddings\",fault_owner=\"upstream\",status=\"timeout\"}";
        assert_eq!(line(&text, counted), format!("{counted} 1"));
        let other =
            "modelgate_requests_total{endpoint=\"other\",fault_owner=\"none\",status=\"pending\"}";
        assert_eq!(line(&text, other), format!("{other} 1"));
        assert_eq!(
            line(&text, "modelgate_tokens_total{kind=\"prompt\"}"),
            "modelgate_tokens_total{kind=\"prompt\"} 7"
        );
        assert_eq!(
            line(&text, "modelgate_request_duration_seconds_sum"),
            "modelgate_request_duration_seconds_sum 1.5"
        );
        assert_eq!(
            line(&text, "modelgate_active_requests "),
            "modelgate_active_requests 3"
        );
        assert_eq!(
            line(&text, "modelgate_auth_failures_total"),
            "modelgate_auth_failures_total 1"
        );
        let refused = "modelgate_refusals_total{rule=\"rpm\"}";
        assert_eq!(line(&text, refused), format!("{refused} 1"));
        let observed = "modelgate_observed_refusals_total{rule=\"other\"}";
        assert_eq!(line(&text, observed), format!("{observed} 1"));
        for expected in [
            "modelgate_cost_total{currency=\"USD\"} 2.5",
            "modelgate_overhead_seconds_count 2",
            "modelgate_overhead_seconds_bucket{le=\"0.0001\"} 2",
            "modelgate_credentials{state=\"resting\"} 1",
        ] {
            assert!(text.lines().any(|l| l == expected), "{expected}\n{text}");
        }
        assert!(!text.contains("made up"));
        assert!(
            text.lines()
                .all(|l| l.starts_with('#') || l.starts_with("modelgate_"))
        );
    }
}
