//! What the lines of a stream say, as they go by. The last one says that it is.

use super::answer::Reader;
use crate::sse::Verdict;
use crate::stream::Seen;

/// Looks at a line that is no error.
pub(crate) fn look(reader: &Reader, data: &[u8], seen: &mut Seen) -> Verdict {
    seen.text.add_answer(data);
    seen.look_for_repeats(data);
    if let Some(reason) = reader.reason(data) {
        seen.finish_reason = reason;
    }
    if let Some(usage) = reader.usage_in(data) {
        seen.usage = Some(usage);
    }
    Verdict::Forward
}
