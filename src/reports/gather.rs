//! Reads what a report is about: sums only, never rows of the request log, and never more than a day of them at once.
//!
//! These are the sums and the store functions of the pages, so that a figure in a report is the figure on its page.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Offset as _, Utc};
use chrono_tz::Tz;
use modelgate_domain::Window;
use modelgate_domain::range::next_day_of;
use modelgate_store::key_owners::{self, KeyOwner};
use modelgate_store::latency::{self, Distribution, Measure};
use modelgate_store::usage::{self, Cube, Dimension, KeyHour, Totals, UsageFilter};
use modelgate_store::{Db, StoreError, models, providers};

use super::params::{Params, Scope};

const HOUR_MS: i64 = 3_600_000;

/// Where a report is gathered from.
pub struct Source<'a> {
    /// The sums.
    pub db: &'a Db,
    /// The business time zone.
    pub business: Tz,
    /// What the pages call this gateway.
    pub site: String,
    /// Now, epoch milliseconds.
    pub now_ms: i64,
    /// Hears how many of how many days have been read; false stops.
    pub go_on: &'a (dyn Fn(usize, usize) -> bool + Send + Sync),
}

/// Why nothing was gathered.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was used on a day.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Its midnight, epoch milliseconds.
    pub from_ms: i64,
    /// By everybody in the report.
    pub totals: Totals,
    /// By key.
    pub keys: BTreeMap<i64, DayUse>,
}

/// What a key used on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayUse {
    /// Ended requests, refusals included.
    pub requests: i64,
    /// Of these, with success.
    pub success: i64,
    /// Of these, with an error.
    pub error: i64,
    /// Of these, by a timeout.
    pub timeout: i64,
    /// Of these, refused by a limit.
    pub rate_limited: i64,
    /// All tokens.
    pub tokens: i64,
}

/// How long requests took, by key and model, and by key and provider.
#[derive(Clone, Debug, Default)]
pub struct Times {
    models: Vec<(Measure, i64, i64, Distribution)>,
    providers: Vec<(Measure, i64, i64, Distribution)>,
}

/// Everything a report is made of.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// What was asked for.
    pub params: Params,
    /// What the pages call this gateway.
    pub site: String,
    /// When it was gathered, epoch milliseconds.
    pub made_ms: i64,
    /// The range and the period before.
    pub window: Window,
    /// Who or what the scope names; empty for everybody.
    pub about: String,
    /// How many keys were left out.
    pub left_out: usize,
    /// Keys by number.
    pub keys: BTreeMap<i64, KeyOwner>,
    /// Names of models by number.
    pub models: BTreeMap<i64, String>,
    /// Names of providers by number.
    pub providers: BTreeMap<i64, String>,
    /// The days of the range, oldest first; those to come are left out.
    pub days: Vec<Day>,
    /// The range in all its splits.
    pub now: Cube,
    /// The period before.
    pub before: Cube,
    /// Requests by key and hour of the week.
    pub hours: Vec<KeyHour>,
    /// Durations.
    pub times: Times,
    /// Durations of the period before.
    pub times_before: Times,
}

/// Which keys are in.
#[derive(Clone, Debug, Default)]
struct Included {
    only: Option<BTreeSet<i64>>,
    without: BTreeSet<i64>,
}

impl Included {
    fn of(params: &Params, owners: &[KeyOwner]) -> Self {
        let ids = |fits: &dyn Fn(&KeyOwner) -> bool| -> BTreeSet<i64> {
            let fitting = owners.iter().filter(|owner| fits(owner));
            fitting.map(|owner| owner.id.0).collect()
        };
        let only = match &params.scope {
            Scope::Everyone => None,
            Scope::User(user) => Some(ids(&|owner| owner.user_id.0 == *user)),
            Scope::Key(key) => Some(BTreeSet::from([*key])),
            Scope::Tag(tag) => Some(ids(&|owner| owner.tags.contains(tag))),
        };
        let without = ids(&|owner| {
            params.without_keys.contains(&owner.id.0)
                || params.without_users.contains(&owner.user_id.0)
        });
        Self { only, without }
    }

    fn has(&self, key: i64) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&key)) && !self.without.contains(&key)
    }

    /// The one key that is in, where that is so: the database reads less then.
    fn single(&self) -> Option<i64> {
        let only = self.only.as_ref()?;
        only.first().copied().filter(|_| only.len() == 1)
    }
}

