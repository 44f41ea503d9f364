//! What this process has learnt about vendors: who rests until when, how busy each is, and how soon each answers.
//!
//! A rest is advice about order: the plan tries what rests only after everything else, so that a gateway with a
//! single credential never refuses a call that the vendor might have answered. Only what the vendor said it will
//! not serve (no quota, a credential it does not accept) is left alone until its time is over.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ahash::AHashMap;
use modelgate_domain::{ApiKeyId, ModelId, ProviderId, ProviderKeyId, TargetId};

use super::breaker::{self, Bounds, Breaker, Standing};
use super::event::{Event, Events, State, Subject, Teller};
use super::latency::Latency;
use super::places::Places;
use super::plan::Candidate;
use super::{Outcome, Reason};

/// Why and until when something rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Why.
    pub reason: Reason,
    /// Epoch milliseconds. Not in the future where a trial call decides just now.
    pub until_ms: i64,
}

/// One thing in trouble, for pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub subject: Subject,
    /// Why and until when.
    pub resting: Resting,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// How.
    pub outcome: Outcome,
    /// When it began, epoch milliseconds.
    pub begun_ms: i64,
    /// When it ended, epoch milliseconds.
    pub now_ms: i64,
    /// What was seen, in words without a secret; may be empty.
    pub detail: &'a str,
}

/// The health of this process's view of the vendors. Cheap to clone; all clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    shared: Arc<Shared>,
    pub(super) places: Places,
}

#[derive(Debug, Default)]
struct Shared {
    breakers: RwLock<AHashMap<Subject, Breaker>>,
    /// Entries of `breakers`: 0 on a good day, so that a served call takes no lock.
    known: AtomicUsize,
    targets: RwLock<AHashMap<TargetId, Arc<TargetLoad>>>,
    turns: RwLock<AHashMap<ModelId, Arc<AtomicU64>>>,
    teller: Option<Teller>,
}

/// What runs at a target and how soon it answers.
#[derive(Debug, Default)]
pub(super) struct TargetLoad {
    pub(super) in_flight: AtomicU32,
    latency: Mutex<Latency>,
}

impl TargetLoad {
    pub(super) fn latency(&self) -> std::sync::MutexGuard<'_, Latency> {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health {
    /// Nothing known yet: everything counts as well. Changes are told to nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, and the end at which every change of state arrives.
    pub fn told() -> (Self, Events) {
        let (teller, events) = Teller::new();
        let shared = Shared {
            teller: Some(teller),
            ..Shared::default()
        };
        let health = Self {
            shared: Arc::new(shared),
            places: Places::default(),
        };
        (health, events)
    }

    /// How many calls of a credential run now in this process.
    pub fn in_flight(&self, credential: ProviderKeyId) -> u32 {
        self.places.busy(credential)
    }

    /// Leaves this instance one part of so many of every credential's places, because nobody knows what others use.
    pub fn divide_places(&self, parts: u32) {
        self.places.divide(parts);
    }

    /// How many calls wait for a place of a credential.
    pub fn waiting(&self, credential: ProviderKeyId) -> usize {
        self.places.waiting(credential)
    }

    /// Calls that wait for a place of any credential, by API key.
    pub fn waiting_by_key(&self) -> AHashMap<ApiKeyId, usize> {
        self.places.waiting_by_key()
    }

    /// How many calls run at a target now.
    pub fn in_flight_at(&self, target: TargetId) -> u32 {
        let targets = self.targets();
        targets
            .get(&target)
            .map_or(0, |load| load.in_flight.load(Ordering::Relaxed))
    }

    /// The time to the first token that a target leads to expect, in milliseconds; 0 where nothing is known.
    pub fn latency_ms(&self, target: TargetId, now_ms: i64) -> f64 {
        let targets = self.targets();
        targets
            .get(&target)
            .map_or(0.0, |load| load.latency().read(now_ms))
    }

