//! The attempts of one call, handed out one by one: each with its place, waiting for one where there is none.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use modelgate_domain::ApiKeyId;
use tokio::time::Instant;

use super::Outcome;
use super::health::{Ended, Health, TargetLoad, Trials};
use super::places::{Full, Place};
use super::plan::{Candidate, Plan};
use crate::catalog::Credential;

/// One running attempt; dropping it frees the place.
#[derive(Debug)]
#[must_use = "dropping this frees the place"]
pub struct InFlight {
    health: Health,
    tried: Candidate,
    load: Arc<TargetLoad>,
    begun: Instant,
    begun_ms: i64,
    /// It is the one trial call of something that rested.
    trial: bool,
    _place: Place,
}

/// How long a call may wait, and among how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRule {
    /// The longest wait of a call, all its waits together; zero refuses at once.
    pub deadline: Duration,
    /// Calls that may wait for each credential.
    pub bound: usize,
}

impl QueueRule {
    /// Nobody waits.
    pub const OFF: Self = Self {
        deadline: Duration::ZERO,
        bound: 0,
    };
}

/// Why a call did not get a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// Waiting is switched off.
    Busy,
    /// Too many wait already.
    QueueFull,
    /// The wait was too long.
    QueueTimeout,
}

/// What a call has waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How many calls stood before it when it began to wait.
    pub position: usize,
    /// How long, all its waits together.
    pub time: Duration,
}

/// The attempts that are left.
#[derive(Debug, Default)]
pub struct Attempts {
    ready: VecDeque<Candidate>,
    busy: Vec<Candidate>,
    resting: VecDeque<Candidate>,
    /// Absent where the call has not waited.
    pub waited: Option<Waited>,
}

impl Attempts {
    /// The attempts of a plan.
    pub fn of(plan: Plan) -> Self {
        let mut ready = VecDeque::from(plan.attempts);
        let resting = ready.split_off(plan.well.min(ready.len()));
        Self {
            ready,
            busy: plan.busy,
            resting,
            waited: None,
        }
    }

    /// One that has been tried already may be tried again.
    pub fn again(&mut self, candidate: Candidate) {
        self.ready.push_back(candidate);
    }

    /// Whether something can be tried without waiting.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty() || !self.resting.is_empty()
    }

    /// Whether there is nothing left to try or to wait for.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.busy.is_empty() && self.resting.is_empty()
    }

    /// Nothing of this is tried any more.
    pub fn clear(&mut self) {
        self.ready.clear();
        self.busy.clear();
        self.resting.clear();
    }

    /// What rests, the first to recover first: it is tried when nothing else is left, by [`InFlight::last_resort`].
    pub fn take_resting(&mut self) -> VecDeque<Candidate> {
        std::mem::take(&mut self.resting)
    }

    /// The next attempt with its place; nothing where only what rests is left, or nothing at all. What is well and
    /// free comes first, then what is well and has to be waited for.
    pub async fn next(
        &mut self,
        health: &Health,
        key: ApiKeyId,
        queue: QueueRule,
        now_ms: impl Fn() -> i64,
    ) -> Result<Option<(Candidate, InFlight)>, NoPlace> {
        while let Some(candidate) = self.ready.pop_front() {
            match health.take_trials(&candidate, now_ms()) {
                // it will be known soon whether that one is well: until then it is not
                Trials::TakenByAnother => self.resting.push_front(candidate),
                trials => match health.places.take(&candidate.credential) {
                    Some(place) => {
                        let trial = trials == Trials::Taken;
                        let at = InFlight::new(health, &candidate, place, trial, now_ms());
                        return Ok(Some((candidate, at)));
                    }
                    None => {
                        if trials == Trials::Taken {
                            health.give_trials_back(&candidate);
                        }
                        self.busy.push(candidate);
                    }
                },
            }
        }
        let mut refused = None;
        while !self.busy.is_empty() {
            match self.wait(health, key, queue).await {
                Ok(Some((candidate, place))) => {
                    // much may have happened meanwhile
                    let rest = health.resting(&candidate, now_ms());
                    if rest.is_some_and(|rest| rest.reason.bars()) {
                        continue;
                    }
                    let at = InFlight::new(health, &candidate, place, false, now_ms());
                    return Ok(Some((candidate, at)));
                }
                Ok(None) => break,
                Err(NoPlace::Busy) => refused = Some(NoPlace::Busy),
                Err(refused) => return Err(refused),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Stands in the lines of everything that is busy until one of them has a place.
    async fn wait(
        &mut self,
        health: &Health,
        key: ApiKeyId,
        queue: QueueRule,
    ) -> Result<Option<(Candidate, Place)>, NoPlace> {
        let spent = self.waited.map_or(Duration::ZERO, |waited| waited.time);
        let left = queue.deadline.saturating_sub(spent);
        if queue.deadline.is_zero() || queue.bound == 0 {
            self.busy.clear();
            return Err(NoPlace::Busy);
        }
        let credentials: Vec<&Credential> = self.busy.iter().map(|c| &*c.credential).collect();
        let ticket = health.places.join(key, &credentials, queue.bound);
        let mut ticket = ticket.map_err(|Full| NoPlace::QueueFull)?;
        let begun = Instant::now();
        let waited = self.waited.get_or_insert(Waited {
            position: ticket.ahead,
            time: Duration::ZERO,
        });
        let granted = tokio::time::timeout(left, ticket.granted()).await;
        waited.time = waited.time.saturating_add(begun.elapsed());
        let place = granted
            .map_err(|_elapsed| NoPlace::QueueTimeout)?
            .map_err(|Full| NoPlace::QueueFull)?;
        let whose = place.credential();
        let found = self.busy.iter().position(|c| c.credential.id == whose);
        Ok(found.map(|at| (self.busy.remove(at), place)))
    }
}

impl InFlight {
    /// An attempt at something that rests; nothing where it has no place.
    pub fn last_resort(
        health: &Health,
        mut candidate: Candidate,
        now_ms: i64,
    ) -> Option<(Candidate, Self)> {
        let place = health.places.take(&candidate.credential)?;
        candidate.reason = "last_resort";
        let trial = health.take_trials(&candidate, now_ms) == Trials::Taken;
        let at = Self::new(health, &candidate, place, trial, now_ms);
        Some((candidate, at))
    }

    fn new(health: &Health, tried: &Candidate, place: Place, trial: bool, now_ms: i64) -> Self {
        let load = health.target(tried.target.id);
        load.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            health: health.clone(),
            tried: tried.clone(),
            load,
            begun: Instant::now(),
            begun_ms: now_ms,
            trial,
            _place: place,
        }
    }

    /// Notes how the attempt ended, or that its answer has begun; `detail` says what was seen, without a secret.
    pub fn report(&mut self, outcome: Outcome, detail: &str, now_ms: i64) {
        let took_ms = self.begun.elapsed().as_secs_f64() * 1_000.0;
        match outcome {
            Outcome::Served => self.load.latency().observe(took_ms, now_ms),
            Outcome::Failed | Outcome::Unreachable | Outcome::Overloaded { .. } => {
                self.load.latency().observe_failure(took_ms, now_ms);
            }
            _ => {}
        }
        let ended = Ended {
            outcome,
            begun_ms: self.begun_ms,
            now_ms,
            detail,
        };
        self.health.report(&self.tried, &ended);
        self.end_trial();
    }

    fn end_trial(&mut self) {
        if std::mem::take(&mut self.trial) {
            self.health.give_trials_back(&self.tried);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(1, Ordering::Relaxed);
        // its caller has gone before the vendor answered: the next call may try
        self.end_trial();
    }
}
