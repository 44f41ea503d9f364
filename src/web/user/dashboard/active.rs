//! Who calls at present: the key itself by name, all others without one.

use std::collections::HashSet;

use modelgate_domain::ApiKeyId;
use modelgate_store::usage::{Dimension, Totals};

use super::data::Data;
use super::health::WINDOW_MS;
use crate::i18n::format;
use crate::web::shell::Shell;

/// So many keys are shown, one's own always among them.
const KEYS: usize = 8;
/// So many models of each.
const MODELS: usize = 3;

/// Who called in the last minutes.
pub(super) struct Active {
    pub(super) heading: String,
    pub(super) rows: Vec<Row>,
    /// How many more keys called; empty where none did.
    pub(super) more: String,
}

/// One key that calls.
pub(super) struct Row {
    pub(super) is_own: bool,
    pub(super) who: String,
    pub(super) models: String,
    pub(super) requests: String,
    pub(super) tokens: String,
}

/// The keys that called in the minutes of the score, one's own first, then those with the most requests. Models are
/// named only where they are among `visible`: what others may use is not everybody's business.
pub(super) fn active(page: &Shell, data: &Data, own: ApiKeyId, visible: &HashSet<i64>) -> Active {
    let mut keys = data.minutes.by(Dimension::ApiKey);
    keys.retain(|(_, totals)| totals.requests() > 0);
    keys.sort_by_key(|(id, _)| *id != own.0);
    let others = keys.iter().filter(|(id, _)| *id != own.0);
    let numbers: Vec<i64> = others.map(|(id, _)| *id).collect();
    let row = |(id, totals): &(i64, Totals)| Row {
        is_own: *id == own.0,
        who: match numbers.iter().position(|other| other == id) {
            None => page.t("user-dashboard-active-own"),
            Some(at) => page.t1("user-dashboard-active-other", "number", count(at + 1)),
        },
        models: models(page, data, *id, visible),
        requests: format::integer(totals.requests()),
        tokens: format::compact(page.lang, totals.tokens()),
    };
    let more = keys.len().saturating_sub(KEYS);
    Active {
        heading: page.t1("user-dashboard-active", "minutes", WINDOW_MS / 60_000),
        rows: keys.iter().take(KEYS).map(row).collect(),
        more: match more {
            0 => String::new(),
            more => page.t1("user-dashboard-active-more", "count", count(more)),
        },
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn models(page: &Shell, data: &Data, key: i64, visible: &HashSet<i64>) -> String {
    let used = data
        .minutes
        .within(Dimension::ApiKey, key, Dimension::Model);
    let named = used.iter().filter(|(id, _)| visible.contains(id));
    let mut names: Vec<&str> = named
        .filter_map(|(id, _)| data.models.get(id).map(String::as_str))
        .take(MODELS)
        .collect();
    let others = page.t("user-dashboard-others");
    if names.len() < used.len() {
        names.push(&others);
    }
    names.join(" · ")
}