    /// What the next call at a target would have to expect, to compare targets by.
    pub(super) fn load(&self, target: TargetId, now_ms: i64) -> f64 {
        let targets = self.targets();
        targets.get(&target).map_or(0.0, |load| {
            let in_flight = load.in_flight.load(Ordering::Relaxed);
            load.latency().load(in_flight, now_ms)
        })
    }

    /// The number of a model's next turn; taking it is the call's, looking at it an explanation's.
    pub fn turn(&self, model: ModelId, take: bool) -> u64 {
        let by = u64::from(take);
        let turns = &self.shared.turns;
        if let Some(turn) = turns
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&model)
        {
            return turn.fetch_add(by, Ordering::Relaxed);
        }
        let mut turns = turns.write().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(model).or_default();
        turn.fetch_add(by, Ordering::Relaxed)
    }

    pub(super) fn target(&self, target: TargetId) -> Arc<TargetLoad> {
        if let Some(load) = self.targets().get(&target) {
            return Arc::clone(load);
        }
        let targets = &self.shared.targets;
        let mut targets = targets.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(targets.entry(target).or_default())
    }

    /// Notes how an attempt ended.
    pub fn report(&self, tried: &Candidate, ended: &Ended<'_>) {
        let [provider, credential, pair] = subjects(tried);
        match ended.outcome {
            Outcome::Served | Outcome::Answered => {
                return self.served(&[provider, credential, pair], ended);
            }
            Outcome::Unreachable => {
                return self.rest(provider, Reason::Unreachable, None, ended);
            }
            _ => self.reached(provider, ended),
        }
        let told = |wait: Option<i64>| wait.map(|ms| ended.now_ms.saturating_add(ms.max(0)));
        match ended.outcome {
            Outcome::RateLimited { retry_after_ms } => {
                self.rest(pair, Reason::RateLimited, told(retry_after_ms), ended);
            }
            Outcome::AccountLimited { retry_after_ms } => {
                let told = told(retry_after_ms);
                self.rest(credential, Reason::AccountLimited, told, ended);
            }
            Outcome::Exhausted { retry_after_ms } => {
                let told = told(retry_after_ms);
                self.rest(credential, Reason::Exhausted, told, ended);
            }
            Outcome::Rejected => self.rest(credential, Reason::Rejected, None, ended),
            Outcome::Forbidden => self.rest(pair, Reason::Forbidden, None, ended),
            Outcome::Unavailable { retry_after_ms } => {
                self.rest(pair, Reason::Unavailable, told(retry_after_ms), ended);
            }
            Outcome::Overloaded {
                retry_after_ms: Some(wait),
            } => self.rest(pair, Reason::Overloaded, told(Some(wait)), ended),
            Outcome::Overloaded {
                retry_after_ms: None,
            }
            | Outcome::Failed => self.failed([provider, credential, pair], ended),
            Outcome::Served | Outcome::Answered | Outcome::Unreachable => {}
        }
    }

    /// Whether this credential at this target rests now, and for the longest of the reasons. What may be tried
    /// again, and is not just being tried, does not rest.
    pub fn resting(&self, tried: &Candidate, now_ms: i64) -> Option<Resting> {
        if self.knows_nothing() {
            return None;
        }
        let breakers = self.read();
        let rests = subjects(tried).into_iter().filter_map(|subject| {
            let breaker = breakers.get(&subject)?;
            let until_ms = match breaker.standing(now_ms) {
                Standing::Open { until_ms } => until_ms,
                Standing::Trying => now_ms,
                Standing::Closed | Standing::HalfOpen => return None,
            };
            Some(Resting {
                reason: breaker.reason,
                until_ms,
            })
        });
        rests.max_by_key(|rest| (rest.reason.bars(), rest.until_ms))
    }

    /// What a page shows for a credential: the longest rest of it, at any target, or of its provider.
    pub fn credential_resting(
        &self,
        provider: ProviderId,
        credential: ProviderKeyId,
        now_ms: i64,
    ) -> Option<Resting> {
        let all = self.troubles(provider, now_ms);
        all.into_iter()
            .filter(|t| t.subject.credential.is_none_or(|id| id == credential))
            .map(|trouble| trouble.resting)
            .max_by_key(|rest| (rest.reason.bars(), rest.until_ms))
    }

    /// Everything of a provider that rests or waits for a trial call, in the order of its rows.
    pub fn troubles(&self, provider: ProviderId, now_ms: i64) -> Vec<Trouble> {
        let breakers = self.read();
        let of = breakers.iter().filter(|(s, _)| s.provider == provider);
        let mut all: Vec<Trouble> = of
            .filter_map(|(subject, breaker)| {
                let until_ms = match breaker.standing(now_ms) {
                    Standing::Closed => return None,
                    Standing::Open { until_ms } => until_ms,
                    Standing::HalfOpen | Standing::Trying => now_ms,
                };
                let resting = Resting {
                    reason: breaker.reason,
                    until_ms,
                };
                Some(Trouble {
                    subject: *subject,
                    resting,
                })
            })
            .collect();
        all.sort_by_key(|trouble| (trouble.subject.credential, trouble.subject.target));
        all
    }

    /// Takes the trial calls that are due for this attempt. False where another call is trying already.
    pub(super) fn take_trials(&self, tried: &Candidate, now_ms: i64) -> Trials {
        if self.knows_nothing() {
            return Trials::NotNeeded;
        }
        let subjects = subjects(tried);
        let standing = |breakers: &AHashMap<Subject, Breaker>, wanted| {
            let mut found = subjects.iter().filter_map(|s| breakers.get(s));
            found.any(|b| b.standing(now_ms) == wanted)
        };
        let known = self.read();
        if standing(&known, Standing::Trying) {
            return Trials::TakenByAnother;
        }
        if !standing(&known, Standing::HalfOpen) {
            return Trials::NotNeeded;
        }
        drop(known);
        let mut breakers = self.write();
        if standing(&breakers, Standing::Trying) {
            return Trials::TakenByAnother;
        }
        for subject in &subjects {
            if let Some(breaker) = breakers.get_mut(subject) {
                breaker.take_trial(now_ms);
            }
        }
        Trials::Taken
    }

    pub(super) fn give_trials_back(&self, tried: &Candidate) {
        let mut breakers = self.write();
        for subject in subjects(tried) {
            if let Some(breaker) = breakers.get_mut(&subject) {
                breaker.give_trial_back();
            }
        }
    }

    fn served(&self, subjects: &[Subject], ended: &Ended<'_>) {
        if self.knows_nothing() {
            return;
        }
        let known = self.read();
        if !subjects.iter().any(|subject| known.contains_key(subject)) {
            return;
        }
        drop(known);
        let mut events = Vec::new();
        let mut breakers = self.write();
        for subject in subjects {
            let Some(breaker) = breakers.get_mut(subject) else {
                continue;
            };
            let from = State::of(breaker.reason);
            if breaker.served(ended.begun_ms, ended.now_ms) {
                events.push(well(*subject, from, "served", ended.now_ms));
            }
            if breaker.is_spent(ended.now_ms) {
                breakers.remove(subject);
            }
        }
        self.count(&breakers);
        drop(breakers);
        for event in events {
            self.tell(event);
        }
    }

    /// A provider that answers, with whatever, is not unreachable any more, and one that refuses is not broken.
    fn reached(&self, provider: Subject, ended: &Ended<'_>) {
        if self.knows_nothing() {
            return;
        }
        let broken = matches!(ended.outcome, Outcome::Failed | Outcome::Overloaded { .. });
        let reason = self.read().get(&provider).map(|b| b.reason);
        if reason == Some(Reason::Unreachable) || (reason == Some(Reason::Failing) && !broken) {
            self.served(&[provider], ended);
        }
    }

    /// One more failure. It counts further up only while the pair is not known to fail: one model that its vendor
    /// has broken shall not bench the vendor's other models.
    fn failed(&self, [provider, credential, pair]: [Subject; 3], ended: &Ended<'_>) {
        let now_ms = ended.now_ms;
        let known = self.read();
        let well = known
            .get(&pair)
            .is_none_or(|b| b.standing(now_ms) == Standing::Closed);
        drop(known);
        let count = |subject, bounds: Bounds| {
            self.change(subject, ended, |breaker| breaker.failed(bounds, now_ms));
        };
        count(pair, breaker::PAIR);
        if well {
            count(credential, breaker::CREDENTIAL);
            count(provider, breaker::PROVIDER);
        }
    }

    pub(super) fn rest(
        &self,
        subject: Subject,
        reason: Reason,
        told_ms: Option<i64>,
        ended: &Ended<'_>,
    ) {
        let now_ms = ended.now_ms;
        self.change(subject, ended, |breaker| {
            breaker.rest(reason, told_ms, now_ms)
        });
    }

    fn change(&self, subject: Subject, ended: &Ended<'_>, by: impl FnOnce(&mut Breaker) -> bool) {
        let now_ms = ended.now_ms;
        let mut breakers = self.write();
        let breaker = breakers
            .entry(subject)
            .or_insert_with(|| Breaker::new(now_ms));
        let from = match breaker.standing(now_ms) {
            Standing::Closed => State::Well,
            _ => State::of(breaker.reason),
        };
        let before = breaker.reason;
        let changed = by(breaker);
        let (reason, standing) = (breaker.reason, breaker.standing(now_ms));
        self.count(&breakers);
        drop(breakers);
        let Standing::Open { until_ms } = standing else {
            return;
        };
        // a trial that failed goes on resting for the same reason: no change of state, but for those who probe
        let news = from != State::of(reason) || before != reason || reason.bars();
        if changed && news {
            self.tell(Event {
                at_ms: now_ms,
                subject,
                from,
                to: State::of(reason),
                reason: reason.code(),
                detail: ended.detail.to_owned(),
                until_ms: Some(until_ms),
            });
        }
    }

    pub(super) fn tell(&self, event: Event) {
        if let Some(teller) = &self.shared.teller {
            teller.tell(event);
        }
    }

    pub(super) fn knows_nothing(&self) -> bool {
        self.shared.known.load(Ordering::Acquire) == 0
    }

    pub(super) fn count(&self, breakers: &AHashMap<Subject, Breaker>) {
        self.shared.known.store(breakers.len(), Ordering::Release);
    }

    fn targets(&self) -> RwLockReadGuard<'_, AHashMap<TargetId, Arc<TargetLoad>>> {
        let targets = &self.shared.targets;
        targets.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, AHashMap<Subject, Breaker>> {
        let breakers = &self.shared.breakers;
        breakers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, AHashMap<Subject, Breaker>> {
        let breakers = &self.shared.breakers;
        breakers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of asking for a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trials {
    NotNeeded,
    Taken,
    TakenByAnother,
}

/// The provider, the credential and the pair of an attempt.
fn subjects(tried: &Candidate) -> [Subject; 3] {
    let provider = Subject {
        provider: tried.target.provider.id,
        credential: None,
        target: None,
    };
    let credential = Subject {
        credential: Some(tried.credential.id),
        ..provider
    };
    let pair = Subject {
        target: Some(tried.target.id),
        ..credential
    };
    [provider, credential, pair]
}

pub(super) fn well(subject: Subject, from: State, reason: &'static str, at_ms: i64) -> Event {
    Event {
        at_ms,
        subject,
        from,
        to: State::Well,
        reason,
        detail: String::new(),
        until_ms: None,
    }
}
