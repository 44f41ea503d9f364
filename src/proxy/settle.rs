//! One terminal record for every accepted call, whatever way it ends.
//!
//! The settlement travels with the call. Whoever ends the call says how; where nobody does, because the future
//! or the body was dropped, the caller has gone and the record says so. Dropping only hands the record over.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use bytes::Bytes;
use modelgate_dialect::Caller;
use modelgate_dialect::estimate::Estimate;
use modelgate_dialect::openai::answer::Findings;
use modelgate_dialect::openai::error::Attempt;
use modelgate_domain::{
    AttemptRecord, Busyness, FaultOwner, ModelId, Phase, Phases, ProviderId, RequestId,
    RequestRecord, Status, Usage,
};
use tokio::time::Instant;

use super::error::ApiError;
use super::failure::shutting_down;
use super::overload::Entered;
use super::state::Worker;
use crate::admission::{self, Ask, CredentialPermit, Permit, Rates, Used, price_at};
use crate::catalog::{Model, Target};
use crate::journal::JournalFull;
use crate::routing::{Candidate, InFlight, Outcome};
use crate::telemetry::CallTrace;
use crate::upstream::scrub;

/// What is kept of a vendor's words in the history of its health.
const MAX_DETAIL_CHARS: usize = 300;

/// The record of one call while it runs.
pub(super) struct Settlement {
    worker: Data<Worker>,
    pub(super) record: RequestRecord,
    /// The caller's: errors are told in it.
    pub(super) dialect: Caller,
    attempts: Vec<AttemptRecord>,
    /// The last of them has not ended.
    attempting: bool,
    begun: Instant,
    phases: Phases,
    /// Absent where traces are not kept.
    pub(super) trace: Option<Box<CallTrace>>,
    /// Until the first vendor call, without waiting for a place.
    overhead: Option<Duration>,
    last_event: Option<Instant>,
    /// What the prompt weighs, should nobody count it.
    pub(super) prompt: Estimate,
    findings: Findings,
    /// Set once a vendor has answered: from then on tokens and cost are owed.
    served_by: Option<(Arc<Model>, Arc<Target>)>,
    permit: Option<Permit>,
    /// The running attempt's share of its credential's limits.
    share: Option<CredentialPermit>,
    entered: Option<Entered>,
    suggestion: Option<(Busyness, String)>,
    place: Option<InFlight>,
    /// The attempt that runs or ran last: whose secrets no text may show.
    tried: Option<Candidate>,
    /// The model, and the one in its place that was asked for, before a fallback took over.
    before_fallback: Option<(ModelId, ModelId)>,
    /// The status that has gone to the caller; 0 while none has.
    committed: Rc<Cell<u16>>,
    /// The journal knows of the call.
    started: bool,
    open: bool,
}

impl Settlement {
    /// For a call that has just shown a valid key. Boxed, since it travels through every future of the call.
    pub(super) fn new(worker: Data<Worker>, record: RequestRecord, begun: Instant) -> Box<Self> {
        Box::new(Self {
            worker,
            record,
            dialect: Caller::Chat,
            attempts: Vec::new(),
            attempting: false,
            begun,
            phases: Phases::default(),
            trace: None,
            overhead: None,
            last_event: None,
            prompt: Estimate::default(),
            findings: Findings::default(),
            served_by: None,
            permit: None,
            share: None,
            entered: None,
            suggestion: None,
            place: None,
            tried: None,
            before_fallback: None,
            committed: Rc::default(),
            started: false,
            open: true,
        })
    }

    pub(super) fn id(&self) -> RequestId {
        self.record.id
    }

    /// Tells the journal that a vendor is about to be called; an error where the call must be refused instead.
    pub(super) fn start(&mut self) -> Result<(), JournalFull> {
        self.worker.writer.started(&self.record)?;
        self.started = true;
        Ok(())
    }

    /// Set by the one who sends the status to the caller.
    pub(super) fn committed(&self) -> Rc<Cell<u16>> {
        Rc::clone(&self.committed)
    }

    pub(super) fn is_committed(&self) -> bool {
        self.committed.get() != 0
    }

    /// The call counts as open until it ends.
    pub(super) fn hold_entry(&mut self, entered: Entered) {
        self.entered = Some(entered);
    }

