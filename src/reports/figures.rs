//! The figures of a report, computed from what was gathered: pure, and the same for every format.

use std::collections::BTreeMap;

use modelgate_domain::range::next_day_of;
use modelgate_domain::{Currency, Window};
use modelgate_store::latency::{Distribution, Measure};
use modelgate_store::usage::{Dimension, Totals};

use super::awards::{self, Award};
use super::gather::{DayUse, Gathered};
use super::params::Params;

/// So many days are shown day by day; longer ranges by the week.
const SINGLE_DAYS: usize = 62;
/// Days of the week times hours of the day.
pub const HOURS: usize = 168;

/// A key, model or provider with what it used.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its number; 0 for use without one.
    pub id: i64,
    /// What it is called; empty for use without one.
    pub name: String,
    /// What it used.
    pub totals: Totals,
    /// What it used in the period before.
    pub before: Totals,
    /// 95 of 100 successful requests took no longer.
    pub p95_ms: Option<i64>,
    /// 95 of 100 first tokens took no longer.
    pub ttft_p95_ms: Option<i64>,
}

/// A key, and more about it.
#[derive(Clone, Debug, Default)]
pub struct KeyRow {
    /// What it used.
    pub row: Row,
    /// Whose it is.
    pub user: String,
    /// Models it used, most tokens first: number and name.
    pub models: Vec<(i64, String)>,
    /// Days on which it was used.
    pub days: usize,
    /// Requests on each day of the range.
    pub daily: Vec<i64>,
    /// Requests by hour of the day.
    pub hours: [i64; 24],
}

/// A day or a week, and what was used in it.
#[derive(Clone, Debug, Default)]
pub struct Period {
    /// When it begins, epoch milliseconds.
    pub from_ms: i64,
    /// What was used.
    pub totals: Totals,
}

/// All figures of a report.
#[derive(Clone, Debug)]
pub struct Figures {
    /// What was asked for.
    pub params: Params,
    /// What the pages call this gateway.
    pub site: String,
    /// When they were gathered, epoch milliseconds.
    pub made_ms: i64,
    /// The range and the period before.
    pub window: Window,
    /// Who or what the scope names; empty for everybody.
    pub about: String,
    /// How many keys were left out.
    pub left_out: usize,
    /// What was used.
    pub now: Totals,
    /// What was used in the period before.
    pub before: Totals,
    /// How long successful requests took.
    pub latency: Distribution,
    /// Until the first token.
    pub ttft: Distribution,
    /// The same of the period before.
    pub latency_before: Distribution,
    /// The same of the period before.
    pub ttft_before: Distribution,
    /// Keys that were used, most requests first.
    pub keys: Vec<KeyRow>,
    /// Models that were used, most requests first.
    pub models: Vec<Row>,
    /// Providers that were used, most requests first.
    pub providers: Vec<Row>,
    /// Keys that could have been used and were not; none where only some are told of.
    pub idle: Vec<String>,
    /// By day or week.
    pub periods: Vec<Period>,
    /// Whether `periods` are weeks.
    pub by_week: bool,
    /// By day and key number, for tables.
    pub days: Vec<(i64, BTreeMap<i64, DayUse>)>,
    /// The days with the most requests, that one first.
    pub busiest_days: Vec<Period>,
    /// Requests by hour of the week, Monday's first.
    pub hours: Vec<i64>,
    /// Fun awards.
    pub awards: Vec<Award>,
}

impl Figures {
    /// Computes them.
    pub fn of(data: &Gathered) -> Self {
        let keys = keys(data);
        let mut hours = vec![0; HOURS];
        for hour in &data.hours {
            if let Some(cell) = usize::try_from(hour.hour)
                .ok()
                .and_then(|at| hours.get_mut(at))
            {
                *cell += hour.requests;
            }
        }
        let (periods, by_week) = periods(data);
        let mut busiest_days: Vec<Period> = single_days(data);
        busiest_days.retain(|day| day.totals.requests() > 0);
        busiest_days.sort_by_key(|day| (-day.totals.requests(), day.from_ms));
        busiest_days.truncate(5);
        Self {
            params: data.params.clone(),
            site: data.site.clone(),
            made_ms: data.made_ms,
            window: data.window.clone(),
            about: data.about.clone(),
            left_out: data.left_out,
            now: data.now.totals(),
            before: data.before.totals(),
            latency: data.times.all(Measure::Latency),
            ttft: data.times.all(Measure::Ttft),
            latency_before: data.times_before.all(Measure::Latency),
            ttft_before: data.times_before.all(Measure::Ttft),
            models: rows(data, Dimension::Model),
            providers: rows(data, Dimension::Provider),
            idle: idle(data),
            awards: awards::of(&keys, data.days.len()),
            days: data
                .days
                .iter()
                .map(|day| (day.from_ms, day.keys.clone()))
                .collect(),
            keys,
            periods,
            by_week,
            busiest_days,
            hours,
        }
    }

    /// Whether the range has ended.
    pub fn is_over(&self) -> bool {
        self.window.to_ms() <= self.made_ms
    }

    /// Days of the range that have begun.
    pub fn day_count(&self) -> usize {
        self.days.len()
    }

