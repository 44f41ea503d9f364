//! The bytes of a segment: a header, then length-prefixed records with a checksum.
//!
//! Pure: no files. A record is `length u32 | crc32c u32 | kind u8 | at_ms i64 | id i64 | fields`, little-endian; the
//! checksum covers what follows it, the length counts the same bytes. [`super::record`] says what fields are.

use std::sync::Arc;

use modelgate_domain::{AttemptRecord, RequestId, RequestRecord};
use modelgate_store::drain::Entry;

use super::record;

/// Length of a segment's header.
pub(super) const HEADER_LEN: usize = 16;
const MAGIC: &[u8; 4] = b"MGJL";
const VERSION: u16 = 2;
const PREFIX_LEN: usize = 8;
const ENVELOPE_LEN: usize = 17;
/// Longer than any record, so that a damaged length is recognised as such.
const MAX_LEN: usize = 4 << 20;
/// The longest record, prefix included.
pub(super) const LONGEST: usize = PREFIX_LEN + MAX_LEN;

/// What is to be recorded.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'a> {
    /// A vendor is about to be called.
    Started(&'a RequestRecord),
    /// The request ended; its vendor calls where there was more than one.
    Ended(&'a RequestRecord, &'a [AttemptRecord]),
    /// One more refusal like the one recorded under this id.
    Again(RequestId),
}

/// The kind byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// [`News::Started`].
    Started = 1,
    /// [`News::Ended`].
    Ended = 2,
    /// [`News::Again`].
    Again = 3,
}

/// The header of segment `number`.
pub(super) fn header(number: u64) -> [u8; HEADER_LEN] {
    let mut bytes = [0; HEADER_LEN];
    bytes[..4].copy_from_slice(MAGIC);
    bytes[4..6].copy_from_slice(&VERSION.to_le_bytes());
    bytes[8..].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Whether `bytes` begin with the header of segment `number`, in a version this program reads.
pub(super) fn has_header(bytes: &[u8], number: u64) -> bool {
    bytes.starts_with(&header(number))
}

/// Appends one record to `buffer`.
pub(super) fn encode(buffer: &mut Vec<u8>, at_ms: i64, news: News<'_>) {
    let (kind, id) = match news {
        News::Started(record) => (Kind::Started, record.id),
        News::Ended(record, _) => (Kind::Ended, record.id),
        News::Again(of) => (Kind::Again, of),
    };
    encode_with(buffer, kind, (at_ms, id), |buffer| match news {
        News::Started(record) => put_bounded(buffer, record, &[]),
        News::Ended(record, attempts) => put_bounded(buffer, record, attempts),
        News::Again(_) => {}
    });
}

/// The fields, of a length that [`next`] takes: rather without its attempts, and without what tells more than figures
/// do, than no record at all.
fn put_bounded(buffer: &mut Vec<u8>, record: &RequestRecord, attempts: &[AttemptRecord]) {
    const MOST: usize = MAX_LEN - ENVELOPE_LEN;
    let start = buffer.len();
    record::put(buffer, record, attempts);
    if buffer.len() - start <= MOST {
        return;
    }
    buffer.truncate(start);
    record::put(buffer, record, &[]);
    if buffer.len() - start <= MOST {
        return;
    }
    buffer.truncate(start);
    let plain = RequestRecord {
        session_id: String::new(),
        requested_model: String::new(),
        user_agent: String::new(),
        upstream_model: String::new(),
        error_message: String::new(),
        phases: String::new(),
        observed: String::new(),
        decision: String::new(),
        ..record.clone()
    };
    record::put(buffer, &plain, &[]);
}

/// The envelope around what `fields` appends.
pub(super) fn encode_with(
    buffer: &mut Vec<u8>,
    kind: Kind,
    (at_ms, id): (i64, RequestId),
    fields: impl FnOnce(&mut Vec<u8>),
) {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; PREFIX_LEN]);
    buffer.push(kind as u8);
    buffer.extend_from_slice(&at_ms.to_le_bytes());
    buffer.extend_from_slice(&id.0.to_le_bytes());
    fields(buffer);
    let payload = start + PREFIX_LEN;
    let length = u32::try_from(buffer.len() - payload).unwrap_or(u32::MAX);
    let sum = crc32c::crc32c(&buffer[payload..]);
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
    buffer[start + 4..payload].copy_from_slice(&sum.to_le_bytes());
}

