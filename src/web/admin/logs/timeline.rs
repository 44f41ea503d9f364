//! Where the time of a request went, as a bar of phases.

use modelgate_domain::{Phase as Mark, Phases, RequestRecord};

use crate::web::shell::Shell;
use crate::web::svg;

/// One phase: where it begins and how wide it is, in percent.
pub(in crate::web) struct Phase {
    pub(in crate::web) name: String,
    pub(in crate::web) colour: &'static str,
    pub(in crate::web) x: String,
    pub(in crate::web) width: String,
    pub(in crate::web) duration: String,
}

/// The phases of a request that has ended, in order; none where nothing was measured.
pub(super) fn phases(page: &Shell, record: &RequestRecord) -> Vec<Phase> {
    let Some(total) = record.latency_ms.filter(|ms| *ms > 0) else {
        return Vec::new();
    };
    let total = total.saturating_mul(1_000);
    let mut from = 0;
    let mut found = Vec::new();
    for (key, colour, end) in ends(record, total) {
        let Some(end) = end.map(|us| us.clamp(from, total)) else {
            continue;
        };
        // what lasted less than a thousandth of the whole cannot be seen
        if (end - from).saturating_mul(1_000) >= total {
            found.push(Phase {
                name: page.t(key),
                colour,
                x: svg::share(from, total),
                width: svg::share(end - from, total),
                duration: duration(page, end - from),
            });
        }
        from = end;
    }
    found
}

/// Where each phase ended, in microseconds; from the milliseconds of the record where it has no marks of its own.
fn ends(record: &RequestRecord, total: i64) -> [(&'static str, &'static str, Option<i64>); 5] {
    let marks = Phases::parse(&record.phases);
    let mark = |phase| marks.end(phase).map(i64::from);
    let ms = |ms: Option<i64>| ms.map(|ms| ms.saturating_mul(1_000));
    let waited = record
        .queue_ms
        .is_some()
        .then(|| mark(Mark::Queue))
        .flatten();
    [
        ("admin-logs-phase-gateway", "gray", mark(Mark::Plan)),
        (
            "admin-logs-phase-queue",
            "amber",
            waited.or_else(|| ms(record.queue_ms)),
        ),
        (
            "admin-logs-phase-connect",
            "sky",
            mark(Mark::Connect).or_else(|| ms(record.connect_ms)),
        ),
        (
            "admin-logs-phase-first",
            "blue",
            mark(Mark::FirstByte).or_else(|| ms(record.ttft_ms)),
        ),
        (last_phase(record), last_colour(record), Some(total)),
    ]
}

fn duration(page: &Shell, micros: i64) -> String {
    if micros < 1_000 {
        format!("{micros} µs")
    } else {
        page.duration(&(micros / 1_000))
    }
}

fn last_colour(record: &RequestRecord) -> &'static str {
    if record.ttft_ms.is_none() {
        "gray"
    } else {
        "green"
    }
}

/// After the first token comes the rest; without one, all that is left was waiting.
fn last_phase(record: &RequestRecord) -> &'static str {
    if record.ttft_ms.is_none() {
        "admin-logs-phase-wait"
    } else if record.stream {
        "admin-logs-phase-stream"
    } else {
        "admin-logs-phase-rest"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn phases_fill_the_bar_and_never_overlap() {
        let page = Shell::sample(Lang::En);
        let record = RequestRecord {
            stream: true,
            queue_ms: Some(12),
            connect_ms: Some(43),
            ttft_ms: Some(255),
            latency_ms: Some(1_900),
            ..RequestRecord::default()
        };
        let found = phases(&page, &record);
        let widths: Vec<&str> = found.iter().map(|p| p.width.as_str()).collect();
        assert_eq!(widths, ["0.6", "1.6", "11.1", "86.5"]);
        assert_eq!(found[3].name, "streaming");
        let mut marks = Phases::default();
        for (mark, end) in [
            (Mark::Plan, 3_000),
            (Mark::Queue, 15_000),
            (Mark::Connect, 43_000),
        ] {
            marks.ends(mark, end);
        }
        let exact = RequestRecord {
            phases: marks.to_json(),
            ..record
        };
        let found = phases(&page, &exact);
        let durations: Vec<&str> = found.iter().map(|p| p.duration.as_str()).collect();
        assert_eq!(durations[..3], ["3 ms", "12 ms", "28 ms"]);
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        let page = Shell::sample(Lang::En);
        assert!(phases(&page, &RequestRecord::default()).is_empty());
        let late = RequestRecord {
            connect_ms: Some(9_000),
            latency_ms: Some(1_000),
            ..RequestRecord::default()
        };
        assert_eq!(phases(&page, &late).len(), 1);
    }
}
