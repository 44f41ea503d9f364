//! One terminal record for every accepted call, whatever way it ends.
//!
//! The settlement travels with the call. Whoever ends the call says how; where nobody does, because the future
//! or the body was dropped, the caller has gone and the record says so. Dropping only hands the record over.

mod attempts;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use bytes::Bytes;
use modelgate_dialect::Caller;
use modelgate_dialect::estimate::Estimate;
use modelgate_dialect::openai::answer::Findings;
use modelgate_domain::{
    AttemptRecord, Busyness, FaultOwner, ModelId, Phase, Phases, RequestId, RequestRecord, Status,
    Usage,
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
use crate::upstream::{SentAt, scrub};

/// What is kept of a vendor's words in the history of its health.
const MAX_DETAIL_CHARS: usize = 300;
/// What is kept of the gateway's own words.
const MAX_MESSAGE_CHARS: usize = 500;

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
    /// Set once a vendor has answered: from then on its tokens and cost are owed.
    served_by: Option<(Arc<Model>, Arc<Target>)>,
    /// What the attempt that runs has asked for.
    asked: Option<Asked>,
    /// The first that was asked for and never answered.
    unanswered: Option<Asked>,
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
    /// Whose rule refused the call; empty where none did.
    refused_by: &'static str,
    open: bool,
}

/// A request to a vendor that may be on its bill although no answer came.
struct Asked {
    model: Arc<Model>,
    target: Arc<Target>,
    sent: SentAt,
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
            asked: None,
            unanswered: None,
            permit: None,
            share: None,
            entered: None,
            suggestion: None,
            place: None,
            tried: None,
            before_fallback: None,
            committed: Rc::default(),
            started: false,
            refused_by: "",
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
        let asked = self.before_fallback;
        asked.is_some_and(|(model, _)| model != self.record.model_id)
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
        self.is_for(ask.resolved.model.id);
        true
    }

    /// Goes back to a model that had its turn before.
    pub(super) fn turns_to(&mut self, model: ModelId) {
        if let Some(permit) = &mut self.permit {
            permit.turns_to(model);
        }
        self.is_for(model);
    }

    fn is_for(&mut self, model: ModelId) {
        let record = &mut self.record;
        let before = (record.model_id, record.asked_model_id);
        let (first, asked) = *self.before_fallback.get_or_insert(before);
        record.model_id = model;
        let another = model != first && asked == ModelId::NONE;
        record.asked_model_id = if another { first } else { asked };
    }

    /// Notes that a phase ends now.
    pub(super) fn ends(&mut self, phase: Phase) {
        let end = self.begun.elapsed().as_micros();
        self.phases.ends(phase, end);
    }

    fn elapsed_ms(&self) -> i64 {
        ms_between(self.begun, Instant::now())
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

    /// Notes when events arrived.
    pub(super) fn events_arrived(&mut self, at: Instant) {
        if let Some(last) = self.last_event.replace(at) {
            let gap = ms_between(last, at);
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

    /// When events arrived last.
    pub(super) fn last_event(&self) -> Option<Instant> {
        self.last_event
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
            self.refused_by = refusal.scope;
        }
        let said = error.detail.as_deref().unwrap_or(&error.message);
        self.record.error_message = match &self.tried {
            Some(tried) => scrub::text(said, &tried.target.provider, &tried.credential.secret),
            // the gateway's own words name a key by its public beginning, and no secret
            None if error.refusal.is_some() => scrub::bounded(said, MAX_MESSAGE_CHARS),
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
            self.worker.writer.refused(&self.record, self.refused_by);
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
            // what the gateway counted itself was a request as well
            called: record.attempts > 0 || record.status == Status::Success,
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

    /// Notes that a vendor is about to be asked; what comes back is told when the request goes out.
    pub(super) fn asks(&mut self, model: &Arc<Model>, target: &Arc<Target>) -> SentAt {
        let sent = SentAt::default();
        self.asked = Some(Asked {
            model: Arc::clone(model),
            target: Arc::clone(target),
            sent: sent.clone(),
        });
        sent
    }

    /// Notes that the attempt did not serve. Where its vendor was `silent` it may have worked all the same.
    pub(super) fn was_not_served(&mut self, silent: bool) {
        let asked = self.asked.take().filter(|_| silent);
        if self.unanswered.is_none() {
            self.unanswered = asked;
        }
    }

    /// What is paid for: the answer, and where none came what was asked for last and not refused, if it was sent.
    fn owes(&mut self) -> Option<(Arc<Model>, Arc<Target>)> {
        let asked = self.asked.take().or(self.unanswered.take());
        let asked = asked.filter(|asked| asked.sent.get().is_some());
        let asked = asked.map(|asked| (asked.model, asked.target));
        self.served_by.take().or(asked)
    }

    /// Usage and cost, where a vendor has answered or may have worked.
    fn price(&mut self) {
        let Some((model, target)) = self.owes() else {
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
