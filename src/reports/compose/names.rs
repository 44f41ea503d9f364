//! What things are called in tables.

use crate::reports::figures::{KeyRow, Row};
use crate::reports::words::Words;

/// A model or a provider; use without one is that of calls that were refused before a choice.
pub(super) fn shown(words: Words, row: &Row) -> String {
    if row.name.is_empty() {
        return words.t("report-none-chosen");
    }
    row.name.clone()
}

/// A key.
pub(super) fn key(words: Words, key: &KeyRow) -> String {
    if key.row.id == 0 {
        return words.t("report-no-key");
    }
    key.row.name.clone()
}
