//! Server-sent events: where one ends, and what its data is.
//!
//! Knows nothing of any vendor. [`Framer`] turns chunks of any size into runs of whole events, so that whatever
//! is put between two runs can never split an event.

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

/// The largest event that is held while its end has not come. Larger ones end the stream: memory is bounded.
pub const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// A comment that keeps a silent connection open; readers ignore it.
pub const HEARTBEAT: &[u8] = b": keep-alive\n\n";

/// The same for readers who take every line that is not empty for data or an error (Google's clients for Python and Go).
pub const BLANK_HEARTBEAT: &[u8] = b"\n\n";

/// An event is larger than [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {MAX_EVENT_BYTES} bytes")]
pub struct EventTooLarge;

/// What a reader of events says about each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on to the caller, byte for byte.
    Forward,
    /// The caller does not see it.
    Hide,
}

/// Cuts a byte stream at the ends of events. Lines may end in LF, CRLF or CR, also mixed.
#[derive(Debug, Default)]
pub struct Framer {
    /// The event whose end has not come yet.
    tail: BytesMut,
    lines: Lines,
    /// The verdict on the last event: where its final CR came last in a chunk, the LF of the next follows it.
    last_hidden: bool,
}

impl Framer {
    /// For streams whose every line is an event (NDJSON).
    #[must_use]
    pub fn of_lines() -> Self {
        let mut framer = Self::default();
        framer.lines.each = true;
        framer
    }

    /// True where bytes of an event without an end are held.
    pub fn holds_partial(&self) -> bool {
        !self.tail.is_empty()
    }

    /// Takes a chunk, shows each event that it completes to `judge`, and returns what goes to the caller:
    /// whole events only, possibly none. A chunk of whole events that are all forwarded is not copied.
    pub fn push(
        &mut self,
        mut chunk: Bytes,
        mut judge: impl FnMut(&[u8]) -> Verdict,
    ) -> Result<Bytes, EventTooLarge> {
        let split_terminator = self.tail.is_empty() && self.lines.skip_lf(&chunk);
        let mut orphan = Bytes::new();
        if split_terminator {
            let lf = chunk.split_to(1);
            if !self.last_hidden {
                orphan = lf;
            }
        }
        let mut run = Run::default();
        let out = if self.tail.is_empty() {
            self.lines.at = 0;
            let whole = run.read(&mut self.lines, &chunk, &mut judge);
            self.tail.extend_from_slice(&chunk.split_off(whole));
            run.output(chunk)
        } else {
            self.tail.extend_from_slice(&chunk);
            let whole = run.read(&mut self.lines, &self.tail, &mut judge);
            run.output(self.tail.split_to(whole).freeze())
        };
        self.lines.at = self.tail.len();
        if run.seen {
            self.last_hidden = run.last_hidden;
        }
        if self.tail.len() > MAX_EVENT_BYTES {
            return Err(EventTooLarge);
        }
        Ok(join(&orphan, out))
    }

    /// The bytes after the last whole event, when the stream has ended.
    pub fn finish(&mut self) -> Bytes {
        self.lines = Lines {
            each: self.lines.each,
            ..Lines::default()
        };
        self.tail.split().freeze()
    }
}

fn join(orphan: &Bytes, out: Bytes) -> Bytes {
    if orphan.is_empty() {
        return out;
    }
    let mut both = BytesMut::with_capacity(out.len().saturating_add(1));
    both.extend_from_slice(orphan);
    both.extend_from_slice(&out);
    both.freeze()
}

/// The events of one buffer and which of them are hidden.
#[derive(Default)]
struct Run {
    /// What is forwarded so far, once anything was hidden.
    kept: Option<BytesMut>,
    seen: bool,
    last_hidden: bool,
}

impl Run {
    /// Reads all whole events and returns where the last one ends.
    fn read(
        &mut self,
        lines: &mut Lines,
        buffer: &[u8],
        judge: &mut impl FnMut(&[u8]) -> Verdict,
    ) -> usize {
        let mut start = 0;
        while let Some(end) = lines.event_end(buffer) {
            let event = buffer.get(start..end).unwrap_or_default();
            let hide = judge(event) == Verdict::Hide;
            if hide && self.kept.is_none() {
                self.kept = Some(BytesMut::from(buffer.get(..start).unwrap_or_default()));
            } else if let (false, Some(kept)) = (hide, &mut self.kept) {
                kept.extend_from_slice(event);
            }
            self.seen = true;
            self.last_hidden = hide;
            start = end;
        }
        start
    }

    fn output(&mut self, whole: Bytes) -> Bytes {
        self.kept.take().map_or(whole, BytesMut::freeze)
    }
}

/// Where in the line structure the reader is.
#[derive(Debug)]
struct Lines {
    /// Bytes of the buffer that were read.
    at: usize,
    /// No byte of the present line has come.
    empty: bool,
    /// The last byte was a CR: a LF now belongs to it.
    after_cr: bool,
    /// Every line is an event.
    each: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            at: 0,
            empty: true,
            after_cr: false,
            each: false,
        }
    }
}

impl Lines {
    /// True where `chunk` begins with the second half of a CRLF whose first half ended the last event.
    fn skip_lf(&mut self, chunk: &[u8]) -> bool {
        let Some(first) = chunk.first() else {
            return false;
        };
        let split = self.after_cr && *first == b'\n';
        self.after_cr = false;
        split
    }