    /// Holds the admission of the call, and notes the limits that would have refused it and only observe.
    pub(super) fn hold_permit(&mut self, permit: Permit) {
        let observed = permit.observed();
        if !observed.is_empty() {
            for limit in &observed {
                self.worker.metrics.observed(limit.rule);
            }
            // plain texts and numbers cannot fail to serialise
            self.record.observed = serde_json::to_string(&observed).unwrap_or_default();
        }
        self.permit = Some(permit);
    }

    /// Keeps what the caller is to be told of the gateway's busyness.
    pub(super) fn suggest(&mut self, level: Busyness, suggestion: &str) {
        self.suggestion = Some((level, suggestion.to_owned()));
    }

    /// What the caller is to be told of the gateway's busyness, once.
    pub(super) fn suggestion(&mut self) -> Option<(Busyness, String)> {
        self.suggestion.take()
    }

    /// The share of the attempt that follows, until [`Self::release_place`].
    pub(super) fn hold_share(&mut self, share: CredentialPermit) {
        self.share = Some(share);
    }

    /// What is held back for the call.
    pub(super) fn estimate(&self) -> admission::Estimate {
        let permit = self.permit.as_ref();
        permit.map(Permit::estimate).unwrap_or_default()
    }

    /// How the caller's rate limits stand.
    pub(super) fn rates(&self) -> Rates {
        self.permit.as_ref().map(Permit::rates).unwrap_or_default()
    }

    /// The place at the credential of the attempts that follow, until [`Self::release_place`].
    pub(super) fn hold_place(&mut self, place: InFlight) {
        self.place = Some(place);
        self.ends(Phase::Queue);
    }

    pub(super) fn release_place(&mut self) {
        self.place = None;
        if let Some(mut share) = self.share.take() {
            // a failed attempt was a request all the same, and used no tokens
            share.settle(&Used {
                usage: &Usage::default(),
                cost: None,
                called: true,
                whole: false,
                now_ms: self.worker.clock.now_ms(),
            });
        }
    }

    /// Tells the vendor's health how the running attempt ended.
    pub(super) fn reports(&mut self, outcome: Outcome, error: &ApiError) {
        let now_ms = self.worker.clock.now_ms();
        let status = self.record.upstream_status;
        let said = error.detail.as_deref().unwrap_or_default();
        let detail = format!("{} {status}: {said}", error.code);
        if let Some(place) = &mut self.place {
            place.report(outcome, &scrub::bounded(&detail, MAX_DETAIL_CHARS), now_ms);
        }
    }

    /// Tells the vendor's health that the running attempt is being answered.
    pub(super) fn serves(&mut self) {
        let now_ms = self.worker.clock.now_ms();
        if let Some(place) = &mut self.place {
            place.report(Outcome::Served, "", now_ms);
        }
    }

    /// Whether another model has taken over.
    pub(super) fn has_fallen_back(&self) -> bool {
        self.before_fallback.is_some()
    }

    /// Lets another model take over; false where the rules do not let it.
    pub(super) async fn falls_back(&mut self, ask: &Ask<'_>) -> bool {
        if let Some(permit) = &mut self.permit
            && self
                .worker
                .admission
                .admit_as_well(permit, ask)
                .await
                .is_err()
        {
            return false;
        }
        let record = &mut self.record;
        let before = (record.model_id, record.asked_model_id);
        self.before_fallback.get_or_insert(before);
        if record.asked_model_id == ModelId::NONE {
            record.asked_model_id = record.model_id;
        }
        record.model_id = ask.resolved.model.id;
        true
    }

    /// Notes that a phase ends now.
    pub(super) fn ends(&mut self, phase: Phase) {
        let end = self.begun.elapsed().as_micros();
        self.phases.ends(phase, end);
    }

    fn elapsed_ms(&self) -> i64 {
        ms_between(self.begun, Instant::now())
    }

    /// What the record says of vendors is about this attempt.
    fn names(&mut self, tried: &Candidate) {
        self.record.provider_id = tried.target.provider.id;
        self.record.provider_key_id = tried.credential.id;
        self.record.upstream_model = tried.target.upstream_model.to_string();
        tried.reason.clone_into(&mut self.record.route_reason);
        self.tried = Some(tried.clone());
    }

