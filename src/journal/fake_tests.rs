//! What the journal's tests are built of: a database in memory that fails on demand, and records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use modelgate_domain::{ApiKeyId, FaultOwner, ModelId, RequestId, RequestRecord, Status};
use modelgate_store::drain::{Batch, Entry, Outcome};

use super::drain::SinkError;
use super::*;

/// A database in memory that can be away, refuse a record, or lose the answer to a commit.
#[derive(Clone, Default)]
pub(super) struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    pub(super) rows: BTreeMap<i64, RequestRecord>,
    pub(super) repeats: BTreeMap<i64, i64>,
    pub(super) attempts: usize,
    pub(super) positions: BTreeMap<(String, u64), u64>,
    pub(super) away: bool,
    pub(super) refuses: BTreeSet<i64>,
    pub(super) refuses_all: bool,
    pub(super) lose_answers: u32,
    pub(super) batches: Vec<usize>,
}

impl Fake {
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut lock(&self.0))
    }

    pub(super) fn ids(&self) -> Vec<i64> {
        self.with(|s| s.rows.keys().copied().collect())
    }
}

pub(super) fn ids_of(entry: &Entry) -> i64 {
    match entry {
        Entry::Started(record) | Entry::Ended(record, _) => record.id.0,
        Entry::Again { of, .. } => of.0,
    }
}

impl Sink for Fake {
    async fn positions(&self, instance: &str) -> Result<BTreeMap<u64, u64>, SinkError> {
        self.with(|s| {
            if s.away {
                return Err(SinkError::Away("away".into()));
            }
            let own = s.positions.iter().filter(|((i, _), _)| i == instance);
            Ok(own.map(|((_, segment), at)| (*segment, *at)).collect())
        })
    }

    async fn apply(&self, batch: Batch) -> Result<Outcome, SinkError> {
        self.with(|s| {
            if s.away {
                return Err(SinkError::Away("away".into()));
            }
            let bad = |e: &Entry| s.refuses_all || s.refuses.contains(&ids_of(e));
            if batch.entries.iter().any(bad) {
                return Err(SinkError::Refused("bad record".into()));
            }
            let stands = |p: &modelgate_store::drain::Position| {
                s.positions
                    .get(&(batch.instance.clone(), p.segment))
                    .copied()
            };
            if batch
                .positions
                .iter()
                .any(|p| stands(p).is_some_and(|at| at > p.from))
            {
                let own = s
                    .positions
                    .iter()
                    .filter(|((i, _), _)| *i == batch.instance);
                return Ok(Outcome::Stale(own.map(|((_, n), at)| (*n, *at)).collect()));
            }
            for p in &batch.positions {
                s.positions
                    .insert((batch.instance.clone(), p.segment), p.to);
            }
            s.batches.push(batch.entries.len());
            let mut ended = 0;
            for entry in batch.entries {
                match entry {
                    Entry::Started(record) => {
                        s.rows
                            .entry(record.id.0)
                            .or_insert_with(|| (*record).clone());
                    }
                    Entry::Ended(record, attempts) => {
                        let pending = |r: &RequestRecord| r.status == Status::Pending;
                        if s.rows.get(&record.id.0).is_none_or(pending) {
                            s.rows.insert(record.id.0, (*record).clone());
                            s.attempts += attempts.len();
                            ended += 1;
                        }
                    }
                    Entry::Again { of, count } => *s.repeats.entry(of.0).or_default() += count,
                }
            }
            if s.lose_answers > 0 {
                s.lose_answers -= 1;
                return Err(SinkError::Away("the answer was lost".into()));
            }
            let budgets = Vec::new();
            Ok(Outcome::Applied { ended, budgets })
        })
    }

    async fn held(&self, _: &str, before_ms: i64) -> Result<Vec<RequestId>, SinkError> {
        self.with(|s| {
            let old = |r: &&RequestRecord| r.status == Status::Pending && r.started_ms < before_ms;
            Ok(s.rows.values().filter(old).map(|r| r.id).collect())
        })
    }

    async fn end_lost(&self, lost: Vec<RequestId>, now_ms: i64) -> Result<usize, SinkError> {
        self.with(|s| {
            let rows = s.rows.values_mut();
            let lost = rows.filter(|r| r.status == Status::Pending && lost.contains(&r.id));
            Ok(lost
                .map(|r| (r.status, r.finished_ms) = (Status::Timeout, now_ms))
                .count())
        })
    }

    async fn takes_records(&self) -> Result<(), SinkError> {
        self.with(|s| {
            if s.away || s.refuses_all {
                Err(SinkError::Away("takes no record at all".into()))
            } else {
                Ok(())
            }
        })
    }

    async fn forget(&self, instance: &str, segments: Vec<u64>) -> Result<(), SinkError> {
        self.with(|s| {
            s.positions.retain(|(i, n), _| {
                i != instance || !(segments.is_empty() || segments.contains(n))
            });
            Ok(())
        })
    }
}

pub(super) const START_MS: i64 = 1_800_000_000_000;

pub(super) fn open(dir: &Path, max_bytes: u64, full: WhenFull) -> (Arc<Journal>, Clock) {
    let clock = Clock::fixed(START_MS);
    let journal = Journal::open(&JournalOptions {
        dir: dir.to_owned(),
        max_bytes,
        full,
        clock: clock.clone(),
    });
    (journal.unwrap(), clock)
}

pub(super) fn record(n: i64) -> RequestRecord {
    RequestRecord {
        id: RequestId(n),
        api_key_id: ApiKeyId(1),
        model_id: ModelId(1),
        started_ms: START_MS,
        user_agent: "x".repeat(240),
        ..RequestRecord::default()
    }
}

pub(super) fn ended(n: i64) -> RequestRecord {
    RequestRecord {
        status: Status::Success,
        attempts: 1,
        ..record(n)
    }
}

pub(super) fn refused(n: i64) -> RequestRecord {
    RequestRecord {
        status: Status::RateLimited,
        fault_owner: FaultOwner::Policy,
        error_code: "rate_limited".into(),
        ..record(n)
    }
}

/// A call that the caller got wrong.
pub(super) fn mistake(n: i64) -> RequestRecord {
    RequestRecord {
        status: Status::Error,
        fault_owner: FaultOwner::Caller,
        ..record(n)
    }
}

/// A drain at work; [`Work::finish`] is the end of the process in good order.
pub(super) struct Work {
    pub(super) stop: watch::Sender<bool>,
    pub(super) task: tokio::task::JoinHandle<()>,
}

impl Work {
    #[allow(clippy::disallowed_methods, reason = "the test's own runtime")]
    pub(super) fn start(journal: &Arc<Journal>, sink: &Fake) -> Self {
        let (stop, shutdown) = watch::channel(false);
        let (journal, sink) = (Arc::clone(journal), sink.clone());
        let task =
            tokio::spawn(async move { journal.run(sink, Arc::new(|_drained| {}), shutdown).await });
        Self { stop, task }
    }

    pub(super) async fn finish(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

pub(super) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(super) fn journals(dir: &Path) -> Vec<PathBuf> {
    directory::list(dir).unwrap()
}
