//! The figures of a report as plain tables, for other programs: full numbers, names of columns that never change.

use modelgate_domain::money::format_nanos;
use modelgate_store::usage::Totals;

use super::blocks::clean;
use super::figures::{Figures, Row};
use crate::csv;
use crate::i18n::format;

/// Which table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sheet {
    /// A row for each key.
    #[default]
    Keys,
    /// A row for each day and key.
    Days,
    /// A row for each model.
    Models,
    /// A row for each provider.
    Providers,
    /// A row for each key: how its requests ended.
    Statuses,
}

impl Sheet {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Keys,
        Self::Days,
        Self::Models,
        Self::Providers,
        Self::Statuses,
    ];

    /// The name in names of files and arguments.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Days => "days",
            Self::Models => "models",
            Self::Providers => "providers",
            Self::Statuses => "statuses",
        }
    }

    /// The table of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sheet| sheet.as_str() == name)
    }

    /// The names of its columns.
    pub fn columns(self) -> Vec<&'static str> {
        let (first, rest): (&[&str], &[&str]) = match self {
            Self::Keys => (
                &[
                    "key_id",
                    "key",
                    "user",
                    "active_days",
                    "models",
                    "top_model",
                ],
                &USED,
            ),
            Self::Days => (
                &["day", "key_id", "key"],
                &[
                    "requests",
                    "success",
                    "error",
                    "timeout",
                    "rate_limited",
                    "tokens",
                ],
            ),
            Self::Models => (&["model_id", "model"], &USED),
            Self::Providers => (&["provider_id", "provider"], &USED),
            Self::Statuses => (
                &["key_id", "key"],
                &["success", "error", "timeout", "cancelled", "rate_limited"],
            ),
        };
        first.iter().chain(rest).copied().collect()
    }

    /// Its rows, handed over one at a time.
    pub fn rows(self, figures: &Figures, mut each: impl FnMut(Vec<Cell>)) {
        match self {
            Self::Keys => {
                for key in &figures.keys {
                    let mut cells = named(&key.row);
                    cells.push(Cell::text(&key.user));
                    cells.push(Cell::count(key.days));
                    cells.push(Cell::count(key.models.len()));
                    cells.push(
                        key.models
                            .first()
                            .map_or(Cell::None, |(_, name)| Cell::text(name)),
                    );
                    cells.extend(used(&key.row));
                    each(cells);
                }
            }
            Self::Models => figures
                .models
                .iter()
                .for_each(|row| each([named(row), used(row)].concat())),
            Self::Providers => figures
                .providers
                .iter()
                .for_each(|row| each([named(row), used(row)].concat())),
            Self::Days => days(figures, each),
            Self::Statuses => {
                for key in &figures.keys {
                    let totals = &key.row.totals;
                    let counts = [
                        totals.success,
                        totals.error,
                        totals.timeout,
                        totals.cancelled,
                        totals.rate_limited,
                    ];
                    let mut cells = named(&key.row);
                    cells.extend(counts.map(Cell::Number));
                    each(cells);
                }
            }
        }
    }
}

/// What is told of keys, models and providers alike.
const USED: [&str; 17] = [
    "requests",
    "requests_before",
    "success",
    "error",
    "timeout",
    "cancelled",
    "rate_limited",
    "prompt_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "tokens",
    "cost",
    "unpriced_requests",
    "latency_p95_ms",
    "ttft_p95_ms",
];

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// None.
    None,
    /// Text from anywhere.
    Text(String),
    /// A number.
    Number(i64),
}

impl Cell {
    fn text(text: &str) -> Self {
        Self::Text(clean(text))
    }

    fn count(count: usize) -> Self {
        Self::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

fn named(row: &Row) -> Vec<Cell> {
    vec![Cell::Number(row.id), Cell::text(&row.name)]
}

fn used(row: &Row) -> Vec<Cell> {
    let totals = &row.totals;
    let counts = [
        totals.requests(),
        row.before.requests(),
        totals.success,
        totals.error,
        totals.timeout,
        totals.cancelled,
        totals.rate_limited,
        totals.prompt_tokens,
        totals.cached_tokens,
        totals.cache_write_tokens,
        totals.completion_tokens,
        totals.reasoning_tokens,
        totals.tokens(),
    ];
    let mut cells: Vec<Cell> = counts.map(Cell::Number).to_vec();
    cells.push(Cell::Text(cost(totals)));
    cells.push(Cell::Number(totals.unpriced));
    for time in [row.p95_ms, row.ttft_p95_ms] {
        cells.push(time.map_or(Cell::None, Cell::Number));
    }
    cells
}

/// Each currency for itself: `CNY 1.25; USD 0.3`.
fn cost(totals: &Totals) -> String {
    let costs = totals.cost_nanos.iter();
    let costs: Vec<String> = costs
        .map(|(currency, nanos)| format!("{} {}", currency.as_str(), format_nanos(*nanos)))
        .collect();
    costs.join("; ")
}

fn days(figures: &Figures, mut each: impl FnMut(Vec<Cell>)) {
    for (day, keys) in &figures.days {
        let day = format::field_date(*day, figures.window.zone);
        for (id, used) in keys {
            each(vec![
                Cell::Text(day.clone()),
                Cell::Number(*id),
                Cell::text(&figures.key_name(*id)),
                Cell::Number(used.requests),
                Cell::Number(used.success),
                Cell::Number(used.error),
                Cell::Number(used.timeout),
                Cell::Number(used.rate_limited),
                Cell::Number(used.tokens),
            ]);
        }
    }
}

/// The table as CSV with a mark by which spreadsheets know UTF-8, in pieces that `send` takes.
pub fn write<E>(
    figures: &Figures,
    sheet: Sheet,
    mut send: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut piece = format!("\u{feff}{}\r\n", sheet.columns().join(","));
    let mut sent = Ok(());
    sheet.rows(figures, |cells| {
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                piece.push(',');
            }
            match cell {
                Cell::None => {}
                Cell::Number(number) => piece.push_str(&number.to_string()),
                Cell::Text(text) => csv::cell(text, &mut piece),
            }
        }
        piece.push_str("\r\n");
        if piece.len() > PIECE && sent.is_ok() {
            sent = send(&piece);
            piece.clear();
        }
    });
    sent?;
    send(&piece)
}

/// So many bytes are sent at once.
const PIECE: usize = 64 * 1_024;
