//! The lists below the figures, and the sentences when something is wrong.

use std::collections::BTreeMap;

use modelgate_domain::{Busyness, CredentialState, Status};
use modelgate_store::request_logs::LogRow;
use modelgate_store::usage::{Dimension, Totals};

use super::live::{Busy, LATELY_MINUTES, Live};
use crate::catalog::Note;
use crate::i18n::{ToArg, format};
use crate::journal::{JournalStats, WhenFull};
use crate::web::admin::components::status::status_kind;
use crate::web::figures::{Drill, Figures, money_of};
use crate::web::shell::{Moment, Shell};
use crate::web::svg;

/// How many rows that were left out are named.
const NAMED: usize = 5;
/// From how many requests on a rate of errors says something.
const ENOUGH: i64 = 20;
/// Rows of a panel.
const TOP: usize = 5;
const ACTIVE: usize = 6;
const SLOW: usize = 6;
/// Models that are named beside a row.
const CHIPS: usize = 3;
/// A record should be in the database within a second.
const LATE_MS: i64 = 10_000;

/// One thing that is wrong, with a way to what is affected.
pub(super) struct Notice {
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) href: String,
    pub(super) link: String,
}

/// A slow call.
pub(super) struct SlowRow {
    pub(super) href: String,
    pub(super) model: String,
    pub(super) about: String,
    pub(super) at: Moment,
    pub(super) duration: String,
    /// How long a running call has run, milliseconds; the page counts on from there.
    pub(super) waited: Option<i64>,
    pub(super) status: String,
    pub(super) kind: &'static str,
}

/// Who is there.
pub(super) struct ActiveRow {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) what: String,
    pub(super) is_running: bool,
    pub(super) tokens: String,
    pub(super) models: Vec<String>,
}

/// A row with its share of the largest.
pub(super) struct ShareRow {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) figures: String,
    pub(super) width: String,
    /// A dot and a few words; the dot's kind is empty for none.
    pub(super) dot: &'static str,
    pub(super) note: String,
    /// The models it is made of.
    pub(super) models: String,
}

/// Rows that the configuration in force does without, and why.
pub(super) fn left_out(page: &Shell, notes: &[Note]) -> Option<Notice> {
    let told = notes.iter().take(NAMED).map(|note| {
        let parts: [(&str, &dyn ToArg); 2] = [("object", &note.object), ("problem", &note.problem)];
        page.t_with("admin-home-notice-note", &parts)
    });
    let told: Vec<String> = told.collect();
    let count = i64::try_from(notes.len()).unwrap_or(i64::MAX);
    (!told.is_empty()).then(|| Notice {
        kind: "warning",
        text: format!(
            "{} {}",
            page.counted("admin-home-notice-left-out", count),
            told.join(" ")
        ),
        href: String::new(),
        link: String::new(),
    })
}

/// How far back the sentences about trouble look, in minutes.
const RECENT: usize = 30;

pub(super) fn notices(
    page: &Shell,
    live: &Live,
    busy: &Busy,
    journal: &JournalStats,
) -> Vec<Notice> {
    let recent = live.last_minutes(RECENT);
    let mut found = journal_notices(page, journal);
    found.extend(busyness(page, live, busy));
    let drill = Drill::of_minutes(page, i64::try_from(RECENT).unwrap_or(i64::MAX));
    let affected = |status: &str| drill.to(&format!("status={status}"));
    let (wrong, of) = recent.error_rate();
    if of >= ENOUGH && wrong.saturating_mul(20) >= of {
        found.push(Notice {
            kind: "danger",
            text: page.t1(
                "admin-home-notice-errors",
                "rate",
                format::percent(wrong, of),
            ),
            href: affected("wrong"),
            link: page.t("admin-home-notice-affected"),
        });
    }
    let refused = recent.rate_limited;
    if refused >= ENOUGH && refused.saturating_mul(20) >= recent.requests() {
        let rate = format::percent(refused, recent.requests());
        found.push(Notice {
            kind: "warning",
            text: page.t1("admin-home-notice-limited", "rate", rate),
            href: affected("rate_limited"),
            link: page.t("admin-home-notice-affected"),
        });
    }
    found.extend(without_credentials(page, live));
    found
}

fn journal_notices(page: &Shell, journal: &JournalStats) -> Vec<Notice> {
    let mut found = Vec::new();
    if let Some(full) = journal.full {
        let key = match full {
            WhenFull::Stop => "admin-home-notice-stopped",
            WhenFull::ServeWithoutRecord => "admin-home-notice-unrecorded",
        };
        found.push(Notice {
            kind: "danger",
            text: page.t(key),
            href: String::new(),
            link: String::new(),
        });
    }
    let late = journal
        .oldest_ms
        .is_some_and(|oldest| page.now_ms.saturating_sub(oldest) > LATE_MS);
    if journal.last_error.is_some() || late {
        let waiting = i64::try_from(journal.lag_records).unwrap_or(i64::MAX);
        found.push(Notice {
            kind: "danger",
            text: page.counted("admin-home-notice-journal", waiting),
            href: String::new(),
            link: String::new(),
        });
    }
    found
}

