//! The histograms that OpenTelemetry's conventions for generative AI name, filled from records.
//!
//! Their attributes take values of the configuration (vendors, models), never of a caller.

use std::collections::BTreeMap;

use modelgate_domain::{AttemptRecord, RequestRecord, Status};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric};

use super::names::Names;
use super::points::histogram;
use super::words::{
    Attributes, ERROR_TYPE, OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, operation,
};

const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const DURATIONS: &[f64] = &[
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const FIRST_TOKENS: &[f64] = &[
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// One kind of histogram.
struct Kind {
    name: &'static str,
    unit: &'static str,
    says: &'static str,
    bounds: &'static [f64],
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "gen_ai.client.operation.duration",
        unit: "s",
        says: "How long vendor calls took.",
        bounds: DURATIONS,
    },
    Kind {
        name: "gen_ai.client.token.usage",
        unit: "{token}",
        says: "Tokens that went in and came out.",
        bounds: TOKENS,
    },
    Kind {
        name: "gen_ai.server.request.duration",
        unit: "s",
        says: "How long calls took, with everything the gateway does.",
        bounds: DURATIONS,
    },
    Kind {
        name: "gen_ai.server.time_to_first_token",
        unit: "s",
        says: "From the arrival of a stream's call to its first token.",
        bounds: FIRST_TOKENS,
    },
];
const OPERATION_DURATION: usize = 0;
const TOKEN_USAGE: usize = 1;
const REQUEST_DURATION: usize = 2;
const TIME_TO_FIRST_TOKEN: usize = 3;

/// The values of the attributes of one series, in a fixed order; empty where an attribute does not apply.
type Key = [String; LABELS.len()];
const LABELS: [&str; 6] = [
    OPERATION,
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    ERROR_TYPE,
    "gen_ai.token.type",
];

#[derive(Debug, Default)]
struct Series {
    counts: Vec<u64>,
    sum: f64,
}

/// What was measured since the start.
#[derive(Debug, Default)]
pub(super) struct GenAi {
    series: BTreeMap<(usize, Key), Series>,
}

impl GenAi {
    /// Takes a call in. One that no vendor was asked for is no operation.
    pub(super) fn ended(
        &mut self,
        record: &RequestRecord,
        attempts: &[AttemptRecord],
        names: &Names,
    ) {
        let Some(last) = attempts.last() else {
            return;
        };
        let served = record.ttft_ms.is_some();
        let model = names.models.get(&record.model_id);
        let key = |attempt: &AttemptRecord, answered: bool, error: String, token: &str| {
            let vendor = names.vendors.get(&attempt.provider_id);
            let answered_as = if answered {
                record.upstream_model.as_str()
            } else {
                ""
            };
            [
                operation(&record.endpoint).to_owned(),
                vendor.map_or("", |v| v.known_as.as_str()).to_owned(),
                model.map_or("", String::as_str).to_owned(),
                answered_as.to_owned(),
                error,
                token.to_owned(),
            ]
        };
        for attempt in attempts {
            let is_last = attempt.number == last.number;
            let error = error_of(record, attempt, is_last);
            let key = key(attempt, served && is_last, error, "");
            self.add(OPERATION_DURATION, key, seconds(attempt.duration_ms));
        }
        let error = error_of(record, last, true);
        let whole = record.latency_ms.unwrap_or(0);
        let call = key(last, served, error.clone(), "");
        self.add(REQUEST_DURATION, call, seconds(whole));
        if !served {
            return;
        }
        for (tokens, kind) in [
            (record.usage.input(), "input"),
            (record.usage.output(), "output"),
        ] {
            if tokens > 0 {
                let key = key(last, true, String::new(), kind);
                self.add(TOKEN_USAGE, key, number(tokens));
            }
        }
        if let Some(ms) = record.ttft_ms.filter(|_| record.stream && error.is_empty()) {
            let key = key(last, true, error, "");
            self.add(TIME_TO_FIRST_TOKEN, key, seconds(ms));
        }
    }

    fn add(&mut self, kind: usize, key: Key, value: f64) {
        let bounds = KINDS.get(kind).map_or(&[][..], |kind| kind.bounds);
        let series = self.series.entry((kind, key)).or_default();
        series.counts.resize(bounds.len() + 1, 0);
        let place = bounds.partition_point(|bound| *bound < value);
        if let Some(count) = series.counts.get_mut(place) {
            *count += 1;
        }
        series.sum += value;
    }

    /// Everything so far, as metrics; times in nanoseconds since 1970.
    pub(super) fn metrics(&self, start: u64, now: u64) -> Vec<Metric> {
        let of = |(place, kind): (usize, &Kind)| {
            let points: Vec<HistogramDataPoint> = self
                .series
                .iter()
                .filter(|((of, _), _)| *of == place)
                .map(|((_, key), series)| HistogramDataPoint {
                    attributes: attributes(key),
                    start_time_unix_nano: start,
                    time_unix_nano: now,
                    count: series.counts.iter().sum(),
                    sum: Some(series.sum),
                    bucket_counts: series.counts.clone(),
                    explicit_bounds: kind.bounds.to_vec(),
                    ..HistogramDataPoint::default()
                })
                .collect();
            (!points.is_empty()).then(|| histogram((kind.name, kind.says, kind.unit), points))
        };
        KINDS.iter().enumerate().filter_map(of).collect()
    }
}

fn attributes(key: &Key) -> Vec<KeyValue> {
    let mut all = Attributes::default();
    for (name, value) in LABELS.iter().zip(key) {
        all.text(name, value);
    }
    all.0
}

/// A closed set: the status that the vendor answered, else how the call ended; empty where nothing went wrong.
fn error_of(record: &RequestRecord, attempt: &AttemptRecord, last: bool) -> String {
    let fine = attempt.error_code.is_empty() && !(last && record.status != Status::Success);
    if fine {
        String::new()
    } else if attempt.upstream_status >= 400 {
        attempt.upstream_status.to_string()
    } else if last {
        record.status.as_str().to_owned()
    } else {
        Status::Error.as_str().to_owned()
    }
}

#[allow(clippy::cast_precision_loss, reason = "OTLP sums are floats")]
fn number(value: i64) -> f64 {
    value.max(0) as f64
}

fn seconds(ms: i64) -> f64 {
    number(ms) / 1_000.0
}
