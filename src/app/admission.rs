//! What admission learns from outside: settings, what other instances spend, and how busy the gateway is, which is noted
//! minute by minute.

use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::Busyness;
use modelgate_store::{StoreError, budgets, busyness_history, request_logs};
use tokio::sync::watch;
use tokio::time::timeout;

use super::parts::Parts;
use crate::admission::Admission;
use crate::catalog::Catalog;
use crate::journal::{Drained, Observer};
use crate::routing::Health;

/// How often the budgets are read: so long an instance may not know what the others spend.
const BUDGETS: Duration = Duration::from_millis(1_500);
/// How often the busyness is computed, in looks at the budgets.
const BUSYNESS: u32 = 40;

/// Tells admission what the journal brought to the database.
pub(super) fn observer(admission: &Admission) -> Observer {
    let admission = admission.clone();
    Arc::new(move |drained: Drained<'_>| match drained {
        Drained::Budgets(sums) => admission.learn_budgets(sums),
        Drained::Ended(record) => admission.drained(record),
    })
}

/// Reads budgets and busyness until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    if let Err(error) = learn_outputs(&parts).await {
        tracing::debug!(%error, "how long answers are is learnt anew");
    }
    let mut round: u32 = 0;
    while timeout(BUDGETS, shutdown.changed()).await.is_err() {
        round = round.wrapping_add(1);
        let catalog = parts.updater.handle().load_full();
        if round.is_multiple_of(BUSYNESS) {
            let now_ms = parts.clock.now_ms();
            look(&parts.admission, &catalog, &parts.health, now_ms);
        }
        // The first one soon after the start.
        if round % BUSYNESS == 1 {
            note(&parts, parts.admission.busyness()).await;
        }
        if !catalog.has_budgets() {
            continue;
        }
        if let Err(error) = read_budgets(&parts).await {
            // The journal and the catalog say aloud that the database is away.
            tracing::debug!(%error, "the budgets of other instances cannot be read");
        }
    }
}

/// What is held back of budgets goes by the length of answers; without this a restart would forget it.
async fn learn_outputs(parts: &Parts) -> Result<(), StoreError> {
    let read = parts.db.read(|c| Box::pin(request_logs::recent_outputs(c)));
    parts.admission.learn_outputs(&read.await?);
    Ok(())
}

async fn read_budgets(parts: &Parts) -> Result<(), StoreError> {
    let (zone, now_ms) = (parts.config.time_zone, parts.clock.now_ms());
    let read = parts
        .db
        .read(move |c| Box::pin(async move { budgets::current(c, zone, now_ms).await }));
    let found = read.await?;
    parts.admission.learn_budgets(&found.sums);
    if found.missing > 0 {
        let write = parts
            .db
            .write(move |c| Box::pin(async move { budgets::fill(c, zone, now_ms).await }));
        write.await?;
    }
    Ok(())
}

/// Writes a minute into the history of busyness.
async fn note(parts: &Parts, level: Busyness) {
    let now_ms = parts.clock.now_ms();
    let written: Result<(), StoreError> = parts
        .db
        .write(move |c| Box::pin(busyness_history::add(c, now_ms, level)))
        .await;
    if let Err(error) = written {
        // A minute that is not known shows as a gap.
        tracing::debug!(%error, "how busy this minute was is not written down");
    }
}

/// Computes how busy the gateway is.
pub(super) fn look(admission: &Admission, catalog: &Catalog, health: &Health, now_ms: i64) {
    let resting = catalog.providers.values().filter(|provider| {
        let rests = |credential| health.credential_resting(provider.id, credential, now_ms);
        let mut credentials = provider.credentials.iter().peekable();
        provider.enabled
            && credentials.peek().is_some()
            && credentials.all(|credential| rests(credential.id).is_some())
    });
    let resting = u64::try_from(resting.count()).unwrap_or(u64::MAX);
    let before = admission.busyness();
    let (level, figures) = admission.look(resting, now_ms);
    if level != before {
        tracing::info!(from = %before, to = %level, ?figures, "the busyness changed");
    }
}
