//! Where the time of a request went, as a bar of phases.

use modelgate_domain::RequestRecord;

use crate::web::shell::Shell;
use crate::web::svg;

/// One phase: where it begins and how wide it is, in percent.
pub(super) struct Phase {
    pub(super) name: String,
    pub(super) colour: &'static str,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) duration: String,
}

/// The phases of a request that has ended, in order; none where nothing was measured.
pub(super) fn phases(page: &Shell, record: &RequestRecord) -> Vec<Phase> {
    let Some(total) = record.latency_ms.filter(|ms| *ms > 0) else {
        return Vec::new();
    };
    let ends = [
        ("admin-logs-phase-queue", "amber", record.queue_ms),
        ("admin-logs-phase-connect", "sky", record.connect_ms),
        ("admin-logs-phase-first", "blue", record.ttft_ms),
        (last_phase(record), last_colour(record), Some(total)),
    ];
    let mut from = 0;
    let mut found = Vec::new();
    for (key, colour, end) in ends {
        let Some(end) = end.map(|ms| ms.clamp(from, total)) else {
            continue;
        };
        if end > from {
            found.push(Phase {
                name: page.t(key),
                colour,
                x: svg::share(from, total),
                width: svg::share(end - from, total),
                duration: page.duration(&(end - from)),
            });
        }
        from = end;
    }
    found
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
