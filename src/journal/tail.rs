//! Reads the records of one journal in the order they were written, and knows which segments are done with.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use modelgate_domain::RequestId;
use modelgate_store::drain::{Entry, Position};

use super::frame::{self, Frame, Kind};
use super::segment::{HEADER, Segment};

/// How much of a segment is read at once; longer records are read on their own.
const CHUNK: usize = 256 << 10;

/// A record with its place.
#[derive(Clone, Debug)]
pub(super) struct Located {
    /// The segment.
    pub(super) segment: u64,
    /// Where it begins.
    pub(super) start: u64,
    /// Where the next one begins.
    pub(super) end: u64,
    /// When it was written, epoch milliseconds.
    pub(super) at_ms: i64,
    /// What it says; `None` for the start of a request whose end was read with it, which nobody needs.
    pub(super) entry: Result<Option<Entry>, Unreadable>,
}

/// A record that this version cannot read.
#[derive(Clone, Debug)]
pub(super) struct Unreadable {
    /// Why.
    pub(super) reason: String,
    /// Its bytes, in hexadecimal.
    pub(super) body: String,
}

/// The reader of one journal.
#[derive(Debug)]
pub(super) struct Tail {
    /// The journal's name.
    pub(super) instance: String,
    offsets: BTreeMap<u64, u64>,
    /// Requests that started and did not end yet, with the segment that says so. That segment is kept until they
    /// have ended: should the process die, it tells which requests died with it.
    open: AHashMap<RequestId, u64>,
    open_in: AHashMap<u64, usize>,
}

impl Tail {
    /// A reader that begins at `offsets`; segments not named there from their beginning.
    pub(super) fn new(instance: String, offsets: BTreeMap<u64, u64>) -> Self {
        Self {
            instance,
            offsets,
            open: AHashMap::new(),
            open_in: AHashMap::new(),
        }
    }

    /// The next records of `segments`, at most `limit`, without moving on.
    pub(super) fn pull(&self, segments: &[Arc<Segment>], limit: usize) -> io::Result<Vec<Located>> {
        let mut found = Vec::new();
        for segment in segments {
            let mut at = self.offset(segment.number);
            while found.len() < limit && at < segment.len() {
                at = read_some(segment, at, limit, &mut found)?;
            }
        }
        Ok(found)
    }

    /// What the database has to remember once `records` are in it.
    pub(super) fn positions(&self, records: &[Located]) -> Vec<Position> {
        let mut ends: BTreeMap<u64, u64> = BTreeMap::new();
        for record in records {
            ends.insert(record.segment, record.end);
        }
        let position = |(segment, to)| Position {
            segment,
            from: self.offset(segment),
            to,
        };
        ends.into_iter().map(position).collect()
    }

    /// Moves on past `records`.
    pub(super) fn advance(&mut self, records: &[Located]) {
        for record in records {
            self.offsets.insert(record.segment, record.end);
            match &record.entry {
                Ok(Some(Entry::Started(started))) => {
                    if self.open.insert(started.id, record.segment).is_none() {
                        *self.open_in.entry(record.segment).or_default() += 1;
                    }
                }
                Ok(Some(Entry::Ended(ended, _))) => self.close(ended.id),
                Ok(Some(Entry::Again { .. }) | None) | Err(_) => {}
            }
        }
    }

    /// Whether everything in `segment` is in the database and no request of it still runs.
    pub(super) fn is_done_with(&self, segment: &Segment) -> bool {
        // Asked first: once sealed, the length stands.
        segment.is_sealed()
            && self.offset(segment.number) >= segment.len()
            && !self.open_in.contains_key(&segment.number)
    }

    /// Forgets a deleted segment.
    pub(super) fn forget(&mut self, segment: u64) {
        self.offsets.remove(&segment);
    }

    fn offset(&self, segment: u64) -> u64 {
        self.offsets.get(&segment).copied().unwrap_or(HEADER)
    }

    /// The request has ended, as far as anybody will ever know.
    pub(super) fn close(&mut self, id: RequestId) {
        let Some(segment) = self.open.remove(&id) else {
            return;
        };
        if let Some(count) = self.open_in.get_mut(&segment) {
            *count -= 1;
            if *count == 0 {
                self.open_in.remove(&segment);
            }
        }
    }
}

/// Reads records from `at` on into `found`; returns where it stopped.
fn read_some(
    segment: &Segment,
    at: u64,
    limit: usize,
    found: &mut Vec<Located>,
) -> io::Result<u64> {
    let mut bytes = segment.read(at, CHUNK)?;
    if matches!(frame::next(&bytes), Err(frame::Torn)) {
        bytes = segment.read(at, frame::LONGEST)?;
    }
    let mut frames = Vec::new();
    let mut offset = 0;
    while found.len() + frames.len() < limit
        && let Ok(Some(frame)) = frame::next(&bytes[offset..])
    {
        let start = offset;
        offset += frame.len;
        frames.push((start, frame));
    }
    let ended = frames.iter().filter(|(_, frame)| frame.is(Kind::Ended));
    let ended: AHashSet<RequestId> = ended.map(|(_, frame)| frame.id).collect();
    found.extend(frames.iter().map(|(start, frame)| Located {
        segment: segment.number,
        start: at + length(*start),
        end: at + length(start + frame.len),
        at_ms: frame.at_ms,
        entry: read(frame, &ended),
    }));
    if offset > 0 {
        return Ok(at + length(offset));
    }
    // Only a damaged disk gets here: what follows in this segment cannot be read any more.
    let end = segment.len();
    found.push(Located {
        segment: segment.number,
        start: at,
        end,
        at_ms: 0,
        entry: Err(Unreadable {
            reason: format!("{} damaged bytes", end - at),
            body: String::new(),
        }),
    });
    Ok(end)
}

/// What a frame says. The start of what is in `ended` is not even decoded.
fn read(frame: &Frame<'_>, ended: &AHashSet<RequestId>) -> Result<Option<Entry>, Unreadable> {
    if frame.is(Kind::Started) && ended.contains(&frame.id) {
        return Ok(None);
    }
    frame.entry().map(Some).map_err(|reason| Unreadable {
        reason,
        body: data_encoding::HEXLOWER.encode(frame.body),
    })
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
