//! What a job works with, and how it tells what it does.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono_tz::Tz;
use modelgate_domain::JobStep;
use modelgate_store::Db;
use modelgate_store::jobs::{Progress, Step};
use tokio::sync::watch;

use crate::assistant::Assistant;
use crate::clock::Clock;
use crate::config::LiveSettings;
use crate::notices::Teller;

/// So many steps are kept of a run.
const STEPS: usize = 200;

/// Why a run is to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is not.
    #[default]
    No,
    /// Somebody wants it to.
    Cancelled,
    /// The process ends, or the lease is lost.
    Interrupted,
}

/// What a job works with.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) db: Db,
    pub(super) clock: Clock,
    /// The business time zone.
    pub(super) zone: Tz,
    pub(super) settings: LiveSettings,
    /// Asks models; absent where no gateway listens.
    pub(super) assistant: Option<Arc<Assistant>>,
    /// Where backups go; absent where none are made.
    pub(super) backup_dir: Option<PathBuf>,
    pub(super) told: Told,
    /// Who is to hear of what is done.
    pub(super) teller: Teller,
    pub(super) stop: watch::Receiver<Stop>,
}

impl Context {
    /// Whether to stop before the next piece.
    pub(super) fn stopped(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// Tells what was done; nothing was where `count` is 0.
    pub(super) fn tell(&self, what: JobStep, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.told.add(self.clock.now_ms(), what, count);
    }
}

/// What a run has told so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<(Progress, bool)>>);

impl Told {
    pub(super) fn add(&self, at_ms: i64, what: JobStep, count: i64) {
        if count == 0 {
            return;
        }
        let mut told = self.lock();
        let (progress, changed) = &mut *told;
        *changed = true;
        let sum = progress.counts.entry(what.to_string()).or_default();
        *sum = sum.saturating_add(count);
        if progress.log.len() == STEPS {
            progress.log.remove(0);
        }
        progress.log.push(Step {
            at_ms,
            what: what.to_string(),
            count,
        });
    }

    /// All of it.
    pub(super) fn all(&self) -> Progress {
        self.lock().0.clone()
    }

    /// Whether there is more than when this was last asked.
    pub(super) fn changed(&self) -> bool {
        std::mem::take(&mut self.lock().1)
    }

    fn lock(&self) -> MutexGuard<'_, (Progress, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
