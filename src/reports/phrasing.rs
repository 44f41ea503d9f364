//! What a model is asked to phrase of a report, and what of its answer is taken: no name of a key leaves, and no figure
//! comes back that was not told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::blocks::{Block, clean};
use super::figures::{Figures, Row};
use super::findings::{Advice, Narrative};
use super::prose;
use super::words::Words;

/// Models and providers that a model is told of.
const MOST_ROWS: usize = 12;
/// Bounds on an answer: paragraphs of a summary, pieces of advice, and characters of each text.
const PARAGRAPHS: usize = 6;
const PIECES: usize = 8;
const CHARACTERS: usize = 900;
const TITLE: usize = 120;
/// Whole numbers up to this one are words as much as figures: "two models", "the first 3".
const SMALL: i64 = 10;
/// What stands for the name of a key, before its number.
const MASK: &str = "KEY-";

const SUMMARY: &str = "You write the summary of a report on the use of a gateway to language models, for those who run it \
    or pay for it. You get figures, and sentences made by rules. Answer with one JSON object and nothing else: \
    {\"paragraphs\": [string]}. One to four paragraphs of plain text, at most 200 words in all: what was used, what \
    changed against the period before, what stands out. Repeat figures exactly as they are written and name no others. \
    Words such as KEY-1 stand for API keys: keep them as they are.";
const ADVICE: &str = "You write the recommendations of a report on the use of a gateway to language models, for those who \
    run it. You get figures, and recommendations made by rules. Answer with one JSON object and nothing else: \
    {\"recommendations\": [{\"title\": string, \"text\": string}]}. At most six, the most urgent first, in plain text; \
    join what belongs together, and recommend only what the figures call for. Repeat figures exactly as they are written \
    and name no others. Words such as KEY-1 stand for API keys: keep them as they are.";

/// A part of a report that a model may phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The summary.
    Summary,
    /// What should be looked at.
    Advice,
}

impl Part {
    /// Both, in the order they are asked for.
    pub const ALL: [Self; 2] = [Self::Summary, Self::Advice];

    /// The name of the step.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Advice => "advice",
        }
    }

    /// What the model is to be and do.
    pub const fn role(self) -> &'static str {
        match self {
            Self::Summary => SUMMARY,
            Self::Advice => ADVICE,
        }
    }
}

/// What a model answers, as it is asked to.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// A summary.
    Summary {
        /// Its paragraphs.
        paragraphs: Vec<String>,
    },
    /// Advice.
    Advice {
        /// Its pieces.
        recommendations: Vec<Piece>,
    },
}

/// A piece of advice, as a model answers it.
#[derive(Clone, Debug, Deserialize)]
pub struct Piece {
    title: String,
    text: String,
}

/// What of an answer goes into the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phrased {
    /// The summary.
    Summary(Vec<String>),
    /// What should be looked at: titles and texts.
    Advice(Vec<(String, String)>),
}

impl Phrased {
    /// Takes the place of what rules say, marked with the model's name.
    pub fn take_over(self, narrative: &mut Narrative, model: &str) {
        match self {
            Self::Summary(paragraphs) => {
                narrative.summary = paragraphs;
                model.clone_into(&mut narrative.summary_by);
            }
            Self::Advice(pieces) => {
                let pieces = pieces.into_iter();
                narrative.advice = pieces.map(|(title, text)| Advice { title, text }).collect();
                model.clone_into(&mut narrative.advice_by);
            }
        }
    }
}

/// A question about a part of a report.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which part.
    pub part: Part,
    /// What the model is told: figures and what rules say, without the names of keys.
    pub about: String,
    /// What stands for a quoted name, and that name; longer ones first.
    masks: Vec<(String, String)>,
}

impl Asked {
    /// The question about a part of a report.
    pub fn new(part: Part, figures: &Figures, narrative: &Narrative, words: Words) -> Self {
        let about = account(part, figures, narrative, words);
        let (about, masks) = masked(about, figures, words);
        Self { part, about, masks }
    }

    /// What of an answer goes into the report, or why nothing does.
    pub fn accept(&self, answer: Answer) -> Result<Phrased, String> {
        match (self.part, answer) {
            (Part::Summary, Answer::Summary { paragraphs }) => {
                within(paragraphs.len(), PARAGRAPHS, "paragraphs")?;
                let texts = paragraphs.iter().map(|text| self.text(text, CHARACTERS));
                Ok(Phrased::Summary(texts.collect::<Result<_, _>>()?))
            }
            (Part::Advice, Answer::Advice { recommendations }) => {
                within(recommendations.len(), PIECES, "recommendations")?;
                let pieces = recommendations.iter().map(|piece| {
                    let title = self.text(&piece.title, TITLE)?;
                    Ok::<_, String>((title, self.text(&piece.text, CHARACTERS)?))
                });
                Ok(Phrased::Advice(pieces.collect::<Result<_, _>>()?))
            }
            _ => Err("its answer was about something else".to_owned()),
        }
    }

    /// A text of an answer as plain text, with the names in their places.
    fn text(&self, said: &str, most: usize) -> Result<String, String> {
        let mut text = plain(said);
        within(text.chars().count(), most, "characters")?;
        let told = figures_in(&self.about);
        if let Some(strange) = figures_in(&text)
            .into_iter()
            .find(|figure| !told.contains(figure) && !is_small(figure))
        {
            return Err(format!("it named a figure that it was not told: {strange}"));
        }
        for (mask, name) in &self.masks {
            text = text.replace(mask, name);
        }
        if text.contains(MASK) {
            return Err("it named a key that it was not told of".to_owned());
        }
        Ok(text)
    }
}