/// Says so when it is busy.
fn busyness(page: &Shell, live: &Live, busy: &Busy) -> Option<Notice> {
    if busy.level.is_at_most(Busyness::Normal) {
        return None;
    }
    let lately = live.lately.totals();
    let count = i64::try_from(live.lately.by(Dimension::ApiKey).len()).unwrap_or(i64::MAX);
    let (level, keys, refused) = (
        page.t_code("admin-busyness-level-", busy.level.as_str()),
        format::integer(count),
        format::percent(lately.rate_limited, lately.requests()),
    );
    let parts: [(&str, &dyn ToArg); 4] = [
        ("level", &level),
        ("keys", &keys),
        ("refused", &refused),
        ("count", &count),
    ];
    Some(Notice {
        kind: "warning",
        text: page.t_with("admin-home-notice-busy", &parts),
        href: page.url("/admin/config/busyness"),
        link: page.t("admin-home-notice-rules"),
    })
}

/// Providers of which no credential can be used.
fn without_credentials(page: &Shell, live: &Live) -> Option<Notice> {
    let counts = credentials(live);
    let names: Vec<&str> = counts
        .iter()
        .filter(|(_, (usable, all))| *usable == 0 && *all > 0)
        .filter_map(|(id, _)| live.names.providers.get(id).map(String::as_str))
        .collect();
    (!names.is_empty()).then(|| Notice {
        kind: "warning",
        text: page.t1("admin-home-notice-credentials", "names", names.join(", ")),
        href: page.url("/admin/config/providers"),
        link: page.t("admin-home-notice-providers"),
    })
}

/// Usable and all credentials by provider.
fn credentials(live: &Live) -> BTreeMap<i64, (i64, i64)> {
    let mut counts: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for (provider, state) in &live.credentials {
        let (usable, all) = counts.entry(provider.0).or_default();
        *usable += i64::from(*state == CredentialState::Active);
        *all += 1;
    }
    counts
}

/// What waits or was long in coming: running calls first, longest first, then the ended ones.
pub(super) fn slow(page: &Shell, live: &Live) -> Vec<SlowRow> {
    let waited = |row: &LogRow| page.now_ms.saturating_sub(row.record.started_ms).max(0);
    let running = live
        .running
        .iter()
        .filter(|row| waited(row) >= live.slow_ms)
        .take(SLOW);
    let room = SLOW.saturating_sub(running.clone().count()).max(3);
    running
        .map(|row| (row, Some(waited(row))))
        .chain(live.slow.iter().take(room).map(|row| (row, None)))
        .map(|(row, waited)| slow_row(page, live, row, waited))
        .collect()
}

fn slow_row(page: &Shell, live: &Live, row: &LogRow, waited: Option<i64>) -> SlowRow {
    let record = &row.record;
    let name = |names: &BTreeMap<i64, String>, id: i64| names.get(&id).cloned();
    let key = name(&live.names.keys, record.api_key_id.0);
    let provider = name(&live.names.providers, record.provider_id.0);
    let input = record.usage.prompt + record.usage.cached + record.usage.cache_write;
    let input = (input > 0).then(|| {
        let tokens = format::compact(page.lang, input);
        page.t1("admin-home-slow-input", "tokens", tokens)
    });
    let about: Vec<String> = provider.into_iter().chain(key).chain(input).collect();
    SlowRow {
        href: page.url(&format!("/admin/logs/{}", record.id)),
        model: name(&live.names.models, record.model_id.0)
            .unwrap_or_else(|| record.requested_model.clone()),
        about: about.join(" · "),
        at: page.moment(record.started_ms.max(record.id.epoch_ms())),
        duration: match waited {
            Some(ms) => format!("{}:{:02}", ms / 60_000, ms / 1_000 % 60),
            None => page.duration(&record.latency_ms.unwrap_or(0)),
        },
        waited,
        status: page.t_code("status-", record.status.as_str()),
        kind: match record.status {
            Status::Success => "muted",
            status => status_kind(status),
        },
    }
}

