//! How large things are on paper, in twentieths of a point: what `styles.xml` says, so that the pages of chapters can
//! be told in the table of contents before anybody has laid the document out. Word corrects them where it differs.

use crate::reports::params::Paper;

/// The page around the text: left and right, top, bottom.
pub(super) const SIDE: usize = 1_134;
pub(super) const TOP: usize = 1_500;
pub(super) const BOTTOM: usize = 1_250;
/// A row of cards, of prizes, and what stands below tables.
pub(super) const CARD: usize = 1_430;
pub(super) const AFTER_TABLE: usize = 20;
/// The map of the week.
pub(super) const HEAT_ROW: usize = 330;
/// The cell padding of tables, both sides.
const PADDING: usize = 180;

/// Width and height of a page.
pub(super) fn page(paper: Paper) -> (usize, usize) {
    match paper {
        Paper::A4 => (11_906, 16_838),
        Paper::Letter => (12_240, 15_840),
    }
}

/// The width of the text.
pub(super) fn width(paper: Paper) -> usize {
    page(paper).0 - 2 * SIDE
}

/// A paragraph's style: what stands before and after, how high a line is, and how large the letters are.
#[derive(Clone, Copy)]
pub(super) struct Text {
    before: usize,
    after: usize,
    line: usize,
    /// In half points.
    size: usize,
}

const fn text(before: usize, after: usize, line: usize, size: usize) -> Text {
    Text {
        before,
        after,
        line,
        size,
    }
}

/// The styles that text of unknown length is set in.
pub(super) const NORMAL: Text = text(0, 140, 300, 20);
pub(super) const HEADING1: Text = text(0, 280, 520, 40);
pub(super) const HEADING2: Text = text(300, 120, 360, 27);
pub(super) const NOTE: Text = text(100, 140, 260, 17);
pub(super) const CAPTION: Text = text(220, 80, 260, 18);
pub(super) const LEGEND: Text = text(60, 200, 260, 17);
pub(super) const TABLE: Text = text(40, 40, 230, 16);
pub(super) const ADVICE_TITLE: Text = text(200, 0, 320, 22);
pub(super) const ADVICE_TEXT: Text = text(0, 200, 300, 20);
pub(super) const TERM: Text = text(100, 0, 280, 20);
pub(super) const MEANING: Text = text(0, 60, 280, 20);
pub(super) const PRIZE_RULE: Text = text(0, 100, 240, 16);
pub(super) const TOC1: Text = text(100, 20, 300, 20);
pub(super) const TOC2: Text = text(0, 10, 270, 19);

impl Text {
    /// How high a paragraph is in so much width.
    pub(super) fn height(self, words: &str, width: usize) -> usize {
        let lines = (self.length(words) / width.max(1)) + 1;
        self.before + self.after + lines * self.line
    }

    /// How long a line of it would be. Arial's digits are 0.556 of its size, most letters less; others are square.
    fn length(self, words: &str) -> usize {
        let thousandths: usize = words
            .chars()
            .map(|sign| match sign {
                'i' | 'j' | 'l' | ' ' | '.' | ',' | '\'' | 'f' | 't' | 'r' => 290,
                'A'..='Z' | 'm' | 'w' | '%' => 720,
                sign if sign.is_ascii() => 545,
                _ => 1_000,
            })
            .sum();
        thousandths * self.size * 10 / 1_000
    }
}

/// How high a row of a table is.
pub(super) fn row(cells: &[String], widths: &[usize]) -> usize {
    let cells = cells.iter().zip(widths);
    let heights = cells.map(|(cell, width)| TABLE.height(cell, width.saturating_sub(PADDING)));
    heights.max().unwrap_or(0)
}

/// Widths of columns that fill the text's width.
pub(super) fn columns(weights: &[usize], width: usize) -> Vec<usize> {
    let all: usize = weights.iter().sum::<usize>().max(1);
    let mut widths: Vec<usize> = weights.iter().map(|weight| width * weight / all).collect();
    let rest = width - widths.iter().sum::<usize>();
    if let Some(first) = widths.first_mut() {
        *first += rest;
    }
    widths
}

/// Goes down the pages of a document.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    room: usize,
    used: usize,
    page: usize,
}

impl Flow {
    /// At the top of a page.
    pub(super) fn new(paper: Paper, page: usize) -> Self {
        let high = self::page(paper).1;
        Self {
            room: high - TOP - BOTTOM,
            used: 0,
            page,
        }
    }

    /// Begins a page, unless this one is empty.
    pub(super) fn turn(&mut self) {
        if self.used > 0 {
            self.page += 1;
            self.used = 0;
        }
    }

    /// Sets something that is not split; returns its page.
    pub(super) fn put(&mut self, height: usize) -> usize {
        if self.used + height > self.room {
            self.turn();
        }
        self.used += height;
        self.page
    }

    /// Turns the page where there is no room for so much: what is kept with what follows.
    pub(super) fn keep(&mut self, height: usize) {
        if self.used + height > self.room {
            self.turn();
        }
    }

    /// The present page.
    pub(super) fn page(&self) -> usize {
        self.page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_width() {
        let widths = columns(&[3, 2, 2], 9_638);
        assert_eq!(widths.iter().sum::<usize>(), 9_638);
        assert!(widths[0] > widths[1]);
    }

    #[test]
    fn what_does_not_fit_goes_to_the_next_page() {
        let mut flow = Flow::new(Paper::A4, 3);
        assert_eq!(flow.put(14_000), 3);
        assert_eq!(flow.put(100), 4 - 1 + usize::from(14_100 > flow.room));
        flow.turn();
        let page = flow.page();
        assert_eq!(flow.put(20_000), page, "what fits nowhere begins a page");
    }
}
