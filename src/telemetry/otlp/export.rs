//! The task that gathers what ended and sends it: traces in batches, metrics at an interval.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prometheus::proto::MetricFamily;
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::genai::GenAi;
use super::names::Names;
use super::points;
use super::send::{Collector, Refused};
use super::spans::spans;
use super::words::Attributes;
use super::{Ended, Inbox};
use crate::clock::Clock;
use crate::config::Otlp;

/// Calls in one export of traces.
const BATCH: usize = 256;
/// Calls that wait for the collector; further ones are left out and counted.
const WAITING: usize = 2_048;
/// How long the last exports may take at the end.
const LAST: Duration = Duration::from_secs(5);

type Sending = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

/// Where the task reads what it does not hear of.
pub struct Sources {
    /// The names in force, where they are newer than those of this generation.
    pub names: Box<dyn Fn(i64) -> Option<Names> + Send>,
    /// The gateway's own metrics.
    pub metrics: Box<dyn Fn() -> Vec<MetricFamily> + Send>,
    /// The time.
    pub clock: Clock,
}

/// Sends traces and metrics to one collector.
pub struct Exporter {
    settings: Otlp,
    collector: Collector,
    inbox: Inbox,
    sources: Sources,
    resource: Resource,
    names: Names,
    genai: GenAi,
    waiting: VecDeque<Ended>,
    started_ns: u64,
    /// How many calls are on their way, and the way itself.
    traces: Option<(u64, Sending)>,
    metrics: Option<Sending>,
    /// The collector did not take the last traces, or the last metrics.
    failing: [bool; 2],
}

impl Exporter {
    /// `instance` tells this process from others of the same service.
    pub fn new(
        settings: &Otlp,
        collector: Collector,
        inbox: Inbox,
        instance: &str,
        sources: Sources,
    ) -> Self {
        Self {
            collector,
            inbox,
            resource: resource(settings, instance),
            names: Names::default(),
            genai: GenAi::default(),
            waiting: VecDeque::new(),
            started_ns: nanos(sources.clock.now_ms()),
            traces: None,
            metrics: None,
            failing: [false; 2],
            settings: settings.clone(),
            sources,
        }
    }

