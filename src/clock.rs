//! The time, as something that is handed in: tests bring their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// Tells the time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `epoch_ms` until [`Clock::advance_ms`] moves it.
    pub fn fixed(epoch_ms: i64) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(epoch_ms))))
    }

    /// Milliseconds since 1970 UTC.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
            Source::Fixed(ms) => ms.load(Ordering::SeqCst),
        }
    }

    /// The same moment as a date and time.
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now_ms()).unwrap_or_default()
    }

    /// Moves a fixed clock; the system clock does not listen.
    pub fn advance_ms(&self, by: i64) {
        if let Source::Fixed(ms) = &self.0 {
            ms.fetch_add(by, Ordering::SeqCst);
        }
    }
}