/// One whole, undamaged record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    kind: u8,
    /// When it was written, epoch milliseconds.
    pub(super) at_ms: i64,
    /// The request it is about.
    pub(super) id: RequestId,
    /// The fields.
    pub(super) body: &'a [u8],
    /// Bytes it takes in the segment.
    pub(super) len: usize,
}

impl Frame<'_> {
    /// Whether it is of this kind.
    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == kind as u8
    }

    /// What the database does with it.
    pub(super) fn entry(&self) -> Result<Entry, String> {
        if self.is(Kind::Again) {
            let (of, count) = (self.id, 1);
            return Ok(Entry::Again { of, count });
        }
        if !self.is(Kind::Started) && !self.is(Kind::Ended) {
            return Err(format!("unknown kind of record {}", self.kind));
        }
        let (record, attempts) = record::take(self.body).map_err(|error| error.to_string())?;
        Ok(if self.is(Kind::Started) {
            Entry::Started(Arc::new(record))
        } else {
            Entry::Ended(Arc::new(record), attempts)
        })
    }
}

/// The bytes do not begin with a whole, undamaged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Torn;

/// The record at the beginning of `bytes`; `None` where there are no bytes.
pub(super) fn next(bytes: &[u8]) -> Result<Option<Frame<'_>>, Torn> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX_LEN>().ok_or(Torn)?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *prefix;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if !(ENVELOPE_LEN..=MAX_LEN).contains(&length) {
        return Err(Torn);
    }
    let payload = rest.get(..length).ok_or(Torn)?;
    if crc32c::crc32c(payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(Torn);
    }
    let (kind, rest) = payload.split_first().ok_or(Torn)?;
    let (at_ms, rest) = rest.split_first_chunk::<8>().ok_or(Torn)?;
    let (id, body) = rest.split_first_chunk::<8>().ok_or(Torn)?;
    Ok(Some(Frame {
        kind: *kind,
        at_ms: i64::from_le_bytes(*at_ms),
        id: RequestId(i64::from_le_bytes(*id)),
        body,
        len: PREFIX_LEN + length,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_records() -> (Vec<u8>, usize) {
        let mut buffer = Vec::new();
        let record = RequestRecord {
            id: RequestId(7),
            requested_model: "gpt-x".into(),
            ..RequestRecord::default()
        };
        encode(&mut buffer, 5, News::Started(&record));
        let first = buffer.len();
        encode(&mut buffer, 6, News::Again(RequestId(7)));
        (buffer, first)
    }

    #[test]
    fn records_are_read_back() {
        let (bytes, first) = two_records();
        let frame = next(&bytes).unwrap().unwrap();
        assert_eq!((frame.len, frame.at_ms), (first, 5));
        assert!(matches!(frame.entry(), Ok(Entry::Started(r)) if r.requested_model == "gpt-x"));
        let frame = next(&bytes[first..]).unwrap().unwrap();
        let (of, count) = (RequestId(7), 1);
        assert_eq!(frame.entry(), Ok(Entry::Again { of, count }));
        assert!(next(&bytes[first + frame.len..]).unwrap().is_none());
    }

    #[test]
    fn no_record_is_too_long_to_be_read_back() {
        let attempt = |number| AttemptRecord {
            number,
            error_code: "upstream_rate_limited".into(),
            ..AttemptRecord::default()
        };
        let attempts: Vec<AttemptRecord> = (1..200_000).map(attempt).collect();
        for error_message in [String::from("short"), "long ".repeat(1 << 20)] {
            let record = RequestRecord {
                id: RequestId(7),
                attempts: 199_999,
                cost_nanos: Some(3),
                error_message,
                ..RequestRecord::default()
            };
            let mut bytes = Vec::new();
            encode(&mut bytes, 5, News::Ended(&record, &attempts));
            let frame = next(&bytes).unwrap().unwrap();
            assert_eq!(frame.len, bytes.len());
            let Ok(Entry::Ended(read, kept)) = frame.entry() else {
                panic!("it ended");
            };
            assert!(kept.is_empty());
            assert_eq!((read.attempts, read.cost_nanos), (199_999, Some(3)));
        }
    }

    #[test]
    fn a_cut_anywhere_is_noticed() {
        let (bytes, first) = two_records();
        for cut in 1..first {
            assert_eq!(next(&bytes[..cut]).err(), Some(Torn), "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_bit_is_noticed() {
        let (bytes, first) = two_records();
        for at in 0..first {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(next(&damaged).is_err(), "byte {at}");
        }
    }

    #[test]
    fn zeros_are_not_a_record() {
        assert_eq!(next(&[0; 64]).err(), Some(Torn));
    }
}
