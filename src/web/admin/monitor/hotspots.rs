//! Where it goes wrong: keys, models and providers with the most errors and timeouts for what they were asked.

use modelgate_store::usage::{Dimension, Totals};

use super::Read;
use crate::i18n::{ToArg, format};
use crate::web::shell::Shell;

/// From how many requests on a rate says something.
const ENOUGH: i64 = 3;
const ROWS: usize = 6;

/// Something to look at.
pub(super) struct Spot {
    pub(super) href: String,
    /// Provider, model or key.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) rate: String,
    pub(super) told: String,
}

/// By how much the gateway and the vendors got wrong; callers' own mistakes do not count.
pub(super) fn errors(page: &Shell, read: &Read<'_>) -> Vec<Spot> {
    let mut found = all(read);
    found.retain(|(_, _, totals)| totals.error_rate().0 > 0);
    found.sort_by_key(|(_, id, totals)| {
        let (wrong, of) = totals.error_rate();
        (-rate(wrong, of), -wrong, -of, *id)
    });
    let spot = |totals: &Totals| (totals.error_rate(), "wrong");
    spots(page, read, &found, spot)
}

/// By how often a vendor did not answer in time.
pub(super) fn timeouts(page: &Shell, read: &Read<'_>) -> Vec<Spot> {
    let mut found = all(read);
    found.retain(|(_, _, totals)| totals.timeout > 0);
    found.sort_by_key(|(_, id, totals)| {
        let by_rate = rate(totals.timeout, totals.requests());
        (-totals.timeout, -by_rate, *id)
    });
    let spot = |totals: &Totals| ((totals.timeout, totals.requests()), "timeout");
    spots(page, read, &found, spot)
}

type Found = (Dimension, i64, Totals);

fn all(read: &Read<'_>) -> Vec<Found> {
    [Dimension::Provider, Dimension::Model, Dimension::ApiKey]
        .into_iter()
        .flat_map(|dimension| {
            let rows = read.figures.by(dimension).into_iter();
            rows.map(move |(id, totals)| (dimension, id, totals))
        })
        .filter(|(_, _, totals)| totals.requests() >= ENOUGH)
        .collect()
}

fn rate(part: i64, whole: i64) -> i64 {
    let millionths = i128::from(part) * 1_000_000 / i128::from(whole.max(1));
    i64::try_from(millionths).unwrap_or(i64::MAX)
}

fn spots(
    page: &Shell,
    read: &Read<'_>,
    found: &[Found],
    of: impl Fn(&Totals) -> ((i64, i64), &'static str),
) -> Vec<Spot> {
    let drill = read.drill(page);
    found
        .iter()
        .take(ROWS)
        .map(|(dimension, id, totals)| {
            let ((part, whole), status) = of(totals);
            let filter = Read::filter(*dimension, *id);
            let (count, requests) = (format::integer(part), format::integer(whole));
            let parts: [(&str, &dyn ToArg); 2] = [("count", &count), ("requests", &requests)];
            Spot {
                href: drill.to(&format!("status={status}&{filter}")),
                kind: page.t(match dimension {
                    Dimension::Provider => "admin-monitor-kind-provider",
                    Dimension::Model => "admin-monitor-kind-model",
                    _ => "admin-monitor-kind-key",
                }),
                name: read.name(*dimension, *id),
                rate: format::percent(part, whole),
                told: page.t_with("admin-monitor-spot", &parts),
            }
        })
        .collect()
}
