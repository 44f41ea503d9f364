//! A report as a Word document.
//!
//! `render` puts blocks into the elements of docx-rs, `complete` completes the XML it writes, and `package` puts
//! the parts into a file. How things look is in `styles.xml` alone.

mod cells;
mod complete;
mod contents;
mod package;
mod plan;
mod render;
mod sizes;

pub use complete::BadPart;

use super::blocks::Report;
use super::charts::ChartError;
use super::params::Paper;
use crate::i18n::Lang;

/// A document that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DocxError {
    /// A chart.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// What docx-rs wrote was not understood.
    #[error(transparent)]
    Part(#[from] BadPart),
    /// The file.
    #[error("the document could not be packed: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The file.
    #[error("the document could not be packed: {0}")]
    Io(#[from] std::io::Error),
}

/// How a document is set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its language.
    pub lang: Lang,
    /// Its pages.
    pub paper: Paper,
    /// When it was made, epoch milliseconds.
    pub made_ms: i64,
}

/// The words that a document adds to what it holds.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Above the table of contents.
    pub contents: String,
    /// `Page {page} of {pages}`, around the numbers.
    pub page: [String; 3],
    /// When it was made, in words.
    pub made: String,
}

/// The whole file.
pub fn write(report: &Report, frame: &Frame, setting: Setting) -> Result<Vec<u8>, DocxError> {
    let rendered = render::render(report, frame, setting)?;
    package::pack(rendered, report, setting)
}
