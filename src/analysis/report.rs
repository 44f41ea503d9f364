//! The report of a day as Markdown: six sections, by rules alone, with what a model wrote in place of the summary where
//! one had a part in it.

use std::fmt::Write as _;

use chrono_tz::Tz;
use modelgate_store::failures::BANDS;

use super::day::Day;
use super::findings::{Finding, findings};
use super::risk::{Risk, risks};
use crate::i18n::{self, Lang, ToArg, format};

/// Rows of a table.
const ROWS: usize = 10;

/// What is written, in one language.
struct Sheet {
    lang: Lang,
    text: String,
}

impl Sheet {
    fn t(&self, key: &str) -> String {
        i18n::t(self.lang, key)
    }

    fn heading(&mut self, key: &str) {
        let title = self.t(key);
        self.line(&format!("\n## {title}\n"));
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn table(&mut self, heads: &[&str], rows: &[Vec<String>]) {
        let heads: Vec<String> = heads.iter().map(|key| self.t(key)).collect();
        let rules = vec!["---"; heads.len()].join(" | ");
        self.line(&format!("| {} |\n| {rules} |", heads.join(" | ")));
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
            self.line(&format!("| {} |", cells.join(" | ")));
        }
    }
}

/// Text of strangers as it stands: no markup, no second column, one line.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A band as a range of tokens: `16–32k`.
pub fn band_name(band: usize) -> String {
    let k = |place: usize| BANDS.get(place).map(|from| from / 1_024);
    match (k(band), k(band + 1)) {
        (Some(from), Some(to)) => format!("{from}–{to}k"),
        (Some(from), None) => format!("{from}k+"),
        (None, _) => String::new(),
    }
}

/// The report of a day. `narrative` is what a model wrote about it, Markdown, and the model's name.
pub fn markdown(day: &Day, lang: Lang, zone: Tz, narrative: Option<(&str, &str)>) -> String {
    let mut sheet = Sheet {
        lang,
        text: String::new(),
    };
    let date = format::field_date(day.from_ms, zone);
    let title = i18n::t_with(lang, "analysis-title", &[("day", &date as &dyn ToArg)]);
    sheet.line(&format!("# {title}"));
    let found = findings(day);
    sheet.heading("analysis-summary");
    if let Some((text, model)) = narrative {
        sheet.line(text.trim());
        let by = i18n::t_with(
            lang,
            "analysis-by-model",
            &[("model", &plain(model) as &dyn ToArg)],
        );
        sheet.line(&format!("\n*{by}*\n"));
    }
    for finding in found.iter().take(4) {
        sheet.line(&format!("- {}", plain(&finding.says(lang))));
    }
    figures(&mut sheet, day);
    let risky = risks(&day.bands);
    contexts(&mut sheet, day, &risky);
    key_findings(&mut sheet, day, &found);
    advice(&mut sheet, day, &risky);
    actions(&mut sheet, &found);
    sheet.text
}

fn figures(sheet: &mut Sheet, day: &Day) {
    let columns = [&day.now, &day.before, &day.week];
    let row = |key: &str, of: &dyn Fn(&modelgate_store::usage::Totals) -> String| {
        let mut cells = vec![i18n::t(sheet.lang, key)];
        cells.extend(columns.iter().map(|totals| of(totals)));
        cells
    };
    let rows = [
        row("analysis-requests", &|t| format::integer(t.requests())),
        row("analysis-errors", &|t| format::integer(t.error)),
        row("analysis-timeouts", &|t| format::integer(t.timeout)),
        row("analysis-refused", &|t| format::integer(t.rate_limited)),
        row("analysis-rate", &|t| {
            let (wrong, of) = t.error_rate();
            format::percent(wrong, of)
        }),
    ];
    sheet.line("");
    let heads = [
        "analysis-figure",
        "analysis-day",
        "analysis-day-before",
        "analysis-week-before",
    ];
    sheet.table(&heads, &rows);
}

fn contexts(sheet: &mut Sheet, day: &Day, risky: &[Risk]) {
    sheet.heading("analysis-contexts");
    if risky.is_empty() {
        let none = sheet.t("analysis-contexts-none");
        sheet.line(&none);
        return;
    }
    let mut rows = Vec::new();
    for risk in risky.iter().take(ROWS) {
        for band in &risk.bands {
            let marks: Vec<String> = super::risk::reached(band)
                .iter()
                .map(|kind| sheet.t(&format!("analysis-reached-{}", kind.code())))
                .collect();
            rows.push(vec![
                day.names.model(risk.model_id).to_owned(),
                band_name(band.band),
                format::integer(band.calls),
                format::duration(sheet.lang, band.latency_sum_ms / band.calls.max(1)),
                format::duration(sheet.lang, band.p95_ms()),
                format::percent(band.timeouts, band.calls),
                format::percent(band.errors, band.calls),
                marks.join(", "),
            ]);
        }
    }
    let heads = [
        "analysis-model",
        "analysis-band",
        "analysis-calls",
        "analysis-mean",
        "analysis-p95",
        "analysis-timeouts",
        "analysis-errors",
        "analysis-note",
    ];
    sheet.table(&heads, &rows);
}

