//! What instances tell each other of their use of limits, on plain data. Who carries it is not known here.
//!
//! Each instance posts, for each limit, how much it uses itself; what all use is the sum. Posts are whole figures with
//! a version, never differences: one that is lost or comes twice is put right by the next. A figure ends by itself
//! unless it is posted again, so that an instance that died gives back what it held.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use modelgate_domain::LimitKind;

use super::cell::Cell;

/// How long a post about something that runs counts without being posted again, in milliseconds: a killed instance
/// gives its places back after this.
pub const LEASE_MS: i64 = 5_000;

/// What one instance uses of one limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posting {
    /// The limit, and for a budget its period: the same at every instance.
    pub name: String,
    /// What counts until `ends_in_ms`: requests, tokens, calls, or nano-units that running calls may cost.
    pub leased: i64,
    /// What counts even when the instance is gone: nano-units spent and not in the database yet.
    pub lasting: i64,
    /// Nano-units that the database says are spent, all instances together.
    pub base: i64,
    /// Milliseconds until `leased` counts no more, unless posted again.
    pub ends_in_ms: i64,
    /// Milliseconds until some of `leased` counts no more; 0 where nobody knows.
    pub eases_in_ms: i64,
    /// Of two posts about one limit the higher is the newer.
    pub version: u64,
}

/// What a call asks of one limit, all instances together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What this instance uses without the call; `ends_in_ms` and `eases_in_ms` are with it.
    pub posting: Posting,
    /// What the limit counts.
    pub kind: LimitKind,
    /// How much is allowed.
    pub amount: i64,
    /// Whether it refuses, or only observes.
    pub enforced: bool,
    /// Requests, tokens, calls or nano-units; 0 passes whatever is used.
    pub need: i64,
    /// With how much the call would make do.
    pub least: i64,
}

/// How one limit stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What the other instances use.
    pub others: i64,
    /// What is spent for good.
    pub base: i64,
    /// What the call gets of it; absent where there is no room.
    pub granted: Option<i64>,
    /// Milliseconds until the others use less; 0 where nobody knows.
    pub eases_in_ms: i64,
    /// Milliseconds until the others use nothing.
    pub ends_in_ms: i64,
}

/// The answer to a list of [`Asked`], in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether everything was granted and counted; otherwise nothing was.
    pub granted: bool,
    /// How the limits stand.
    pub limits: Vec<Standing>,
}

/// Which meters are to be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that changed since they were last posted.
    Changed,
    /// Those that hold something, which would end otherwise, or held something.
    Holding,
    /// All of them: nobody knows what the board still has of them.
    All,
}

/// Where instances post.
pub trait Board: Debug + Send + Sync {
    /// Whether it answered when it was last asked.
    fn is_up(&self) -> bool;

    /// Checks a call's limits for all instances together, and counts the call into all of them or none. Absent where
    /// the board did not answer in time: from then on it is not up.
    fn ask(&self, asked: Vec<Asked>) -> BoxFuture<'static, Option<Verdict>>;

    /// Something changed that has to be posted soon.
    fn stir(&self);
}

/// How one process stands to the others.
#[derive(Debug)]
pub(super) struct Sharing {
    board: Option<Arc<dyn Board>>,
    living: AtomicU32,
    version: AtomicU64,
    /// Meters that have to be posted.
    changed: Mutex<Vec<Arc<Cell>>>,
}

impl Sharing {
    pub(super) fn new(board: Option<Arc<dyn Board>>) -> Self {
        Self {
            board,
            living: AtomicU32::new(1),
            version: AtomicU64::new(1),
            changed: Mutex::default(),
        }
    }

    /// The board, where there is one at all.
    pub(super) fn board(&self) -> Option<&Arc<dyn Board>> {
        self.board.as_ref()
    }

    /// How many instances a limit is divided by; absent where the board tells what all of them use.
    pub(super) fn split(&self) -> Option<u32> {
        let told = self.board.as_ref().is_some_and(|board| board.is_up());
        (!told).then(|| self.living())
    }

    /// How many instances live, this one included.
    pub(super) fn living(&self) -> u32 {
        self.living.load(Ordering::Relaxed)
    }

    pub(super) fn set_living(&self, count: u32) {
        self.living.store(count.max(1), Ordering::Relaxed);
    }

    /// The next version: to be taken while the meter is locked.
    pub(super) fn version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that a meter has to be posted.
    pub(super) fn mark(&self, cell: &Arc<Cell>) {
        let Some(board) = &self.board else {
            return;
        };
        if cell.marked.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.push(Arc::clone(cell));
        drop(changed);
        board.stir();
    }

    /// The meters that changed since this was last called.
    pub(super) fn changed(&self) -> Vec<Arc<Cell>> {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = std::mem::take(&mut *changed);
        drop(changed);
        for cell in &cells {
            cell.marked.store(false, Ordering::Release);
        }
        cells
    }
}

/// What one of `living` instances may use of a limit without knowing of the others. Budgets are not divided: what the
/// others have spent comes from the database.
pub(super) fn part(kind: LimitKind, amount: i64, living: u32) -> i64 {
    if kind == LimitKind::Budget || amount <= 0 {
        return amount;
    }
    (amount / i64::from(living.max(1))).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_divided_and_nobody_goes_without() {
        assert_eq!(part(LimitKind::Rpm, 10, 1), 10);
        assert_eq!(part(LimitKind::Rpm, 10, 3), 3);
        assert_eq!(part(LimitKind::Concurrency, 1, 4), 1);
        assert_eq!(part(LimitKind::Tpm, 0, 4), 0, "nothing is nothing");
        assert_eq!(part(LimitKind::Budget, 10, 4), 10);
    }
}