/// Who has called within ten minutes or has a call running.
pub(super) fn active(page: &Shell, live: &Live, busy: &Busy) -> Vec<ActiveRow> {
    let called = live.lately.by(Dimension::ApiKey);
    let lately = Drill::of_minutes(page, LATELY_MINUTES);
    let mut keys: BTreeMap<i64, (i64, Totals)> = BTreeMap::new();
    for (id, totals) in called {
        keys.entry(id).or_default().1 = totals;
    }
    for (id, running) in &busy.by_key {
        keys.entry(*id).or_default().0 = *running;
    }
    let mut keys: Vec<_> = keys.into_iter().filter(|(id, _)| *id != 0).collect();
    keys.sort_by_key(|(id, (running, totals))| (-running, -totals.requests(), *id));
    keys.into_iter()
        .take(ACTIVE)
        .map(|(id, (running, totals))| ActiveRow {
            href: if running > 0 {
                page.url(&format!("/admin/logs?status=pending&key={id}"))
            } else {
                lately.to(&format!("status=ended&key={id}"))
            },
            name: named(&live.names.keys, id),
            what: if running > 0 {
                page.counted("admin-home-key-running", running)
            } else {
                page.counted("admin-home-key-calls", totals.requests())
            },
            is_running: running > 0,
            tokens: page.t_with(
                "admin-home-key-tokens",
                &[
                    ("tokens", &format::compact(page.lang, totals.tokens())),
                    ("count", &totals.tokens()),
                ],
            ),
            models: models_of(live, id),
        })
        .collect()
}

/// The models of a key's running calls, and those it has called lately.
fn models_of(live: &Live, key: i64) -> Vec<String> {
    let mut running: BTreeMap<i64, i64> = BTreeMap::new();
    for row in live
        .running
        .iter()
        .filter(|row| row.record.api_key_id.0 == key)
    {
        *running.entry(row.record.model_id.0).or_default() += 1;
    }
    running.remove(&0);
    let names = &live.names.models;
    if !running.is_empty() {
        let chip = |(id, count): (&i64, &i64)| format!("{} ×{count}", named(names, *id));
        return running.iter().map(chip).take(CHIPS).collect();
    }
    let lately = live.lately.within(Dimension::ApiKey, key, Dimension::Model);
    let lately = lately.iter().filter(|(id, _)| *id != 0);
    lately
        .map(|(id, _)| named(names, *id))
        .take(CHIPS)
        .collect()
}

pub(super) fn providers(page: &Shell, figures: &Figures, live: &Live) -> Vec<ShareRow> {
    let counts = credentials(live);
    let note = |id: i64, totals: &Totals| {
        let (usable, all) = counts.get(&id).copied().unwrap_or((0, 0));
        let dot = match (usable, all) {
            (0, _) => "danger",
            (usable, all) if usable < all => "warning",
            _ => "success",
        };
        let mean = totals.latency_mean_ms().unwrap_or(0);
        let (usable, all, mean) = (
            format::integer(usable),
            format::integer(all),
            page.duration(&mean),
        );
        let parts: [(&str, &dyn ToArg); 3] = [("usable", &usable), ("all", &all), ("mean", &mean)];
        (dot, page.t_with("admin-home-provider-note", &parts))
    };
    rows(page, figures, live, (Dimension::Provider, "provider"), note)
}

pub(super) fn keys(page: &Shell, figures: &Figures, live: &Live) -> Vec<ShareRow> {
    let note = |_id: i64, totals: &Totals| ("", money_of(totals));
    rows(page, figures, live, (Dimension::ApiKey, "key"), note)
}

fn rows(
    page: &Shell,
    figures: &Figures,
    live: &Live,
    (dimension, filter): (Dimension, &str),
    note: impl Fn(i64, &Totals) -> (&'static str, String),
) -> Vec<ShareRow> {
    let drill = Drill::new(page, &figures.window);
    let names = match dimension {
        Dimension::ApiKey => &live.names.keys,
        _ => &live.names.providers,
    };
    let top = figures.by(dimension);
    let most = top.iter().map(|(_, t)| t.requests()).max().unwrap_or(0);
    top.iter()
        .take(TOP)
        .map(|(id, totals)| {
            let (dot, note) = note(*id, totals);
            let (requests, tokens) = (
                format::compact(page.lang, totals.requests()),
                format::compact(page.lang, totals.tokens()),
            );
            let parts: [(&str, &dyn ToArg); 2] = [("requests", &requests), ("tokens", &tokens)];
            ShareRow {
                href: drill.to(&format!("status=ended&{filter}={id}")),
                name: named(names, *id),
                figures: page.t_with("admin-home-share", &parts),
                width: svg::share(totals.requests(), most),
                dot,
                note,
                models: breakdown(figures, live, dimension, *id),
            }
        })
        .collect()
}

/// `gpt-x 66 % · embed 34 %`, by tokens.
fn breakdown(figures: &Figures, live: &Live, dimension: Dimension, id: i64) -> String {
    let parts = figures.cube.within(dimension, id, Dimension::Model);
    let all: i64 = parts.iter().map(|(_, totals)| totals.tokens()).sum();
    let parts = parts
        .iter()
        .filter(|(model, totals)| *model != 0 && totals.tokens() > 0);
    let told: Vec<String> = parts
        .take(CHIPS)
        .map(|(model, totals)| {
            let share = format::percent_whole(totals.tokens(), all);
            format!("{} {share}", named(&live.names.models, *model))
        })
        .collect();
    told.join(" · ")
}

fn named(names: &BTreeMap<i64, String>, id: i64) -> String {
    names.get(&id).cloned().unwrap_or_else(|| format!("#{id}"))
}