    /// Reads on to the end of an event, and returns the offset behind it.
    fn event_end(&mut self, buffer: &[u8]) -> Option<usize> {
        loop {
            if self.after_cr {
                let next = *buffer.get(self.at)?;
                self.after_cr = false;
                if next == b'\n' {
                    self.at = self.at.saturating_add(1);
                }
            }
            let rest = buffer.get(self.at..).unwrap_or_default();
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.empty &= rest.is_empty();
                self.at = buffer.len();
                return None;
            };
            let blank = self.each || (self.empty && length == 0);
            self.after_cr = rest.get(length) == Some(&b'\r');
            self.empty = true;
            self.at = self.at.saturating_add(length).saturating_add(1);
            if blank {
                if self.after_cr && buffer.get(self.at) == Some(&b'\n') {
                    self.after_cr = false;
                    self.at = self.at.saturating_add(1);
                }
                return Some(self.at);
            }
        }
    }
}

/// The data of an event: the value of its `data` line without the one leading space. Where it has several,
/// `None`: vendors of JSON streams send one, and joining them would need a copy.
pub fn data(event: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    let mut rest = event;
    while !rest.is_empty() {
        let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
        if let Some(value) = line.strip_prefix(b"data:") {
            if found.is_some() {
                return None;
            }
            found = Some(value.strip_prefix(b" ").unwrap_or(value));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events_of(chunks: &[&[u8]]) -> (Vec<String>, String) {
        let mut framer = Framer::default();
        let (mut events, mut out) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let run = framer.push(Bytes::copy_from_slice(chunk), |event| {
                events.push(String::from_utf8_lossy(event).into_owned());
                Verdict::Forward
            });
            out.extend_from_slice(&run.unwrap());
        }
        out.extend_from_slice(&framer.finish());
        (events, String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_line_ending_ends_an_event() {
        for ending in ["\n\n", "\r\n\r\n", "\r\r", "\n\r\n", "\r\n\n", "\n\r"] {
            let text = format!("data: 1{ending}data: 2{ending}");
            let (events, out) = events_of(&[text.as_bytes()]);
            assert_eq!(events.len(), 2, "{ending:?}: {events:?}");
            assert_eq!(out, text);
        }
    }

    #[test]
    fn an_event_waits_for_its_end() {
        let mut framer = Framer::default();
        let keep = |_: &[u8]| Verdict::Forward;
        assert!(
            framer
                .push(Bytes::from("data: a\n"), keep)
                .unwrap()
                .is_empty()
        );
        assert!(framer.holds_partial());
        let run = framer.push(Bytes::from("\ndata: b"), keep).unwrap();
        assert_eq!(run, "data: a\n\n");
        assert_eq!(framer.finish(), "data: b");
    }

    #[test]
    fn a_chunk_of_whole_events_is_not_copied() {
        let chunk = Bytes::from("data: 1\n\ndata: 2\n\n");
        let out = Framer::default()
            .push(chunk.clone(), |_| Verdict::Forward)
            .unwrap();
        assert_eq!(out.as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut framer = Framer::default();
        let chunk = Bytes::from(vec![b'x'; MAX_EVENT_BYTES / 2 + 1]);
        assert!(framer.push(chunk.clone(), |_| Verdict::Forward).is_ok());
        assert_eq!(framer.push(chunk, |_| Verdict::Forward), Err(EventTooLarge));
    }

    #[test]
    fn data_is_the_one_data_line() {
        assert_eq!(data(b"event: x\ndata: {}\n\n"), Some(&b"{}"[..]));
        assert_eq!(data(b"data:{}\r\n\r\n"), Some(&b"{}"[..]));
        assert_eq!(data(b": comment\n\n"), None);
        assert_eq!(data(b"data: a\ndata: b\n\n"), None);
    }

    /// Streams made of few kinds of pieces, so that odd line endings meet often.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "\n",
            "\r",
            "\r\n",
            "\n\n",
            "\r\n\r\n",
            "data: keep",
            "data: hide",
            ": c",
            "x",
            "é",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|p| p.concat().into_bytes())
    }

    fn relay(stream: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (stream.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(stream.len());
        let mut framer = Framer::default();
        let (mut out, mut events, mut from) = (Vec::new(), Vec::new(), 0);
        for cut in cuts {
            let chunk = Bytes::copy_from_slice(&stream[from..cut]);
            from = cut;
            let run = framer.push(chunk, |event| {
                if event.iter().all(u8::is_ascii_whitespace) {
                    return Verdict::Forward;
                }
                events.push(event.trim_ascii_end().to_vec());
                if event.windows(4).any(|w| w == b"hide") {
                    Verdict::Hide
                } else {
                    Verdict::Forward
                }
            });
            out.extend_from_slice(&run.unwrap());
        }
        out.extend_from_slice(&framer.finish());
        (out, events)
    }

    proptest! {
        #[test]
        fn any_split_yields_the_same_bytes(
            stream in stream(),
            cuts in prop::collection::vec(any::<usize>(), 0..30),
        ) {
            let bytewise: Vec<usize> = (0..=stream.len()).collect();
            let whole = relay(&stream, &[]);
            prop_assert_eq!(&relay(&stream, &cuts), &whole);
            prop_assert_eq!(&relay(&stream, &bytewise), &whole);
        }

        #[test]
        fn nothing_is_lost_when_nothing_is_hidden(stream in stream(), cut in any::<usize>()) {
            let cut = cut % (stream.len() + 1);
            let (_, out) = events_of_bytes(&stream, cut);
            prop_assert_eq!(out, stream);
        }
    }

    fn events_of_bytes(stream: &[u8], cut: usize) -> (usize, Vec<u8>) {
        let mut framer = Framer::default();
        let (mut count, mut out) = (0, Vec::new());
        for part in [&stream[..cut], &stream[cut..]] {
            let run = framer.push(Bytes::copy_from_slice(part), |_| {
                count += 1;
                Verdict::Forward
            });
            out.extend_from_slice(&run.unwrap());
        }
        out.extend_from_slice(&framer.finish());
        (count, out)
    }
}