    /// Runs until `shutdown` holds true, then sends what is left, within bounds.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut flush = interval(self.settings.schedule_delay);
        let mut measure = interval(self.settings.metric_interval);
        measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // the first tick of an interval comes at once
        measure.tick().await;
        loop {
            tokio::select! {
                _ended = shutdown.changed() => break,
                call = self.inbox.calls.recv() => {
                    let Some(call) = call else { break };
                    self.takes(*call);
                    if self.waiting.len() >= BATCH {
                        self.send_traces();
                    }
                }
                _ = flush.tick() => self.send_traces(),
                _ = measure.tick() => self.send_metrics(),
                outcome = on_its_way(self.traces.as_mut().map(|(_, way)| way)) => {
                    self.traces_ended(&outcome);
                    if self.waiting.len() >= BATCH {
                        self.send_traces();
                    }
                }
                outcome = on_its_way(self.metrics.as_mut()) => self.metrics_ended(&outcome),
            }
        }
        if timeout(LAST, self.finish()).await.is_err() {
            let on_their_way = self.traces.as_ref().map_or(0, |(calls, _)| *calls);
            let left = count(self.waiting.len()).saturating_add(on_their_way);
            self.inbox.counted.dropped.inc_by(left);
            tracing::warn!(
                calls = left,
                "the last telemetry could not be delivered in time"
            );
        }
    }

    async fn finish(&mut self) {
        self.inbox.calls.close();
        while let Some(call) = self.inbox.calls.recv().await {
            self.takes(*call);
        }
        if let Some(way) = self.metrics.as_mut() {
            let outcome = way.await;
            self.metrics_ended(&outcome);
        }
        loop {
            if let Some((_, way)) = self.traces.as_mut() {
                let outcome = way.await;
                self.traces_ended(&outcome);
            }
            self.send_traces();
            if self.traces.is_none() {
                break;
            }
        }
        self.send_metrics();
        if let Some(way) = self.metrics.as_mut() {
            let outcome = way.await;
            self.metrics_ended(&outcome);
        }
    }

    fn takes(&mut self, call: Ended) {
        if let Some(names) = (self.sources.names)(self.names.generation) {
            self.names = names;
        }
        if self.settings.metrics.is_some() {
            self.genai.ended(&call.record, &call.attempts, &self.names);
        }
        if call.trace.is_none() {
            return;
        }
        if self.waiting.len() < WAITING {
            self.waiting.push_back(call);
        } else {
            self.inbox.counted.dropped.inc();
        }
    }

    /// Sends the oldest calls that wait, unless some are on their way.
    fn send_traces(&mut self) {
        let Some(url) = self
            .settings
            .traces
            .clone()
            .filter(|_| self.traces.is_none())
        else {
            return;
        };
        let calls: Vec<_> = self
            .waiting
            .drain(..self.waiting.len().min(BATCH))
            .collect();
        if calls.is_empty() {
            return;
        }
        let of = |call: &Ended| match &call.trace {
            Some(trace) => spans(&call.record, &call.attempts, trace, &self.names),
            None => Vec::new(),
        };
        let made: Vec<Span> = calls.iter().flat_map(of).collect();
        let message = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope()),
                    spans: made,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let collector = self.collector.clone();
        let way = async move {
            let answer = collector.send(&url, &message).await?;
            if let Ok(said) = ExportTraceServiceResponse::decode(answer.as_slice())
                && let Some(part) = said.partial_success
                && part.rejected_spans > 0
            {
                tracing::warn!(spans = part.rejected_spans, "the collector rejected spans");
            }
            Ok(())
        };
        self.traces = Some((count(calls.len()), Box::pin(way)));
    }

    fn send_metrics(&mut self) {
        let Some(url) = self
            .settings
            .metrics
            .clone()
            .filter(|_| self.metrics.is_none())
        else {
            return;
        };
        let (start, now) = (self.started_ns, nanos(self.sources.clock.now_ms()));
        let mut metrics = points::metrics(&(self.sources.metrics)(), start, now);
        metrics.extend(self.genai.metrics(start, now));
        let message = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource.clone()),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope()),
                    metrics,
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        };
        let collector = self.collector.clone();
        let way = async move { collector.send(&url, &message).await.map(drop) };
        self.metrics = Some(Box::pin(way));
    }

    fn traces_ended(&mut self, outcome: &Result<(), Refused>) {
        let Some((calls, _)) = self.traces.take() else {
            return;
        };
        if outcome.is_err() {
            self.inbox.counted.dropped.inc_by(calls);
        }
        let [good, bad] = &self.inbox.counted.traces;
        (if outcome.is_ok() { good } else { bad }).inc();
        let [failing, _] = &mut self.failing;
        tell("traces", failing, outcome);
    }

    fn metrics_ended(&mut self, outcome: &Result<(), Refused>) {
        self.metrics = None;
        let [good, bad] = &self.inbox.counted.metrics;
        (if outcome.is_ok() { good } else { bad }).inc();
        let [_, failing] = &mut self.failing;
        tell("metrics", failing, outcome);
    }
}

/// One line when it begins to fail, and one when it works again.
fn tell(signal: &str, failing: &mut bool, outcome: &Result<(), Refused>) {
    let failed = outcome.is_err();
    if std::mem::replace(failing, failed) == failed {
        return;
    }
    match outcome {
        Err(why) => tracing::warn!(signal, %why, "the OpenTelemetry collector takes nothing"),
        Ok(()) => tracing::info!(signal, "the OpenTelemetry collector takes telemetry again"),
    }
}

/// Never, where nothing is on its way.
async fn on_its_way(way: Option<&mut Sending>) -> Result<(), Refused> {
    match way {
        Some(way) => way.await,
        None => std::future::pending().await,
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "modelgate".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// The operator's attributes go before ours, except for the name, which has a variable of its own.
fn resource(settings: &Otlp, instance: &str) -> Resource {
    let mut all = Attributes::default();
    all.text("service.name", &settings.service_name);
    let given = |name: &str| settings.resource.iter().any(|(given, _)| given == name);
    for (name, value) in [
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", instance),
    ] {
        if !given(name) {
            all.text(name, value);
        }
    }
    for (name, value) in &settings.resource {
        if name != "service.name" {
            all.text(name, value);
        }
    }
    Resource {
        attributes: all.0,
        ..Resource::default()
    }
}

fn nanos(epoch_ms: i64) -> u64 {
    u64::try_from(epoch_ms)
        .unwrap_or(0)
        .saturating_mul(1_000_000)
}

fn count(calls: usize) -> u64 {
    u64::try_from(calls).unwrap_or(u64::MAX)
}
