//! What the events of a streamed message say, as they go by.

use super::answer::Reader;
use super::usage::WireUsage;
use crate::sse::Verdict;
use crate::stream::Seen;

/// What is remembered between events.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    usage: WireUsage,
    /// The vendor has said how much came out.
    counted: bool,
}

impl Memory {
    /// Looks at the data of an event that is no error.
    pub(crate) fn look(&mut self, reader: &Reader, data: &[u8], seen: &mut Seen) -> Verdict {
        reader.weigh(data, &mut seen.text);
        seen.look_for_repeats(data);
        if seen.finish_reason.is_empty()
            && let Some(reason) = reader.reason(data)
        {
            seen.finish_reason = reason;
        }
        if let Some(usage) = reader.usage_in(data) {
            self.usage.update(usage);
            self.counted |= reader.is_message_delta(data);
            seen.usage = self.usage.into_usage();
            seen.unfinished = !self.counted;
        }
        seen.done |= reader.is_stop(data);
        Verdict::Forward
    }
}
