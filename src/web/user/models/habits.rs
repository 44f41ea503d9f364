//! How every model did in the last days, by hour of the day: sums of all keys, read once for all who ask.

use std::collections::BTreeMap;

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;
use modelgate_domain::ApiKeyId;
use modelgate_store::usage::{self, Dimension, QUARTER_MS, Totals, UsageFilter};
use modelgate_store::{Conn, StoreError};

/// How far back recommendations look.
pub(super) const DAYS: i64 = 7;

/// By model, then by hour of the day in one time zone.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Habits(BTreeMap<i64, Box<[Totals; 24]>>);

fn lately(now_ms: i64) -> UsageFilter {
    let end = now_ms
        .div_euclid(QUARTER_MS)
        .saturating_add(1)
        .saturating_mul(QUARTER_MS);
    UsageFilter {
        from_ms: end - DAYS * 86_400_000,
        to_ms: end,
        ..UsageFilter::default()
    }
}

impl Habits {
    /// Reads the last days as the hours of `zone` cut them.
    pub(in crate::web) async fn read(
        c: &mut Conn,
        zone: Tz,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let mut all = Self::default();
        for (quarter_ms, model, totals) in usage::quarters_by_model(c, &lately(now_ms)).await? {
            all.add(model, hour_of(quarter_ms, zone), &totals);
        }
        Ok(all)
    }

    fn add(&mut self, model: i64, hour: usize, totals: &Totals) {
        let hours = self.0.entry(model).or_default();
        if let Some(sum) = hours.get_mut(hour) {
            sum.add(totals);
        }
    }

    /// How a model did at any hour.
    pub(super) fn of_model(&self, model: i64) -> Totals {
        let mut sum = Totals::default();
        for hour in self.0.get(&model).into_iter().flat_map(|h| h.iter()) {
            sum.add(hour);
        }
        sum
    }

    /// How some models together did at each hour.
    pub(super) fn by_hour(&self, models: &[i64]) -> [Totals; 24] {
        let mut sums: [Totals; 24] = Default::default();
        for hours in models.iter().filter_map(|model| self.0.get(model)) {
            for (sum, hour) in sums.iter_mut().zip(hours.iter()) {
                sum.add(hour);
            }
        }
        sums
    }

    #[cfg(test)]
    pub(super) fn sample(rows: &[(i64, usize, Totals)]) -> Self {
        let mut all = Self::default();
        for (model, hour, totals) in rows {
            all.add(*model, *hour, totals);
        }
        all
    }
}

/// What one key made of each model in the same days; for nobody else's eyes.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct OwnUse(BTreeMap<i64, Totals>);

impl OwnUse {
    /// Reads the calls of a key.
    pub(in crate::web) async fn read(
        c: &mut Conn,
        key: ApiKeyId,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let filter = UsageFilter {
            api_key_id: Some(key),
            ..lately(now_ms)
        };
        let cube = usage::cube(c, &filter).await?;
        Ok(Self(cube.by(Dimension::Model).into_iter().collect()))
    }

    pub(super) fn of_model(&self, model: i64) -> Option<&Totals> {
        self.0.get(&model)
    }

    #[cfg(test)]
    pub(super) fn sample(model: i64, totals: Totals) -> Self {
        Self([(model, totals)].into())
    }
}

fn hour_of(epoch_ms: i64, zone: Tz) -> usize {
    let moment = DateTime::<Utc>::from_timestamp_millis(epoch_ms).unwrap_or_default();
    usize::try_from(moment.with_timezone(&zone).hour()).unwrap_or(0)
}
