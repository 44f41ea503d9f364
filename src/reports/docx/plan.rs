//! On which pages the headings of a document will be, told by the sizes of what stands before them.

use super::Setting;
use super::contents::Entry;
use super::sizes::{self, Flow};
use crate::reports::blocks::{Block, Report, Table, clean};
use crate::reports::charts::Chart;

/// The page of the table of contents.
const AFTER_COVER: usize = 2;
/// Above a chapter that shares a page.
pub(super) const SHORT: usize = 480;
/// Below it.
pub(super) const AFTER_SHORT: usize = 280;

/// Which headings there are, and on which pages they will be.
pub(super) fn plan(report: &Report, setting: Setting) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let width = sizes::width(setting.paper);
    let mut list = Flow::new(setting.paper, AFTER_COVER);
    list.text(sizes::HEADING1, "", width);
    for block in &report.blocks {
        match block {
            Block::Chapter(title) | Block::ShortChapter(title) => {
                list.text(sizes::TOC1, title, width)
            }
            Block::Section(title) => list.text(sizes::TOC2, title, width),
            _ => continue,
        };
    }
    let mut flow = Flow::new(setting.paper, list.page() + 1);
    let blocks = report.blocks.iter().enumerate();
    for (at, block) in blocks {
        let level = match block {
            Block::Chapter(_) | Block::ShortChapter(_) => 1,
            Block::Section(_) => 2,
            _ => 0,
        };
        let page = set(&mut flow, block, report.blocks.get(at + 1), width);
        if let Block::Chapter(title) | Block::ShortChapter(title) | Block::Section(title) = block {
            entries.push(Entry {
                level,
                title: clean(title),
                mark: format!("_Toc{:06}", entries.len() + 1),
                page,
            });
        }
    }
    entries
}

/// Sets a block, and returns the page it begins on. A heading stays with the beginning of what follows.
fn set(flow: &mut Flow, block: &Block, next: Option<&Block>, width: usize) -> usize {
    match block {
        Block::Chapter(title) => {
            flow.turn();
            flow.text(sizes::HEADING1, title, width)
        }
        Block::ShortChapter(title) => {
            let lines = sizes::HEADING1.lines(title, width);
            flow.keep((SHORT, lines + kept(next, AFTER_SHORT, width)));
            flow.lay((SHORT, lines, AFTER_SHORT))
        }
        Block::Section(title) => {
            let (lines, after) = (sizes::HEADING2.lines(title, width), sizes::HEADING2.after());
            flow.keep((sizes::HEADING2.before(), lines + kept(next, after, width)));
            flow.text(sizes::HEADING2, title, width)
        }
        Block::Text(text) => flow.text(sizes::NORMAL, text, width),
        Block::Note(text) => flow.text(sizes::NOTE, text, width),
        Block::Cards(cards) => {
            let page = flow.put(sizes::CARD);
            for _ in 1..cards.len().div_ceil(4) {
                flow.put(sizes::CARD);
            }
            end_table(flow, next);
            page
        }
        Block::Table(table) => {
            flow.keep((sizes::CAPTION.before(), inner(block, width)));
            let page = set_table(flow, table, width);
            end_table(flow, next);
            page
        }
        Block::Chart { .. } | Block::Heat(_) => {
            let (before, after) = (sizes::CAPTION.before(), sizes::LEGEND.after());
            flow.lay((before, inner(block, width), after))
        }
        Block::Advice(title, text) => {
            let title = sizes::ADVICE_TITLE.lines(title, width - 200);
            let text = sizes::ADVICE_TEXT.lines(text, width - 200);
            let (before, after) = (sizes::ADVICE_TITLE.before(), sizes::ADVICE_TEXT.after());
            flow.lay((before, title + text, after))
        }
        Block::Definition(term, meaning) => {
            flow.keep((sizes::TERM.before(), sizes::TERM.lines(term, width) + 280));
            let page = flow.text(sizes::TERM, term, width);
            flow.text(sizes::MEANING, meaning, width);
            page
        }
        Block::Prizes(prizes) => {
            let page = flow.page();
            for prize in prizes {
                flow.put(300 + 340 + 20 + sizes::PRIZE_RULE.height(&prize.rule, width * 7 / 10));
            }
            page
        }
    }
}

/// Sets a table row by row; its head comes again on each page.
fn set_table(flow: &mut Flow, table: &Table, width: usize) -> usize {
    let page = flow.text(sizes::CAPTION, &table.caption, width);
    let widths = widths(table, width);
    let head: Vec<String> = table
        .columns
        .iter()
        .map(|column| column.title.clone())
        .collect();
    let head = sizes::row(&head, &widths);
    flow.put(head);
    for row in &table.rows {
        let before = flow.page();
        flow.put(sizes::row(row, &widths));
        if flow.page() > before {
            flow.put(head);
        }
    }
    page
}

/// Before a chapter that begins a page, nothing stands after a table.
fn end_table(flow: &mut Flow, next: Option<&Block>) {
    if !matches!(next, Some(Block::Chapter(_))) {
        flow.put(sizes::AFTER_TABLE);
    }
}

/// How much of what follows a heading stays with it, with the space between: `after` is that of the heading.
fn kept(next: Option<&Block>, after: usize, width: usize) -> usize {
    let Some(next) = next else { return 0 };
    let before = match next {
        Block::Chart { .. } | Block::Heat(_) | Block::Table(_) => sizes::CAPTION.before(),
        _ => 0,
    };
    after.max(before) + inner(next, width)
}

/// How high the part of a block is that is not split, without what stands before and after it.
fn inner(block: &Block, width: usize) -> usize {
    let caption = |text: &str| sizes::CAPTION.lines(text, width) + sizes::CAPTION.after();
    let legend = sizes::LEGEND.before() + sizes::LEGEND.lines("", width);
    match block {
        Block::Chart { caption: told, .. } => {
            let (wide, high) = Chart::pixels();
            let picture = width * usize::try_from(high).unwrap_or(0)
                / usize::try_from(wide).unwrap_or(1).max(1);
            caption(told) + picture + sizes::BELOW_PICTURE + legend
        }
        Block::Heat(heat) => {
            caption(&heat.caption) + 8 * sizes::HEAT_ROW + sizes::AFTER_TABLE + legend
        }
        Block::Table(table) => {
            let widths = widths(table, width);
            let first = table.rows.first().map_or(0, |row| sizes::row(row, &widths));
            caption(&table.caption) + 310 + first
        }
        Block::Cards(_) => sizes::CARD,
        _ => 300,
    }
}

/// The widths of a table's columns.
pub(super) fn widths(table: &Table, width: usize) -> Vec<usize> {
    let weights: Vec<usize> = table.columns.iter().map(|column| column.weight).collect();
    sizes::columns(&weights, width)
}
