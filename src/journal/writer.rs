//! The serving threads' side: one record, one `write(2)`.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use ahash::AHashSet;
use modelgate_domain::{AttemptRecord, FaultOwner, RequestId, RequestRecord};

use super::frame::{self, News};
use super::refusals::Refusals;
use super::segment::Segment;
use super::shared::{Holder, Shared};
use super::{JournalFull, lock};

/// Terminal records that a full disk refused are kept up to this size and tried again.
const HELD_BYTES: usize = 4 << 20;

/// Appends the records of one serving thread.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    refusals: Arc<Refusals>,
    appender: Arc<Mutex<Appender>>,
    /// Calls that were started and have not ended.
    running: Arc<Running>,
    /// Running calls that began without a record, so that they end without one.
    unrecorded: Mutex<AHashSet<RequestId>>,
    unrecorded_count: AtomicUsize,
}

/// What a writer still has to write the end of. A call leaves it after its end was handed over, so what is pending in
/// the database, in none of these and in no journal has lost its end.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<AHashSet<RequestId>>);

impl Running {
    fn begins(&self, id: RequestId) {
        lock(&self.0).insert(id);
    }

    fn is_over(&self, id: RequestId) {
        lock(&self.0).remove(&id);
    }

    pub(super) fn holds(&self, id: RequestId) -> bool {
        lock(&self.0).contains(&id)
    }
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, refusals: Arc<Refusals>) -> Self {
        let appender = Arc::new(Mutex::new(Appender::new(Arc::clone(&shared))));
        let holder: Weak<Mutex<Appender>> = Arc::downgrade(&appender);
        shared.register(holder);
        let running = Arc::<Running>::default();
        shared.register_running(Arc::downgrade(&running));
        Self {
            running,
            appender,
            shared,
            refusals,
            unrecorded: Mutex::default(),
            unrecorded_count: AtomicUsize::new(0),
        }
    }

    /// Records that a vendor is about to be called. On `Err` the call must be refused.
    ///
    /// At the bound, where calls are served without a record, it is `Ok` and nothing is written.
    pub fn started(&self, record: &RequestRecord) -> Result<(), JournalFull> {
        if !self.shared.is_full() {
            self.running.begins(record.id);
            if lock(&self.appender).append(News::Started(record)).is_ok() {
                return Ok(());
            }
            self.running.is_over(record.id);
        }
        if self.shared.refuses() {
            return Err(JournalFull);
        }
        self.shared.count_unrecorded();
        if lock(&self.unrecorded).insert(record.id) {
            self.unrecorded_count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Records how a request ended that was [`started`](Self::started). Goes beyond the bound, so that whatever was
    /// started also ends.
    pub fn ended(&self, record: &RequestRecord, attempts: &[AttemptRecord]) {
        if self.ends_unrecorded(record.id) {
            return;
        }
        lock(&self.appender).append_or_hold(News::Ended(record, attempts));
        self.running.is_over(record.id);
    }

    /// Records a request that was answered without being [`started`](Self::started); not written at the bound.
    ///
    /// Where a rule or the gateway refused it, further ones of the same key, code, model, endpoint and client address
    /// and by a rule of the same `scope` within a second only raise its `repeats`. A caller's own mistakes differ, and get a
    /// row each.
    pub fn refused(&self, record: &RequestRecord, scope: &'static str) {
        if self.shared.is_full() {
            return;
        }
        if record.fault_owner == FaultOwner::Caller {
            lock(&self.appender).append_or_hold(News::Ended(record, &[]));
        } else {
            self.refusals.add(record, scope);
        }
    }

    fn ends_unrecorded(&self, id: RequestId) -> bool {
        if self.unrecorded_count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let removed = lock(&self.unrecorded).remove(&id);
        if removed {
            self.unrecorded_count.fetch_sub(1, Ordering::Relaxed);
        }
        removed
    }
}

/// Appends to a segment and takes a new one when it is long enough.
#[derive(Debug)]
pub(super) struct Appender {
    shared: Arc<Shared>,
    segment: Option<Arc<Segment>>,
    buffer: Vec<u8>,
    /// Whole records that could not be written, and how many.
    held: Vec<u8>,
    held_records: u64,
}

impl Appender {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            segment: None,
            buffer: Vec::new(),
            held: Vec::new(),
            held_records: 0,
        }
    }

    /// Appends one record; an error leaves nothing of it behind.
    pub(super) fn append(&mut self, news: News<'_>) -> io::Result<()> {
        let at_ms = self.shared.clock.now_ms();
        self.buffer.clear();
        self.buffer.extend_from_slice(&self.held);
        frame::encode(&mut self.buffer, at_ms, news);
        let result = self.write();
        let records = 1 + self.held_records;
        match &result {
            Ok(bytes) => {
                self.held.clear();
                self.held_records = 0;
                self.shared.appended(records, *bytes, at_ms);
            }
            Err(error) => self.shared.write_failed(error),
        }
        result.map(|_bytes| ())
    }

    /// Appends one record, or keeps it to be written with the next one.
    pub(super) fn append_or_hold(&mut self, news: News<'_>) {
        let held = self.held.len();
        if self.append(news).is_ok() {
            return;
        }
        let record = self.buffer.get(held..).unwrap_or_default();
        if held + record.len() <= HELD_BYTES {
            self.held.extend_from_slice(record);
            self.held_records += 1;
            self.shared.set_holding(true);
        } else {
            self.shared.count_unrecorded();
        }
    }

    /// Whether records wait in memory to be written.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Appends what is held; where that fails, it stays held.
    pub(super) fn flush(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let at_ms = self.shared.clock.now_ms();
        self.buffer.clone_from(&self.held);
        match self.write() {
            Ok(bytes) => {
                self.shared.appended(self.held_records, bytes, at_ms);
                self.held.clear();
                self.held_records = 0;
            }
            Err(error) => {
                self.shared.write_failed(&error);
                self.shared.set_holding(true);
            }
        }
    }

    fn write(&mut self) -> io::Result<u64> {
        let full = |s: &Arc<Segment>| s.is_sealed() || s.len() >= self.shared.segment_bytes();
        let segment = match self.segment.take_if(|s| !full(s)) {
            Some(segment) => segment,
            None => {
                if let Some(old) = self.segment.take() {
                    old.seal();
                }
                self.shared.new_segment()?
            }
        };
        let result = segment.append(&self.buffer);
        self.segment = Some(segment);
        result?;
        Ok(u64::try_from(self.buffer.len()).unwrap_or(0))
    }
}

impl Holder for Mutex<Appender> {
    fn flush(&self) {
        lock(self).flush();
    }

    fn holds(&self) -> bool {
        lock(self).holds()
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.flush();
        if let Some(segment) = &self.segment {
            segment.seal();
        }
    }
}
