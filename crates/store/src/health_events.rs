//! The history of vendors' health: every change of a provider's, a credential's or a pair's state.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ProviderId, ProviderKeyId, TargetId};

use crate::conn::{db, db_batch};
use crate::schema::health_events;
use crate::{Conn, StoreError};

/// A row of `health_events`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = health_events)]
pub struct HealthEvent {
    /// The row; not looked at on insertion.
    pub id: i64,
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// Which gateway saw it.
    pub instance: String,
    /// The vendor.
    #[diesel(deserialize_as = i64)]
    pub provider_id: ProviderId,
    /// The credential, 0 where the whole provider is meant.
    #[diesel(deserialize_as = i64)]
    pub provider_key_id: ProviderKeyId,
    /// The target, 0 where the credential is meant at any.
    #[diesel(deserialize_as = i64)]
    pub target_id: TargetId,
    /// `well`, `resting`, `exhausted`, `rejected`.
    pub from_state: String,
    /// The same after the change.
    pub to_state: String,
    /// A stable short code: `rate_limited`, `failing`, `served`, `probe`, `operator` and others.
    pub reason: String,
    /// What was seen, in words without a secret; may be empty.
    pub detail: String,
    /// Until when, epoch milliseconds, where the new state ends by itself.
    pub until_ms: Option<i64>,
    /// `system`, or who did it.
    pub actor: String,
}

/// Writes events in the order in which they happened.
pub async fn insert(c: &mut Conn, events: &[HealthEvent]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = events
        .iter()
        .map(|event| {
            (
                health_events::at_ms.eq(event.at_ms),
                health_events::instance.eq(event.instance.clone()),
                health_events::provider_id.eq(event.provider_id.0),
                health_events::provider_key_id.eq(event.provider_key_id.0),
                health_events::target_id.eq(event.target_id.0),
                health_events::from_state.eq(event.from_state.clone()),
                health_events::to_state.eq(event.to_state.clone()),
                health_events::reason.eq(event.reason.clone()),
                health_events::detail.eq(event.detail.clone()),
                health_events::until_ms.eq(event.until_ms),
                health_events::actor.eq(event.actor.clone()),
            )
        })
        .collect();
    let into = diesel::insert_into(health_events::table).values(rows);
    db_batch!(c, execute(into))?;
    Ok(())
}

/// The newest events of a provider, the newest first; those before row `before` where that is given.
pub async fn list(
    c: &mut Conn,
    provider: ProviderId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<HealthEvent>, StoreError> {
    let before = before.unwrap_or(i64::MAX);
    Ok(db!(c, |c| {
        health_events::table
            .filter(health_events::provider_id.eq(provider.0))
            .filter(health_events::id.lt(before))
            .order(health_events::id.desc())
            .limit(limit)
            .select(HealthEvent::as_select())
            .load(c)
            .await
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention;
    use crate::testing::each_engine;
    use futures_util::FutureExt as _;

    fn event(at_ms: i64, provider: i64) -> HealthEvent {
        HealthEvent {
            id: 0,
            at_ms,
            instance: "one".to_owned(),
            provider_id: ProviderId(provider),
            provider_key_id: ProviderKeyId(7),
            target_id: TargetId(0),
            from_state: "well".to_owned(),
            to_state: "rejected".to_owned(),
            reason: "rejected".to_owned(),
            detail: String::new(),
            until_ms: Some(at_ms + 1),
            actor: "system".to_owned(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn events_are_listed_newest_first_and_expire() {
        each_engine(async |db| {
            let (all, older, left) = db
                .write::<_, StoreError, _>(|c| {
                    async move {
                        insert(c, &[]).await?;
                        insert(c, &[event(10, 1), event(20, 2), event(30, 1)]).await?;
                        let all = list(c, ProviderId(1), None, 10).await?;
                        let older = list(c, ProviderId(1), Some(all[0].id), 10).await?;
                        let before = chrono::DateTime::from_timestamp_millis(30).unwrap();
                        let gone = retention::batch(c, retention::Kind::HealthEvents, before);
                        assert_eq!(gone.await?, 2);
                        Ok((all, older, list(c, ProviderId(1), None, 10).await?))
                    }
                    .boxed()
                })
                .await
                .unwrap();
            let times = |rows: &[HealthEvent]| rows.iter().map(|r| r.at_ms).collect::<Vec<_>>();
            assert_eq!(times(&all), [30, 10]);
            assert_eq!((times(&older), times(&left)), (vec![10], vec![30]));
        })
        .await;
    }
}
