//! Reports of use: what was used over a range, gathered from the sums that the pages show, told in words and figures,
//! and written as a document, a spreadsheet or plain tables.
//!
//! [`gather`] alone reads the database. What follows is pure: [`figures`] are computed from what was gathered,
//! [`findings`] say in words what they mean (or a model does, [`phrasing`]), [`compose`] lays both out as blocks, and one writer for each format puts
//! the blocks or the figures on paper: [`Told::write`]. [`document`] puts other reports, which are Markdown, on the
//! same paper.

pub mod awards;
pub mod blocks;
pub mod charts;
pub mod compose;
pub mod csv;
pub mod docx;
pub mod figures;
pub mod findings;
pub mod gather;
pub mod markdown;
pub mod params;
pub mod phrasing;
mod prose;
pub mod templates;
pub mod words;
pub mod xlsx;

#[cfg(test)]
mod reports_tests;

use std::io;

use chrono_tz::Tz;

use crate::i18n::Lang;

pub use figures::Figures;
pub use findings::Narrative;
pub use gather::{Gathered, Source};
pub use params::{Paper, Params, Scope};
use phrasing::{Asked, Part, Phrased};
use templates::Section;
pub use templates::Template;
pub use words::Words;

/// As what a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A Word document.
    Docx,
    /// A workbook.
    Xlsx,
    /// Text.
    Markdown,
    /// One of its tables.
    Csv(csv::Sheet),
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Docx,
        Self::Xlsx,
        Self::Markdown,
        Self::Csv(csv::Sheet::Keys),
        Self::Csv(csv::Sheet::Days),
        Self::Csv(csv::Sheet::Models),
        Self::Csv(csv::Sheet::Providers),
        Self::Csv(csv::Sheet::Statuses),
    ];

    /// The ending of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
            Self::Markdown => "md",
            Self::Csv(_) => "csv",
        }
    }
}

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The document.
    #[error(transparent)]
    Docx(#[from] docx::DocxError),
    /// The workbook.
    #[error("the workbook could not be written: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// Where it goes.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What was gathered, in a language, ready to be written as anything.
pub struct Told {
    figures: Figures,
    words: Words,
    narrative: Narrative,
}

impl Told {
    /// Computes the figures and says what they mean.
    pub fn of(data: &Gathered) -> Self {
        let figures = Figures::of(data);
        let words = Words {
            lang: data.params.lang(),
            zone: data.window.zone,
        };
        let narrative = findings::narrate(&figures, words);
        Self {
            figures,
            words,
            narrative,
        }
    }

    /// What a model is to be asked for a part of it; nothing where there is nothing to be phrased.
    pub fn asks(&self, part: Part) -> Option<Asked> {
        let (figures, narrative) = (&self.figures, &self.narrative);
        let sections = figures.params.template.sections();
        let has = match part {
            Part::Summary => sections.contains(&Section::Summary),
            Part::Advice => sections.contains(&Section::Advice) && !narrative.advice.is_empty(),
        };
        (has && figures.now.requests() > 0)
            .then(|| Asked::new(part, figures, narrative, self.words))
    }

    /// What a model has phrased takes the place of what rules say.
    pub fn take_over(&mut self, said: Phrased, model: &str) {
        said.take_over(&mut self.narrative, model);
    }

    /// Writes it.
    pub fn write(&self, format: Format, out: &mut dyn io::Write) -> Result<(), WriteError> {
        let Self {
            figures,
            words,
            narrative,
        } = self;
        let words = *words;
        let report = || compose::compose(figures, narrative, words);
        match format {
            Format::Csv(sheet) => {
                csv::write(figures, sheet, |piece| out.write_all(piece.as_bytes()))?;
            }
            Format::Markdown => out.write_all(markdown::write(&report()).as_bytes())?,
            Format::Xlsx => out.write_all(&xlsx::write(figures, narrative, &report(), words)?)?,
            Format::Docx => {
                let setting = docx::Setting {
                    lang: words.lang,
                    paper: figures.params.paper,
                    made_ms: figures.made_ms,
                };
                out.write_all(&docx::write(
                    &report(),
                    &frame(figures.made_ms, words),
                    setting,
                )?)?;
            }
        }
        Ok(())
    }
}

/// What stands around the pages. Around the numbers, which are fields, the sentence is cut.
fn frame(made_ms: i64, words: Words) -> docx::Frame {
    let sentence = words.t_with("report-page", &[("page", &"\u{1}"), ("pages", &"\u{1}")]);
    let mut parts = sentence.split('\u{1}').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    docx::Frame {
        contents: words.t("report-contents"),
        page: [part(), part(), part()],
        made: words.t_with("report-made", &[("at", &words.moment(made_ms))]),
    }
}

/// What stands around a text on paper.
#[derive(Clone, Debug)]
pub struct Prose {
    /// What the pages call this gateway.
    pub site: String,
    /// Of what time it is.
    pub of: String,
    /// The language of the text.
    pub lang: Lang,
    /// Whose hours the cover tells.
    pub zone: Tz,
    /// The size of the pages.
    pub paper: Paper,
    /// When it was made, epoch milliseconds.
    pub made_ms: i64,
}

/// A text in Markdown, whose first heading is its title, as a Word document.
pub fn document(markdown: &str, about: &Prose) -> Result<Vec<u8>, WriteError> {
    let words = Words {
        lang: about.lang,
        zone: about.zone,
    };
    let (title, blocks) = prose::read(markdown);
    let facts = vec![
        (words.t("report-fact-zone"), about.zone.name().to_owned()),
        (words.t("report-fact-made"), words.moment(about.made_ms)),
    ];
    let report = blocks::Report {
        title,
        subtitle: about.of.clone(),
        site: about.site.clone(),
        facts,
        blocks,
    };
    let setting = docx::Setting {
        lang: about.lang,
        paper: about.paper,
        made_ms: about.made_ms,
    };
    Ok(docx::write(&report, &frame(about.made_ms, words), setting)?)
}
