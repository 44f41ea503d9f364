//! The figures of a day that the analysis rests on.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;
use modelgate_domain::FaultOwner;
use modelgate_domain::range::{day_of, next_day_of};
use modelgate_store::failures::{self, Band, Failures};
use modelgate_store::usage::{self, Cube, Totals, UsageFilter};
use modelgate_store::{Conn, StoreError, models, providers};

/// What rows are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Providers by row.
    pub providers: BTreeMap<i64, String>,
    /// Models by row.
    pub models: BTreeMap<i64, String>,
}

impl Names {
    async fn read(c: &mut Conn) -> Result<Self, StoreError> {
        let providers = providers::names(c).await?.into_iter();
        let models = models::names(c).await?.into_iter();
        Ok(Self {
            providers: providers.map(|(id, name)| (id.0, name)).collect(),
            models: models.map(|(id, name)| (id.0, name)).collect(),
        })
    }

    /// What a provider is called; a dash for none.
    pub fn provider(&self, id: i64) -> &str {
        self.providers.get(&id).map_or("—", String::as_str)
    }

    /// What a model is called; a dash for none.
    pub fn model(&self, id: i64) -> &str {
        self.models.get(&id).map_or("—", String::as_str)
    }
}

/// A day, or as much of it as is over, and what it is held against.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Its first moment in the business time zone, epoch milliseconds.
    pub from_ms: i64,
    /// Its end, or now.
    pub to_ms: i64,
    /// All requests, split by key, model, provider and credential.
    pub cube: Cube,
    /// All requests together.
    pub now: Totals,
    /// The day before, up to the same time of day.
    pub before: Totals,
    /// The seven days before.
    pub week: Totals,
    /// What failed, the most alike first.
    pub groups: Vec<Failures>,
    /// Whether there was more of that than was looked at.
    pub is_cut: bool,
    /// How calls fared by model and length of context.
    pub bands: Vec<Band>,
    /// What things are called.
    pub names: Names,
}

impl Day {
    /// Reads the day that holds `at_ms` up to `now_ms`; of raw rows, the newest `window` of each kind.
    pub async fn read(
        c: &mut Conn,
        at_ms: i64,
        now_ms: i64,
        zone: Tz,
        window: i64,
    ) -> Result<Self, StoreError> {
        let from_ms = day_of(at_ms, zone);
        let to_ms = next_day_of(from_ms, zone).min(now_ms.max(from_ms));
        let yesterday = day_of(from_ms - 1, zone);
        let mut first = yesterday;
        for _ in 1..7 {
            first = day_of(first - 1, zone);
        }
        let between = |from, to| UsageFilter::between(from, to, zone);
        let cube = usage::cube(c, &between(from_ms, to_ms)).await?;
        let same_time = yesterday.saturating_add(to_ms - from_ms).min(from_ms);
        let (groups, is_cut) = failures::groups(c, (from_ms, to_ms), window).await?;
        Ok(Self {
            now: cube.totals(),
            before: usage::totals(c, &between(yesterday, same_time)).await?,
            week: usage::totals(c, &between(first, from_ms)).await?,
            bands: failures::bands(c, (from_ms, to_ms), window).await?,
            names: Names::read(c).await?,
            from_ms,
            to_ms,
            cube,
            groups,
            is_cut,
        })
    }

    /// Errors and timeouts that were looked at; refusals by limits are none.
    pub fn errors(&self) -> impl Iterator<Item = &Failures> {
        let is_error = |group: &&Failures| group.status != modelgate_domain::Status::RateLimited;
        self.groups.iter().filter(is_error)
    }

    /// Sums of what was looked at by some part of it, the most first.
    pub fn count<K: std::hash::Hash + Ord + Clone>(
        groups: impl Iterator<Item = impl std::borrow::Borrow<Failures>>,
        of: impl Fn(&Failures) -> Option<K>,
    ) -> Vec<(K, i64)> {
        let mut sums: HashMap<K, i64> = HashMap::new();
        for group in groups {
            let group = group.borrow();
            if let Some(key) = of(group) {
                *sums.entry(key).or_default() += group.count;
            }
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        sums
    }

    /// Errors and timeouts by whose fault they were, the most first.
    pub fn by_owner(&self) -> Vec<(FaultOwner, i64)> {
        let names = Self::count(self.errors(), |group| Some(group.fault_owner.as_str()));
        let owner = |(name, count): (&str, i64)| Some((name.parse().ok()?, count));
        names.into_iter().filter_map(owner).collect()
    }

    /// The mean and the largest context of the calls that a filter lets through, in tokens; absent without any.
    pub fn context(&self, of: impl Fn(&Failures) -> bool) -> Option<(i64, i64)> {
        let some = self.groups.iter().filter(|group| of(group));
        let (mut count, mut sum, mut max) = (0_i64, 0_i64, 0_i64);
        for group in some {
            count = count.saturating_add(group.count);
            sum = sum.saturating_add(group.context_sum);
            max = max.max(group.context_max);
        }
        Some((sum.checked_div(count)?, max))
    }
}
