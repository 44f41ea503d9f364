//! Average response times by model and hour of the day, as a drawing and as its table.

use modelgate_store::usage::Dimension;

use super::Read;
use crate::i18n::format;
use crate::web::figures::Mean;
use crate::web::shell::Shell;

const ROWS: usize = 8;
/// Shades from the quickest to the slowest.
const SHADES: i64 = 6;
/// Of the drawing: a cell's size, and where the first one begins.
const CELL: usize = 26;
const HIGH: usize = 24;
const LEFT: usize = 150;
const TOP: usize = 20;

/// The map.
pub(super) struct Heat {
    pub(super) rows: Vec<HeatRow>,
    /// The `viewBox`.
    pub(super) view: String,
    /// Place and text of the hours above.
    pub(super) hours: Vec<(usize, String)>,
    pub(super) quickest: String,
    pub(super) slowest: String,
    /// The shades of the legend.
    pub(super) shades: Vec<i64>,
}

/// A model.
pub(super) struct HeatRow {
    pub(super) name: String,
    /// The name as far as there is room in the drawing.
    pub(super) short: String,
    /// Where its text stands.
    pub(super) y: usize,
    pub(super) cells: Vec<HeatCell>,
}

/// An hour of a model.
pub(super) struct HeatCell {
    pub(super) x: usize,
    pub(super) y: usize,
    /// 0 for no answer, 1 to 6 from quick to slow.
    pub(super) shade: i64,
    /// What the pointer is told.
    pub(super) title: String,
    /// For the table, in seconds.
    pub(super) value: String,
}

impl Heat {
    pub(super) fn new(page: &Shell, read: &Read<'_>) -> Self {
        let mut models: Vec<_> = read.times.hours.iter().collect();
        let answers = |hours: &[Mean; 24]| hours.iter().map(|(_, count)| *count).sum::<i64>();
        models.sort_by_key(|(id, hours)| (-answers(hours), **id));
        models.truncate(ROWS);
        let means = models.iter().flat_map(|(_, hours)| hours.iter());
        let means: Vec<i64> = means.filter_map(mean).collect();
        let low = means.iter().copied().min().unwrap_or(0);
        let high = means.iter().copied().max().unwrap_or(0);
        let rows = models.iter().enumerate().map(|(at, (id, hours))| {
            let name = read.name(Dimension::Model, **id);
            row(page, at, name, hours, (low, high))
        });
        let rows: Vec<HeatRow> = rows.collect();
        Self {
            view: format!("0 0 {} {}", LEFT + 24 * CELL, TOP + rows.len() * HIGH),
            hours: (0..24)
                .step_by(3)
                .map(|hour| (LEFT + hour * CELL, format!("{hour:02}:00")))
                .collect(),
            quickest: page.duration(&low),
            slowest: page.duration(&high),
            shades: (1..=SHADES).collect(),
            rows,
        }
    }
}

fn mean((sum, count): &Mean) -> Option<i64> {
    sum.checked_div(*count)
}

fn row(page: &Shell, at: usize, name: String, hours: &[Mean; 24], scale: (i64, i64)) -> HeatRow {
    let y = TOP + at * HIGH;
    let cells = hours.iter().enumerate().map(|(hour, cell)| {
        let mean = mean(cell);
        let time = mean.map_or_else(|| "—".to_owned(), |ms| page.duration(&ms));
        let answers = page.counted("admin-monitor-answers", cell.1);
        HeatCell {
            x: LEFT + hour * CELL,
            y,
            shade: mean.map_or(0, |ms| shade(ms, scale)),
            title: format!("{name} · {hour:02}:00 · {time} · {answers}"),
            value: mean.map_or_else(|| "—".to_owned(), format::seconds),
        }
    });
    let cells = cells.collect();
    let short = if name.chars().count() > 20 {
        name.chars().take(19).chain(['…']).collect()
    } else {
        name.clone()
    };
    HeatRow {
        name,
        short,
        y: y + HIGH * 2 / 3,
        cells,
    }
}

/// The same factor from each shade to the next.
fn shade(ms: i64, (low, high): (i64, i64)) -> i64 {
    let bits = |ms: i64| modelgate_domain::histogram::bucket(ms.max(1));
    let span = bits(high) - bits(low);
    if span <= 0 {
        return 1;
    }
    1 + (bits(ms) - bits(low)) * (SHADES - 1) / span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_run_from_the_quickest_to_the_slowest() {
        assert_eq!(shade(100, (100, 6_400)), 1);
        assert_eq!(shade(6_400, (100, 6_400)), SHADES);
        assert_eq!(shade(800, (100, 6_400)), 3);
        assert_eq!(shade(100, (100, 100)), 1);
    }
}
