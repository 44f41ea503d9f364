//! The attempts of one call, as its record tells of them.

use std::time::Duration;

use modelgate_dialect::openai::error::Attempt;
use modelgate_domain::{AttemptRecord, Phase, ProviderId};

use super::Settlement;
use crate::routing::Candidate;

/// The most attempts that a record tells of; it always says how many there were.
const MOST_KEPT: usize = 32;

impl Settlement {
    /// What the record says of vendors is about this attempt.
    pub(super) fn names(&mut self, tried: &Candidate) {
        self.record.provider_id = tried.target.provider.id;
        self.record.provider_key_id = tried.credential.id;
        self.record.upstream_model = tried.target.upstream_model.to_string();
        tried.reason.clone_into(&mut self.record.route_reason);
        self.tried = Some(tried.clone());
    }

    /// Notes that the caller gets the error of the attempt with this number, the first being 1.
    pub(in crate::proxy) fn blames(&mut self, tried: &Candidate, number: i64) {
        self.names(tried);
        if let Some((model, asked)) = self.before_fallback {
            // nobody took over
            (self.record.model_id, self.record.asked_model_id) = (model, asked);
        }
        let found = self.attempts.iter().find(|a| a.number == number);
        self.record.upstream_status = found.map_or(0, |a| a.upstream_status);
    }

    /// The attempts so far, where there was more than one, as the caller is told of them.
    pub(in crate::proxy) fn attempts_told(&self, candidates: &[Candidate]) -> Vec<Attempt> {
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
    pub(in crate::proxy) fn attempt_begins(&mut self, tried: &Candidate) {
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
        // the first ones and the last one tell how it went
        self.attempts.truncate(MOST_KEPT - 1);
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
    pub(in crate::proxy) fn attempt_answers(&mut self, status: u16, connect_ms: i64) {
        if !(200..300).contains(&status) {
            self.asked = None;
        }
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
    pub(in crate::proxy) fn attempt_ends(&mut self, code: &str) {
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
}
