//! How large the database, the journal and the backups are, how fast they grow, and how long the disk lasts.

use std::sync::Arc;

use actix_web::web;
use askama::Template;
use modelgate_store::StoreError;
use modelgate_store::storage::{self, DATABASE, SizeOfDay};

use crate::backup::{self, Kept};
use crate::config::Config;
use crate::disk;
use crate::i18n::format;
use crate::web::figures::{Card, card};
use crate::web::page::{Look, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

const DAY_MS: i64 = 86_400_000;
/// Growth is that of so many days.
const LOOKED_BACK: i64 = 30;
/// Between two sizes that say anything about growth.
const LEAST_DAYS: i64 = 2;
/// A disk that is full sooner is worth a warning.
const SOON: i64 = 60;

#[derive(Template)]
#[template(path = "admin/storage.html")]
struct StorageView<'a> {
    page: &'a Shell,
    cards: Vec<Card>,
    warning: String,
    rows: Vec<Row>,
    settings: String,
}

struct Row {
    name: String,
    size: String,
    width: i64,
    growth: String,
    in_a_year: String,
}

/// What is known without looking at every page of the database.
struct Known {
    total: i64,
    past: Vec<SizeOfDay>,
    /// Free where the database lies; `None` where it lies elsewhere.
    free: Option<i64>,
    journal: (i64, i64),
    /// `None` where none are made.
    backups: Option<Vec<Kept>>,
}

/// How fast something grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Growth {
    bytes_a_day: i64,
    /// Over how many days it was looked at.
    days: i64,
}

/// `GET /admin/storage`
pub(in crate::web) async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let from_ms = page.now_ms - LOOKED_BACK * DAY_MS;
    let read = state.db.read(move |c| {
        Box::pin(async move {
            let total = storage::total(c).await?;
            Ok::<_, StoreError>((total, storage::since(c, from_ms).await?))
        })
    });
    let (total, past) = read.await?;
    let config = Arc::clone(&state.config);
    let (free, backups) = web::block(move || on_disk(&config))
        .await
        .unwrap_or_default();
    let journal = state.journal.stats();
    let known = Known {
        total,
        past,
        free,
        journal: (whole(journal.bytes), whole(journal.max_bytes)),
        backups,
    };
    page.show(&view(&page, &known))
}

/// What free room there is for the database, and which backups there are.
fn on_disk(config: &Config) -> (Option<i64>, Option<Vec<Kept>>) {
    let free = config.database_dir().and_then(disk::free).map(whole);
    let backups = config.backup_dir.as_deref();
    // Before the first night there is no directory.
    (
        free,
        backups.map(|dir| backup::kept(dir).unwrap_or_default()),
    )
}

fn whole(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn view<'a>(page: &'a Shell, known: &Known) -> StorageView<'a> {
    let growth = growth_of(&known.past, DATABASE);
    let full = growth.and_then(|growth| days_left(known.free?, growth));
    StorageView {
        cards: cards(page, known, growth, full),
        warning: full
            .filter(|days| *days < SOON)
            .map_or_else(String::new, |days| {
                page.t1("admin-storage-soon", "days", days)
            }),
        rows: rows(&known.past),
        settings: page.url("/admin/system-config"),
        page,
    }
}

fn cards(page: &Shell, known: &Known, growth: Option<Growth>, full: Option<i64>) -> Vec<Card> {
    let words = |label: &str, value: String, more: String| Card {
        value,
        more,
        is_words: true,
        ..card(page, label, "gray", &[])
    };
    let engine = if known.free.is_some() {
        "SQLite"
    } else {
        "PostgreSQL"
    };
    let mut cards = vec![
        words(
            "admin-storage-database",
            format::bytes(known.total),
            engine.to_owned(),
        ),
        growth.map_or_else(
            || {
                let later = page.t1("admin-storage-later", "days", LEAST_DAYS);
                words("admin-storage-growth", "—".to_owned(), later)
            },
            |growth| {
                let value = page.t1("admin-storage-a-day", "size", signed(growth.bytes_a_day));
                let over = page.t1("admin-storage-over", "days", growth.days);
                words("admin-storage-growth", value, over)
            },
        ),
    ];
    if let Some(free) = known.free {
        let lasts = match (full, growth) {
            (Some(days), _) => page.t1("admin-storage-full", "days", days),
            (None, Some(_)) => page.t("admin-storage-never"),
            (None, None) => page.t("admin-storage-unknown"),
        };
        cards.push(words("admin-storage-free", format::bytes(free), lasts));
    }
    let (bytes, most) = known.journal;
    let of = page.t1("admin-storage-at-most", "size", format::bytes(most));
    cards.push(words("admin-storage-journal", format::bytes(bytes), of));
    cards.push(match &known.backups {
        None => words(
            "admin-storage-backups",
            "—".to_owned(),
            page.t("admin-storage-no-backups"),
        ),
        Some(kept) => {
            let bytes = kept.iter().map(|one| whole(one.bytes)).sum();
            let more = kept.first().map_or_else(
                || page.t("admin-storage-no-backup-yet"),
                |newest| {
                    let count = i64::try_from(kept.len()).unwrap_or(i64::MAX);
                    let files = page.t1("admin-storage-files", "count", count);
                    format!("{files} · {}", page.moment(newest.made_ms).ago)
                },
            );
            words("admin-storage-backups", format::bytes(bytes), more)
        }
    });
    cards
}

