//! What the events of a stream say, as they go by. Usage comes with each of them, and the last one counts.

use super::answer::Reader;
use crate::sse::Verdict;
use crate::stream::Seen;

/// Looks at the data of an event that is no error.
pub(crate) fn look(reader: &Reader, data: &[u8], seen: &mut Seen) -> Verdict {
    reader.weigh(data, &mut seen.text);
    seen.look_for_repeats(data);
    if let Some(reason) = reader.reason(data) {
        seen.finish_reason = reason;
    }
    if let Some(usage) = reader.usage_in(data) {
        seen.usage = Some(usage);
    }
    // until there is a reason to finish, what came out is not counted to its end
    seen.unfinished = seen.finish_reason.is_empty();
    Verdict::Forward
}