impl Times {
    /// Of everybody in the report.
    pub fn all(&self, measure: Measure) -> Distribution {
        sum(&self.models, |part| part.0 == measure)
    }

    /// Of a key.
    pub fn of_key(&self, measure: Measure, key: i64) -> Distribution {
        sum(&self.models, |part| part.0 == measure && part.1 == key)
    }

    /// Of a model.
    pub fn of_model(&self, measure: Measure, model: i64) -> Distribution {
        sum(&self.models, |part| part.0 == measure && part.2 == model)
    }

    /// Of a provider.
    pub fn of_provider(&self, measure: Measure, provider: i64) -> Distribution {
        sum(&self.providers, |part| {
            part.0 == measure && part.2 == provider
        })
    }
}

type Part = (Measure, i64, i64, Distribution);

fn sum(parts: &[Part], is_in: impl Fn(&Part) -> bool) -> Distribution {
    let mut sum = Distribution::default();
    for part in parts.iter().filter(|part| is_in(part)) {
        sum.add(&part.3);
    }
    sum
}

/// Reads everything. The range's last day may still be going on.
pub async fn gather(source: &Source<'_>, params: &Params) -> Result<Gathered, GatherError> {
    let zone = params.zone(source.business).unwrap_or(source.business);
    let window = params.window(source.now_ms, zone, source.business);
    let (owners, models, providers) = source
        .db
        .read(|c| {
            Box::pin(async move {
                let owners = key_owners::list(c).await?;
                let models = models::names(c).await?;
                Ok::<_, StoreError>((owners, models, providers::names(c).await?))
            })
        })
        .await?;
    let included = Arc::new(Included::of(params, &owners));
    let reader = Reader { source, included };
    let (days, now) = reader.days(&window).await?;
    let (from, to) = window.before;
    let before = reader.cube(from, to).await?;
    Ok(Gathered {
        about: about(&params.scope, &owners),
        left_out: reader.included.without.len(),
        hours: reader.hours(&window).await?,
        times: reader.times(window.from_ms(), window.to_ms()).await?,
        times_before: reader.times(from, to).await?,
        params: params.clone(),
        site: source.site.clone(),
        made_ms: source.now_ms,
        window,
        keys: owners.into_iter().map(|key| (key.id.0, key)).collect(),
        models: models.into_iter().map(|(id, name)| (id.0, name)).collect(),
        providers: providers
            .into_iter()
            .map(|(id, name)| (id.0, name))
            .collect(),
        days,
        now,
        before,
    })
}

fn about(scope: &Scope, owners: &[KeyOwner]) -> String {
    match scope {
        Scope::Everyone => String::new(),
        Scope::Tag(tag) => tag.clone(),
        Scope::User(id) => owners
            .iter()
            .find(|owner| owner.user_id.0 == *id)
            .map_or_else(|| format!("#{id}"), |owner| owner.user.clone()),
        Scope::Key(id) => owners
            .iter()
            .find(|owner| owner.id.0 == *id)
            .map_or_else(|| format!("#{id}"), |owner| owner.name.clone()),
    }
}

struct Reader<'a> {
    source: &'a Source<'a>,
    included: Arc<Included>,
}

