//! The database, the key it was sealed with, the clocks of its instances, and what still has to reach it.

use std::path::Path;

use modelgate_store::{Db, StoreError, drain, instances};

use super::super::{CliError, Session};
use super::Check;
use crate::config::redact_database_url;
use crate::secrets::{Keyring, unlock_known};

type Opened = Option<(Db, Option<Keyring>)>;

/// Reachable, migrated, not newer, and sealed with the key at hand.
pub(super) async fn open(session: &Session) -> (Vec<Check>, Opened) {
    let url = redact_database_url(session.config.database_url.expose());
    if !session.has_database() {
        let found = format!("{url} does not exist yet");
        let advice = "start the gateway, or run `modelgate migrate`";
        return (vec![Check::warning("database", found, advice)], None);
    }
    let db = match session.open().await {
        Ok(db) => db,
        Err(error) => {
            let advice =
                "check DATABASE_URL, that the server runs, and that this machine may reach it";
            let check = Check::wrong("database", format!("{url}: {error}"), advice);
            return (vec![check], None);
        }
    };
    let reached = Check::ok("database", format!("{} at {url} answers", db.engine()));
    let pending = match db.migrations().await {
        Ok(list) => list.iter().filter(|m| !m.applied).count(),
        Err(error) => {
            let advice = match error {
                StoreError::NewerSchema { .. } => {
                    "run the newer modelgate, or restore a backup from before it"
                }
                _ => "look at the database's own log",
            };
            return (
                vec![reached, Check::wrong("schema", error.to_string(), advice)],
                None,
            );
        }
    };
    if pending > 0 {
        let found = format!("{pending} migrations are pending");
        let schema = Check::wrong(
            "schema",
            found,
            "run `modelgate migrate`, or start the gateway",
        );
        return (vec![reached, schema], None);
    }
    let schema = Check::ok("schema", "is the one of this version");
    let (key, keyring) = key(session, &db).await;
    (vec![reached, schema, key], Some((db, keyring)))
}

async fn key(session: &Session, db: &Db) -> (Check, Option<Keyring>) {
    match unlock_known(&session.config, db).await {
        Ok(Some(keyring)) => {
            let check = Check::ok("secret key", "is the one this database was sealed with");
            (check, Some(keyring))
        }
        Ok(None) => {
            let found = "the database has not been sealed with any key yet";
            (Check::ok("secret key", found), None)
        }
        Err(error) => {
            let advice = "vendor credentials stay closed, and the gateway does not start, until the right key is back";
            (Check::wrong("secret key", error.to_string(), advice), None)
        }
    }
}

const SKEW_MS: i64 = 5_000;
/// 2025-01-01: no clock that is right shows less.
const EARLIEST_MS: i64 = 1_735_689_600_000;

/// This machine's clock against reason, and against the heartbeats of running instances.
pub(super) async fn clock(session: &Session, db: &Db) -> Check {
    let now = session.clock.now_ms();
    let advice = "synchronise the clock (NTP): ids, time rules and charts depend on it";
    let shown = session
        .clock
        .now()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    if now < EARLIEST_MS {
        return Check::wrong("clock", format!("it shows {shown}"), advice);
    }
    let living = db
        .read(move |c| Box::pin(async move { instances::living(c, now).await }))
        .await;
    let living = match living {
        Ok(living) => living,
        Err(error) => {
            return Check::wrong("clock", error.to_string(), "look at the database's own log");
        }
    };
    let ahead = living
        .iter()
        .map(|i| i.heartbeat_ms.saturating_sub(now))
        .max();
    match ahead {
        Some(ahead) if ahead > SKEW_MS => {
            let found = format!("it shows {shown}, and an instance is {ahead} ms ahead of it");
            Check::wrong("clock", found, advice)
        }
        _ => {
            let count = living.len();
            Check::ok(
                "clock",
                format!("it shows {shown}; {count} instances are running"),
            )
        }
    }
}

/// Bytes of records that are on this machine's disk and not in the database yet.
pub(super) async fn journal(session: &Session, db: &Db) -> Check {
    let dir = session.config.data_dir.join("journal");
    let lag = match lag(&dir, db).await {
        Ok(lag) => lag,
        Err(error) => {
            return Check::wrong(
                "journal",
                error.to_string(),
                "check the permissions of DATA_DIR",
            );
        }
    };
    let found = format!(
        "{} KiB in {} journals wait for the database",
        lag.bytes.div_ceil(1024),
        lag.journals
    );
    let bound = session.config.journal_max_bytes;
    let advice = "a running gateway moves them within a second: start one with this DATA_DIR, or look at its log";
    if lag.bytes > bound / 2 {
        Check::wrong("journal", found, advice)
    } else if lag.idle_bytes > 0 {
        Check::warning("journal", found, advice)
    } else {
        Check::ok("journal", found)
    }
}

#[derive(Default)]
struct Lag {
    journals: usize,
    bytes: u64,
    /// Of these, in files that nobody has touched for a while.
    idle_bytes: u64,
}

const IDLE_SECONDS: u64 = 10;
/// A segment's header: a file that holds no more has no record.
const HEADER: u64 = 16;

async fn lag(dir: &Path, db: &Db) -> Result<Lag, CliError> {
    let mut lag = Lag::default();
    let Ok(journals) = std::fs::read_dir(dir) else {
        return Ok(lag);
    };
    for journal in journals {
        let journal = journal?;
        let instance = journal.file_name().to_string_lossy().into_owned();
        if !journal.file_type()?.is_dir() {
            continue;
        }
        let segments = segments(&journal.path())?;
        let positions = db
            .read(move |c| Box::pin(async move { drain::positions(c, &instance).await }))
            .await?;
        lag.journals += usize::from(!segments.is_empty());
        for segment in segments {
            let done = positions
                .iter()
                .find(|(number, _)| *number == segment.number);
            let done = done.map_or(HEADER, |(_, offset)| (*offset).max(HEADER));
            let waiting = segment.bytes.saturating_sub(done);
            lag.bytes += waiting;
            if segment.idle {
                lag.idle_bytes += waiting;
            }
        }
    }
    Ok(lag)
}

struct SegmentFile {
    number: u64,
    bytes: u64,
    idle: bool,
}

fn segments(dir: &Path) -> Result<Vec<SegmentFile>, CliError> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        let name = file.file_name();
        let number = name
            .to_str()
            .and_then(|n| n.strip_suffix(".seg")?.parse().ok());
        // A drained segment may be deleted between the listing and this look.
        let (Some(number), Ok(metadata)) = (number, file.metadata()) else {
            continue;
        };
        let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
        found.push(SegmentFile {
            number,
            bytes: metadata.len(),
            idle: age.is_some_and(|age| age.as_secs() > IDLE_SECONDS),
        });
    }
    Ok(found)
}
