//! Takes over the journals of processes that died.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use modelgate_domain::{FaultOwner, RequestId, RequestRecord, Status};

use modelgate_store::drain::{Batch, Entry};

use super::carrier::{BATCH, Carrier};
use super::directory::Directory;
use super::drain::{Found, Sink, SinkError};
use super::frame;
use super::segment::{self, HEADER, Segment};
use super::shared::Shared;
use super::tail::Tail;

/// A dead process's journal on its way into the database.
#[derive(Debug)]
pub(super) struct Estate {
    adopted: Adopted,
    /// Known once the database has said where it stands.
    tail: Option<Tail>,
}

impl Estate {
    /// Until the database says otherwise, all of it is taken to wait.
    pub(super) fn new(adopted: Adopted, shared: &Shared) -> Self {
        let (records, bytes) = adopted.waiting(&BTreeMap::new());
        shared.waiting(records, bytes, adopted.oldest_ms);
        Self {
            adopted,
            tail: None,
        }
    }

    /// Moves one batch; true once nothing is left, the requests that died are ended and the files are gone.
    pub(super) async fn settle<S: Sink>(&mut self, to: &Carrier<S>) -> Result<bool, SinkError> {
        let instance = self.adopted.directory.instance.clone();
        let tail = match &mut self.tail {
            Some(tail) => tail,
            None => {
                let offsets = to.sink.positions(&instance).await?;
                to.skipped(&self.adopted, &offsets);
                self.tail.insert(Tail::new(instance.clone(), offsets))
            }
        };
        if to.step(tail, &self.adopted.segments).await? != Found::Nothing {
            return Ok(false);
        }
        self.end_the_dead(to).await?;
        for segment in &self.adopted.segments {
            segment.delete_or_warn();
        }
        to.sink.forget(&instance, Vec::new()).await?;
        if let Err(error) = self.adopted.directory.remove_if_empty() {
            tracing::warn!(%error, "cannot delete a drained journal directory");
        }
        tracing::info!(instance, "drained the journal of a process that died");
        Ok(true)
    }

    async fn end_the_dead<S: Sink>(&mut self, to: &Carrier<S>) -> Result<(), SinkError> {
        let died = &mut self.adopted.died;
        while !died.is_empty() {
            let rest = died.len().saturating_sub(BATCH);
            let end = |record: &RequestRecord| Entry::Ended(Arc::new(record.clone()), Vec::new());
            let batch = Batch {
                instance: self.adopted.directory.instance.clone(),
                positions: Vec::new(),
                entries: died[rest..].iter().map(end).collect(),
            };
            match to.sink.apply(batch).await {
                Ok(_) => {}
                Err(SinkError::Refused(reason)) => {
                    to.sink.takes_records().await?;
                    let count = died.len() - rest;
                    tracing::error!(%reason, count, "the database refuses the end of requests that died");
                }
                Err(away) => return Err(away),
            }
            died.truncate(rest);
        }
        Ok(())
    }
}

/// A dead process's journal, torn tails cut off.
#[derive(Debug)]
pub(super) struct Adopted {
    /// The directory, held by this process now.
    pub(super) directory: Directory,
    /// Its segments, all sealed.
    pub(super) segments: Vec<Arc<Segment>>,
    /// The requests that died with the process, ended as such.
    pub(super) died: Vec<RequestRecord>,
    /// Where each record ends, by segment, to count those that are not in the database yet.
    ends: BTreeMap<u64, Vec<u64>>,
    /// When its first record was written.
    pub(super) oldest_ms: i64,
}

impl Adopted {
    /// Reads `path` as a whole; `None` while a living process holds it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let Some(directory) = Directory::adopt(path)? else {
            return Ok(None);
        };
        let mut scan = Scan::default();
        let mut segments = Vec::new();
        let mut ends = BTreeMap::new();
        for number in segment::numbers(&directory.path)? {
            let file = segment::path_of(&directory.path, number);
            let bytes = std::fs::read(&file)?;
            if !frame::has_header(&bytes, number) {
                // Killed between making the file and writing its header, or not ours to read.
                set_aside(&directory, &file, bytes.len())?;
                continue;
            }
            let found = scan.segment(&bytes);
            let whole = found.last().copied().unwrap_or(HEADER);
            let torn = bytes.len() - usize::try_from(whole).unwrap_or(0);
            if torn > 0 {
                tracing::warn!(file = %file.display(), bytes = torn, "cut off a torn tail");
            }
            let segment = Segment::reopen(&directory.path, number, whole)?;
            segments.push(Arc::new(segment));
            ends.insert(number, found);
        }
        Ok(Some(Self {
            directory,
            segments,
            oldest_ms: scan.first_ms.unwrap_or(0),
            died: scan.died(),
            ends,
        }))
    }

    /// Records and bytes beyond `offsets`.
    pub(super) fn waiting(&self, offsets: &BTreeMap<u64, u64>) -> (u64, u64) {
        let (mut records, mut bytes) = (0, 0);
        for (number, ends) in &self.ends {
            let offset = offsets.get(number).copied().unwrap_or(HEADER);
            records += u64::try_from(ends.iter().filter(|end| **end > offset).count()).unwrap_or(0);
            bytes += ends
                .last()
                .copied()
                .unwrap_or(HEADER)
                .saturating_sub(offset);
        }
        (records, bytes)
    }
}

/// Takes an unreadable segment out of the way, beside the directory.
fn set_aside(directory: &Directory, file: &Path, len: usize) -> io::Result<()> {
    if len < frame::HEADER_LEN {
        return std::fs::remove_file(file);
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let kept = directory
        .path
        .with_file_name(format!("unreadable-{}-{name}", directory.instance));
    tracing::error!(file = %kept.display(), "a journal segment is not in a format this version reads; kept aside");
    std::fs::rename(file, kept)
}

/// Looks for requests that started and never ended.
#[derive(Debug, Default)]
struct Scan {
    open: BTreeMap<RequestId, Arc<RequestRecord>>,
    first_ms: Option<i64>,
    last_ms: i64,
}

impl Scan {
    /// Reads one segment; returns where each whole record ends.
    fn segment(&mut self, bytes: &[u8]) -> Vec<u64> {
        let mut ends = Vec::new();
        let mut at = frame::HEADER_LEN;
        while let Ok(Some(frame)) = frame::next(&bytes[at..]) {
            at += frame.len;
            ends.push(u64::try_from(at).unwrap_or(u64::MAX));
            self.first_ms.get_or_insert(frame.at_ms);
            self.last_ms = self.last_ms.max(frame.at_ms);
            match frame.entry() {
                Ok(Entry::Started(record)) => {
                    self.open.insert(record.id, record);
                }
                Ok(Entry::Ended(record, _)) => {
                    self.open.remove(&record.id);
                }
                Ok(Entry::Again { .. }) | Err(_) => {}
            }
        }
        ends
    }

    fn died(self) -> Vec<RequestRecord> {
        let last_ms = self.last_ms;
        let died = |record: Arc<RequestRecord>| RequestRecord {
            status: Status::Error,
            fault_owner: FaultOwner::Gateway,
            error_code: "instance_died".into(),
            error_message: "the gateway process ended before the answer did".into(),
            finished_ms: last_ms.max(record.started_ms),
            ..Arc::unwrap_or_clone(record)
        };
        self.open.into_values().map(died).collect()
    }
}
