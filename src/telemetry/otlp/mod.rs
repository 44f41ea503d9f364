//! Export of traces and metrics by OTLP over HTTP: what ended is told to one task, which gathers and sends it.
//!
//! The data plane pays for a copy of the record and never waits: where the task does not keep up, calls are left out
//! and counted. No text of a prompt or an answer comes here.

mod export;
mod genai;
mod names;
mod points;
mod send;
mod spans;
mod words;

use std::sync::Arc;

use modelgate_domain::{AttemptRecord, RequestRecord};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use ring::rand::SystemRandom;
use tokio::sync::mpsc;

pub use export::{Exporter, Sources};
pub use names::{Names, Vendor};
pub use send::{Collector, Refused};

use super::Metrics;
use super::trace::CallTrace;
use crate::config::{Otlp, Sampler};

/// Calls that ended and were not looked at yet.
const ROOM: usize = 4_096;

/// A call that ended.
#[derive(Debug)]
struct Ended {
    record: RequestRecord,
    attempts: Vec<AttemptRecord>,
    /// Absent where the call is not traced.
    trace: Option<CallTrace>,
}

/// The data plane's end.
#[derive(Debug)]
pub struct Tracer {
    /// Absent where there are no traces, only metrics.
    sampler: Option<Sampler>,
    measures: bool,
    random: SystemRandom,
    calls: mpsc::Sender<Box<Ended>>,
    dropped: IntCounter,
}

impl Tracer {
    /// The two ends; `None` where nothing is to be exported.
    pub fn new(
        settings: &Otlp,
        metrics: &Metrics,
    ) -> Result<Option<(Arc<Self>, Inbox)>, prometheus::Error> {
        if !settings.is_on() {
            return Ok(None);
        }
        let counted = Counted::register(metrics.registry())?;
        let (calls, inbox) = mpsc::channel(ROOM);
        let tracer = Self {
            sampler: settings.traces.as_ref().map(|_| settings.sampler),
            measures: settings.metrics.is_some(),
            random: SystemRandom::new(),
            calls,
            dropped: counted.dropped.clone(),
        };
        Ok(Some((
            Arc::new(tracer),
            Inbox {
                calls: inbox,
                counted,
            },
        )))
    }

    /// The trace of a call that begins; absent where there are no traces.
    pub fn begin(&self, traceparent: Option<&str>, tracestate: &str) -> Option<Box<CallTrace>> {
        let sampler = self.sampler?;
        CallTrace::begin(&self.random, sampler, traceparent, tracestate).map(Box::new)
    }

    /// Tells that a call ended.
    pub fn ended(
        &self,
        trace: Option<Box<CallTrace>>,
        record: &RequestRecord,
        attempts: &[AttemptRecord],
    ) {
        let trace = trace.filter(|trace| trace.sampled);
        if trace.is_none() && !self.measures {
            return;
        }
        let ended = Box::new(Ended {
            record: record.clone(),
            attempts: attempts.to_vec(),
            trace: trace.map(|trace| *trace),
        });
        if self.calls.try_send(ended).is_err() {
            self.dropped.inc();
        }
    }
}

/// The exporting task's end.
#[derive(Debug)]
pub struct Inbox {
    calls: mpsc::Receiver<Box<Ended>>,
    counted: Counted,
}

/// What is counted about the export itself, where there is one.
#[derive(Clone, Debug)]
struct Counted {
    /// Calls that are in no trace that left here.
    dropped: IntCounter,
    /// Exports of traces that the collector took, and that it did not.
    traces: [IntCounter; 2],
    /// The same of metrics.
    metrics: [IntCounter; 2],
}

impl Counted {
    fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let dropped = IntCounter::new(
            "modelgate_otlp_dropped_calls_total",
            "Calls whose telemetry was left out because the collector did not take it in time.",
        )?;
        registry.register(Box::new(dropped.clone()))?;
        let opts = Opts::new("modelgate_otlp_exports_total", "Exports by OTLP.");
        let exports = IntCounterVec::new(opts, &["signal", "outcome"])?;
        registry.register(Box::new(exports.clone()))?;
        let of = |signal| {
            let ok = exports.get_metric_with_label_values(&[signal, "ok"])?;
            let failed = exports.get_metric_with_label_values(&[signal, "failed"])?;
            Ok::<_, prometheus::Error>([ok, failed])
        };
        Ok(Self {
            dropped,
            traces: of("traces")?,
            metrics: of("metrics")?,
        })
    }
}
