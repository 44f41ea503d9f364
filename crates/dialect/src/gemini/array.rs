//! A stream as one JSON array, which is the form that `streamGenerateContent` has without `alt=sse`.

use bytes::{BufMut, Bytes, BytesMut};

use crate::sse::{self, EventTooLarge, Framer, Verdict};

/// Puts events into an array, each as soon as it comes.
#[derive(Debug, Default)]
pub struct Array {
    framer: Framer,
    begun: bool,
}

impl Array {
    /// Takes events and returns what goes to the caller. Comments become white space, which keeps the connection open.
    pub fn push(&mut self, events: Bytes) -> Result<Bytes, EventTooLarge> {
        let mut out = BytesMut::with_capacity(events.len());
        let begun = &mut self.begun;
        self.framer.push(events, |event| {
            match sse::data(event) {
                Some(data) => {
                    let first = !std::mem::replace(begun, true);
                    out.put_slice(if first { b"[" } else { b",\r\n" });
                    out.put_slice(data);
                }
                None => out.put_slice(b"\n"),
            }
            Verdict::Hide
        })?;
        Ok(out.freeze())
    }

    /// What closes it.
    pub fn end(&self) -> Bytes {
        Bytes::from_static(if self.begun { b"]" } else { b"[]" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_elements_however_they_are_cut() {
        let text = ": wait\n\ndata: {\"a\":1}\r\n\r\ndata: {\"a\":2}\n\n";
        for size in [1, 7, text.len()] {
            let mut array = Array::default();
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                out.extend(array.push(Bytes::copy_from_slice(piece)).unwrap());
            }
            out.extend(array.end());
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(read, serde_json::json!([{ "a": 1 }, { "a": 2 }]));
        }
        assert_eq!(Array::default().end(), "[]");
    }
}
