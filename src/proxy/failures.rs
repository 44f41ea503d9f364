//! What failed so far in one call: what its caller is told if nothing serves, and what may be tried once more.

use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::ModelId;
use tokio::time::Instant;

use super::error::ApiError;
use super::failure::Failure;
use super::retry::Retries;
use crate::admission::{Figure, Refusal, Saturated};
use crate::catalog::Model;
use crate::routing::{Candidate, NoPlace, QueueRule};

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
    later: Vec<(Arc<Model>, Candidate, Instant)>,
}

impl Failures {
    /// One more, of an attempt for `model`.
    pub(super) fn add(
        &mut self,
        model: &Arc<Model>,
        (candidate, failure): (Candidate, Failure),
        number: i64,
        ends: bool,
    ) {
        if let Some(told) = failure.retry_after {
            let due = Instant::now().checked_add(told);
            let again = |due| (Arc::clone(model), candidate.clone(), due);
            self.later.extend(due.map(again));
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

    /// Nothing of this model is asked again.
    pub(super) fn never_again(&mut self, model: ModelId) {
        self.later.retain(|(of, ..)| of.id != model);
    }

    /// The first that may be asked again within the budget, and how long to wait.
    pub(super) fn come_back(
        &mut self,
        retries: &mut Retries,
    ) -> Option<(Arc<Model>, Candidate, Duration)> {
        let all = self.later.iter().enumerate();
        let (first, _) = all.min_by_key(|(_, (.., due))| *due)?;
        let (model, mut candidate, due) = self.later.remove(first);
        let told = due.saturating_duration_since(Instant::now());
        let spot = (candidate.target.id, candidate.credential.id);
        let pause = retries.pause_of(candidate.target.provider.id, spot, told)?;
        candidate.reason = AGAIN;
        Some((model, candidate, pause))
    }
}

/// No credential has a place for the call.
pub(super) fn without_place(why: NoPlace, queue: QueueRule) -> ApiError {
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
    // calls that may wait, or the seconds that each may
    let most = match why {
        NoPlace::Busy => None,
        NoPlace::QueueFull => i64::try_from(queue.bound).ok(),
        NoPlace::QueueTimeout => i64::try_from(queue.deadline.as_secs()).ok(),
    };
    let refusal = Refusal {
        code,
        rule: "queue",
        scope: "gateway",
        status: 429,
        message: message.to_owned(),
        // what is full is full
        limit: most.map(Figure::Count),
        used: most.map(Figure::Count),
        retry_after_s: Some(if why == NoPlace::Busy { 1 } else { 5 }),
        ..Refusal::default()
    };
    Box::new(refusal).into()
}

/// The gateway is busier than the model's targets allow.
pub(super) fn too_busy(model: &str) -> ApiError {
    let refusal = Refusal {
        code: "too_busy",
        rule: "busyness",
        scope: "model",
        status: 429,
        message: format!(
            "The gateway is too busy to serve the model \"{model}\" now; try again later."
        ),
        retry_after_s: Some(60),
        ..Refusal::default()
    };
    Box::new(refusal).into()
}

/// The limits of every credential have no room.
pub(super) fn credentials_limited(limited: &[Saturated], now_ms: i64) -> ApiError {
    let message = "Every credential for this model has reached one of its limits; try again later.";
    // the one that has room first, and those after it that cannot say when
    let first = limited
        .iter()
        .min_by_key(|s| s.available_at_ms.unwrap_or(i64::MAX));
    let reset_at_ms = first.and_then(|s| s.available_at_ms);
    let seconds = reset_at_ms.map_or(1, |at| at.saturating_sub(now_ms).max(0) / 1_000 + 1);
    let refusal = Refusal {
        code: "credentials_limited",
        rule: first.map_or("rpm", |s| s.kind.as_str()),
        scope: "provider_key",
        status: 429,
        message: message.to_owned(),
        limit: first.map(|s| Figure::Count(s.limit)),
        used: first.map(|s| Figure::Count(s.used)),
        reset_at_ms,
        retry_after_s: Some(seconds),
        ..Refusal::default()
    };
    Box::new(refusal).into()
}