    /// Notes that the caller gets the error of the attempt with this number, the first being 1.
    pub(super) fn blames(&mut self, tried: &Candidate, number: i64) {
        self.names(tried);
        if let Some((model, asked)) = self.before_fallback {
            // nobody took over
            (self.record.model_id, self.record.asked_model_id) = (model, asked);
        }
        let found = self.attempts.iter().find(|a| a.number == number);
        self.record.upstream_status = found.map_or(0, |a| a.upstream_status);
    }

    /// The attempts so far, where there was more than one, as the caller is told of them.
    pub(super) fn attempts_told(&self, candidates: &[Candidate]) -> Vec<Attempt> {
        if self.attempts.len() < 2 {
            return Vec::new();
        }
        let provider = |id: ProviderId| {
            let mut all = candidates.iter().map(|c| &c.target.provider);
            let found = all.find(|provider| provider.id == id);
            found.map_or(String::new(), |provider| provider.name.to_string())
        };
        let told = |attempt: &AttemptRecord| Attempt {
            provider: provider(attempt.provider_id),
            status: u16::try_from(attempt.upstream_status)
                .ok()
                .filter(|s| *s > 0),
            code: attempt.error_code.clone(),
        };
        self.attempts.iter().map(told).collect()
    }

    /// Notes an attempt that begins now.
    pub(super) fn attempt_begins(&mut self, tried: &Candidate) {
        self.names(tried);
        self.attempting = true;
        if let Some(trace) = &mut self.trace {
            trace.begins(&tried.target.upstream_model, self.begun.elapsed());
        }
        if self.overhead.is_none() {
            let waited = self.record.queue_ms.and_then(|ms| u64::try_from(ms).ok());
            let waited = Duration::from_millis(waited.unwrap_or(0));
            self.overhead = Some(self.begun.elapsed().saturating_sub(waited));
        }
        self.record.attempts = self.record.attempts.saturating_add(1);
        self.record.upstream_status = 0;
        self.attempts.push(AttemptRecord {
            number: self.record.attempts,
            provider_id: tried.target.provider.id,
            provider_key_id: tried.credential.id,
            started_ms: self.worker.clock.now_ms(),
            // until its end: when it began, since the start of the call
            duration_ms: self.elapsed_ms(),
            ..AttemptRecord::default()
        });
    }

    /// Notes the vendor's status.
    pub(super) fn attempt_answers(&mut self, status: u16, connect_ms: i64) {
        self.record.upstream_status = i64::from(status);
        self.record.connect_ms = Some(connect_ms);
        if let Some(attempt) = self.attempts.last() {
            // until its end, an attempt's duration says when it began
            let sent_ms = attempt.duration_ms.saturating_add(connect_ms).max(0);
            let sent = u128::try_from(sent_ms).unwrap_or(0).saturating_mul(1_000);
            self.phases.ends(Phase::Connect, sent);
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.upstream_status = i64::from(status);
        }
    }

