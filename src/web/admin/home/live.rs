//! What goes on now, the same for every range: the last hour by minutes, what runs, what was slow.

use std::collections::BTreeMap;

use modelgate_domain::{Busyness, CredentialState, ProviderId};
use modelgate_store::request_logs::{self, LogRow};
use modelgate_store::usage::{self, Cube, Totals};
use modelgate_store::{Conn, StoreError, api_keys, models, provider_keys, providers};

use crate::web::admin::components::names::Names;
use crate::web::state::WebState;

const MINUTE_MS: i64 = 60_000;
/// What "lately" means: who called within ten minutes is active.
pub(super) const LATELY_MINUTES: i64 = 10;
/// Finished calls are slow calls for an hour.
const SLOW_FOR_MS: i64 = 60 * MINUTE_MS;
const SLOW: i64 = 6;
/// Running calls that are looked at; beyond that only their number is told, by who counts them.
const RUNNING: i64 = 500;

/// The present, as the store has it.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Live {
    /// One for each minute of the last hour, the present one last.
    pub(super) minutes: Vec<Totals>,
    /// The last ten minutes by key and model.
    pub(super) lately: Cube,
    /// Oldest first.
    pub(super) running: Vec<LogRow>,
    /// Ended within the hour, slowest first.
    pub(super) slow: Vec<LogRow>,
    pub(super) slow_ms: i64,
    pub(super) names: Names,
    pub(super) credentials: Vec<(ProviderId, CredentialState)>,
    /// How many there are.
    pub(super) providers: usize,
    pub(super) models: usize,
    pub(super) keys: usize,
    pub(super) is_new: bool,
}

impl Live {
    pub(in crate::web) async fn read(
        c: &mut Conn,
        now_ms: i64,
        slow_ms: i64,
    ) -> Result<Self, StoreError> {
        let end = now_ms
            .div_euclid(MINUTE_MS)
            .saturating_add(1)
            .saturating_mul(MINUTE_MS);
        let edges: Vec<i64> = (0..=60).rev().map(|n| end - n * MINUTE_MS).collect();
        let credentials = provider_keys::list(c).await?;
        Ok(Self {
            minutes: usage::minute_series(c, &edges).await?,
            lately: usage::minutes(c, end - LATELY_MINUTES * MINUTE_MS, end).await?,
            running: request_logs::running(c, RUNNING).await?,
            slow: request_logs::slow(c, slow_ms, now_ms - SLOW_FOR_MS, SLOW).await?,
            slow_ms,
            names: Names::read(c).await?,
            credentials: credentials
                .into_iter()
                .map(|key| (key.provider_id, key.state))
                .collect(),
            providers: providers::list(c).await?.len(),
            models: models::list(c).await?.len(),
            keys: api_keys::list(c).await?.len(),
            is_new: request_logs::last_seq(c).await? == 0,
        })
    }

    /// The last so many minutes together, the present one included.
    pub(super) fn last_minutes(&self, count: usize) -> Totals {
        let mut sum = Totals::default();
        for minute in self.minutes.iter().rev().take(count) {
            sum.add(minute);
        }
        sum
    }

    /// Tokens a second over the five minutes that are over.
    pub(super) fn tokens_per_second(&self) -> i64 {
        let over = self.minutes.iter().rev().skip(1).take(5);
        over.map(Totals::tokens).sum::<i64>() / 300
    }
}

/// How busy it is. One instance counts its own calls; among several the database knows of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy {
    pub(super) level: Busyness,
    pub(super) running: i64,
    pub(super) streams: i64,
    /// Running calls by key.
    pub(super) by_key: BTreeMap<i64, i64>,
}

impl Busy {
    pub(super) fn now(state: &WebState, live: &Live) -> Self {
        let level = state.admission.busyness();
        if state.admission.living() > 1 {
            let mut by_key: BTreeMap<i64, i64> = BTreeMap::new();
            for row in &live.running {
                *by_key.entry(row.record.api_key_id.0).or_default() += 1;
            }
            let streams = live.running.iter().filter(|row| row.record.stream).count();
            return Self {
                level,
                running: i64::try_from(live.running.len()).unwrap_or(i64::MAX),
                streams: i64::try_from(streams).unwrap_or(i64::MAX),
                by_key,
            };
        }
        let counted = state.admission.live();
        Self {
            level,
            running: counted.active_requests,
            streams: counted.active_streams,
            by_key: counted
                .by_key
                .iter()
                .map(|(key, live)| (key.0, live.active_requests))
                .collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self {
            level: Busyness::VeryBusy,
            running: 3,
            streams: 2,
            by_key: [(1, 3)].into(),
        }
    }
}

#[cfg(test)]
impl Live {
    pub(super) fn sample_empty() -> Self {
        Self {
            minutes: vec![Totals::default(); 60],
            is_new: true,
            ..Self::default()
        }
    }

    pub(super) fn sample_busy() -> Self {
        use modelgate_domain::{RequestId, RequestRecord, Status};
        let row = |status: Status| LogRow {
            seq: 1,
            record: RequestRecord {
                id: RequestId::lower_bound(1_795_214_400_000),
                started_ms: 1_795_214_400_000,
                api_key_id: 1.into(),
                model_id: 1.into(),
                requested_model: "\"><script>alert(1)</script>".to_owned(),
                status,
                latency_ms: Some(295_000),
                ..RequestRecord::default()
            },
        };
        let hostile = "<script>مرحبا".to_owned() + &"x".repeat(200);
        let names: BTreeMap<i64, String> = [(1, hostile)].into();
        let figures = crate::web::figures::Figures::sample_busy();
        Self {
            minutes: vec![figures.now.clone(); 60],
            lately: figures.cube,
            running: vec![row(Status::Pending)],
            slow: vec![row(Status::Timeout)],
            slow_ms: 10_000,
            names: Names {
                providers: names.clone(),
                models: names.clone(),
                keys: names,
                ..Names::default()
            },
            credentials: vec![
                (ProviderId(1), CredentialState::Active),
                (ProviderId(1), CredentialState::Rejected),
            ],
            ..Self::default()
        }
    }
}