/// The tables of the newest day, the largest first.
fn rows(past: &[SizeOfDay]) -> Vec<Row> {
    let Some(newest) = past.last().map(|size| size.day_ms) else {
        return Vec::new();
    };
    let mut tables: Vec<_> = past
        .iter()
        .filter(|size| size.day_ms == newest && size.name != DATABASE)
        .collect();
    tables.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let largest = tables.first().map_or(1, |size| size.bytes.max(1));
    let row = |size: &&SizeOfDay| {
        let growth = growth_of(past, &size.name);
        let shown = |what: &dyn Fn(Growth) -> String| growth.map_or_else(|| "—".to_owned(), what);
        Row {
            name: size.name.clone(),
            size: format::bytes(size.bytes),
            width: size.bytes.saturating_mul(100) / largest,
            growth: shown(&|growth| signed(growth.bytes_a_day)),
            in_a_year: shown(&|growth| {
                let more = growth.bytes_a_day.saturating_mul(365);
                format::bytes(size.bytes.saturating_add(more).max(0))
            }),
        }
    };
    tables.iter().map(row).collect()
}

/// From the first size that is known of something to its last; `None` where they are too close to each other.
fn growth_of(past: &[SizeOfDay], name: &str) -> Option<Growth> {
    let mut own = past.iter().filter(|size| size.name == name);
    let first = own.next()?;
    let last = own.next_back()?;
    let days = (last.day_ms - first.day_ms) / DAY_MS;
    (days >= LEAST_DAYS).then(|| Growth {
        bytes_a_day: (last.bytes - first.bytes) / days,
        days,
    })
}

/// After how many days nothing is free; `None` where nothing grows.
fn days_left(free: i64, growth: Growth) -> Option<i64> {
    (growth.bytes_a_day > 0).then(|| free / growth.bytes_a_day)
}

fn signed(bytes: i64) -> String {
    match bytes {
        0 => format::bytes(0),
        1.. => format!("+{}", format::bytes(bytes)),
        _ => format!("−{}", format::bytes(bytes.saturating_abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    fn of(name: &str, day: i64, bytes: i64) -> SizeOfDay {
        SizeOfDay {
            day_ms: day * DAY_MS,
            name: name.to_owned(),
            bytes,
        }
    }

    fn known(past: Vec<SizeOfDay>) -> Known {
        Known {
            total: 500 << 20,
            past,
            free: Some(410 << 20),
            journal: (0, 1 << 30),
            backups: None,
        }
    }

    #[test]
    fn the_disk_lasts_as_long_as_the_growth_lets_it() {
        let past = [
            of(DATABASE, 10, 100 << 20),
            of("request_logs", 10, 90 << 20),
            of(DATABASE, 20, 200 << 20),
            of("request_logs", 20, 90 << 20),
        ];
        let growth = growth_of(&past, DATABASE).unwrap();
        assert_eq!((growth.bytes_a_day, growth.days), (10 << 20, 10));
        assert_eq!(days_left(410 << 20, growth), Some(41));
        let still = growth_of(&past, "request_logs").unwrap();
        assert_eq!(days_left(1, still), None);
        assert_eq!(growth_of(&past, "unknown"), None);
        assert_eq!(growth_of(&past[..3], "request_logs"), None);
        let close = [of(DATABASE, 10, 1), of(DATABASE, 11, 2)];
        assert_eq!(growth_of(&close, DATABASE), None);
    }

    #[test]
    fn renders_in_every_language() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let new = view(&page, &known(Vec::new())).render().unwrap();
            assert!(new.contains(&page.t("admin-storage-title")));
            assert!(new.contains(&page.t("admin-storage-empty-title")));
            let past = vec![
                of(DATABASE, 10, 100 << 20),
                of("request_logs", 10, 80 << 20),
                of(DATABASE, 20, 200 << 20),
                of("request_logs", 20, 90 << 20),
                of("users", 20, 4_096),
            ];
            let html = view(&page, &known(past)).render().unwrap();
            assert!(html.contains(&page.t1("admin-storage-soon", "days", 41)));
            assert!(html.contains("request_logs") && html.contains("+1.0 MiB"));
            let places = [html.find("request_logs"), html.find("users<")];
            assert!(places.is_sorted() && places.iter().all(Option::is_some));
        }
    }
}
