//! What failed so far in one call: what its caller is told if nothing serves, and what may be tried once more.

use std::time::Duration;

use tokio::time::Instant;

use super::error::ApiError;
use super::failure::Failure;
use super::retry::Retries;
use crate::admission::Saturated;
use crate::routing::{Candidate, NoPlace};

/// Why an attempt is made that was made before: its vendor has said from when on.
pub(super) const AGAIN: &str = "retry_after";

/// An attempt that failed, and which one it was.
pub(super) struct Failed {
    pub(super) candidate: Candidate,
    pub(super) failure: Failure,
    pub(super) number: i64,
}

/// What failed so far.
#[derive(Default)]
pub(super) struct Failures {
    /// What the caller is told if nothing serves.
    pub(super) told: Option<Failed>,
    /// All of them, for their names.
    pub(super) tried: Vec<Candidate>,
    /// Whose vendor said when it may be asked again.
    later: Vec<(Candidate, Instant)>,
}

impl Failures {
    pub(super) fn add(&mut self, candidate: Candidate, failure: Failure, number: i64, ends: bool) {
        if let Some(told) = failure.retry_after {
            let due = Instant::now().checked_add(told);
            self.later.extend(due.map(|due| (candidate.clone(), due)));
        }
        self.tried.push(candidate.clone());
        if ends || self.told.is_none() {
            self.told = Some(Failed {
                candidate,
                failure,
                number,
            });
        }
    }

    /// The first that may be asked again within the budget, and how long to wait.
    pub(super) fn come_back(&mut self, retries: &mut Retries) -> Option<(Candidate, Duration)> {
        let due = self
            .later
            .iter()
            .enumerate()
            .min_by_key(|(_, (_, due))| *due);
        let (mut candidate, due) = self.later.remove(due?.0);
        let told = due.saturating_duration_since(Instant::now());
        let pause = retries.pause_of(candidate.target.provider.id, told)?;
        candidate.reason = AGAIN;
        Some((candidate, pause))
    }
}

/// No credential has a place for the call.
pub(super) fn without_place(why: NoPlace) -> ApiError {
    let (code, message) = match why {
        NoPlace::Busy => (
            "credentials_busy",
            "Every credential for this model is in use just now; try again in a moment.",
        ),
        NoPlace::QueueFull => (
            "queue_full",
            "Every credential for this model is in use, and too many calls wait for one; try again later.",
        ),
        NoPlace::QueueTimeout => (
            "queue_timeout",
            "Every credential for this model was in use for as long as a call may wait; try again later.",
        ),
    };
    let seconds = if why == NoPlace::Busy { 1 } else { 5 };
    ApiError::policy(429, code, message).retry_after(Some(seconds))
}

/// The limits of every credential have no room.
pub(super) fn credentials_limited(limited: &[Saturated], now_ms: i64) -> ApiError {
    let message = "Every credential for this model has reached one of its limits; try again later.";
    let first = limited.iter().filter_map(|s| s.available_at_ms).min();
    let seconds = first.map_or(1, |at| at.saturating_sub(now_ms).max(0) / 1_000 + 1);
    ApiError::policy(429, "credentials_limited", message).retry_after(Some(seconds))
}
