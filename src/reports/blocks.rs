//! What a report is made of, whatever it is written as.

use super::charts::Chart;

/// What something means to its reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Neutral,
    /// Better.
    Good,
    /// Worse.
    Bad,
}

/// A figure to be seen first.
#[derive(Clone, Debug)]
pub struct Card {
    /// What it is.
    pub label: String,
    /// The figure.
    pub value: String,
    /// What it is made of; may be empty.
    pub more: String,
    /// Against the period before; may be empty.
    pub change: String,
    /// What the change means.
    pub tone: Tone,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it holds.
    pub title: String,
    /// How wide it is among the others.
    pub weight: usize,
    /// Whether it holds figures, which stand to the right.
    pub is_figure: bool,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it tells.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each as long as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A map of the week by hours.
#[derive(Clone, Debug)]
pub struct Heat {
    /// What it tells.
    pub caption: String,
    /// The days' names with 24 values each.
    pub rows: Vec<(String, Vec<i64>)>,
    /// What few and many are, for the legend.
    pub legend: (String, String),
}

/// An award.
#[derive(Clone, Debug)]
pub struct Prize {
    /// What it is called.
    pub title: String,
    /// Who has won it.
    pub winner: String,
    /// With what.
    pub value: String,
    /// By which rule.
    pub rule: String,
}

/// A piece of a report.
#[derive(Clone, Debug)]
pub enum Block {
    /// Begins a chapter on a page of its own.
    Chapter(String),
    /// Begins a chapter that is short enough to share a page with the one before.
    ShortChapter(String),
    /// Begins a section of a chapter.
    Section(String),
    /// A paragraph.
    Text(String),
    /// A paragraph of less weight.
    Note(String),
    /// Figures side by side.
    Cards(Vec<Card>),
    /// A table.
    Table(Table),
    /// A chart with its caption, what it shows in words, and its colours' names.
    Chart {
        /// What it tells.
        caption: String,
        /// The same for those who cannot see it.
        alt: String,
        /// What is drawn.
        chart: Chart,
        /// Colour and name of each series.
        legend: Vec<(&'static str, String)>,
    },
    /// A map of the week.
    Heat(Heat),
    /// A piece of advice: what, and why.
    Advice(String, String),
    /// A word and what it means.
    Definition(String, String),
    /// Awards.
    Prizes(Vec<Prize>),
}

/// A whole report.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is.
    pub title: String,
    /// Of what time.
    pub subtitle: String,
    /// Whose.
    pub site: String,
    /// What is said about it on its cover: what, and how it is.
    pub facts: Vec<(String, String)>,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// A text without what cannot be written down in XML, and without signs that turn the direction of what follows: names
/// come from people.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|sign| match sign {
            '\t' | '\n' | '\r' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                '\u{fffd}'
            }
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            sign if sign.is_control() => '\u{fffd}',
            sign => sign,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            clean("a\u{0}b\u{1b}c\u{ffff}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}"
        );
        assert_eq!(clean("a\u{202e}b\nc"), "a\u{fffd}b c");
        assert_eq!(clean("<script> 张三 مرحبا 🦀"), "<script> 张三 مرحبا 🦀");
    }
}