impl Reader<'_> {
    fn filter(&self, from_ms: i64, to_ms: i64) -> UsageFilter {
        UsageFilter {
            api_key_id: self.included.single().map(Into::into),
            ..UsageFilter::between(from_ms, to_ms, self.source.business)
        }
    }

    /// The sums between two moments, of the keys that are in.
    async fn cube(&self, from_ms: i64, to_ms: i64) -> Result<Cube, StoreError> {
        let filter = self.filter(from_ms, to_ms);
        let cube = self.source.db;
        let cube = cube
            .read(move |c| Box::pin(async move { usage::cube(c, &filter).await }))
            .await?;
        let cells = cube.cells().iter();
        let cells = cells.filter(|(ids, _)| self.included.has(ids[0]));
        Ok(Cube::of(cells.cloned().collect::<Vec<_>>()))
    }

    /// The days of the window and their sum.
    async fn days(&self, window: &Window) -> Result<(Vec<Day>, Cube), GatherError> {
        let mut edges = Vec::new();
        let mut at = window.from_ms();
        while at < window.to_ms() && at <= self.source.now_ms {
            edges.push(at);
            at = next_day_of(at, window.zone);
        }
        let mut cells: HashMap<[i64; 4], Totals> = HashMap::new();
        let mut days = Vec::with_capacity(edges.len());
        for (read, from_ms) in edges.iter().copied().enumerate() {
            if !(self.source.go_on)(read, edges.len()) {
                return Err(GatherError::Stopped);
            }
            let to_ms = next_day_of(from_ms, window.zone).min(window.to_ms());
            let cube = self.cube(from_ms, to_ms).await?;
            for (ids, totals) in cube.cells() {
                cells.entry(*ids).or_default().add(totals);
            }
            days.push(day(from_ms, &cube));
        }
        let mut cells: Vec<_> = cells.into_iter().collect();
        cells.sort_unstable_by_key(|(ids, _)| *ids);
        Ok((days, Cube::of(cells)))
    }

    /// Requests by key and hour of the week, as the clocks of the report's time zone showed it.
    async fn hours(&self, window: &Window) -> Result<Vec<KeyHour>, StoreError> {
        let mut sums: BTreeMap<(i64, i64), i64> = BTreeMap::new();
        for (from_ms, to_ms, offset_ms) in spans(window) {
            let read = self
                .source
                .db
                .read(move |c| Box::pin(usage::hours_of_week(c, (from_ms, to_ms), offset_ms)));
            let rows = read.await?;
            for row in rows.iter().filter(|row| self.included.has(row.api_key_id)) {
                *sums.entry((row.api_key_id, row.hour)).or_default() += row.requests;
            }
        }
        let row = |((api_key_id, hour), requests)| KeyHour {
            api_key_id,
            hour,
            requests,
        };
        Ok(sums.into_iter().map(row).collect())
    }

    async fn times(&self, from_ms: i64, to_ms: i64) -> Result<Times, StoreError> {
        let filter = self.filter(from_ms, to_ms);
        let mut times = self
            .source
            .db
            .read(move |c| {
                Box::pin(async move {
                    let models = latency::of_keys(c, &filter, Dimension::Model).await?;
                    let providers = latency::of_keys(c, &filter, Dimension::Provider).await?;
                    Ok::<_, StoreError>(Times { models, providers })
                })
            })
            .await?;
        times.models.retain(|part| self.included.has(part.1));
        times.providers.retain(|part| self.included.has(part.1));
        Ok(times)
    }
}

fn day(from_ms: i64, cube: &Cube) -> Day {
    let mut day = Day {
        from_ms,
        ..Day::default()
    };
    for (ids, totals) in cube.cells() {
        day.totals.add(totals);
        let of_key = day.keys.entry(ids[0]).or_default();
        of_key.requests += totals.requests();
        of_key.success += totals.success;
        of_key.error += totals.error;
        of_key.timeout += totals.timeout;
        of_key.rate_limited += totals.rate_limited;
        of_key.tokens += totals.tokens();
    }
    day
}

/// The window cut where the clocks are moved: from, to, and how far ahead of UTC they are between.
fn spans(window: &Window) -> Vec<(i64, i64, i64)> {
    let offset = |ms: i64| {
        let at = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
        let local = at.with_timezone(&window.zone);
        i64::from(local.offset().fix().local_minus_utc()) * 1_000
    };
    let mut spans: Vec<(i64, i64, i64)> = Vec::new();
    let mut at = window.from_ms();
    while at < window.to_ms() {
        let (to, ahead) = ((at + HOUR_MS).min(window.to_ms()), offset(at));
        match spans.last_mut() {
            Some(last) if last.2 == ahead => last.1 = to,
            _ => spans.push((at, to, ahead)),
        }
        at = to;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_where_the_clocks_are_moved() {
        let params = Params::new(
            "2026-10-24".parse().unwrap(),
            "2026-10-26".parse().unwrap(),
            crate::i18n::Lang::En,
        );
        let berlin = chrono_tz::Europe::Berlin;
        let window = params.window(1_795_214_489_000, berlin, berlin);
        let spans = spans(&window);
        let hours: Vec<_> = spans
            .iter()
            .map(|(from, to, ahead)| ((to - from) / HOUR_MS, ahead / HOUR_MS))
            .collect();
        assert_eq!(hours, [(27, 2), (46, 1)]);
    }
}
