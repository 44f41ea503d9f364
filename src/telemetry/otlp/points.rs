//! The gateway's own metrics in OTLP: the same names and labels as at `/metrics`.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};
use prometheus::proto::{self, MetricFamily, MetricType};

use super::words::Attributes;

/// A histogram from its points; name, meaning and unit.
pub(super) fn histogram(
    (name, says, unit): (&str, &str, &str),
    data_points: Vec<HistogramDataPoint>,
) -> Metric {
    Metric {
        name: name.to_owned(),
        description: says.to_owned(),
        unit: unit.to_owned(),
        data: Some(Data::Histogram(Histogram {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
        })),
        ..Metric::default()
    }
}

/// Counters, gauges and histograms as they stand; times in nanoseconds since 1970.
pub(super) fn metrics(families: &[MetricFamily], start: u64, now: u64) -> Vec<Metric> {
    families
        .iter()
        .filter_map(|family| metric(family, start, now))
        .collect()
}

fn metric(family: &MetricFamily, start: u64, now: u64) -> Option<Metric> {
    let name = family.name();
    let unit = if name.ends_with("_seconds") {
        "s"
    } else if name.ends_with("_bytes") {
        "By"
    } else {
        ""
    };
    let all = family.get_metric();
    let number = |metric: &proto::Metric, value: f64| NumberDataPoint {
        attributes: attributes(metric),
        start_time_unix_nano: start,
        time_unix_nano: now,
        value: Some(Value::AsDouble(value)),
        ..NumberDataPoint::default()
    };
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(Sum {
            data_points: all
                .iter()
                .map(|m| number(m, m.get_counter().get_value()))
                .collect(),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        }),
        MetricType::GAUGE => Data::Gauge(Gauge {
            data_points: all
                .iter()
                .map(|m| number(m, m.get_gauge().get_value()))
                .collect(),
        }),
        MetricType::HISTOGRAM => {
            let points = all.iter().map(|m| distribution(m, start, now));
            return Some(histogram((name, family.help(), unit), points.collect()));
        }
        MetricType::SUMMARY | MetricType::UNTYPED => return None,
    };
    Some(Metric {
        name: name.to_owned(),
        description: family.help().to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

/// Prometheus counts in each bucket what the ones below hold as well; OTLP does not.
fn distribution(metric: &proto::Metric, start: u64, now: u64) -> HistogramDataPoint {
    let found = metric.get_histogram();
    let mut below = 0;
    let (mut bounds, mut counts) = (Vec::new(), Vec::new());
    for bucket in found.get_bucket() {
        if bucket.upper_bound().is_finite() {
            bounds.push(bucket.upper_bound());
            counts.push(bucket.cumulative_count().saturating_sub(below));
            below = bucket.cumulative_count();
        }
    }
    // what was counted between the two reads lies in some bucket, and in the total the next time
    let count = found.get_sample_count().max(below);
    counts.push(count.saturating_sub(below));
    HistogramDataPoint {
        attributes: attributes(metric),
        start_time_unix_nano: start,
        time_unix_nano: now,
        count,
        sum: Some(found.get_sample_sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}

fn attributes(metric: &proto::Metric) -> Vec<KeyValue> {
    let mut all = Attributes::default();
    for label in metric.get_label() {
        all.text(label.name(), label.value());
    }
    all.0
}
