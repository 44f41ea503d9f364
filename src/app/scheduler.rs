//! The scheduler inside a gateway.

use std::sync::Arc;

use tokio::sync::watch;

use super::parts::Parts;
use crate::scheduler::{Scheduler, SchedulerParts};

/// Runs until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, shutdown: watch::Receiver<bool>) {
    let scheduler = Scheduler::new(SchedulerParts {
        db: parts.db.clone(),
        clock: parts.clock.clone(),
        zone: parts.config.time_zone,
        settings: parts.updater.settings(),
        assistant: Some(Arc::clone(&parts.assistant)),
        instance: parts.journal.instance().to_owned(),
        backup_dir: parts.config.backup_dir.clone(),
        teller: parts.teller.clone(),
        alone: parts.config.embedded_database(),
    });
    if let Err(error) = Arc::new(scheduler).run(shutdown).await {
        tracing::error!(%error, "scheduled jobs do not run");
    }
}
