//! Where a call goes next: the attempts of the model that was asked for, then other models, then what rests, and at
//! last again those whose vendor said when.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::Cause;

use super::failure::Failure;
use super::failures::Failures;
use super::forward::Job;
use super::retry::{MOST_ATTEMPTS, Retries};
use crate::admission::Saturated;
use crate::catalog::Model;
use crate::routing::{Candidate, InFlight, NoPlace, QueueRule};

/// How often a place is asked for that another instance may have given back.
const ELSEWHERE: Duration = Duration::from_millis(100);

/// How one call has gone so far.
pub(super) struct Course {
    pub(super) queue: QueueRule,
    pub(super) retries: Retries,
    pub(super) failures: Failures,
    /// Credentials whose limits had no room.
    pub(super) limited: Vec<Saturated>,
    /// What other instances hold all places of.
    pub(super) elsewhere: Vec<Candidate>,
    /// What rests, and for which model: those of the model that was asked for first.
    pub(super) resting: VecDeque<(Arc<Model>, Candidate)>,
    /// Why the call did not get a place, the first time.
    pub(super) no_place: Option<NoPlace>,
}

impl Job {
    pub(super) fn course(&self) -> Course {
        let runtime = &self.worker.live.load().runtime;
        let chance = self.settlement.id().0.unsigned_abs();
        Course {
            queue: QueueRule {
                deadline: runtime.queue_deadline,
                bound: runtime.queue_limit,
            },
            retries: Retries::new(runtime.retry_budget, chance),
            failures: Failures::default(),
            limited: Vec::new(),
            elsewhere: Vec::new(),
            resting: VecDeque::new(),
            no_place: None,
        }
    }

    /// Notes a failure; false where nobody else may serve the call.
    pub(super) async fn goes_on(
        &mut self,
        candidate: Candidate,
        failure: Failure,
        course: &mut Course,
    ) -> bool {
        if !failure.of_credential {
            course.retries.failed(candidate.target.provider.id);
        }
        let repeats = !failure.acted || self.endpoint.repeatable;
        let ends = !failure.next || !repeats;
        let cause = failure.cause.filter(|_| repeats);
        let fallen_back = self.settlement.has_fallen_back();
        // what the model that was asked for has said goes before what its fallbacks say
        let tells = ends && !fallen_back;
        let number = self.settlement.record.attempts;
        let failed = (candidate, failure);
        course.failures.add(&self.model, failed, number, tells);
        if !ends {
            return true;
        }
        // the model's other targets would say the same
        let model = self.model.id;
        course.failures.never_again(model);
        course.resting.retain(|(of, _)| of.id != model);
        self.attempts.clear();
        self.fall_back(cause).await || (fallen_back && cause.is_some())
    }

    /// What is tried next, with its place; nothing where the call has to be given up.
    pub(super) async fn find(&mut self, course: &mut Course) -> Option<(Candidate, InFlight)> {
        loop {
            if self.settlement.record.attempts >= MOST_ATTEMPTS {
                return None;
            }
            let next = self.next(course.queue).await;
            let waits = next.is_ok();
            match next {
                Ok(None) => {}
                Ok(found) => return found,
                Err(no_place) => {
                    if no_place != NoPlace::Busy {
                        // it has waited as long as it may, and that was the answer
                        self.attempts.clear();
                    }
                    course.no_place.get_or_insert(no_place);
                }
            }
            if !course.elsewhere.is_empty() && self.waits_for_others(course.queue).await {
                let again = course.elsewhere.drain(..);
                again.for_each(|one| self.attempts.again(one));
                continue;
            }
            course.elsewhere.clear();
            let resting = self.attempts.take_resting().into_iter();
            let model = &self.model;
            let resting = resting.map(|candidate| (Arc::clone(model), candidate));
            course.resting.extend(resting);
            if self.fall_back(Some(Cause::Overloaded)).await {
                continue;
            }
            if let Some(found) = self.last_resort(course) {
                return Some(found);
            }
            if !waits {
                return None;
            }
            let failures = &mut course.failures;
            let (model, candidate, pause) = failures.come_back(&mut course.retries)?;
            sleep(pause).await;
            self.turn_to(model);
            self.attempts.again(candidate);
        }
    }

    /// What rests and has a place, the model that was asked for first.
    fn last_resort(&mut self, course: &mut Course) -> Option<(Candidate, InFlight)> {
        while let Some((model, candidate)) = course.resting.pop_front() {
            let now_ms = self.worker.clock.now_ms();
            let found = InFlight::last_resort(&self.worker.health, candidate, now_ms);
            if found.is_some() {
                self.turn_to(model);
                return found;
            }
        }
        None
    }

    /// Goes on with a model that had its turn before.
    fn turn_to(&mut self, model: Arc<Model>) {
        if model.id != self.model.id {
            self.settlement.turns_to(model.id);
            self.model = model;
        }
    }

    /// The next attempt, and in the record what it waited for its place.
    async fn next(&mut self, queue: QueueRule) -> Result<Option<(Candidate, InFlight)>, NoPlace> {
        let (health, clock) = (&self.worker.health, &self.worker.clock);
        let key = self.planner.key.id;
        let next = self.attempts.next(health, key, queue, || clock.now_ms());
        let next = next.await;
        if let Some(waited) = self.attempts.waited {
            let record = &mut self.settlement.record;
            let ms = i64::try_from(waited.time.as_millis()).unwrap_or(i64::MAX);
            record.queue_ms = Some(ms);
            record.queue_position = i64::try_from(waited.position).ok();
        }
        next
    }

    /// Other instances hold all places of a credential and do not tell when one is free: waits a little, as long as the
    /// queue lets calls wait.
    async fn waits_for_others(&mut self, queue: QueueRule) -> bool {
        let waited = self.attempts.waited.get_or_insert_default();
        let left = queue.deadline.saturating_sub(waited.time);
        let pause = left.min(ELSEWHERE);
        waited.time = waited.time.saturating_add(pause);
        sleep(pause).await;
        !pause.is_zero()
    }

    /// Goes over to the next model that may take over for this cause; false where there is none.
    async fn fall_back(&mut self, cause: Option<Cause>) -> bool {
        let Some(cause) = cause else {
            return false;
        };
        let found = self
            .planner
            .take_over(&self.worker, &mut self.settlement, cause)
            .await;
        let Some((resolved, attempts)) = found else {
            return false;
        };
        let waited = self.attempts.waited;
        self.attempts = attempts;
        self.attempts.waited = waited;
        self.model = resolved.model;
        true
    }
}

pub(super) async fn sleep(pause: Duration) {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}
