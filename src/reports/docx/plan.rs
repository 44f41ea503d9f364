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

/// Which headings there are, and on which pages they will be.
pub(super) fn plan(report: &Report, setting: Setting) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let width = sizes::width(setting.paper);
    let mut list = Flow::new(setting.paper, AFTER_COVER);
    list.put(sizes::HEADING1.height("", width));
    for block in &report.blocks {
        match block {
            Block::Chapter(title) | Block::ShortChapter(title) => {
                list.put(sizes::TOC1.height(title, width))
            }
            Block::Section(title) => list.put(sizes::TOC2.height(title, width)),
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
            flow.put(sizes::HEADING1.height(title, width))
        }
        Block::ShortChapter(title) => {
            let height = SHORT + sizes::HEADING1.height(title, width);
            flow.keep(height + next.map_or(0, |next| least(next, width)));
            flow.put(height)
        }
        Block::Section(title) => {
            let height = sizes::HEADING2.height(title, width);
            flow.keep(height + next.map_or(0, |next| least(next, width)));
            flow.put(height)
        }
        Block::Text(text) => flow.put(sizes::NORMAL.height(text, width)),
        Block::Note(text) => flow.put(sizes::NOTE.height(text, width)),
        Block::Cards(cards) => {
            let page = flow.put(sizes::CARD);
            for _ in 1..cards.len().div_ceil(4) {
                flow.put(sizes::CARD);
            }
            end_table(flow, next);
            page
        }
        Block::Table(table) => {
            flow.keep(least(block, width));
            let page = set_table(flow, table, width);
            end_table(flow, next);
            page
        }
        Block::Chart { .. } | Block::Heat(_) => flow.put(least(block, width)),
        Block::Advice(title, text) => {
            let title = sizes::ADVICE_TITLE.height(title, width - 200);
            flow.put(title + sizes::ADVICE_TEXT.height(text, width - 200))
        }
        Block::Definition(term, meaning) => {
            let page = flow.put(sizes::TERM.height(term, width) + 280);
            flow.put(sizes::MEANING.height(meaning, width).saturating_sub(280));
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
    let page = flow.put(sizes::CAPTION.height(&table.caption, width));
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

/// How much of a block is not split from its heading.
fn least(block: &Block, width: usize) -> usize {
    match block {
        Block::Chart { caption, .. } => {
            let (wide, high) = Chart::pixels();
            let picture = width * usize::try_from(high).unwrap_or(0)
                / usize::try_from(wide).unwrap_or(1).max(1);
            sizes::CAPTION.height(caption, width) + picture + 60 + sizes::LEGEND.height("", width)
        }
        Block::Heat(heat) => {
            sizes::CAPTION.height(&heat.caption, width)
                + 8 * sizes::HEAT_ROW
                + sizes::LEGEND.height("", width)
                + sizes::AFTER_TABLE
        }
        Block::Table(table) => {
            let widths = widths(table, width);
            let first = table.rows.first().map_or(0, |row| sizes::row(row, &widths));
            sizes::CAPTION.height(&table.caption, width) + 310 + first
        }
        Block::Cards(_) => sizes::CARD,
        _ => 600,
    }
}

/// The widths of a table's columns.
pub(super) fn widths(table: &Table, width: usize) -> Vec<usize> {
    let weights: Vec<usize> = table.columns.iter().map(|column| column.weight).collect();
    sizes::columns(&weights, width)
}
