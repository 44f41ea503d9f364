//! What an instance does for the others while it lives: shows that it does.

use std::sync::Arc;
use std::time::Duration;

use modelgate_store::{StoreError, instances};
use tokio::sync::watch;
use tokio::time::timeout;

use super::parts::Parts;

/// How often the part of every limit that falls to this instance is computed anew.
const EVERY: Duration = Duration::from_millis(500);
/// Heartbeats, in beats: well within [`instances::PRESENT_MS`] where others may live beside this instance, and within
/// [`instances::LEASE_MS`] where none can.
const HEARTBEAT: u32 = 4;
const HEARTBEAT_ALONE: u32 = 20;

/// Runs until `shutdown` holds true, then gives the instance number back.
pub(super) async fn run(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    let mut beat: u32 = 0;
    while timeout(EVERY, shutdown.changed()).await.is_err() {
        beat = beat.wrapping_add(1);
        parts.health.divide_places(parts.admission.divided_by());
        let alone = parts.config.embedded_database();
        let every = if alone { HEARTBEAT_ALONE } else { HEARTBEAT };
        if !beat.is_multiple_of(every) {
            continue;
        }
        if let Err(error) = once(&parts).await {
            // The journal and the catalog say aloud that the database is away.
            tracing::debug!(%error, "no heartbeat");
        }
    }
    let instance = parts.journal.instance().to_owned();
    let released: Result<(), StoreError> = parts
        .db
        .write(move |c| Box::pin(async move { instances::release(c, &instance).await }))
        .await;
    if let Err(error) = released {
        tracing::debug!(%error, "the instance number runs out by itself");
    }
}

async fn once(parts: &Parts) -> Result<(), StoreError> {
    let instance = parts.journal.instance().to_owned();
    let (generation, now_ms) = (parts.generation(), parts.clock.now_ms());
    let redis = match parts.redis_up() {
        None => "",
        Some(true) => "up",
        Some(false) => "down",
    };
    let (alive, living) = parts
        .db
        .write(move |c| {
            Box::pin(async move {
                let alive = instances::heartbeat(c, &instance, (generation, redis), now_ms).await?;
                Ok::<_, StoreError>((alive, instances::present(c, now_ms).await?.len()))
            })
        })
        .await?;
    let living = u32::try_from(living).unwrap_or(u32::MAX);
    parts.admission.set_living(living);
    if !alive {
        tracing::error!(
            "this instance was silent for so long that its number was given away; restart it"
        );
    }
    Ok(())
}
