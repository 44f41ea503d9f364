//! The table of contents: a field that Word can make anew, with its entries filled in so that every reader shows them.

use docx_rs::{FieldCharType, Hyperlink, HyperlinkType, InstrText, Paragraph, Run};

use super::cells::{field, words};

/// An entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// 1 for a chapter, 2 for a section.
    pub(super) level: usize,
    /// What it is called.
    pub(super) title: String,
    /// The name of its bookmark.
    pub(super) mark: String,
    /// On which page it is, as far as that can be told beforehand.
    pub(super) page: usize,
}

/// The paragraphs of the table.
pub(super) fn contents(title: &str, entries: &[Entry]) -> Vec<Paragraph> {
    let mut paragraphs = vec![words("TOCHeading", title)];
    let count = entries.len();
    for (at, entry) in entries.iter().enumerate() {
        let style = if entry.level == 1 { "TOC1" } else { "TOC2" };
        let mut paragraph = Paragraph::new().style(style);
        if at == 0 {
            let toc = InstrText::Unsupported("TOC \\o \"1-2\" \\h \\z \\u".to_owned());
            paragraph = paragraph
                .add_run(Run::new().add_field_char(FieldCharType::Begin, false))
                .add_run(Run::new().add_instr_text(toc))
                .add_run(Run::new().add_field_char(FieldCharType::Separate, false));
        }
        let mut link = Hyperlink::new(&entry.mark, HyperlinkType::Anchor)
            .add_run(Run::new().add_text(&entry.title))
            .add_run(Run::new().add_tab());
        let code = format!("PAGEREF {} \\h", entry.mark);
        for run in field(&code, &entry.page.to_string(), true) {
            link = link.add_run(run);
        }
        paragraph = paragraph.add_hyperlink(link);
        if at + 1 == count {
            paragraph = paragraph.add_run(Run::new().add_field_char(FieldCharType::End, false));
        }
        paragraphs.push(paragraph);
    }
    paragraphs
}