    /// The currencies that anything was spent in, now or before.
    pub fn currencies(&self) -> Vec<Currency> {
        let both = self
            .now
            .cost_nanos
            .keys()
            .chain(self.before.cost_nanos.keys());
        let all: std::collections::BTreeSet<&Currency> = both.collect();
        all.into_iter().cloned().collect()
    }

    /// The name of a key.
    pub fn key_name(&self, id: i64) -> String {
        let found = self.keys.iter().find(|key| key.row.id == id);
        found.map_or_else(|| format!("#{id}"), |key| key.row.name.clone())
    }
}

fn rows(data: &Gathered, dimension: Dimension) -> Vec<Row> {
    let names = match dimension {
        Dimension::Provider => &data.providers,
        _ => &data.models,
    };
    let before: BTreeMap<i64, Totals> = data.before.by(dimension).into_iter().collect();
    let spread = |measure, id| match dimension {
        Dimension::Provider => data.times.of_provider(measure, id),
        _ => data.times.of_model(measure, id),
    };
    let used = data.now.by(dimension).into_iter();
    used.filter(|(_, totals)| totals.requests() > 0)
        .map(|(id, totals)| Row {
            id,
            name: name(names.get(&id), id),
            before: before.get(&id).cloned().unwrap_or_default(),
            p95_ms: spread(Measure::Latency, id).percentile(950),
            ttft_p95_ms: spread(Measure::Ttft, id).percentile(950),
            totals,
        })
        .collect()
}

/// What a thing is called, its number where nobody knows, nothing where there is none.
fn name(known: Option<&String>, id: i64) -> String {
    match known {
        Some(name) => name.clone(),
        None if id == 0 => String::new(),
        None => format!("#{id}"),
    }
}

fn keys(data: &Gathered) -> Vec<KeyRow> {
    let before: BTreeMap<i64, Totals> = data.before.by(Dimension::ApiKey).into_iter().collect();
    let mut models: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    let mut tokens: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for (ids, totals) in data.now.cells().iter().filter(|(ids, _)| ids[1] != 0) {
        *tokens.entry((ids[0], ids[1])).or_default() += totals.tokens();
    }
    for ((key, model), sum) in tokens {
        models.entry(key).or_default().push((sum, model));
    }
    let mut hours: BTreeMap<i64, [i64; 24]> = BTreeMap::new();
    for hour in &data.hours {
        let of_key = hours.entry(hour.api_key_id).or_default();
        let at = usize::try_from(hour.hour % 24).unwrap_or(0);
        of_key[at] += hour.requests;
    }
    let used = data.now.by(Dimension::ApiKey).into_iter();
    used.filter(|(_, totals)| totals.requests() > 0)
        .map(|(id, totals)| {
            let daily: Vec<i64> = data
                .days
                .iter()
                .map(|day| day.keys.get(&id).map_or(0, |of_key| of_key.requests))
                .collect();
            let mut most = models.remove(&id).unwrap_or_default();
            most.sort_by_key(|(sum, model)| (-sum, *model));
            KeyRow {
                user: data
                    .keys
                    .get(&id)
                    .map_or_else(String::new, |key| key.user.clone()),
                models: most
                    .into_iter()
                    .map(|(_, model)| (model, name(data.models.get(&model), model)))
                    .collect(),
                days: daily.iter().filter(|requests| **requests > 0).count(),
                daily,
                hours: hours.get(&id).copied().unwrap_or_default(),
                row: Row {
                    id,
                    name: name(data.keys.get(&id).map(|key| &key.name), id),
                    before: before.get(&id).cloned().unwrap_or_default(),
                    p95_ms: data.times.of_key(Measure::Latency, id).percentile(950),
                    ttft_p95_ms: data.times.of_key(Measure::Ttft, id).percentile(950),
                    totals,
                },
            }
        })
        .collect()
}

/// Keys that could be used and were not, where the report is about everybody.
fn idle(data: &Gathered) -> Vec<String> {
    if data.params.scope != super::Scope::Everyone || data.left_out > 0 {
        return Vec::new();
    }
    let used: std::collections::BTreeSet<i64> =
        data.now.cells().iter().map(|(ids, _)| ids[0]).collect();
    let idle = data.keys.values();
    idle.filter(|key| key.usable && !used.contains(&key.id.0))
        .map(|key| key.name.clone())
        .collect()
}

fn single_days(data: &Gathered) -> Vec<Period> {
    let days = data.days.iter();
    days.map(|day| Period {
        from_ms: day.from_ms,
        totals: day.totals.clone(),
    })
    .collect()
}

fn periods(data: &Gathered) -> (Vec<Period>, bool) {
    let days = single_days(data);
    if days.len() <= SINGLE_DAYS {
        return (days, false);
    }
    let zone = data.window.zone;
    let mut weeks: Vec<Period> = Vec::new();
    for (at, day) in days.into_iter().enumerate() {
        // A week begins where the day before was a Sunday, seen at noon to be far from moved clocks.
        let noon = day.from_ms + (next_day_of(day.from_ms, zone) - day.from_ms) / 2;
        let local = chrono::DateTime::from_timestamp_millis(noon).unwrap_or_default();
        let weekday = chrono::Datelike::weekday(&local.with_timezone(&zone));
        match weeks.last_mut() {
            Some(week) if at > 0 && weekday != chrono::Weekday::Mon => week.totals.add(&day.totals),
            _ => weeks.push(day),
        }
    }
    (weeks, true)
}
