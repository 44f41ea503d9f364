//! The lists below the figures, and the sentences when something is wrong.

use std::collections::BTreeMap;

use modelgate_domain::{CredentialState, Status};
use modelgate_store::usage::Totals;

use super::data::Data;
use crate::admission::LiveCounters;
use crate::catalog::Note;
use crate::i18n::{ToArg, format};
use crate::journal::{JournalStats, WhenFull};
use crate::web::admin::components::status::status_kind;
use crate::web::shell::{Moment, Shell};
use crate::web::svg;

/// How many rows that were left out are named.
const NAMED: usize = 5;
/// From how many requests on a rate of errors says something.
const ENOUGH: i64 = 20;
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
    pub(super) status: String,
    pub(super) kind: &'static str,
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

pub(super) fn notices(page: &Shell, data: &Data, journal: &JournalStats) -> Vec<Notice> {
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
    let (wrong, of) = data.recent.error_rate();
    if of >= ENOUGH && wrong.saturating_mul(20) >= of {
        found.push(Notice {
            kind: "danger",
            text: page.t1(
                "admin-home-notice-errors",
                "rate",
                format::percent(wrong, of),
            ),
            href: page.url("/admin/logs?status=error"),
            link: page.t("admin-home-notice-affected"),
        });
    }
    let refused = data.recent.rate_limited;
    if refused >= ENOUGH && refused.saturating_mul(20) >= data.recent.requests() {
        let rate = format::percent(refused, data.recent.requests());
        found.push(Notice {
            kind: "warning",
            text: page.t1("admin-home-notice-limited", "rate", rate),
            href: page.url("/admin/logs?status=rate_limited"),
            link: page.t("admin-home-notice-affected"),
        });
    }
    found.extend(without_credentials(page, data));
    found
}

/// Providers of which no credential can be used.
fn without_credentials(page: &Shell, data: &Data) -> Option<Notice> {
    let counts = credentials(data);
    let names: Vec<&str> = counts
        .iter()
        .filter(|(_, (usable, all))| *usable == 0 && *all > 0)
        .filter_map(|(id, _)| data.names.providers.get(id).map(String::as_str))
        .collect();
    (!names.is_empty()).then(|| Notice {
        kind: "warning",
        text: page.t1("admin-home-notice-credentials", "names", names.join(", ")),
        href: page.url("/admin/config/providers"),
        link: page.t("admin-home-notice-providers"),
    })
}

/// Usable and all credentials by provider.
fn credentials(data: &Data) -> BTreeMap<i64, (i64, i64)> {
    let mut counts: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for (provider, state) in &data.credentials {
        let (usable, all) = counts.entry(provider.0).or_default();
        *usable += i64::from(*state == CredentialState::Active);
        *all += 1;
    }
    counts
}

pub(super) fn slow(page: &Shell, data: &Data) -> Vec<SlowRow> {
    data.slow
        .iter()
        .map(|row| {
            let record = &row.record;
            let name = |names: &BTreeMap<i64, String>, id: i64| names.get(&id).cloned();
            let key = name(&data.names.keys, record.api_key_id.0);
            let provider = name(&data.names.providers, record.provider_id.0);
            let about: Vec<String> = provider.into_iter().chain(key).collect();
            SlowRow {
                href: page.url(&format!("/admin/logs/{}", record.id)),
                model: name(&data.names.models, record.model_id.0)
                    .unwrap_or_else(|| record.requested_model.clone()),
                about: about.join(" · "),
                at: page.moment(record.started_ms.max(record.id.epoch_ms())),
                duration: page.duration(&record.latency_ms.unwrap_or(0)),
                status: page.t_code("status-", record.status.as_str()),
                kind: match record.status {
                    Status::Success => "muted",
                    status => status_kind(status),
                },
            }
        })
        .collect()
}

pub(super) fn providers(page: &Shell, data: &Data) -> Vec<ShareRow> {
    let counts = credentials(data);
    rows(
        page,
        &data.by_provider,
        &data.names.providers,
        "provider",
        |id, totals| {
            let (usable, all) = counts.get(&id).copied().unwrap_or((0, 0));
            let dot = match (usable, all) {
                (0, _) => "danger",
                (usable, all) if usable < all => "warning",
                _ => "success",
            };
            let mean = totals.latency_mean_ms().unwrap_or(0);
            let note = page.t_with(
                "admin-home-provider-note",
                &[
                    ("usable", &format::integer(usable)),
                    ("all", &format::integer(all)),
                    ("mean", &page.duration(&mean)),
                ],
            );
            (dot, note)
        },
    )
}

pub(super) fn models(page: &Shell, data: &Data) -> Vec<ShareRow> {
    rows(
        page,
        &data.by_model,
        &data.names.models,
        "model",
        |_, totals| {
            let note = totals.ttft_mean_ms().map_or_else(String::new, |ms| {
                page.t1("admin-home-model-note", "ttft", page.duration(&ms))
            });
            ("", note)
        },
    )
}

pub(super) fn keys(page: &Shell, data: &Data, live: &LiveCounters) -> Vec<ShareRow> {
    rows(page, &data.by_key, &data.names.keys, "key", |id, totals| {
        let running = live
            .by_key
            .iter()
            .find(|(key, _)| key.0 == id)
            .map_or(0, |(_, live)| live.active_requests);
        if running > 0 {
            return ("success", page.counted("admin-home-key-running", running));
        }
        let costs: Vec<String> = totals
            .cost_nanos
            .iter()
            .map(|(currency, nanos)| format::money(currency, *nanos))
            .collect();
        ("", costs.join(" · "))
    })
}

/// The rows of one dimension; usage that belongs to none (refused before a choice was made) is left out.
fn rows(
    page: &Shell,
    top: &[(i64, Totals)],
    names: &BTreeMap<i64, String>,
    filter: &str,
    note: impl Fn(i64, &Totals) -> (&'static str, String),
) -> Vec<ShareRow> {
    let most = top.iter().map(|(_, t)| t.requests()).max().unwrap_or(0);
    top.iter()
        .filter(|(id, totals)| *id != 0 && totals.requests() > 0)
        .map(|(id, totals)| {
            let (dot, note) = note(*id, totals);
            ShareRow {
                href: page.url(&format!("/admin/logs?{filter}={id}")),
                name: names.get(id).cloned().unwrap_or_else(|| format!("#{id}")),
                figures: page.t_with(
                    "admin-home-share",
                    &[
                        ("requests", &format::compact(page.lang, totals.requests())),
                        ("tokens", &format::compact(page.lang, totals.tokens())),
                    ],
                ),
                width: svg::share(totals.requests(), most),
                dot,
                note,
            }
        })
        .collect()
}
