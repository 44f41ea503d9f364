//! Carries batches to the database, and keeps one bad record from holding up all others.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use modelgate_store::drain::{Batch, Entry, Outcome};
use tokio::task::block_in_place;

use super::adopt::Adopted;
use super::drain::{Found, Sink, SinkError};
use super::segment::Segment;
use super::shared::Shared;
use super::tail::{Located, Tail};
use super::{Drained, Observer};

/// Records in one transaction. Under load each commit rewrites the same pages of every index, so few large ones are
/// cheaper; this one takes some ten milliseconds.
pub(super) const BATCH: usize = 2_000;

/// Moves records from a tail to the sink.
pub(super) struct Carrier<S> {
    /// Where records go.
    pub(super) sink: S,
    shared: Arc<Shared>,
    /// Where records go that the sink refuses.
    rejected: PathBuf,
    /// Hears of what reached the sink.
    observer: Observer,
    /// This process's own journal.
    instance: String,
}

impl<S: Sink> Carrier<S> {
    pub(super) fn new(
        shared: Arc<Shared>,
        sink: S,
        parent: &Path,
        instance: String,
        observer: Observer,
    ) -> Self {
        Self {
            sink,
            shared,
            rejected: parent.join("rejected.jsonl"),
            observer,
            instance,
        }
    }

    /// Moves at most one batch of `segments`.
    pub(super) async fn step(
        &self,
        tail: &mut Tail,
        segments: &[Arc<Segment>],
    ) -> Result<Found, SinkError> {
        let records = block_in_place(|| tail.pull(segments, BATCH))
            .map_err(|error| SinkError::Away(format!("reading the journal: {error}")))?;
        let mut rest = records.as_slice();
        let mut size = rest.len();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(size);
            match self.apply(tail, part).await {
                Ok(Outcome::Applied { budgets, .. }) => {
                    (self.observer)(Drained::Budgets(&budgets));
                    self.tell(tail, part);
                    self.moved(tail, part);
                    rest = after;
                    size = rest.len();
                }
                Ok(Outcome::Stale(stands)) => {
                    self.catch_up(tail, rest, &stands)?;
                    return Ok(Found::More);
                }
                Err(SinkError::Refused(reason)) if part.len() == 1 => {
                    self.sink.takes_records().await?;
                    self.skip(tail, part, &reason).await?;
                    rest = after;
                    size = rest.len();
                }
                // One half after the other, down to the record that is at fault.
                Err(SinkError::Refused(_)) => size = part.len() / 2,
                Err(away) => return Err(away),
            }
        }
        Ok(match records.len() {
            0 => Found::Nothing,
            BATCH.. => Found::More,
            _ => Found::All,
        })
    }

    /// The database had part of a dead process's journal already: that part does not wait.
    pub(super) fn skipped(&self, adopted: &Adopted, offsets: &BTreeMap<u64, u64>) {
        let (all_records, all_bytes) = adopted.waiting(&BTreeMap::new());
        let (records, bytes) = adopted.waiting(offsets);
        self.shared
            .drained(all_records - records, all_bytes - bytes, adopted.oldest_ms);
    }

    async fn apply(&self, tail: &Tail, records: &[Located]) -> Result<Outcome, SinkError> {
        let entries = records
            .iter()
            .filter_map(|r| r.entry.as_ref().ok()?.clone());
        let batch = Batch {
            instance: tail.instance.clone(),
            positions: tail.positions(records),
            entries: entries.collect(),
        };
        self.sink.apply(batch).await
    }

    fn moved(&self, tail: &mut Tail, records: &[Located]) {
        for record in records {
            if let Err(unreadable) = &record.entry {
                self.set_aside(tail, record, &unreadable.reason);
            }
        }
        tail.advance(records);
        let bytes = records.iter().map(|r| r.end - r.start).sum();
        let newest_ms = records.iter().map(|r| r.at_ms).max().unwrap_or(0);
        let count = u64::try_from(records.len()).unwrap_or(0);
        self.shared.drained(count, bytes, newest_ms);
    }

    /// Records are in the database; only what this process wrote is news to it.
    fn tell(&self, tail: &Tail, records: &[Located]) {
        if tail.instance != self.instance {
            return;
        }
        for record in records {
            if let Ok(Some(Entry::Ended(record, _))) = &record.entry {
                (self.observer)(Drained::Ended(record));
            }
        }
    }

    /// Moves on past a record that the database refuses.
    async fn skip(&self, tail: &mut Tail, one: &[Located], why: &str) -> Result<(), SinkError> {
        let only_position = Batch {
            instance: tail.instance.clone(),
            positions: tail.positions(one),
            entries: Vec::new(),
        };
        self.sink.apply(only_position).await?;
        for record in one {
            self.set_aside(tail, record, why);
        }
        self.moved(tail, one);
        Ok(())
    }

    /// A commit whose answer was lost did go through: moves on to where the database stands.
    fn catch_up(
        &self,
        tail: &mut Tail,
        records: &[Located],
        stands: &[(u64, u64)],
    ) -> Result<(), SinkError> {
        let stands: BTreeMap<u64, u64> = stands.iter().copied().collect();
        let there = |r: &&Located| stands.get(&r.segment).is_some_and(|at| r.end <= *at);
        let there: Vec<Located> = records.iter().filter(there).cloned().collect();
        if there.is_empty() {
            let why = "the journal's position in the database is not one of this journal";
            return Err(SinkError::Away(why.to_owned()));
        }
        self.tell(tail, &there);
        self.moved(tail, &there);
        Ok(())
    }

    /// Keeps a record that cannot be counted where a person finds it.
    fn set_aside(&self, tail: &Tail, record: &Located, reason: &str) {
        self.shared.count_set_aside();
        tracing::error!(
            instance = tail.instance,
            segment = record.segment,
            offset = record.start,
            reason,
            file = %self.rejected.display(),
            "a record was set aside: it is in no page and no sum"
        );
        let line = serde_json::json!({
            "instance": tail.instance,
            "segment": record.segment,
            "offset": record.start,
            "at_ms": record.at_ms,
            "reason": reason,
            "record": match &record.entry {
                Ok(Some(Entry::Started(record) | Entry::Ended(record, _))) => {
                    serde_json::json!(**record)
                }
                Ok(Some(Entry::Again { of, .. })) => serde_json::json!({ "again": of }),
                Ok(None) => serde_json::Value::Null,
                Err(unreadable) => serde_json::json!(unreadable.body),
            },
        });
        if let Err(error) = block_in_place(|| self.append_rejected(&line)) {
            tracing::error!(%error, "a record that was to be set aside is lost");
        }
    }

    fn append_rejected(&self, line: &serde_json::Value) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.rejected)?;
        file.write_all(format!("{line}\n").as_bytes())
    }
}
