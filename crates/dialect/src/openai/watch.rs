//! What the events of a stream of chat or completion chunks say, as they go by.

use serde::Deserialize;

use super::answer::Reader;
use crate::sse::Verdict;
use crate::stream::Seen;

/// Looks at the data of an event that is no error.
pub(crate) fn look(reader: &Reader, hide_usage: bool, data: &[u8], seen: &mut Seen) -> Verdict {
    if data == b"[DONE]" {
        seen.done = true;
        return Verdict::Forward;
    }
    reader.weigh(data, &mut seen.text);
    seen.look_for_repeats(data);
    if seen.finish_reason.is_empty()
        && let Some(reason) = reader.reason(data)
    {
        seen.finish_reason = reason;
    }
    let Some(usage) = reader.usage_in(data) else {
        return Verdict::Forward;
    };
    seen.usage = Some(usage);
    if hide_usage && has_no_choices(data) {
        Verdict::Hide
    } else {
        Verdict::Forward
    }
}

/// True for the chunk that carries nothing but usage.
fn has_no_choices(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Option<Vec<serde::de::IgnoredAny>>,
    }
    let chunk = serde_json::from_slice::<Chunk>(data);
    chunk.is_ok_and(|c| c.choices.is_some_and(|choices| choices.is_empty()))
}
