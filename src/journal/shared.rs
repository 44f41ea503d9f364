//! What the writers and the drain of one process have in common.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use modelgate_domain::RequestId;
use tokio::sync::{Notify, watch};

use super::segment::Segment;
use super::writer::Running;
use super::{JournalOptions, JournalStats, WhenFull, lock};
use crate::clock::Clock;

const LARGEST_SEGMENT: u64 = 16 << 20;
const SMALLEST_SEGMENT: u64 = 64 << 10;

/// Who holds records that a full disk refused.
pub(super) trait Holder: std::fmt::Debug + Send + Sync {
    /// Writes them, if that is possible now.
    fn flush(&self);

    /// Whether it holds any.
    fn holds(&self) -> bool;
}

/// Counters, segments and the bell between writers and drain.
#[derive(Debug)]
pub(super) struct Shared {
    directory: PathBuf,
    pub(super) clock: Clock,
    max_bytes: u64,
    segment_bytes: u64,
    serve_without_record: AtomicBool,
    next_number: AtomicU64,
    segments: Mutex<BTreeMap<u64, Arc<Segment>>>,
    /// Bytes and records written and not in the database yet, dead processes' journals included.
    backlog_bytes: AtomicU64,
    backlog_records: AtomicU64,
    oldest_ms: AtomicI64,
    unrecorded: AtomicU64,
    set_aside: AtomicU64,
    /// The last append failed: the disk is full or broken.
    write_error: Mutex<Option<String>>,
    write_failed: AtomicBool,
    drain_error: Mutex<Option<String>>,
    holders: Mutex<Vec<Weak<dyn Holder>>>,
    running: Mutex<Vec<Weak<Running>>>,
    /// One of them may hold something.
    holding: AtomicBool,
    rung: AtomicBool,
    bell: Notify,
    /// Turns true once what dead processes left at the start is in the database.
    adopted: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(directory: PathBuf, options: &JournalOptions) -> Self {
        let segment_bytes = (options.max_bytes / 8).clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT);
        Self {
            directory,
            clock: options.clock.clone(),
            max_bytes: options.max_bytes,
            segment_bytes,
            serve_without_record: AtomicBool::new(options.full == WhenFull::ServeWithoutRecord),
            next_number: AtomicU64::new(1),
            segments: Mutex::default(),
            backlog_bytes: AtomicU64::new(0),
            backlog_records: AtomicU64::new(0),
            oldest_ms: AtomicI64::new(0),
            unrecorded: AtomicU64::new(0),
            set_aside: AtomicU64::new(0),
            write_error: Mutex::default(),
            write_failed: AtomicBool::new(false),
            drain_error: Mutex::default(),
            holders: Mutex::default(),
            running: Mutex::default(),
            holding: AtomicBool::new(false),
            rung: AtomicBool::new(false),
            bell: Notify::new(),
            adopted: watch::Sender::new(false),
        }
    }

    /// Whether there is no room for the record of another call.
    pub(super) fn is_full(&self) -> bool {
        self.backlog_bytes.load(Ordering::Relaxed) >= self.max_bytes
            || self.write_failed.load(Ordering::Relaxed)
    }

    /// Whether a call must be refused for that.
    pub(super) fn refuses(&self) -> bool {
        self.is_full() && !self.serve_without_record.load(Ordering::Relaxed)
    }

    fn full(&self) -> Option<WhenFull> {
        self.is_full().then(|| {
            if self.refuses() {
                WhenFull::Stop
            } else {
                WhenFull::ServeWithoutRecord
            }
        })
    }

    pub(super) fn set_full(&self, full: WhenFull) {
        self.serve_without_record
            .store(full == WhenFull::ServeWithoutRecord, Ordering::Relaxed);
    }

    /// How long a segment grows before its writer takes a new one.
    pub(super) fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// A new segment, known to the drain.
    pub(super) fn new_segment(&self) -> io::Result<Arc<Segment>> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let segment = Arc::new(Segment::create(&self.directory, number)?);
        lock(&self.segments).insert(number, Arc::clone(&segment));
        Ok(segment)
    }

    /// The segments that are not deleted yet.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        lock(&self.segments).values().map(Arc::clone).collect()
    }

    /// Lets the drain finish with every segment; writers take new ones.
    pub(super) fn seal_all(&self) {
        for segment in lock(&self.segments).values() {
            segment.seal();
        }
    }

    /// The drain deleted segment `number`.
    pub(super) fn forget_segment(&self, number: u64) {
        lock(&self.segments).remove(&number);
    }

    /// Records were appended: counts them and wakes the drain.
    pub(super) fn appended(&self, records: u64, bytes: u64, at_ms: i64) {
        self.waiting(records, bytes, at_ms);
        if self.is_write_failed() {
            self.write_recovered();
        }
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.notify_one();
        }
    }

    /// Counts records that wait for the database.
    pub(super) fn waiting(&self, records: u64, bytes: u64, at_ms: i64) {
        self.backlog_bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.backlog_records.fetch_add(records, Ordering::Relaxed) == 0 {
            self.oldest_ms.store(at_ms, Ordering::Relaxed);
        }
    }

    /// Counts records that are in the database; `newest_ms` is when the last of them was written.
    pub(super) fn drained(&self, records: u64, bytes: u64, newest_ms: i64) {
        self.backlog_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.backlog_records.fetch_sub(records, Ordering::Relaxed);
        self.oldest_ms.store(newest_ms, Ordering::Relaxed);
    }

    /// Records that wait for the database.
    pub(super) fn backlog_records(&self) -> u64 {
        self.backlog_records.load(Ordering::Relaxed)
    }

    /// Waits until something was appended since the last call.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
        self.rung.store(false, Ordering::Release);
    }

    /// What dead processes left at the start is in the database.
    pub(super) fn set_adopted(&self) {
        self.adopted.send_replace(true);
    }

    /// Waits for that.
    pub(super) async fn adopted(&self) {
        // the sender lives as long as this does
        drop(self.adopted.subscribe().wait_for(|adopted| *adopted).await);
    }

    /// Whether the last append failed.
    pub(super) fn is_write_failed(&self) -> bool {
        self.write_failed.load(Ordering::Relaxed)
    }

    /// Where this process's segments are.
    pub(super) fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Appending works again as far as a try can tell.
    pub(super) fn write_recovered(&self) {
        self.write_failed.store(false, Ordering::Relaxed);
        *lock(&self.write_error) = None;
    }

    /// An append failed.
    pub(super) fn write_failed(&self, error: &io::Error) {
        if !self.write_failed.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the journal cannot be written; check the disk under the data directory");
        }
        *lock(&self.write_error) = Some(error.to_string());
    }

    /// Somebody who may come to hold records.
    pub(super) fn register(&self, holder: Weak<dyn Holder>) {
        lock(&self.holders).push(holder);
    }

    /// Whether anybody may hold records.
    pub(super) fn set_holding(&self, holding: bool) {
        self.holding.store(holding, Ordering::Relaxed);
    }

    /// Writes what is held, also where no further call comes that would take it along.
    pub(super) fn flush_held(&self) {
        if !self.holding.swap(false, Ordering::Relaxed) {
            return;
        }
        for holder in alive(&self.holders) {
            holder.flush();
        }
    }

    /// Whether records wait in memory that a full disk refused.
    pub(super) fn holds(&self) -> bool {
        alive(&self.holders).iter().any(|holder| holder.holds())
    }

    /// A writer's running calls.
    pub(super) fn register_running(&self, running: Weak<Running>) {
        lock(&self.running).push(running);
    }

    /// Those of `requests` that no writer has to write the end of.
    pub(super) fn not_running(&self, requests: Vec<RequestId>) -> Vec<RequestId> {
        let running = alive(&self.running);
        let unknown = |id: &RequestId| !running.iter().any(|calls| calls.holds(*id));
        requests.into_iter().filter(unknown).collect()
    }

    /// The drain stumbled, or recovered.
    pub(super) fn set_drain_error(&self, error: Option<String>) {
        *lock(&self.drain_error) = error;
    }

    /// A call is served without a record.
    pub(super) fn count_unrecorded(&self) {
        self.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    /// A record was set aside.
    pub(super) fn count_set_aside(&self) {
        self.set_aside.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> JournalStats {
        let lag_records = self.backlog_records();
        let error = lock(&self.write_error).clone();
        JournalStats {
            bytes: self.backlog_bytes.load(Ordering::Relaxed),
            max_bytes: self.max_bytes,
            lag_records,
            oldest_ms: (lag_records > 0).then(|| self.oldest_ms.load(Ordering::Relaxed)),
            unrecorded: self.unrecorded.load(Ordering::Relaxed),
            set_aside: self.set_aside.load(Ordering::Relaxed),
            full: self.full(),
            last_error: error.or_else(|| lock(&self.drain_error).clone()),
        }
    }
}

/// Those that are still there; the others are forgotten.
fn alive<T: ?Sized>(all: &Mutex<Vec<Weak<T>>>) -> Vec<Arc<T>> {
    let mut all = lock(all);
    all.retain(|one| one.strong_count() > 0);
    all.iter().filter_map(Weak::upgrade).collect()
}
