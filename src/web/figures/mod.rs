//! What was used over a range, read once and shown wherever it is asked for: the cards, the trend and the splits of
//! every page are made here, so that the same figure is the same function on all of them.

mod cards;
mod desk;
mod ranges;
mod times;
mod trend;

use chrono_tz::Tz;
use modelgate_domain::{ApiKeyId, Range, Window};
use modelgate_store::usage::{self, Cube, Dimension, Totals, UsageFilter};
use modelgate_store::{Conn, StoreError};

pub(in crate::web) use cards::{Card, More, card, cards, money_of, relative};
pub(in crate::web) use desk::Desk;
pub(in crate::web) use ranges::{Drill, RangeQuery, Ranges, address, label};
pub(in crate::web) use times::{HOURS_OF_DAYS, Mean, Times};
pub(in crate::web) use trend::{Trend, trend};

/// What is kept ready, by range and time zone.
pub(in crate::web) type By = (Range, Tz);

/// A range, what it is made of, and the period before.
#[derive(Clone, Debug)]
pub(in crate::web) struct Figures {
    pub(in crate::web) window: Window,
    /// One for each period of the window.
    pub(in crate::web) series: Vec<Totals>,
    pub(in crate::web) now: Totals,
    pub(in crate::web) before: Totals,
    pub(in crate::web) cube: Cube,
}

impl Figures {
    /// Reads a range as it lies now: of everybody, or of one key.
    pub(in crate::web) async fn read(
        c: &mut Conn,
        window: Window,
        business: Tz,
        api_key_id: Option<ApiKeyId>,
    ) -> Result<Self, StoreError> {
        let of = |from_ms, to_ms| UsageFilter {
            api_key_id,
            ..UsageFilter::between(from_ms, to_ms, business)
        };
        let range = of(window.from_ms(), window.to_ms());
        // Days of another time zone are made of quarters of an hour, hours as well.
        let on_days = window.bucket.is_days() && window.zone == business;
        let by_time = UsageFilter {
            days: range.days.filter(|_| on_days),
            ..range
        };
        let before = of(window.before.0, window.before.1);
        let cube = usage::cube(c, &range).await?;
        Ok(Self {
            series: usage::series(c, &by_time, &window.edges).await?,
            before: usage::totals(c, &before).await?,
            now: cube.totals(),
            cube,
            window,
        })
    }

    /// The rows of a dimension with what they used, most requests first; what belongs to none (refused before a
    /// choice was made) is left out.
    pub(in crate::web) fn by(&self, dimension: Dimension) -> Vec<(i64, Totals)> {
        let mut rows = self.cube.by(dimension);
        rows.retain(|(id, totals)| *id != 0 && totals.requests() > 0);
        rows
    }

    #[cfg(test)]
    pub(in crate::web) fn sample_empty() -> Self {
        let zone = chrono_tz::Asia::Shanghai;
        let window = Range::Today.window(1_795_214_489_000, zone, zone);
        Self {
            series: vec![Totals::default(); window.edges.len() - 1],
            now: Totals::default(),
            before: Totals::default(),
            cube: Cube::default(),
            window,
        }
    }

    #[cfg(test)]
    pub(in crate::web) fn sample_busy() -> Self {
        use modelgate_domain::Currency;
        let totals = Totals {
            success: 38_000,
            timeout: 12,
            error: 400,
            error_upstream: 400,
            rate_limited: 152,
            prompt_tokens: 196_900_000,
            latency_sum_ms: 38_000 * 1_200,
            cost_nanos: [("USD", 84_120_000_000), ("CNY", 311_400_000_000)]
                .into_iter()
                .map(|(code, nanos)| (Currency::parse(code).unwrap(), nanos))
                .collect(),
            ..Totals::default()
        };
        let empty = Self::sample_empty();
        Self {
            series: vec![totals.clone(); empty.series.len()],
            now: totals.clone(),
            cube: Cube::of([([1, 1, 1, 1], totals.clone()), ([7, 7, 0, 0], totals)]),
            ..empty
        }
    }
}
