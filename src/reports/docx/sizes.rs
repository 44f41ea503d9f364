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
/// Below a picture, which stands in a line of text.
pub(super) const BELOW_PICTURE: usize = 50;
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
    /// How high a paragraph is in so much width, with what stands before and after.
    pub(super) fn height(self, words: &str, width: usize) -> usize {
        self.before + self.lines(words, width) + self.after
    }

    /// What stands before it.
    pub(super) const fn before(self) -> usize {
        self.before
    }

    /// What stands after it.
    pub(super) const fn after(self) -> usize {
        self.after
    }

    /// How high its lines are.
    pub(super) fn lines(self, words: &str, width: usize) -> usize {
        let (mut lines, mut used) = (1, 0);
        for word in words.split_inclusive(breaks_after) {
            let long = self.length(word.trim_end());
            if used > 0 && used + long > width {
                lines += 1;
                used = 0;
            }
            // A word that is longer than a line is cut.
            lines += long / width.max(1);
            used += self.length(word);
        }
        lines * self.line
    }

    /// How long a line of it would be, by the widths of Arial; signs of other scripts are square.
    fn length(self, words: &str) -> usize {
        let thousandths: usize = words
            .chars()
            .map(|sign| match sign {
                'i' | 'j' | 'l' | '\'' => 222,
                ' ' | '.' | ',' | ':' | ';' | 'f' | 't' | 'I' | '/' => 278,
                'r' | '-' | '(' | ')' | '“' | '”' | '’' | '·' => 333,
                'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 500,
                'A'..='Z' | 'w' => 722,
                'm' | '%' => 860,
                sign if sign.is_ascii() => 556,
                _ => 1_000,
            })
            .sum();
        thousandths * self.size * 10 / 1_000
    }
}

/// Whether a line may end here: after a space, and anywhere in scripts without them.
fn breaks_after(sign: char) -> bool {
    sign == ' ' || sign >= '\u{2e80}'
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
    /// What stands after the last thing, of which the next one takes its own part: the larger of the two counts.
    after: usize,
    page: usize,
}

impl Flow {
    /// At the top of a page.
    pub(super) fn new(paper: Paper, page: usize) -> Self {
        let high = self::page(paper).1;
        Self {
            room: high - TOP - BOTTOM,
            used: 0,
            after: 0,
            page,
        }
    }

    /// Begins a page, unless this one is empty.
    pub(super) fn turn(&mut self) {
        if self.used > 0 {
            self.page += 1;
            (self.used, self.after) = (0, 0);
        }
    }

    /// Sets something that is not split; returns its page.
    pub(super) fn put(&mut self, height: usize) -> usize {
        self.lay((0, height, 0))
    }

    /// Sets something with what stands before and after it; what stands after may hang over the end of a page.
    pub(super) fn lay(&mut self, (before, height, after): (usize, usize, usize)) -> usize {
        if self.used + self.after.max(before) + height > self.room {
            self.turn();
        }
        self.used += self.after.max(before) + height;
        self.after = after;
        self.page
    }

    /// Sets a paragraph.
    pub(super) fn text(&mut self, style: Text, words: &str, width: usize) -> usize {
        self.lay((style.before, style.lines(words, width), style.after))
    }

    /// Turns the page where there is no room for so much: what is kept with what follows.
    pub(super) fn keep(&mut self, (before, height): (usize, usize)) {
        if self.used + self.after.max(before) + height > self.room {
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
    fn lines_are_broken_between_words_and_anywhere_in_chinese() {
        let width = self::width(Paper::Letter);
        let english = "They used 50.5 M tokens: 44.5 M of input, of which 23 % came from vendors’ caches, and 5,974,343 of output.";
        assert_eq!(NORMAL.lines(english, width), NORMAL.line);
        assert_eq!(
            NORMAL.lines(&format!("{english} {english}"), width),
            2 * NORMAL.line
        );
        assert_eq!(NORMAL.lines(&"字".repeat(49), width), NORMAL.line);
        assert_eq!(NORMAL.lines(&"字".repeat(50), width), 2 * NORMAL.line);
    }

    #[test]
    fn of_what_stands_after_and_before_the_larger_counts() {
        let mut flow = Flow::new(Paper::A4, 3);
        flow.lay((0, 100, 200));
        flow.lay((300, 100, 50));
        assert_eq!((flow.used, flow.after), (500, 50));
        flow.lay((0, flow.room - 550, 999));
        assert_eq!(flow.page(), 3, "what stands after hangs over");
        assert_eq!(flow.put(1), 4);
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
