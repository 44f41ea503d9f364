//! What the events of a streamed response say, as they go by. Usage comes with the last one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Reader;
use crate::sse::Verdict;
use crate::stream::Seen;

/// Looks at the data of an event that is no error.
pub(crate) fn look(reader: &Reader, data: &[u8], seen: &mut Seen) -> Verdict {
    let kind = Reader::kind(data).unwrap_or_default();
    seen.look_for_repeats(data);
    if kind.ends_with(".delta") {
        #[derive(Deserialize)]
        struct Piece<'a> {
            #[serde(borrow, default)]
            delta: Option<&'a RawValue>,
        }
        let piece = serde_json::from_slice::<Piece<'_>>(data);
        if let Some(delta) = piece.ok().and_then(|piece| piece.delta) {
            seen.text.add_json(delta.get().as_bytes());
        }
    }
    if Reader::is_end(&kind) {
        seen.done = true;
        seen.finish_reason = reader.ending(data);
        seen.usage = reader.usage_in(data);
    }
    Verdict::Forward
}
