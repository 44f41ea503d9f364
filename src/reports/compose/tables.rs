//! Tables are made here, so that the same column is the same everywhere.

use crate::i18n::format;
use crate::reports::blocks::{Block, Column, Table};
use crate::reports::words::Words;

/// A column of text.
pub(super) fn text(words: Words, title: &str, weight: usize) -> Column {
    column(words, title, weight, false)
}

/// A column of figures.
pub(super) fn figure(words: Words, title: &str, weight: usize) -> Column {
    column(words, title, weight, true)
}

fn column(words: Words, title: &str, weight: usize, is_figure: bool) -> Column {
    Column {
        title: words.t(&format!("report-column-{title}")),
        weight,
        is_figure,
    }
}

/// A table with its caption.
pub(super) fn table(caption: String, columns: Vec<Column>, rows: Vec<Vec<String>>) -> Block {
    Block::Table(Table {
        caption,
        columns,
        rows,
    })
}

/// A change, and a dash where there was nothing, then and now.
pub(super) fn change(words: Words, now: i64, before: i64) -> String {
    let change = words.change(now, before);
    if change.is_empty() {
        return "–".to_owned();
    }
    change
}

/// A share of all in whole percent.
pub(super) fn share(part: i64, whole: i64) -> String {
    format::percent_whole(part, whole)
}

/// The rate of errors.
pub(super) fn rate((wrong, of): (i64, i64)) -> String {
    format::percent(wrong, of)
}

/// Leaves the column at `at` out where it holds nothing.
pub(super) fn without_empty(block: Block, at: usize) -> Block {
    let Block::Table(mut table) = block else {
        return block;
    };
    if at < table.columns.len()
        && table
            .rows
            .iter()
            .all(|row| row.get(at).is_none_or(String::is_empty))
    {
        table.columns.remove(at);
        for row in &mut table.rows {
            row.remove(at);
        }
    }
    Block::Table(table)
}