fn within(count: usize, most: usize, what: &str) -> Result<(), String> {
    match count {
        0 => Err(format!("its answer had no {what}")),
        count if count > most => Err(format!("its answer had {count} {what}, {most} at most")),
        _ => Ok(()),
    }
}

/// What the model is told.
fn account(part: Part, figures: &Figures, narrative: &Narrative, words: Words) -> String {
    let (from, to) = (figures.window.from_ms(), figures.window.to_ms());
    let mut lines = vec![
        format!("Write in {}.", words.lang.own_name()),
        format!(
            "From {} to {}, {} days.",
            words.day(from),
            words.day(to.saturating_sub(1)),
            figures.day_count()
        ),
    ];
    if !figures.is_over() {
        lines.push("The period has not ended.".to_owned());
    }
    lines.extend(narrative.summary.iter().cloned());
    let advice = narrative.advice.iter();
    let advice = advice.map(|advice| format!("- {}: {}", advice.title, advice.text));
    lines.push(match part {
        Part::Summary => "What rules recommend elsewhere in the report:".to_owned(),
        Part::Advice => "What rules recommend:".to_owned(),
    });
    lines.extend(advice);
    for (what, rows) in [
        ("Models", &figures.models),
        ("Providers", &figures.providers),
    ] {
        lines.push(format!("{what}:"));
        let rows = rows.iter().filter(|row| row.id != 0).take(MOST_ROWS);
        lines.extend(rows.map(|of| row(of, words)));
    }
    lines.join("\n")
}

fn row(row: &Row, words: Words) -> String {
    let (wrong, of) = row.totals.error_rate();
    format!(
        "- {}: requests {} ({} before), tokens {}, cost {}, errors {}, p95 {}",
        clean(&row.name),
        words.big(row.totals.requests()),
        words.big(row.before.requests()),
        words.big(row.totals.tokens()),
        words.money(&row.totals),
        crate::i18n::format::percent(wrong, of),
        words.duration(row.p95_ms),
    )
}

/// The account without the names of keys, which are quoted wherever they stand in it.
fn masked(mut about: String, figures: &Figures, words: Words) -> (String, Vec<(String, String)>) {
    let used = figures.keys.iter().map(|key| &key.row.name);
    let mut masks = Vec::new();
    for name in used.chain(&figures.idle) {
        let quoted = words.quoted(name);
        if !name.is_empty() && about.contains(&quoted) {
            let mask = format!("{MASK}{}", masks.len() + 1);
            about = about.replace(&quoted, &mask);
            masks.push((mask, quoted));
        }
    }
    // KEY-12 before KEY-1
    masks.reverse();
    (about, masks)
}

/// A text without marks of Markdown, on one line.
fn plain(said: &str) -> String {
    let (title, blocks) = prose::read(said);
    let mut parts = vec![title];
    parts.extend(blocks.into_iter().filter_map(|block| match block {
        Block::Text(text)
        | Block::Chapter(text)
        | Block::ShortChapter(text)
        | Block::Section(text) => Some(text),
        _ => None,
    }));
    parts.retain(|part| !part.is_empty());
    clean(&parts.join(" "))
}

/// The numbers in a text, without separators of thousands.
fn figures_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    let numbers = text.split(|c| !is_part(c)).map(|number| {
        let number = number.trim_matches(['.', ',']).replace(',', "");
        let whole = number.trim_start_matches('0');
        if number.is_empty() || (whole.starts_with(|c: char| c.is_ascii_digit())) {
            whole.to_owned()
        } else {
            format!("0{whole}")
        }
    });
    numbers.filter(|number| !number.is_empty()).collect()
}

fn is_small(figure: &str) -> bool {
    figure.parse::<i64>().is_ok_and(|figure| figure <= SMALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(part: Part) -> Asked {
        Asked {
            part,
            about: "Requests 12,345 (+12 %), p95 1.5 s on 2026-11-09, most of KEY-1 and KEY-12."
                .into(),
            masks: vec![
                ("KEY-12".into(), "“ci”".into()),
                ("KEY-1".into(), "“张三”".into()),
            ],
        }
    }

    fn summary(text: &str) -> Result<Phrased, String> {
        let answer = format!("{{\"paragraphs\": [{}]}}", serde_json::json!(text));
        asked(Part::Summary).accept(serde_json::from_str(&answer).unwrap())
    }

    #[test]
    fn figures_that_were_told_and_names_come_back() {
        let said = summary(
            "**12345 requests**, +12 %, in 2 models; `1.5 s` on 2026-11-09: KEY-12, KEY-1.",
        );
        let text = "12345 requests, +12 %, in 2 models; 1.5 s on 2026-11-09: “ci”, “张三”.";
        assert_eq!(said, Ok(Phrased::Summary(vec![text.to_owned()])));
    }

    #[test]
    fn what_was_made_up_does_not() {
        for strange in [
            "13,000 requests",
            "p95 of 1.6 s",
            "KEY-3 was the most active",
            "1,500 of KEY-1",
            "",
        ] {
            assert!(summary(strange).is_err(), "{strange}");
        }
        assert!(summary(&"word ".repeat(300)).is_err(), "too long");
        let other = Answer::Advice {
            recommendations: Vec::new(),
        };
        assert!(asked(Part::Summary).accept(other.clone()).is_err());
        assert!(asked(Part::Advice).accept(other).is_err(), "none at all");
    }

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        let of = |text: &str| figures_in(text).into_iter().collect::<Vec<_>>();
        assert_eq!(of("1,204 and 1204."), ["1204"]);
        assert_eq!(of("0.5 % of 08"), ["0.5", "8"]);
        assert_eq!(of("0 of none"), ["0"]);
    }
}
