//! What an instance does for the others while it lives: shows that it does, and ends what dead ones left open.

use std::sync::Arc;
use std::time::Duration;

use modelgate_store::{StoreError, drain, instances};
use tokio::sync::watch;
use tokio::time::timeout;

use super::parts::Parts;

/// Well within [`instances::LEASE_MS`].
const EVERY: Duration = Duration::from_secs(10);
/// Orphans are looked for once in so many beats.
const SWEEP: u32 = 6;

/// Runs until `shutdown` holds true, then gives the instance number back.
pub(super) async fn run(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    let mut beat: u32 = 0;
    while timeout(EVERY, shutdown.changed()).await.is_err() {
        beat = beat.wrapping_add(1);
        if let Err(error) = once(&parts, beat.is_multiple_of(SWEEP)).await {
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

async fn once(parts: &Parts, sweep: bool) -> Result<(), StoreError> {
    let instance = parts.journal.instance().to_owned();
    let (generation, now_ms) = (parts.generation(), parts.clock.now_ms());
    let alive = parts
        .db
        .write(move |c| {
            Box::pin(async move { instances::heartbeat(c, &instance, generation, now_ms).await })
        })
        .await?;
    if !alive {
        tracing::error!(
            "this instance was silent for so long that its number was given away; restart it"
        );
    }
    if sweep {
        let ended = parts
            .db
            .write(move |c| Box::pin(async move { drain::expire(c, now_ms).await }))
            .await?;
        if ended > 0 {
            tracing::warn!(ended, "ended requests of instances that never came back");
        }
    }
    Ok(())
}
