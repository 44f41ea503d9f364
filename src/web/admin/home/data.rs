//! What the overview reads: roll-ups, names, the slowest calls. One snapshot, so that figures agree.

use modelgate_domain::{CredentialState, ProviderId};
use modelgate_store::latency::{self, Distribution, Measure};
use modelgate_store::request_logs::{self, LogRow};
use modelgate_store::usage::{self, Dimension, QUARTER_MS, Totals, UsageFilter};
use modelgate_store::{Conn, StoreError, api_keys, models, provider_keys, providers};

use super::span::Span;
use crate::web::admin::components::names::Names;
use crate::web::state::WebState;

const TOP: usize = 5;
const SLOW: i64 = 5;

/// Everything the overview shows, as the store has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    pub(super) edges: Vec<i64>,
    pub(super) series: Vec<Totals>,
    pub(super) now: Totals,
    pub(super) before: Totals,
    /// The last two quarters of an hour, for the sentence about trouble.
    pub(super) recent: Totals,
    pub(super) ttft: Distribution,
    pub(super) latency: Distribution,
    pub(super) by_provider: Vec<(i64, Totals)>,
    pub(super) by_model: Vec<(i64, Totals)>,
    pub(super) by_key: Vec<(i64, Totals)>,
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

impl Data {
    pub(super) async fn read(
        state: &WebState,
        span: Span,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let edges = span.edges(now_ms, state.config.time_zone);
        let (from_ms, to_ms) = span.before(&edges, now_ms);
        let before = UsageFilter {
            from_ms,
            to_ms,
            ..UsageFilter::default()
        };
        let slow_ms = i64::try_from(state.settings.load().runtime.slow_ms).unwrap_or(i64::MAX);
        state
            .db
            .read_snapshot(move |c| {
                Box::pin(async move {
                    let mut data = read_usage(c, edges, before, now_ms).await?;
                    data.slow_ms = slow_ms;
                    data.slow = request_logs::slow(c, slow_ms, SLOW).await?;
                    data.is_new = request_logs::last_seq(c).await? == 0;
                    data.names = Names::read(c).await?;
                    data.credentials = provider_keys::list(c)
                        .await?
                        .into_iter()
                        .map(|key| (key.provider_id, key.state))
                        .collect();
                    data.providers = providers::list(c).await?.len();
                    data.models = models::list(c).await?.len();
                    data.keys = api_keys::list(c).await?.len();
                    Ok::<_, StoreError>(data)
                })
            })
            .await
    }
}

async fn read_usage(
    c: &mut Conn,
    edges: Vec<i64>,
    before: UsageFilter,
    now_ms: i64,
) -> Result<Data, StoreError> {
    let range = UsageFilter {
        from_ms: edges.first().copied().unwrap_or(0),
        to_ms: edges.last().copied().unwrap_or(0),
        ..UsageFilter::default()
    };
    let quarter = now_ms.div_euclid(QUARTER_MS) * QUARTER_MS;
    let recent = UsageFilter {
        from_ms: quarter - QUARTER_MS,
        to_ms: quarter + QUARTER_MS,
        ..UsageFilter::default()
    };
    Ok(Data {
        series: usage::series(c, &range, &edges).await?,
        now: usage::totals(c, &range).await?,
        before: usage::totals(c, &before).await?,
        recent: usage::totals(c, &recent).await?,
        ttft: latency::distribution(c, &range, Measure::Ttft).await?,
        latency: latency::distribution(c, &range, Measure::Latency).await?,
        by_provider: usage::top(c, &range, Dimension::Provider, TOP).await?,
        by_model: usage::top(c, &range, Dimension::Model, TOP).await?,
        by_key: usage::top(c, &range, Dimension::ApiKey, TOP).await?,
        edges,
        ..Data::default()
    })
}

#[cfg(test)]
impl Data {
    pub(super) fn sample_empty() -> Self {
        let edges = Span::Today.edges(1_795_214_489_000, chrono_tz::Asia::Shanghai);
        Self {
            series: vec![Totals::default(); edges.len() - 1],
            edges,
            is_new: true,
            ..Self::default()
        }
    }

    pub(super) fn sample_busy() -> Self {
        use std::collections::BTreeMap;

        use modelgate_domain::{Currency, RequestId, RequestRecord, Status};
        let totals = Totals {
            success: 38_000,
            timeout: 12,
            error: 400,
            error_upstream: 400,
            rate_limited: 152,
            prompt_tokens: 196_900_000,
            cost_nanos: [("USD", 84_120_000_000), ("CNY", 311_400_000_000)]
                .into_iter()
                .map(|(code, nanos)| (Currency::parse(code).unwrap(), nanos))
                .collect(),
            ..Totals::default()
        };
        let slow = LogRow {
            seq: 1,
            record: RequestRecord {
                id: RequestId::lower_bound(1_795_214_480_000),
                requested_model: "\"><script>alert(1)</script>".to_owned(),
                status: Status::Timeout,
                latency_ms: Some(295_000),
                ..RequestRecord::default()
            },
        };
        let hostile = "<script>مرحبا".to_owned() + &"x".repeat(200);
        let names: BTreeMap<i64, String> = [(1, hostile)].into();
        let empty = Self::sample_empty();
        Self {
            series: vec![totals.clone(); empty.series.len()],
            now: totals.clone(),
            recent: totals.clone(),
            by_provider: vec![(1, totals.clone()), (0, totals.clone())],
            by_model: vec![(1, totals.clone()), (7, totals.clone())],
            by_key: vec![(1, totals)],
            slow: vec![slow],
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
            is_new: false,
            ..empty
        }
    }
}