    /// Notes that the running attempt is over; `code` is empty where it served.
    pub(super) fn attempt_ends(&mut self, code: &str) {
        if !std::mem::take(&mut self.attempting) {
            return;
        }
        if let Some(trace) = &mut self.trace {
            trace.ends(self.begun.elapsed());
        }
        let now = self.elapsed_ms();
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.duration_ms = now.saturating_sub(attempt.duration_ms);
            code.clone_into(&mut attempt.error_code);
        }
    }

    /// Notes that a vendor serves the call: its answer has begun.
    pub(super) fn served(&mut self, model: &Arc<Model>, target: &Arc<Target>) {
        self.served_by = Some((Arc::clone(model), Arc::clone(target)));
        self.first_byte();
    }

    /// Notes that an answer has begun that nothing is owed for.
    pub(super) fn first_byte(&mut self) {
        let now = Instant::now();
        self.record.ttft_ms = Some(ms_between(self.begun, now));
        self.ends(Phase::FirstByte);
        self.last_event = Some(now);
    }

    /// Notes that events arrived now.
    pub(super) fn events_arrived(&mut self) {
        let now = Instant::now();
        if let Some(last) = self.last_event.replace(now) {
            let gap = ms_between(last, now);
            self.record.max_gap_ms = self.record.max_gap_ms.max(Some(gap));
        }
    }

    /// An error text or body of the vendor without the secrets of the attempt.
    pub(super) fn scrub(&self, body: Bytes) -> Bytes {
        match &self.tried {
            Some(tried) => scrub::body(body, &tried.target.provider, &tried.credential.secret),
            None => body,
        }
    }

    /// Takes over what was read in the answer.
    pub(super) fn found(&mut self, findings: Findings) {
        self.findings = findings;
    }

    /// Ends the record as a success.
    pub(super) fn succeed(&mut self, http_status: u16) {
        self.record.status = Status::Success;
        self.end(http_status);
    }

    /// Ends the record with an error that the caller gets as `http_status`, or as an event after it.
    pub(super) fn fail(&mut self, error: &ApiError, http_status: u16) {
        self.record.status = error.status;
        self.record.fault_owner = error.fault;
        self.record.error_code = error.code.clone().into_owned();
        if let Some(refusal) = error.refusal.as_ref().filter(|_| self.open) {
            self.worker.metrics.refused(refusal.rule);
        }
        let said = error.detail.as_deref().unwrap_or(&error.message);
        self.record.error_message = match &self.tried {
            Some(tried) => scrub::text(said, &tried.target.provider, &tried.credential.secret),
            None => scrub::plain(said),
        };
        self.end(http_status);
    }

    fn end(&mut self, http_status: u16) {
        if !self.open {
            return;
        }
        self.open = false;
        let status = match self.committed.get() {
            0 => http_status,
            sent => sent,
        };
        let code = std::mem::take(&mut self.record.error_code);
        self.attempt_ends(&code);
        self.record.error_code = code;
        self.record.http_status = i64::from(status);
        self.record.latency_ms = Some(self.elapsed_ms());
        self.record.finished_ms = self.worker.clock.now_ms();
        self.record.finish_reason = std::mem::take(&mut self.findings.finish_reason);
        if self.record.ttft_ms.is_some() {
            self.ends(Phase::LastByte);
        }
        self.price();
        self.settle_limits();
        self.ends(Phase::Settle);
        self.record.phases = self.phases.to_json();
        let several = self.attempts.len() > 1;
        let attempts = if several { &self.attempts[..] } else { &[] };
        if self.started {
            self.worker.writer.ended(&self.record, attempts);
        } else {
            self.worker.writer.refused(&self.record);
        }
        self.worker.metrics.ended(&self.record, self.overhead);
        if let Some(tracer) = &self.worker.tracer {
            tracer.ended(self.trace.take(), &self.record, &self.attempts);
        }
        let (key, status) = (self.record.api_key_id, self.record.http_status);
        let admission = &self.worker.admission;
        admission.ended(key, status, self.record.finished_ms);
        self.place = None;
        self.permit = None;
        self.entered = None;
    }

    /// Tells the limits what was used. Comes before the record goes to the journal: once that is in the database,
    /// budgets take its cost off what they know to be on its way.
    fn settle_limits(&mut self) {
        let record = &self.record;
        let used = Used {
            usage: &record.usage,
            cost: record.cost_nanos.map(|nanos| (nanos, &record.currency)),
            called: record.attempts > 0,
            whole: record.status == Status::Success,
            now_ms: record.finished_ms,
        };
        if let Some(permit) = &mut self.permit {
            permit.settle(&used);
        }
        if let Some(mut share) = self.share.take() {
            share.settle(&used);
        }
    }

    /// Usage and cost, where a vendor has answered.
    fn price(&mut self) {
        let Some((model, target)) = self.served_by.take() else {
            return;
        };
        self.record.usage = self.findings.usage.unwrap_or_else(|| Usage {
            prompt: self.prompt.tokens(),
            completion: self.findings.text.tokens(),
            estimated: true,
            ..Usage::default()
        });
        let at = self.record.started_ms;
        if let Some(price) = price_at(&model, &target, at) {
            self.record.cost_nanos = Some(price.cost(&self.record.usage));
            self.record.price_id = price.id;
            self.record.currency = price.currency.clone();
        }
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        if *self.worker.closing.borrow() {
            self.fail(&shutting_down(), 0);
            return;
        }
        self.record.status = Status::Cancelled;
        self.record.fault_owner = FaultOwner::Caller;
        "client_gone".clone_into(&mut self.record.error_code);
        self.end(0);
    }
}

fn ms_between(from: Instant, to: Instant) -> i64 {
    i64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(i64::MAX)
}