fn key_findings(sheet: &mut Sheet, day: &Day, found: &[Finding]) {
    sheet.heading("analysis-findings");
    for finding in found {
        let says = plain(&finding.says(sheet.lang));
        sheet.line(&format!("- {says}"));
    }
    let heads = [
        "analysis-provider",
        "analysis-model",
        "analysis-owner",
        "analysis-code",
        "analysis-vendor-status",
        "analysis-calls",
    ];
    let rows: Vec<Vec<String>> = day
        .groups
        .iter()
        .take(ROWS)
        .map(|group| {
            vec![
                day.names.provider(group.provider_id).to_owned(),
                day.names.model(group.model_id).to_owned(),
                sheet.t(&format!("fault-{}", group.fault_owner)),
                group.error_code.clone(),
                match group.upstream_status {
                    0 => "—".to_owned(),
                    status => status.to_string(),
                },
                format::integer(group.count),
            ]
        })
        .collect();
    if !rows.is_empty() {
        sheet.line("");
        sheet.table(&heads, &rows);
    }
}

/// What to write as limits into the settings of coding agents, so that they stay below the band that troubles a model.
fn advice(sheet: &mut Sheet, day: &Day, risky: &[Risk]) {
    sheet.heading("analysis-advice");
    let mut told = false;
    for risk in risky {
        let Some((_, band)) = risk.by_context() else {
            continue;
        };
        let (model, below) = (day.names.model(risk.model_id), BANDS.get(band).copied());
        let below = format::integer(below.unwrap_or_default());
        let model = plain(model);
        let args: [(&str, &dyn ToArg); 2] = [("model", &model), ("tokens", &below)];
        let text = i18n::t_with(sheet.lang, "analysis-advice-context", &args);
        let _never = writeln!(sheet.text, "- {text}");
        told = true;
    }
    if !told {
        let none = sheet.t("analysis-advice-none");
        sheet.line(&none);
    }
}

fn actions(sheet: &mut Sheet, found: &[Finding]) {
    sheet.heading("analysis-actions");
    for finding in found {
        let action = plain(&finding.action(sheet.lang));
        match finding.link.as_str() {
            "" => sheet.line(&format!("- {action}")),
            link => sheet.line(&format!("- {action} ([{link}]({link}))")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelgate_domain::{FaultOwner, Status};
    use modelgate_store::failures::{Band, Failures};

    #[test]
    fn bands_have_the_names_people_know() {
        let names: Vec<String> = (0..BANDS.len()).map(band_name).collect();
        assert_eq!(
            names,
            [
                "0–8k",
                "8–16k",
                "16–32k",
                "32–64k",
                "64–96k",
                "96–128k",
                "128k+"
            ]
        );
    }

    #[test]
    fn a_report_has_six_sections_and_hostile_names_stay_text() {
        let mut day = Day::default();
        day.now.success = 90;
        (day.now.error, day.now.error_upstream) = (10, 10);
        day.names.models = [(1, "<script>|[x](javascript:1)\n# y".to_owned())].into();
        day.groups = vec![Failures {
            status: Status::Error,
            fault_owner: FaultOwner::Upstream,
            provider_id: 1,
            model_id: 1,
            error_code: "upstream_error".to_owned(),
            upstream_status: 503,
            count: 10,
            context_sum: 10,
            context_max: 1,
        }];
        day.bands = vec![Band {
            model_id: 1,
            band: 3,
            calls: 10,
            errors: 10,
            seconds: vec![(1, 10)],
            ..Band::default()
        }];
        for lang in Lang::ALL {
            let text = markdown(&day, lang, chrono_tz::Asia::Shanghai, None);
            assert_eq!(text.matches("\n## ").count(), 5, "a title and five: {text}");
            assert!(
                !text.contains("<script>") && !text.contains("[x]("),
                "{text}"
            );
            assert!(!text.contains("analysis-"), "{text}");
            assert!(text.contains("32,768"), "the agent's limit: {text}");
            let told = markdown(&day, lang, chrono_tz::UTC, Some(("All is lost.", "gpt_x")));
            assert!(told.contains("All is lost.") && told.contains("gpt\\_x"));
        }
        let empty = markdown(&Day::default(), Lang::En, chrono_tz::UTC, None);
        assert_eq!(empty.matches("\n## ").count(), 5);
    }
}
