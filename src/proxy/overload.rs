//! How much runs at once, and from where on more is refused so that what runs can finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::ApiError;

/// The open calls of this process. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Overload {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    open: AtomicU64,
    short_of_memory: AtomicBool,
}

/// One open call; dropping it ends it.
#[derive(Debug)]
pub(super) struct Entered(Overload);

impl Overload {
    /// Lets a call in, unless `most` are open, or memory is short and others run that will give some back.
    pub(super) fn enter(&self, most: u64) -> Result<Entered, ApiError> {
        let before = self.shared.open.fetch_add(1, Ordering::Relaxed);
        let entered = Entered(self.clone());
        let short = self.shared.short_of_memory.load(Ordering::Relaxed) && before > 0;
        if before >= most || short {
            let message = "The gateway has as many calls as it can take; try again in a moment.";
            return Err(ApiError::gateway(503, "overloaded", message).retry_after(Some(1)));
        }
        Ok(entered)
    }

    /// Whether the process uses more memory than it may.
    pub fn set_short_of_memory(&self, short: bool) {
        self.shared.short_of_memory.store(short, Ordering::Relaxed);
    }

    /// Whether [`Self::set_short_of_memory`] said so last.
    pub fn is_short_of_memory(&self) -> bool {
        self.shared.short_of_memory.load(Ordering::Relaxed)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.shared.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_holds_and_what_ends_makes_room() {
        let overload = Overload::default();
        let first = overload.enter(2).unwrap();
        let second = overload.enter(2).unwrap();
        for _ in 0..3 {
            let refused = overload.clone().enter(2).unwrap_err();
            assert_eq!((refused.http_status, refused.retry_after_s), (503, Some(1)));
        }
        drop(first);
        drop(overload.enter(2).unwrap());
        overload.set_short_of_memory(true);
        assert!(
            overload.enter(2).is_err(),
            "one runs that will give memory back"
        );
        drop(second);
        assert!(
            overload.enter(2).is_ok(),
            "nothing runs: waiting would not help"
        );
    }
}
