//! The record of every accepted request on its way to the database.
//!
//! Each serving thread appends to its own segment with one `write(2)` a record; [`Journal::run_drain`] moves the
//! records to the database in batches, brings the files to the disk once a second, and takes over what dead
//! processes left behind. Nothing here waits for the database on behalf of a request.

mod adopt;
mod carrier;
mod database;
mod directory;
mod drain;
mod frame;
mod record;
mod refusals;
mod segment;
mod shared;
mod sync;
mod tail;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use database::Database;
use modelgate_domain::RequestRecord;
use modelgate_domain::period::BudgetSum;
use modelgate_store::Db;
use tokio::sync::watch;

use crate::clock::Clock;
pub use crate::config::JournalFull as WhenFull;
use directory::Directory;
use drain::{Drain, Sink};
use refusals::Refusals;
use shared::Shared;
pub use writer::Writer;

/// What a journal needs to know.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// The directory that holds one directory per journal.
    pub dir: PathBuf,
    /// How many bytes may wait for the database.
    pub max_bytes: u64,
    /// What happens to calls at that bound.
    pub full: WhenFull,
    /// The time.
    pub clock: Clock,
}

/// Where the journal drains to.
pub struct Destination {
    /// The database.
    pub db: Db,
    /// The business time zone, which budgets go by.
    pub zone: chrono_tz::Tz,
    /// Hears of what reached the database.
    pub observer: Observer,
}

/// Called for every batch that reached the database: first its budgets, then its records.
pub type Observer = Arc<dyn Fn(Drained<'_>) + Send + Sync>;

/// What reached the database.
#[derive(Clone, Copy, Debug)]
pub enum Drained<'a> {
    /// What is spent now of the budgets that a batch counts in, other instances' calls included.
    Budgets(&'a [BudgetSum]),
    /// A call of this process that ended.
    Ended(&'a RequestRecord),
}

/// The journal could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the journal directory {path} cannot be used: {source}")]
pub struct JournalError {
    path: PathBuf,
    source: std::io::Error,
}

/// The call must be refused: the journal has no room for its record, or cannot write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is full")]
pub struct JournalFull;

/// How far the database is behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Bytes that wait for the database.
    pub bytes: u64,
    /// The bound on them.
    pub max_bytes: u64,
    /// Records that wait for the database.
    pub lag_records: u64,
    /// A time before which no waiting record was written, epoch milliseconds; `None` where none waits.
    pub oldest_ms: Option<i64>,
    /// Calls that left no record since the start, because the journal had no room.
    pub unrecorded: u64,
    /// Records that were set aside since the start because the database cannot take them.
    pub set_aside: u64,
    /// What happens to calls now that there is no room; `None` while there is.
    pub full: Option<WhenFull>,
    /// What keeps records from the file or from the database just now.
    pub last_error: Option<String>,
}

/// The journal of this process.
#[derive(Debug)]
pub struct Journal {
    directory: Directory,
    shared: Arc<Shared>,
    refusals: Arc<Refusals>,
}

impl Journal {
    /// Makes this process's own directory under `options.dir` and locks it.
    pub fn open(options: &JournalOptions) -> Result<Arc<Self>, JournalError> {
        let failed = |source| JournalError {
            path: options.dir.clone(),
            source,
        };
        let directory = Directory::create(&options.dir).map_err(failed)?;
        let shared = Arc::new(Shared::new(directory.path.clone(), options));
        Ok(Arc::new(Self {
            refusals: Refusals::new(Arc::clone(&shared)),
            directory,
            shared,
        }))
    }

    /// The journal's name: the `instance` in the database.
    pub fn instance(&self) -> &str {
        &self.directory.instance
    }

    /// A writer with a segment of its own; one per serving thread.
    pub fn writer(&self) -> Writer {
        Writer::new(Arc::clone(&self.shared), Arc::clone(&self.refusals))
    }

    /// False while calls are refused because their records would find no room.
    pub fn accepts(&self) -> bool {
        !self.shared.refuses()
    }

    /// Changes what happens at the bound.
    pub fn set_full(&self, full: WhenFull) {
        self.shared.set_full(full);
    }

    /// Moves records to `db` until `shutdown` holds true (or its sender is gone), then once more, and deletes the
    /// journal if nothing is left in it. Takes over what dead processes left beside it. Runs on the database runtime.
    pub async fn run_drain(self: Arc<Self>, to: Destination, shutdown: watch::Receiver<bool>) {
        let Destination { db, zone, observer } = to;
        self.run(Database { db, zone }, observer, shutdown).await;
    }

    async fn run<S: Sink>(&self, sink: S, observer: Observer, shutdown: watch::Receiver<bool>) {
        let parent = self.directory.path.parent().unwrap_or(&self.directory.path);
        let instance = self.directory.instance.clone();
        let parent = parent.to_owned();
        let shared = Arc::clone(&self.shared);
        let drain = Drain::new(shared, sink, parent, instance, observer);
        let (drained, stop_sync) = watch::channel(false);
        tokio::join!(sync::run(&self.shared, stop_sync), async {
            drain.run(shutdown).await;
            drop(drained);
        });
        if let Err(error) = self.directory.remove_if_empty() {
            tracing::warn!(%error, "cannot delete this process's journal directory");
        }
    }

    /// Waits until what dead processes left in this directory is in the database: until then its sums lack their
    /// calls. Never, where the drain does not run or the database is away.
    pub async fn adopted(&self) {
        self.shared.adopted().await;
    }

    /// Waits until every record that was written is in the database.
    pub async fn drained(&self) {
        while self.shared.backlog_records() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How far the database is behind.
    pub fn stats(&self) -> JournalStats {
        self.shared.stats()
    }
}

/// Locks a mutex whose holder cannot leave it half-changed by panicking.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod fake_tests;
#[cfg(test)]
mod tests;
