//! How long answers took over a range: distributions, and averages by hour of the day.

use std::collections::BTreeMap;

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;
use modelgate_domain::Window;
use modelgate_store::latency::{self, Spreads};
use modelgate_store::usage::{self, UsageFilter};
use modelgate_store::{Conn, StoreError};

/// The hours of the day are those of the newest days of a range: more would be slow to read, and old habits.
pub(in crate::web) const HOURS_OF_DAYS: i64 = 7;

/// Sum of durations and how many answers they are of.
pub(in crate::web) type Mean = (i64, i64);

/// Durations of a range.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Times {
    pub(in crate::web) spreads: Spreads,
    /// By model, then hour of the day in the window's time zone.
    pub(in crate::web) hours: BTreeMap<i64, [Mean; 24]>,
}

impl Times {
    /// Reads a range.
    pub(in crate::web) async fn read(
        c: &mut Conn,
        window: &Window,
        business: Tz,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let range = UsageFilter::between(window.from_ms(), window.to_ms(), business);
        let spreads = latency::spreads(c, &range).await?;
        let last = window.to_ms().min(
            now_ms
                .div_euclid(usage::QUARTER_MS)
                .saturating_add(1)
                .saturating_mul(usage::QUARTER_MS),
        );
        let newest = UsageFilter {
            from_ms: window.from_ms().max(last - HOURS_OF_DAYS * 86_400_000),
            to_ms: last,
            ..UsageFilter::default()
        };
        let mut hours: BTreeMap<i64, [Mean; 24]> = BTreeMap::new();
        for (quarter_ms, model, totals) in usage::quarters_by_model(c, &newest).await? {
            if model == 0 || totals.success == 0 {
                continue;
            }
            let cells = hours.entry(model).or_default();
            if let Some(cell) = cells.get_mut(hour_of(quarter_ms, window.zone)) {
                cell.0 = cell.0.saturating_add(totals.latency_sum_ms);
                cell.1 = cell.1.saturating_add(totals.success);
            }
        }
        Ok(Self { spreads, hours })
    }
}

fn hour_of(epoch_ms: i64, zone: Tz) -> usize {
    let moment = DateTime::<Utc>::from_timestamp_millis(epoch_ms).unwrap_or_default();
    usize::try_from(moment.with_timezone(&zone).hour()).unwrap_or(0)
}
