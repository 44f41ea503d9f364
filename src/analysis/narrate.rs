//! What a model makes of a day: it reads a sample of failed requests in portions, says what it sees in each, and puts
//! that together. Nothing leaves that tells who called or what was said.

use chrono_tz::Tz;
use modelgate_domain::RequestRecord;
use modelgate_store::request_logs::LogRow;
use serde::Deserialize;

use super::day::Day;
use super::findings::findings;
use super::report::band_name;
use super::risk::risks;
use crate::assistant::{Assistant, Question, Said, Silent};
use crate::i18n::{Lang, format};

/// Samples in one portion, and in all.
const PORTION: usize = 25;
/// So many failed requests are looked at, the newest ones.
pub const SAMPLES: i64 = 120;
/// Models in the account of contexts.
const MODELS: usize = 12;
/// Of an error's text.
const CHARACTERS: usize = 240;

const READER: &str = "You analyse failed requests of a gateway to language models. Each line is one request. \
    Answer with one JSON object and nothing else: {\"chunk_summary\": string, \"risk_points\": [string], \
    \"configuration_hints\": [string]}. Name only what the lines show.";
const WRITER: &str = "You write the summary of a day's errors for the operators of a gateway to language models. \
    You get figures, findings by rules, and notes on samples. Answer with one JSON object and nothing else: \
    {\"summary\": string}. The summary is Markdown of at most 250 words without headings: what happened, the likely \
    cause, whose fault it is, and what to do first. Invent no figures.";

#[derive(Deserialize)]
struct Portion {
    chunk_summary: String,
    #[serde(default)]
    risk_points: Vec<String>,
    #[serde(default)]
    configuration_hints: Vec<String>,
}

#[derive(Deserialize)]
struct Whole {
    summary: String,
}

/// Lets a model write the summary of a day in a language.
pub async fn narrate(
    assistant: &Assistant,
    day: &Day,
    failed: &[LogRow],
    lang: Lang,
    zone: Tz,
) -> Result<Said<String>, Silent> {
    let lines: Vec<String> = failed
        .iter()
        .map(|row| line(day, &row.record, zone))
        .collect();
    let mut notes = Vec::new();
    for portion in lines.chunks(PORTION) {
        let read = assistant
            .ask::<Portion>(&Question {
                role: READER,
                about: portion.join("\n"),
                max_tokens: 2_000,
            })
            .await?
            .value;
        let (risks, hints) = (
            read.risk_points.join("; "),
            read.configuration_hints.join("; "),
        );
        let note = format!("- {} Risks: {risks}. Hints: {hints}.", read.chunk_summary);
        notes.push(note);
    }
    let said = assistant
        .ask::<Whole>(&Question {
            role: WRITER,
            about: account(day, lang, notes),
            max_tokens: 4_000,
        })
        .await?;
    Ok(Said {
        value: said.value.summary,
        model: said.model,
    })
}

/// Figures, findings and notes, as the writer gets them.
fn account(day: &Day, lang: Lang, notes: Vec<String>) -> String {
    let (wrong, of) = day.now.error_rate();
    let mut lines = vec![
        format!("Write in {}.", lang.own_name()),
        format!(
            "Requests {}, errors {}, timeouts {}, refused by limits {}; wrong {wrong} of {of}.",
            day.now.requests(),
            day.now.error,
            day.now.timeout,
            day.now.rate_limited,
        ),
        "Findings:".to_owned(),
    ];
    lines.extend(
        findings(day)
            .iter()
            .map(|finding| format!("- {} {}", finding.says(lang), finding.action(lang))),
    );
    lines.push("Contexts:".to_owned());
    for risk in risks(&day.bands).iter().take(MODELS) {
        let reached = risk.reached.iter();
        let reached: Vec<String> = reached
            .map(|(kind, band)| format!("{} from {}", kind.code(), band_name(*band)))
            .collect();
        let (name, reached) = (day.names.model(risk.model_id), reached.join(", "));
        lines.push(format!("- {name}: {} calls; {reached}", risk.calls));
    }
    lines.push("Notes on samples:".to_owned());
    lines.extend(notes);
    lines.join("\n")
}

fn line(day: &Day, record: &RequestRecord, zone: Tz) -> String {
    format!(
        "{} provider={} model={} status={} fault={} code={} vendor_status={} latency_ms={} context={} error={}",
        format::hour_minute(record.started_ms, zone),
        day.names.provider(record.provider_id.0),
        day.names.model(record.model_id.0),
        record.status,
        record.fault_owner,
        record.error_code,
        record.upstream_status,
        record.latency_ms.unwrap_or_default(),
        record.usage.total(),
        redact(&record.error_message),
    )
}

/// An error's text without what could tell who called, or open a door: addresses, keys, ids, links.
fn redact(text: &str) -> String {
    let hidden = |word: &str| {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        core.contains('@')
            || core.contains("://")
            || core.starts_with("sk-")
            || core.parse::<std::net::IpAddr>().is_ok()
            || (core.len() >= 16 && core.bytes().any(|b| b.is_ascii_digit()))
    };
    let words = text.split_whitespace();
    let kept: Vec<&str> = words
        .map(|word| if hidden(word) { "[…]" } else { word })
        .collect();
    kept.join(" ").chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_tell_on_somebody_does_not_leave() {
        let text = "Key sk-abc for bob@example.com at 10.0.0.7 (request req_01HZX5Y7K2M9P4) see https://x.y/z?k=1 \
                    failed: context length 8192 exceeded";
        let left = redact(text);
        for secret in ["sk-abc", "bob@", "10.0.0.7", "req_01", "https"] {
            assert!(!left.contains(secret), "{left}");
        }
        assert!(left.ends_with("failed: context length 8192 exceeded"));
        assert!(redact(&"字".repeat(900)).chars().count() <= CHARACTERS);
    }
}
